"""Importances of the hyperparameters, with their uncertainty, as a picture and a table."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from scripts.views import style
from scripts.views.results import Results
from scripts.views.words import count, listed

WAYS = {"fanova": ("fANOVA", style.INK), "ped_anova": ("PED-ANOVA", style.ORANGE)}
Cell = tuple[str, str | float]  # what is shown, and what is sorted by


def figure(results: Results) -> Figure:
    """Return a dot with its interval for each hyperparameter and evaluator."""
    rows = results.importances
    if rows.empty:
        return style.message(
            "This study has too few complete runs, or too little that varies, for importances."
        )
    drawing = style.new(height=1.2 + 0.42 * len(rows))
    axes = drawing.add_subplot()
    for at, (way, (label, colour)) in enumerate(WAYS.items()):
        known = rows[rows[way].notna()]
        y = known.index.to_numpy() + (0.16 if at else -0.16)
        axes.hlines(y, known[f"{way}_low"], known[f"{way}_high"], color=colour, lw=1.4, zorder=3)
        axes.plot(known[way], y, "o", ms=5.5, mfc=colour, mec=style.INK, mew=0.5, zorder=4,
                  label=label)  # fmt: skip
    axes.set_yticks(range(len(rows)), rows["hyperparameter"].tolist())
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-0.01, 1.01)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlabel("Share of all hyperparameters' importance")
    axes.grid(axis="x", color="#eeeeee", zorder=0)
    drawing.legend(loc="outside lower left", ncols=2)
    return drawing


def table(results: Results) -> tuple[list[str], list[list[Cell]]]:
    """Return heads and cells of the report's table; no cells where there are no importances."""
    rows: list[list[Cell]] = []
    for entry in results.importances.to_dict("records"):
        row: list[Cell] = [(str(entry["hyperparameter"]), str(entry["hyperparameter"]))]
        row += [_share(entry, way) for way in WAYS]
        rows.append(row)
    return ["Hyperparameter", *(label for label, _ in WAYS.values())], rows


def _share(entry: Any, way: str) -> Cell:
    if pd.isna(entry[way]):
        return "", ""
    low, high = entry[f"{way}_low"], entry[f"{way}_high"]
    return f"{entry[way]:.1%} ({low:.1%} to {high:.1%})", float(entry[way])


def words(results: Results) -> str:
    """Return what the importances come from, in words."""
    if results.importances.empty:
        return ""
    first = results.importances.iloc[0]
    runs, completed = int(first["runs"]), int(first["completed"])
    drawn = f", drawn from {completed:,}" if completed > runs else ""
    text = (
        f"From {count(int(first['runs']), 'complete run')}{drawn}; in brackets the middle"
        f" {first['confidence']:.0%} over {int(first['resamples'])} resamples of them. "
    )
    wide = [
        str(row["hyperparameter"])
        for row in results.importances.to_dict("records")
        if pd.notna(row["fanova"]) and row["fanova_high"] - row["fanova_low"] > 0.5
    ]
    if wide:
        text += (
            f"What {listed(wide)} accounts for is hardly known: the runs are too few to say it"
            " within 50 percentage points. "
        )
    return text + (
        "Importances hold for the values that were run, interactions aside; they do not say in"
        " which direction."
    )
