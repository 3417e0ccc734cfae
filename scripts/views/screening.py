"""The screening as a picture and in words, whichever design it was run by."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.analysis import regression
from scripts.study import plan
from scripts.study.designs import Factor, design_of, factors
from scripts.views import effects, style
from scripts.views.results import Results
from scripts.views.scales import within_fence
from scripts.views.words import count, number, on_validation, score, signed

NAMES = {
    "plackett_burman": "a Plackett-Burman design",
    "latin_hypercube": "a Latin hypercube",
    "sobol": "a Sobol sequence",
}
COLUMNS = 4  # panels in a row
# Shares of interactions that a table names; the file names all of them.
_NAMED = 3


def figure(results: Results) -> Figure:
    """Return the effects of the screened hyperparameters, the largest first.

    One factor at a time gives a row of dots each (`effects`), a design a panel each: all its runs,
    and the means of the two levels or the fitted curve.
    """
    if design_of(results.study) is None:
        return effects.figure(results)
    varied = {one.name: one for one in factors(results.study)}
    ranked = [name for name in results.ranking["hyperparameter"] if name in varied]
    runs = _runs(results)
    done = runs[runs["objective"].notna() & (runs["status"] == "complete")]
    if done.empty or not ranked:
        return style.message("No run of the screening design completed.")
    rows = math.ceil(len(ranked) / COLUMNS)
    drawing = style.new(height=0.7 + 2.1 * rows)
    panels = drawing.subplots(rows, COLUMNS, sharey=True, squeeze=False)
    _limits(panels[0, 0], results, done)
    fit = None
    if design_of(results.study)["name"] != "plackett_burman":  # type: ignore[index]
        own = done.sort_values("run", kind="stable")
        scores = results.sign * own["objective"].to_numpy(dtype=float)
        fit = own, scores, regression.least_squares(list(varied.values()), own, scores)
    for at, axes in enumerate(panels.flat):
        if at >= len(ranked):
            axes.set_visible(False)
            continue
        one = varied[ranked[at]]
        style.band_across(axes, results.noise)
        _draw_runs(axes, one, done)
        if fit is None:
            _draw_means(axes, one, done)
        else:
            _draw_curve(axes, one, *fit, results.sign)
        _label(axes, results, one)
    drawing.supylabel(on_validation(results.metric), fontsize=9)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside lower left", ncols=4, columnspacing=1.4)
    return drawing


def _runs(results: Results) -> pd.DataFrame:
    """Return the design's runs."""
    names = [run.name for run in plan.design_runs(results.study)]
    return results.runs[results.runs["run"].isin(names)]


def _limits(axes: Axes, results: Results, done: pd.DataFrame) -> None:
    """Set the objective's range, without outliers on the bad side."""
    inside = within_fence(sorted(done["objective"].tolist()), results.sign)
    ends = [*inside, *(results.noise.band or ())]
    room = 0.08 * (max(ends) - min(ends)) or 0.01
    axes.set_ylim(min(ends) - room, max(ends) + room)


def _place(one: Factor, value: Any) -> float:
    """Return where a value stands along its axis, from 0 to 1."""
    if one.categorical:
        return one.levels.index(value) / max(1, len(one.levels) - 1)
    return one.coordinate(value)


def _draw_runs(axes: Axes, one: Factor, done: pd.DataFrame) -> None:
    x = [_place(one, value) for value in done[one.name].tolist()]
    axes.plot(x, done["objective"], ls="", marker="o", ms=4, mfc=style.SKY, mec=style.INK, mew=0.4,
              alpha=0.85, zorder=3, label="run")  # fmt: skip


def _draw_means(axes: Axes, one: Factor, done: pd.DataFrame) -> None:
    """Draw the mean of each of the two levels, joined."""
    means = [done.loc[done[one.name] == level, "objective"].mean() for level in one.ends()]
    axes.plot([0, 1], means, color=style.VERMILLION, lw=1.6, marker="s", ms=5, zorder=4,
              label="mean of a level")  # fmt: skip


def _draw_curve(axes: Axes, one: Factor, own: pd.DataFrame, scores: Any,
                fit: regression.Fit, sign: int) -> None:  # fmt: skip
    """Draw the fitted curve of one factor, the others at their runs' mean."""
    block = fit.blocks[one.name]
    values = list(one.levels) if one.levels else [one.value(unit) for unit in np.linspace(0, 1, 60)]
    if not one.levels:
        values[-1] = one.ends()[1]
    rows = regression.basis(one, values, fit.degree)
    mean = regression.basis(one, own[one.name].tolist(), fit.degree).mean(axis=0)
    curve = sign * (scores.mean() + (rows - mean) @ fit.coefficients[block])
    marker = "s" if one.categorical else ""
    axes.plot([_place(one, value) for value in values], curve, color=style.VERMILLION, lw=1.6,
              ls="" if one.categorical else "-", marker=marker, ms=6, zorder=4,
              label="fitted, all else equal")  # fmt: skip


