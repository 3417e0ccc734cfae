"""Interaction plots of the grid: a panel for every two hyperparameters, a line a level of one.

Where two do not interact, their lines are parallel.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.views import style
from scripts.views.grid import levels_of, varied
from scripts.views.results import Results
from scripts.views.words import number, on_validation, probability

# Panels at most, and lines of a panel: the pairs left out say least; more lines are not told apart.
PANELS, LINES = 6, 6
PER_ROW = 3
MARKERS = "osD^vP"


def figure(results: Results) -> Figure:
    """Return the picture, the pairs with the largest interaction first."""
    runs = results.complete(results.stage("grid"))
    names = varied(results, runs)
    if len(names) < 2:
        return style.message(
            "This study has no grid in which two hyperparameters vary, so none can interact."
        )
    tests = {
        frozenset(row["term"].split(":")): row for row in results.interactions.to_dict("records")
    }
    pairs = sorted(combinations(names, 2), key=lambda pair: -_share(tests.get(frozenset(pair))))
    shown = pairs[:PANELS]
    wide = min(PER_ROW, len(shown))
    high = -(-len(shown) // wide)
    drawing = style.new(width=max(4.6, style.WIDTH * wide / PER_ROW), height=0.4 + 3.3 * high)
    panels = drawing.subplots(high, wide, squeeze=False, sharey=True)
    for axes, pair in zip(panels.flat, shown, strict=False):
        _draw(axes, results, runs, pair)
        axes.set_title(_title(tests.get(frozenset(pair))), fontsize=8.5)
    for axes in panels.flat[len(shown) :]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        axes.set_ylabel(on_validation(results.metric))
    if results.noise.mean is not None:
        handles, labels = panels[0, 0].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside lower left")
    return drawing


def _share(row: Any) -> float:
    return 0.0 if row is None or pd.isna(row["share"]) else float(row["share"])


def _title(row: Any) -> str:
    """Return the interaction's part of the spread and its test, of grid/interactions.csv."""
    if row is None or pd.isna(row["share"]):
        return "not tested"
    tested = "" if pd.isna(row["p_holm"]) else f", {probability(row['p_holm'])}"
    return f"{row['share']:.1%} of the spread{tested}"


def _draw(axes: Axes, results: Results, runs: pd.DataFrame, pair: Sequence[str]) -> None:
    """Draw the mean over all else of the grid, a line a level of whichever has fewer."""
    across, lines = sorted(pair, key=lambda name: -runs[name].nunique())
    columns, levels = levels_of(runs, across), levels_of(runs, lines)
    means = runs.groupby([lines, across], sort=False)["objective"].mean()
    style.band_across(axes, results.noise)
    if len(levels) > LINES:
        levels = [levels[at] for at in np.linspace(0, len(levels) - 1, LINES).round().astype(int)]
    shades = style.sequential(1)(np.linspace(0.1, 0.95, len(levels)))
    drawn = [
        axes.plot(range(len(columns)), [means.get((level, column), np.nan) for column in columns],
                  color=shade, marker=marker, ms=5, lw=1.5, zorder=4)[0]
        for level, shade, marker in zip(levels, shades, MARKERS, strict=False)
    ]  # fmt: skip
    step = -(-len(columns) // 5)
    ticks = range(0, len(columns), step)
    axes.set_xticks(ticks, [number(columns[at], 3) for at in ticks])
    axes.set_xlabel(across)
    axes.margins(x=0.12)
    axes.legend(
        drawn, [number(level, 3) for level in levels], title=lines, ncols=3, loc="upper left",
        bbox_to_anchor=(-0.02, -0.2), borderaxespad=0, columnspacing=1.0, handlelength=1.4,
        title_fontsize=8.5, alignment="left",
    )  # fmt: skip
