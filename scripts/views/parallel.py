"""Parallel coordinates as a picture: one axis a hyperparameter that varies, the objective last."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.views import style
from scripts.views.density import density
from scripts.views.results import Results
from scripts.views.scales import Axis, axes, spread
from scripts.views.words import count, metric_name, sentence_case

# Runs after the best that stand out, beyond which a picture has no room for emphasis.
RUNNERS_UP = 4
# Lines beyond which they are one picture of means: 10,000 paths open slowly, and hide each other.
MAX_PATHS = 1200
FOOT, TOP = -0.06, 1.06

STAGES = {
    "screen": "the screening and its baseline",
    "grid": "the grid",
    "optuna": "the Optuna trials",
    "all": "the study",
}
MISSING = {
    "screen": "This study screens nothing: its config has no `screen` values.",
    "grid": "This study has no grid: it is switched off, or no grid values are given.",
    "optuna": "This study has no Optuna trials: `optuna.trials` is 0.",
    "all": "This study has no runs.",
}


def members(results: Results, stage: str) -> pd.DataFrame:
    """Return the runs that a stage's plot shows; the screening is seen beside its baseline."""
    runs = results.stage(stage)
    if stage != "screen" or runs.empty:
        return runs
    return results.runs[results.runs.index.isin(runs.index) | (results.runs["stage"] == "baseline")]


def figure(results: Results, stage: str) -> Figure:
    """Return the parallel coordinates plot of one stage (`screen`, `grid`, `optuna`) or `all`."""
    runs = members(results, stage)
    if runs.empty:
        return style.message(MISSING[stage])
    *varied, objective = axes(results, runs)
    varied = [axis for axis in varied if not axis.constant]
    if not varied:
        return style.message(
            f"No hyperparameter varies among the {count(len(runs), 'run')} of {STAGES[stage]}."
        )
    drawn = [*varied, objective]
    drawing = style.new(width=max(6.4, 1.05 * len(drawn) + 1.2), height=4.6)
    canvas = drawing.add_subplot()
    canvas.set(xlim=(-0.45, len(drawn) - 0.35), ylim=(FOOT, TOP))
    canvas.axis("off")
    _draw_runs(canvas, results, runs, drawn)
    for at, axis in enumerate(drawn):
        _draw_axis(canvas, at, axis)
    _draw_band(canvas, results, len(drawn) - 1, objective)
    _legend(drawing, results, runs)
    title = f"{sentence_case(count(len(runs), 'run'))} of {STAGES[stage]}"
    drawing.suptitle(title, x=0.01, ha="left", fontsize=10)
    return drawing


def _draw_runs(canvas: Axes, results: Results, runs: pd.DataFrame, drawn: list[Axis]) -> None:
    """Draw a line a run: the worst first, so that the best lie on top."""
    objective = drawn[-1]
    ranks = runs["objective"].rank(method="first").fillna(0).tolist()
    columns = [axis.name for axis in drawn[:-1]] + ["objective"]
    places = [
        spread([axis.position(v) for v in runs[column].tolist()], ranks)
        if column != "objective"
        else [axis.position(v) for v in runs[column].tolist()]
        for axis, column in zip(drawn, columns, strict=True)
    ]
    lines = np.stack([np.tile(np.arange(len(drawn)), (len(runs), 1)), np.array(places).T], axis=2)
    status = runs["status"].to_numpy()
    best = results.complete(runs)
    top = best["objective"].iloc[0] if len(best) else None
    first = set(best.index[best["objective"] == top])
    next_best = set(best.index[: len(first) + RUNNERS_UP]) - first
    colours = style.sequential(results.sign)
    scale = style.norm(objective.low, objective.high)
    many = len(runs) > MAX_PATHS
    faint = len(runs) > 200

    def add(mask: np.ndarray, colour: object, width: float, z: int, dash: str = "solid",
            alpha: float = 1.0) -> None:  # fmt: skip
        if mask.any():
            collection = LineCollection(
                list(lines[mask]), colors=colour, linewidths=width, zorder=z, linestyles=dash,
                alpha=alpha, capstyle="round", joinstyle="round",
            )  # fmt: skip
            canvas.add_collection(collection)

    order = np.argsort(np.where(np.isnan(v := runs["objective"].to_numpy(float)), 0, v))
    order = order if results.sign > 0 else order[::-1]
    index = runs.index.to_numpy()
    done = status == "complete"
    is_next, is_first = np.isin(index, list(next_best)), np.isin(index, list(first))
    lines, status, done = lines[order], status[order], done[order]
    is_next, is_first = is_next[order], is_first[order]
    values = v[order]
    rest = done & ~is_next & ~is_first
    if many:
        for mask, z in ((~done, 2), (done, 3)):
            mean, strength = density(lines[mask, :, 1], np.nan_to_num(values[mask]), FOOT, TOP)
            picture = colours(scale(mean)) if z == 3 else np.full((*mean.shape, 4), 0.6)
            picture[..., 3] = strength
            extent = (0, len(drawn) - 1, FOOT, TOP)
            canvas.imshow(picture, extent=extent, origin="lower", aspect="auto", zorder=z)
    else:
        add(np.isin(status, ("diverged", "failed")), style.PALE, 0.9, 2, "dotted")
        add(status == "pruned", "#9a9a9a", 0.9, 2, "dashed")
        add(rest, colours(scale(values[rest])), 1.0, 3, alpha=0.35 if faint else 0.8)
    add(is_next, colours(scale(values[is_next])), 2.0, 4)
    add(is_first, style.VERMILLION, 2.6, 5)