def _label(axes: Axes, results: Results, one: Factor) -> None:
    """Write name and effect above a panel, and its values below."""
    entry = results.ranking[results.ranking["hyperparameter"] == one.name].iloc[0]
    effect = "not estimable" if pd.isna(entry["effect"]) else f"effect {entry['effect']:.4f}"
    weight = "bold" if entry["chosen"] else "normal"
    out = " *" if entry.get("stands_out") == 1 else ""
    axes.set_title(f"{one.name}\n{effect}{out}", fontsize=8, fontweight=weight)
    if one.levels:
        ticks, labels = [_place(one, v) for v in one.levels], [number(v, 3) for v in one.levels]
    else:
        middle = one.value(0.5)
        ticks = [0.0, one.coordinate(middle), 1.0]
        low, high = one.ends()
        labels = [number(value, 2) for value in (low, middle, high)]
        if design_of(results.study)["name"] == "plackett_burman":  # type: ignore[index]
            del ticks[1], labels[1]
    # A name of several words takes several lines, lest it runs into its neighbour.
    broken = [label.replace("_", "\n") for label in labels]
    axes.set_xticks(ticks, broken, fontsize=7)
    axes.set_xlim(-0.1, 1.1)


def context(results: Results) -> Mapping[str, Any]:
    """Return what the report says of the design: words, heads and rows; empty without a design."""
    design = design_of(results.study)
    if design is None or results.ranking.empty:
        return {"words": "", "heads": [], "rows": []}
    runs, entries = _runs(results), results.ranking.to_dict("records")
    many = count(len(factors(results.study)), "hyperparameter")
    done = int((runs["status"] == "complete").sum())
    words = (
        f"{many} varied at once by {NAMES[design['name']]} of {count(design['runs'], 'run')}"
        f" ({len(runs)} different, {done} complete). "
    )
    if design["name"] == "plackett_burman":
        words += (
            "An effect is the difference of the two levels' means, all else equal, held against the"
            " baseline's noise. "
        )
        if any(isinstance(entry.get("aliased_with"), str) for entry in entries):
            words += (
                "It cannot be told from interactions: the true effect is the one shown less the"
                " given share of each interaction named here, which is half of what going up in one"
                f" gains more at the other's upper level than at its lower{results.turned}."
            )
        else:
            words += "It holds no interaction of two hyperparameters."
        heads, row = ["Hyperparameter", "Holds of interactions"], _aliased
        return {"words": words, "heads": heads, "rows": [row(entry) for entry in entries]}
    words += (
        "An effect is the largest difference along a curve fitted to all of them at once, and its"
        " interval holds wherever on the curve one looks. What the curves leave over is the noise:"
        f" {_residual(results)}. Spearman's rank correlation looks at each hyperparameter alone,"
        " and sees only what rises or falls throughout."
    )
    heads, row = ["Hyperparameter", "Curve", "Rank correlation"], _correlated
    return {"words": words, "heads": heads, "rows": [row(entry) for entry in entries]}


def _residual(results: Results) -> str:
    first = results.ranking.iloc[0]
    if pd.isna(first.get("residual_sd")):
        return "nothing is left over, so that chance cannot be told"
    return f"sd {score(first['residual_sd'])}, {int(first['residual_df'])} degrees of freedom"


def _aliased(entry: Mapping[Any, Any]) -> list[str]:
    text = entry.get("aliased_with")
    parts = [] if not isinstance(text, str) else text.split("; ")
    said = [part.replace(":", " with ") for part in parts[:_NAMED]]
    if len(parts) > _NAMED:
        said.append(f"{len(parts) - _NAMED} more")
    words = ", ".join(said).replace(" -", " \N{MINUS SIGN}") or "none"
    return [str(entry["hyperparameter"]), words]


def _correlated(entry: Mapping[Any, Any]) -> list[str]:
    rho = entry.get("spearman")
    text = "" if rho is None or pd.isna(rho) else (
        f"{signed(rho, 2)} ({signed(entry['spearman_low'], 2)} to"
        f" {signed(entry['spearman_high'], 2)})"
    )  # fmt: skip
    model = entry.get("model")
    return [str(entry["hyperparameter"]), model if isinstance(model, str) else "", text]
