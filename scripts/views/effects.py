"""Effects of the screened hyperparameters as a picture, beside the baseline's noise band."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.views import style
from scripts.views.results import Results
from scripts.views.scales import within_fence
from scripts.views.words import number, on_validation

LOWER, HIGHER, BASE = style.SKY, style.ORANGE, style.INK
# Groups of runs beyond which a row names no levels: their labels would overlap.
LABELLED_GROUPS = 1


def groups(results: Results, name: str) -> list[pd.DataFrame]:
    """Return the sets of screening runs that differ in the hyperparameter `name` alone.

    One factor at a time gives one set, around the baseline; listed configurations may give more.
    """
    runs = results.runs[results.runs["stage"].isin(("baseline", "screen"))]
    others = [other for other in HYPERPARAMETERS if other != name]
    sets = [
        group.sort_values(name, kind="stable")
        for _, group in runs.groupby([*others, "seed"], sort=False, dropna=False)
        if group[name].nunique() > 1
    ]
    return sorted(sets, key=lambda group: -len(group))


def figure(results: Results) -> Figure:
    """Return a row of dots a hyperparameter, a dot a level, the largest effect at the top."""
    ranking = results.ranking
    if ranking.empty:
        return style.message("This study screens nothing: its config has no `screen` values.")
    ranking = ranking.sort_values("rank", kind="stable")
    drawing = style.new(height=1.3 + 0.52 * len(ranking))
    axes = drawing.add_subplot()
    style.band_across(axes, results.noise, vertical=True)
    shown = _limits(axes, results, ranking)
    for row, entry in enumerate(ranking.to_dict("records")):
        _draw_row(axes, results, row, entry, shown)
    axes.set_yticks(range(len(ranking)), ranking["hyperparameter"].tolist())
    for label, chosen in zip(axes.get_yticklabels(), ranking["chosen"], strict=True):
        label.set_fontweight("bold" if chosen else "normal")
    axes.set_ylim(len(ranking) - 0.4, -0.75)
    axes.set_xlabel(on_validation(results.metric))
    axes.tick_params(axis="y", length=0)
    _effects_column(axes, ranking)
    _legend(drawing, results)
    return drawing


def _points(results: Results, name: str) -> list[list[tuple[Any, float]]]:
    """Return the levels and objectives of each group; the baseline counts with its mean."""
    base = results.baseline
    found = []
    for group in groups(results, name):
        others_at_baseline = all(
            group[other].iloc[0] == base[other] for other in HYPERPARAMETERS if other != name
        )
        pairs = list(zip(group[name].tolist(), group["objective"].tolist(), strict=True))
        if others_at_baseline and results.noise.mean is not None:
            pairs = [(lv, results.noise.mean if lv == base[name] else v) for lv, v in pairs]
        found.append(pairs)
    return found


def _limits(axes: Axes, results: Results, ranking: pd.DataFrame) -> tuple[float, float]:
    """Set the objective's range, without outliers on the bad side, and return it."""
    values = [
        value
        for name in ranking["hyperparameter"]
        for pairs in _points(results, name)
        for _, value in pairs
        if not math.isnan(value)
    ]
    inside = within_fence(sorted(values), results.sign)
    ends = [*inside, *(results.noise.band or ())] or [0.0, 1.0]
    room = 0.09 * (max(ends) - min(ends)) or 0.01
    shown = min(ends) - room, max(ends) + room
    axes.set_xlim(*shown)
    return shown


def _draw_row(axes: Axes, results: Results, row: int, entry: Mapping[Any, Any],
              shown: tuple[float, float]) -> None:  # fmt: skip
    """Draw one hyperparameter's levels, joined where all else is equal."""
    name = str(entry["hyperparameter"])
    axes.axhline(row, color="#eeeeee", lw=0.8, zorder=0.5)
    found = _points(results, name)
    if not found:
        text = (
            "estimated from runs that change several at once"
            if entry["estimable"]
            else "not estimable: no runs tell it apart from the others"
        )
        axes.text(sum(shown) / 2, row, text, ha="center", va="center", color=style.GREY, fontsize=8,
                  bbox=style.PLATE)  # fmt: skip
        return
    for at, pairs in enumerate(found):
        y = row + (0.5 * (at / (len(found) - 1) - 0.5) if len(found) > 1 else 0.0)
        _draw_levels(axes, results, y, (name, pairs), shown, len(found) <= LABELLED_GROUPS)