def _draw_axis(canvas: Axes, at: int, axis: Axis) -> None:
    """Draw an axis with its name above and its ticks to the left of it."""
    canvas.plot([at, at], [axis.start, axis.end], color=style.INK, lw=1, zorder=8)
    for place in axis.places.values():
        canvas.plot([at], [place], marker="_", ms=8, color=style.INK, zorder=8)
    if axis.places:
        ends = sorted([axis.start, axis.end, *axis.places.values()])
        canvas.plot([at, at], [ends[0], ends[-1]], color=style.INK, lw=0.8, ls=":", zorder=7)
    last = axis.name not in HYPERPARAMETERS
    for place, label in axis.ticks:
        canvas.plot([at], [place], marker="_", ms=5, color=style.INK, zorder=8)
        if last:
            canvas.text(at + 0.14, place, label, ha="left", va="center", fontsize=8, zorder=9)
            continue
        canvas.text(
            at - 0.05, place, _wrap(label) if axis.categories else label, ha="right", va="center",
            fontsize=7.5, zorder=9, bbox=style.PLATE, linespacing=0.95,
        )  # fmt: skip
    title = sentence_case(metric_name(axis.name)) if last else _wrap(axis.name)
    unit = f"\n({axis.unit})" if axis.unit else ""
    note = "\nlog scale" if axis.log else "\n(validation)" if last and axis.name != "loss" else ""
    canvas.annotate(
        f"{title}{unit}{note}", (at, 1.0), (0, 12), textcoords="offset points", ha="center",
        va="bottom", fontsize=8.5, fontweight="bold" if last else "normal", annotation_clip=False,
    )  # fmt: skip


def _wrap(name: str) -> str:
    """Return a name on several short lines, broken after underscores."""
    lines = [""]
    for part in name.replace("_", "_ ").split():
        if lines[-1] and len(lines[-1] + part) > 11:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _draw_band(canvas: Axes, results: Results, at: int, objective: Axis) -> None:
    """Draw the colours along the objective's axis and the baseline's noise band on it."""
    steps = np.linspace(objective.low, objective.high, 256)
    colours = style.sequential(results.sign)(style.norm(objective.low, objective.high)(steps))
    canvas.imshow(
        colours[:, None, :], extent=(at + 0.03, at + 0.09, objective.start, objective.end),
        origin="lower", aspect="auto", zorder=6, interpolation="nearest",
    )  # fmt: skip
    band = results.noise.band
    if band:
        low, high = objective.position(band[0]), objective.position(band[1])
        canvas.add_patch(
            Rectangle((at - 0.1, low), 0.1, high - low, facecolor="#bdbdbd", edgecolor=style.INK,
                      lw=0.8, alpha=0.75, zorder=7)
        )  # fmt: skip
    if results.noise.mean is not None:
        mean = objective.position(results.noise.mean)
        canvas.plot([at - 0.1, at], [mean, mean], color=style.INK, lw=1.2, zorder=8)


def _legend(drawing: Figure, results: Results, runs: pd.DataFrame) -> None:
    """Explain what lines are in the plot, below it."""
    best = results.complete(runs)
    ties = int((best["objective"] == best["objective"].iloc[0]).sum()) if len(best) else 0
    colour = style.sequential(1)(0.9)
    handles: list[Line2D | Patch] = []
    if ties:
        text = "best run" if ties == 1 else f"best runs ({ties} tied)"
        handles.append(Line2D([], [], color=style.VERMILLION, lw=2.6, label=text))
    if len(best) > ties:
        further = min(RUNNERS_UP, len(best) - ties)
        handles.append(Line2D([], [], color=colour, lw=2.0, label=f"next {further}"))
    for status, dash in (("pruned", "dashed"), ("diverged", "dotted"), ("failed", "dotted")):
        if found := int((runs["status"] == status).sum()):
            dash = "solid" if len(runs) > MAX_PATHS else dash
            handles.append(
                Line2D([], [], color=style.GREY, lw=1, ls=dash, label=f"{status} ({found})")
            )
    if results.noise.band:
        label = "baseline mean \N{PLUS-MINUS SIGN} 2 sd"
        handles.append(Patch(facecolor="#bdbdbd", edgecolor=style.INK, lw=0.8, label=label))
    drawing.legend(handles=handles, loc="outside lower left", ncols=len(handles))
