"""Where runs lie in the range of a hyperparameter: its ends, its gaps, the regions that diverge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scripts.analysis.comparison import short
from scripts.analysis.inference import Floats
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.plan import Study


@dataclass(frozen=True)
class Region:
    """A part of one hyperparameter's values that holds every diverged run."""

    name: str
    words: str
    diverged: int
    runs: int


def tried_range(study: Study, frame: pd.DataFrame, name: str) -> tuple[float, float, bool] | None:
    """Return the ends of what was tried and whether the scale is logarithmic; None for names.

    That is what the runs have, and what Optuna searched, where there are trials.
    """
    if HYPERPARAMETERS[name].kind == "categorical" or frame.empty:
        return None
    search = study["hyperparameters"][name].get("search", {})
    ends = [float(frame[name].min()), float(frame[name].max())]
    if "low" in search and study["optuna"]["trials"]:
        ends += [float(search["low"]), float(search["high"])]
    low, high = min(ends), max(ends)
    return (low, high, bool(search.get("log")) and low > 0) if low < high else None


def coordinates(values: Sequence[Any], low: float, high: float, log: bool) -> Floats:
    """Return where values lie between `low` (0) and `high` (1), on the given scale."""
    numbers = np.array(values, dtype=float)
    if log:
        return np.log(numbers / low) / np.log(high / low)
    return (numbers - low) / (high - low)


def largest_gap(
    values: Sequence[Any], low: float, high: float, log: bool
) -> tuple[float, float, float] | None:
    """Return the widest stretch of the range without a value: its ends, and its share of the range.

    None without values. Of gaps of the same width it is the lowest.
    """
    if not len(values):
        return None
    points = sorted({low, high, *(float(value) for value in values)})
    places = coordinates(points, low, high, log)
    widths = np.round(np.diff(places), 12)
    at = int(np.argmax(widths))
    return points[at], points[at + 1], float(widths[at])


def region_of(values: pd.Series, diverged: pd.Series) -> Region | None:
    """Return the smallest region of a hyperparameter with all diverged runs; None for none.

    It is one name, or all numbers from some value up or down. Of its runs at least half must have
    diverged, and there must be runs outside of it.
    """
    name = str(values.name)
    lost = values[diverged]
    regions: list[tuple[str, Any]] = []
    if HYPERPARAMETERS[name].kind == "categorical":
        if lost.nunique() == 1:
            regions.append((f"{name} {lost.iloc[0]}", values == lost.iloc[0]))
    else:
        regions.append((f"{name} >= {short(lost.min())}", values >= lost.min()))
        regions.append((f"{name} <= {short(lost.max())}", values <= lost.max()))
    found = [
        Region(name, words, len(lost), int(inside.sum()))
        for words, inside in regions
        if not inside.all() and 2 * len(lost) >= inside.sum()
    ]
    return min(found, key=lambda one: one.runs, default=None)
