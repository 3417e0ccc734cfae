"""The grid as heatmaps: two main hyperparameters an image, further ones as facets."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.views import style
from scripts.views.results import Results
from scripts.views.scales import within_fence
from scripts.views.words import listed, number, on_validation

# Facets that fit on a page; beyond, further hyperparameters are folded into the best over them.
MAX_FACETS = 12
# A cell's size in inches, and the largest of a facet: where levels are many, cells become smaller.
CELL = 0.72, 0.42
FACET = 9.0, 6.0
# From this width of a cell on, its score stands in it.
SPELLED = 0.5
# What a level's label takes beside an axis, in inches: of smaller cells not every one is labelled.
LABEL = 0.5, 0.16


def varied(results: Results, runs: pd.DataFrame) -> list[str]:
    """Return the hyperparameters that vary in the grid, the most important first."""
    names = [name for name in HYPERPARAMETERS if runs[name].nunique() > 1]
    chosen = list(results.chosen.get("hyperparameters", ()))
    return sorted(names, key=lambda name: chosen.index(name) if name in chosen else len(chosen))


def figure(results: Results) -> Figure:
    """Return the grid's picture: a line for one hyperparameter, heatmaps for two and more."""
    runs = results.stage("grid")
    if runs.empty:
        return style.message("This study has no grid: it is switched off, or has no grid values.")
    names = varied(results, runs)
    if not names:
        return style.message("The grid has one point, so no hyperparameter varies in it.")
    return _line(results, runs, names[0]) if len(names) == 1 else _heatmaps(results, runs, names)


def levels_of(runs: pd.DataFrame, name: str) -> list[Any]:
    """Return a hyperparameter's values in the runs, numbers by size and before words."""
    return sorted(runs[name].unique().tolist(), key=lambda v: (isinstance(v, str), v))


def _line(results: Results, runs: pd.DataFrame, name: str) -> Figure:
    """Draw the objective over the levels of the grid's one hyperparameter."""
    drawing = style.new(width=5.5, height=3.4)
    axes = drawing.add_subplot()
    style.band_across(axes, results.noise)
    levels = levels_of(runs, name)
    data = runs.assign(level=[levels.index(v) for v in runs[name]])
    sns.lineplot(data, x="level", y="objective", marker="o", color=style.BLUE, ax=axes,
                 errorbar=None)  # fmt: skip
    for _, run in data[data["objective"].isna()].iterrows():
        axes.annotate("diverged", (run["level"], 0.02), xycoords=("data", "axes fraction"),
                      ha="center", color=style.VERMILLION, fontsize=8)  # fmt: skip
    axes.set_xticks(range(len(levels)), [number(level, 3) for level in levels])
    axes.set(xlabel=name, ylabel=on_validation(results.metric))
    axes.margins(x=0.1)
    if results.noise.mean is not None:
        drawing.legend(loc="outside lower left", ncols=2)
    return drawing


