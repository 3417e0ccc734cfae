"""Baseline against the best by hand, of the grid and of Optuna, beside the baseline's noise."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from scripts.views import style
from scripts.views.results import Results
from scripts.views.words import count, on_validation, signed

COLOURS = {
    "baseline": style.INK, "best by hand": style.SKY, "best of grid": style.BLUE,
    "best of Optuna": style.ORANGE,
}  # fmt: skip


def value(entry: Mapping[str, Any]) -> float | None:
    """Return the objective of a row of best.json's comparison, None where there is none."""
    found = entry.get("objective")
    return None if found is None else float(found)


def figure(results: Results) -> Figure:
    """Return a row a stage's best, and every seed of the baseline."""
    entries = [e for e in results.best.get("comparison", ()) if value(e) is not None]
    labels = [str(entry["label"]) for entry in entries if entry["label"] != "baseline"]
    points = [("baseline", v) for v in results.noise.values]
    points += [(str(e["label"]), float(value(e) or 0)) for e in entries if e["label"] != "baseline"]
    if not points:
        return style.message("No run is complete, so there is nothing to compare.")
    order = (["baseline"] if results.noise.values else []) + labels
    data = pd.DataFrame(points, columns=["label", "objective"])
    drawing = style.new(height=0.95 + 0.48 * len(order))
    axes = drawing.add_subplot()
    style.band_across(axes, results.noise, vertical=True)
    palette = {label: COLOURS.get(label, style.PURPLE) for label in order}
    sns.stripplot(
        data, x="objective", y="label", hue="label", order=order, palette=palette, legend=False,
        size=9, jitter=False, edgecolor=style.INK, linewidth=0.7, ax=axes, zorder=4, clip_on=False,
    )  # fmt: skip
    ties = {str(e["label"]): len(e.get("ties") or ()) for e in entries}
    for row, label in enumerate(order):
        axes.annotate(
            _note(results, label, [v for name, v in points if name == label], ties.get(label, 0)),
            (1.02, row), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8.5,
        )  # fmt: skip
    axes.margins(x=0.08)
    axes.set(ylabel="", xlabel=on_validation(results.metric))
    names = {"baseline": f"baseline, {count(len(results.noise.values), 'seed')}"}
    axes.set_yticks(range(len(order)), [names.get(label, label) for label in order])
    axes.tick_params(axis="y", length=0)
    sns.despine(ax=axes, left=True)
    if results.noise.band:
        drawing.legend(loc="outside lower left")
    return drawing


def _note(results: Results, label: str, values: list[float], ties: int) -> str:
    """Return what stands right of a row: the value, the gain in sd, ties."""
    mean, sd = results.noise.mean, results.noise.sd
    if label == "baseline":
        spread = f" \N{PLUS-MINUS SIGN} {sd:.4f} sd" if sd is not None else ""
        return f"{mean:.4f}{spread}" if mean is not None else ""
    text = f"{values[0]:.4f}"
    if mean is not None and sd:
        text += f"  ({signed(results.sign * (values[0] - mean) / sd, 1)} sd)"
    return text + (f", {ties + 1} tied" if ties else "")