def _draw_levels(axes: Axes, results: Results, y: float,
                 levels: tuple[str, list[tuple[Any, float]]], shown: tuple[float, float],
                 labelled: bool) -> None:  # fmt: skip
    """Draw a dot a level at height `y`, on a line from the worst to the best.

    Diverged levels are crosses at the bad end, and outliers triangles there with their value.
    """
    name, pairs = levels
    base = results.baseline[name]
    inward = (shown[1] - shown[0]) * 0.012 * results.sign
    edge = (shown[0] if results.sign > 0 else shown[1]) + inward

    def place(value: float) -> float:
        return value if shown[0] <= value <= shown[1] else edge

    finite = [place(value) for _, value in pairs if not math.isnan(value)]
    if finite:
        axes.plot([min(finite), max(finite)], [y, y], color=style.GREY, lw=1.4, zorder=2)
    side, inner, outer = 1, "left" if results.sign > 0 else "right", "center"
    for level, value in sorted(pairs, key=lambda pair: place(pair[1])):
        gone = math.isnan(value)
        outside = gone or place(value) != value
        marker = "x" if gone else ("<" if results.sign > 0 else ">") if outside else "o"
        axes.plot(
            [place(value)], [y], marker=marker, ms=6.5, zorder=4, clip_on=False,
            mfc="none" if gone else _colour(level, base),
            mec=style.VERMILLION if gone else style.INK, mew=1.6 if gone else 0.6,
        )  # fmt: skip
        if not labelled or (level == base and not gone):
            continue
        note = " diverged" if gone else f": {value:.3f}" if outside else ""
        # neighbours are labelled above and below in turn
        axes.annotate(
            number(level, 3) + note, (place(value), y), (0, 5.5 * side), fontsize=7,
            textcoords="offset points", ha=inner if outside else outer, zorder=5,
            va="bottom" if side > 0 else "top", color=style.INK, bbox=style.PLATE,
        )  # fmt: skip
        side = -side


def _colour(level: Any, base: Any) -> str:
    if level == base:
        return BASE
    if isinstance(level, str):
        return style.PURPLE
    return LOWER if level < base else HIGHER


def _effects_column(axes: Axes, ranking: pd.DataFrame) -> None:
    """Write each effect, in the objective and in multiples of the noise, right of its row."""
    side = axes.get_yaxis_transform()
    header = {"fontsize": 7.5, "color": style.GREY, "ha": "right", "va": "center"}
    axes.text(1.10, -0.62, "effect", transform=side, **header)
    axes.text(1.21, -0.62, "\N{DIVISION SIGN} sd", transform=side, **header)
    for row, entry in enumerate(ranking.to_dict("records")):
        if pd.isna(entry["effect"]):
            continue
        weight = "bold" if entry["chosen"] else "normal"
        share = entry["effect_to_noise"]
        for x, text in ((1.10, f"{entry['effect']:.4f}"),
                        (1.21, "" if pd.isna(share) else f"{share:.1f}")):  # fmt: skip
            axes.text(x, row, text, transform=side, ha="right", va="center", fontsize=8,
                      fontweight=weight)  # fmt: skip


def _legend(drawing: Figure, results: Results) -> None:
    """Explain dots and band below the plot."""

    def dot(colour: str, label: str) -> Line2D:
        return Line2D([], [], ls="", marker="o", ms=6, mfc=colour, mec=style.INK, mew=0.6,
                      label=label)  # fmt: skip

    handles: list[Line2D | Patch] = [
        dot(LOWER, "lower than the baseline's"), dot(BASE, "baseline"), dot(HIGHER, "higher"),
    ]  # fmt: skip
    if any(HYPERPARAMETERS[n].kind == "categorical" for n in results.ranking["hyperparameter"]):
        handles.append(dot(style.PURPLE, "other category"))
    if results.noise.band:
        label = "baseline mean \N{PLUS-MINUS SIGN} 2 sd"
        handles.append(Patch(color=style.BAND, label=label))
    drawing.legend(handles=handles, loc="outside lower left", ncols=len(handles),
                   columnspacing=1.2, handletextpad=0.3)  # fmt: skip