def _facets(runs: pd.DataFrame, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the hyperparameters that facets show, and those folded into their best."""
    facets: list[str] = []
    product = 1
    for name in names:
        product *= runs[name].nunique()
        if product > MAX_FACETS or len(facets) == 2:
            return facets, [other for other in names if other not in facets]
        facets.append(name)
    return facets, []


def _heatmaps(results: Results, runs: pd.DataFrame, names: list[str]) -> Figure:
    """Draw the first two hyperparameters as heatmaps, faceted by the third and the fourth."""
    # more levels read better along x
    across, down = sorted(names[:2], key=lambda name: -runs[name].nunique())
    facets, folded = _facets(runs, names[2:])
    columns, rows = levels_of(runs, across), levels_of(runs, down)[::-1]
    combinations = list(itertools.product(*(levels_of(runs, name) for name in facets)))
    size = min(CELL[0], FACET[0] / len(columns)), min(CELL[1], FACET[1] / len(rows))
    width = size[0] * len(columns) + 0.35
    wide = min(len(combinations), _per_row(runs, facets, width))
    high = -(-len(combinations) // wide)
    drawing = style.new(
        width=max(4.5, 1.6 + wide * width),
        height=1.3 + high * (size[1] * len(rows) + 0.55 + 0.15 * len(facets)),
    )
    grid = drawing.subplots(high, wide, squeeze=False)
    values = sorted(float(v) for v in runs["objective"].dropna())
    inside = within_fence(values, results.sign) or [0.0, 1.0]
    scale = style.norm(inside[0], inside[-1])
    image = None
    for axes, combination in itertools.zip_longest(grid.flat, combinations):
        if combination is None:
            axes.set_axis_off()
            continue
        here = runs
        for name, level in zip(facets, combination, strict=True):
            here = here[here[name] == level]
        image = _heatmap(axes, results, here, (across, columns), (down, rows), scale, size) or image
        title = "\n".join(
            f"{name} {number(level, 3)}" for name, level in zip(facets, combination, strict=True)
        )
        axes.set_title(title, fontsize=8.5)
        axes.set(xlabel=across, ylabel=down)
        axes.label_outer()
    if image is not None:
        _colourbar(drawing, grid, image, results)
    if folded:
        drawing.suptitle(f"Best over {listed(folded)}", x=0.01, ha="left", fontsize=9)
    return drawing


def _per_row(runs: pd.DataFrame, facets: Sequence[str], width: float) -> int:
    """Return how many facets stand side by side: all levels of the last facet, where they fit."""
    fits = max(1, int(FACET[0] // width))
    return min(fits, runs[facets[-1]].nunique() if facets else 1)


def _heatmap(axes: Axes, results: Results, runs: pd.DataFrame, across: tuple[str, list[Any]],
             down: tuple[str, list[Any]], scale: Any,
             size: tuple[float, float]) -> Any:  # fmt: skip
    """Draw one facet and return its image; the best of the whole grid gets a frame.

    `size` is a cell's, in inches: scores and all levels are spelled out where there is room.
    """
    best = results.complete(results.stage("grid"))
    top = best["objective"].iloc[0] if len(best) else None
    values = np.full((len(down[1]), len(across[1])), np.nan)
    texts = np.full(values.shape, "", dtype=object)
    frame = 2.2 if size[0] >= SPELLED else 1.2
    places = {
        name: {level: at for at, level in enumerate(levels)} for name, levels in (across, down)
    }
    for (low, level), cell in runs.groupby([down[0], across[0]], sort=False)["objective"]:
        row, column = places[down[0]][low], places[across[0]][level]
        done = cell.dropna()
        if done.empty:
            texts[row, column] = "diverged"
            continue
        value = float(done.max() if results.sign > 0 else done.min())
        values[row, column], texts[row, column] = value, f"{value:.4f}".removeprefix("0")
        if value == top:
            axes.add_patch(
                Rectangle((column + 0.03, row + 0.03), 0.94, 0.94, fill=False, lw=frame,
                          ec=style.VERMILLION, zorder=5)
            )  # fmt: skip
    sns.heatmap(
        values, ax=axes, cmap=style.sequential(results.sign), cbar=False,
        vmin=scale.vmin, vmax=scale.vmax,
        linewidths=min(1, 1.4 * size[0]), linecolor="white", annot=False,
        xticklabels=False, yticklabels=False,
    )  # fmt: skip
    axes.set_facecolor("#e8e8e8")
    axes.tick_params(length=0)
    for axis, (_, levels), label, cell_size in zip(
        (axes.xaxis, axes.yaxis), (across, down), LABEL, size, strict=True
    ):
        shown = range(0, len(levels), max(1, math.ceil(label / cell_size)))
        axis.set_ticks([at + 0.5 for at in shown], [number(levels[at], 3) for at in shown])
    image = axes.collections[0]
    if size[0] >= SPELLED:
        _spell(axes, image, values, texts)
    return None if np.isnan(values).all() else image


def _spell(axes: Axes, image: Any, values: np.ndarray, texts: np.ndarray) -> None:
    """Write each cell's score into it, dark on light and light on dark."""
    for (row, column), text in np.ndenumerate(texts):
        missing = np.isnan(values[row, column])
        shade = (0.9, 0.9, 0.9, 1.0) if missing else image.cmap(image.norm(values[row, column]))
        dark = 0.2126 * shade[0] + 0.7152 * shade[1] + 0.0722 * shade[2] < 0.45
        axes.text(
            column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8,
            color="white" if dark else style.VERMILLION if missing else "black",
        )  # fmt: skip


def _colourbar(drawing: Figure, grid: np.ndarray, image: Any, results: Results) -> None:
    """Draw the colours' scale with the baseline's mean and noise band on it."""
    bar = drawing.colorbar(image, ax=grid, pad=0.02, fraction=0.05, aspect=18)
    bar.outline.set_visible(False)
    bar.set_label(on_validation(results.metric))
    low, high = image.norm.vmin, image.norm.vmax
    handles = [Patch(fill=False, ec=style.VERMILLION, lw=2, label="best of the grid")]
    if results.noise.band:
        ends = [min(high, max(low, end)) for end in results.noise.band]
        bar.ax.axhspan(*ends, facecolor="none", edgecolor="white", lw=1.2, hatch="////")
        bar.ax.axhspan(*ends, facecolor="none", edgecolor=style.INK, lw=1.0)
        label = "baseline mean \N{PLUS-MINUS SIGN} 2 sd, on the scale of colours"
        handles.append(Patch(fc="#8fb0c0", ec="white", hatch="////", label=label))
    drawing.legend(handles=handles, loc="outside lower left", ncols=2)
