"""The grid as heatmaps: two main hyperparameters an image, further ones as facets."""

import itertools
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


def _levels(runs: pd.DataFrame, name: str) -> list[Any]:
    return sorted(runs[name].unique().tolist(), key=lambda v: (isinstance(v, str), v))


def _line(results: Results, runs: pd.DataFrame, name: str) -> Figure:
    """Draw the objective over the levels of the grid's one hyperparameter."""
    drawing = style.new(width=5.5, height=3.4)
    axes = drawing.add_subplot()
    style.band_across(axes, results.noise)
    levels = _levels(runs, name)
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
    columns, rows = _levels(runs, across), _levels(runs, down)[::-1]
    combinations = list(itertools.product(*(_levels(runs, name) for name in facets)))
    wide = min(len(combinations), _per_row(runs, facets, len(columns)))
    high = -(-len(combinations) // wide)
    drawing = style.new(
        width=max(4.5, 1.6 + wide * (0.72 * len(columns) + 0.35)),
        height=1.3 + high * (0.42 * len(rows) + 0.55 + 0.15 * len(facets)),
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
        image = _heatmap(axes, results, here, (across, columns), (down, rows), scale) or image
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


def _per_row(runs: pd.DataFrame, facets: Sequence[str], columns: int) -> int:
    """Return how many facets stand side by side: all levels of the last facet, where they fit."""
    fits = max(1, int(9 // (0.72 * columns + 0.35)))
    return min(fits, runs[facets[-1]].nunique() if facets else 1)


def _heatmap(axes: Axes, results: Results, runs: pd.DataFrame, across: tuple[str, list[Any]],
             down: tuple[str, list[Any]], scale: Any) -> Any:  # fmt: skip
    """Draw one facet and return its image; the best of the whole grid gets a frame."""
    best = results.complete(results.stage("grid"))
    top = best["objective"].iloc[0] if len(best) else None
    values = np.full((len(down[1]), len(across[1])), np.nan)
    texts = np.full(values.shape, "", dtype=object)
    for (row, low), (column, level) in itertools.product(enumerate(down[1]), enumerate(across[1])):
        cell = runs[(runs[across[0]] == level) & (runs[down[0]] == low)]
        if cell.empty:
            continue
        done = cell["objective"].dropna()
        if done.empty:
            texts[row, column] = "diverged"
            continue
        value = float(done.max() if results.sign > 0 else done.min())
        values[row, column], texts[row, column] = value, f"{value:.4f}".removeprefix("0")
        if value == top:
            axes.add_patch(
                Rectangle((column + 0.03, row + 0.03), 0.94, 0.94, fill=False, lw=2.2,
                          ec=style.VERMILLION, zorder=5)
            )  # fmt: skip
    sns.heatmap(
        values, ax=axes, cmap=style.sequential(results.sign), cbar=False,
        vmin=scale.vmin, vmax=scale.vmax,
        linewidths=1, linecolor="white", annot=False,
        xticklabels=[number(level, 3) for level in across[1]],
        yticklabels=[number(level, 3) for level in down[1]],
    )  # fmt: skip
    axes.set_facecolor("#e8e8e8")
    axes.tick_params(length=0)
    axes.set_yticklabels(axes.get_yticklabels(), rotation=0)
    image = axes.collections[0]
    for (row, column), text in np.ndenumerate(texts):
        missing = np.isnan(values[row, column])
        shade = image.cmap(scale(values[row, column])) if not missing else (0.9, 0.9, 0.9, 1.0)
        dark = 0.2126 * shade[0] + 0.7152 * shade[1] + 0.0722 * shade[2] < 0.45
        axes.text(
            column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8,
            color="white" if dark else style.VERMILLION if missing else "black",
        )  # fmt: skip
    return None if np.isnan(values).all() else image


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
