"""Axes of parallel coordinates: the scale, ticks and place of every value, once for PNG and HTML.

An axis maps a value to a position from 0 (foot) to 1 (top). Most of its length is a linear,
logarithmic or categorical scale; what does not fit the scale has a place of its own at an end: zero
on a logarithmic axis, an outlier that would crush the rest, a run without an objective.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from matplotlib.ticker import LogLocator, MaxNLocator

from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.views.results import Results
from scripts.views.words import UNITS, number

# A span of values beyond this many decades is drawn on a logarithmic axis.
DECADES = 1.5
# Share of the axis that a place beside the scale takes.
PLACE = 0.08
# Values further than this many interquartile ranges outside the quartiles are outliers.
FENCE = 3.0


@dataclass(frozen=True)
class Axis:
    """One axis. `start` and `end` are the positions of `low` and `high`, the ends of the scale.

    `places` holds the positions beside the scale: `zero`, `outlier`, `diverged`.
    `ticks` are positions with their labels, the places' included.
    """

    name: str
    unit: str = ""
    log: bool = False
    low: float = 0.0
    high: float = 1.0
    start: float = 0.0
    end: float = 1.0
    categories: tuple[str, ...] = ()
    places: dict[str, float] = field(default_factory=dict)
    ticks: tuple[tuple[float, str], ...] = ()
    constant: bool = False

    def position(self, value: object) -> float:
        """Return the position of `value`, from 0 to 1."""
        if self.categories:
            last = len(self.categories) - 1
            return self.categories.index(str(value)) / last if last else 0.5
        if value is None or pd.isna(value):  # type: ignore[call-overload]
            return self.places.get("diverged", self.start)
        amount = float(value)  # type: ignore[arg-type]
        if amount == 0 and "zero" in self.places:
            return self.places["zero"]
        if not self.low <= amount <= self.high and "outlier" in self.places:
            return self.places["outlier"]
        if self.low == self.high:
            return (self.start + self.end) / 2
        low, high, amount = (
            (math.log(self.low), math.log(self.high), math.log(amount))
            if self.log
            else (self.low, self.high, amount)
        )
        share = min(1.0, max(0.0, (amount - low) / (high - low)))
        return self.start + share * (self.end - self.start)


def hyperparameter_axis(name: str, values: Sequence[Value], log: bool | None = None) -> Axis:
    """Return the axis of a hyperparameter that took `values`.

    `log` is what its search space says: a space that is uniform from 0 is linear, however small
    its smallest draw. None leaves it to the values: logarithmic where they span over 1.5 decades.
    """
    if HYPERPARAMETERS[name].kind == "categorical":
        order = HYPERPARAMETERS[name].choices
        seen = sorted({str(v) for v in values}, key=lambda v: order.index(v) if v in order else 99)
        last = len(seen) - 1
        ticks = tuple((i / last if last else 0.5, text) for i, text in enumerate(seen))
        return Axis(name, categories=tuple(seen), ticks=ticks, constant=last < 1)
    numbers = sorted({float(v) for v in values})
    positive = [v for v in numbers if v > 0]
    if log is None:
        log = bool(positive) and positive[-1] / positive[0] > 10**DECADES
    log = log and len(positive) > 1
    zero = log and numbers[0] == 0
    scale = positive if log else numbers
    axis = Axis(
        name,
        UNITS.get(name, ""),
        log,
        low=scale[0],
        high=scale[-1],
        start=PLACE if zero else 0.0,
        places={"zero": 0.0} if zero else {},
        constant=len(numbers) == 1,
    )
    return _with_ticks(axis, numbers)


def objective_axis(results: Results, runs: pd.DataFrame) -> Axis:
    """Return the objective's axis, with the noise band in its scale.

    Outliers on the bad side share one place at that end, and so do runs without an objective; an
    outlier on the good side is what the study looks for, and stays in the scale.
    """
    values = sorted(float(v) for v in runs["objective"].dropna())
    places: dict[str, float] = {}
    diverged = int(runs["objective"].isna().sum())
    inside = within_fence(values, results.sign)
    within = set(inside)
    outliers = [v for v in values if v not in within]
    ends = [*inside, *(results.noise.band or ())] or [0.0, 1.0]
    low, high = min(ends), max(ends)
    margin = 0.03 * (high - low) or 0.01
    at = 0.0
    labels = []
    for kind, there in (("diverged", diverged), ("outlier", outliers)):
        if there:
            places[kind] = at if results.sign > 0 else 1 - at
            text = "none" if kind == "diverged" else _outlier_label(outliers, results.sign)
            labels.append((places[kind], text))
            at += PLACE
    axis = Axis(
        results.metric,
        low=low - margin,
        high=high + margin,
        start=at if results.sign > 0 else 0.0,
        end=1.0 if results.sign > 0 else 1 - at,
        places=places,
    )
    locator = MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10])
    marks = [float(v) for v in locator.tick_values(axis.low, axis.high)]
    decimals = _decimals(marks)
    ticks = [(axis.position(v), f"{v:.{decimals}f}") for v in marks if axis.low <= v <= axis.high]
    return Axis(**{**axis.__dict__, "ticks": tuple(sorted([*labels, *ticks]))})


def within_fence(values: Sequence[float], sign: int) -> list[float]:
    """Return the values that are no outliers on the bad side (below for `sign` 1)."""
    if len(values) < 6:
        return list(values)
    quartiles = pd.Series(values).quantile([0.25, 0.75])
    low, high = float(quartiles.iloc[0]), float(quartiles.iloc[1])
    reach = FENCE * (high - low)
    if reach == 0:
        return list(values)
    return [v for v in values if (v >= low - reach if sign > 0 else v <= high + reach)]


def _outlier_label(outliers: Sequence[float], sign: int) -> str:
    worst = min(outliers) if sign > 0 else max(outliers)
    if min(outliers) == max(outliers):
        return f"{worst:.3f}"
    return f"\N{LESS-THAN OR EQUAL TO}{max(outliers):.3f}" if sign > 0 else (
        f"\N{GREATER-THAN OR EQUAL TO}{min(outliers):.3g}"
    )  # fmt: skip


def _decimals(marks: Sequence[float]) -> int:
    """Return the decimals that tell neighbouring ticks apart (at least 2)."""
    step = min((b - a for a, b in itertools.pairwise(marks)), default=0.1)
    exact = f"{step:.6f}".rstrip("0")
    return max(2, len(exact.partition(".")[2]))


def _with_ticks(axis: Axis, numbers: Sequence[float]) -> Axis:
    """Return `axis` with ticks: its few values themselves, else both ends and round numbers."""
    whole = HYPERPARAMETERS[axis.name].kind == "int"
    if len(numbers) <= 5:
        marks = list(numbers)
    elif axis.log:
        decades = math.log10(axis.high / axis.low)
        subs = (1.0,) if decades > 3 else (1.0, 2.0, 5.0)
        marks = [float(v) for v in LogLocator(subs=subs).tick_values(axis.low, axis.high)]
    else:
        locator = MaxNLocator(5, integer=whole, steps=[1, 2, 2.5, 5, 10])
        marks = [float(v) for v in locator.tick_values(axis.low, axis.high)]
    ends = [numbers[0], axis.low, axis.high]
    inner = [v for v in marks if axis.low < v < axis.high]
    ticks: dict[float, str] = {}
    for mark in [*ends, *inner]:
        place = axis.position(mark)
        if all(abs(place - other) >= 0.055 for other in ticks):
            ticks[place] = number(mark, 3)
    return Axis(**{**axis.__dict__, "ticks": tuple(sorted(ticks.items()))})


def axes(results: Results, runs: pd.DataFrame) -> list[Axis]:
    """Return the axis of every hyperparameter, in the table's order, the objective last."""
    made = []
    for name in HYPERPARAMETERS:
        search = results.study["hyperparameters"][name].get("search") or {}
        log = True if search.get("log") else False if search.get("low") == 0 else None
        made.append(hyperparameter_axis(name, runs[name].tolist(), log))
    return [*made, objective_axis(results, runs)]


def spread(positions: Sequence[float], order: Sequence[float], width: float = 0.006) -> list[float]:
    """Return positions with those at the same place fanned out by `order` (rank of the objective).

    Runs of a grid meet at the same levels; a little room lets each line be seen. The fan takes
    `width` of the axis a run and at most 0.05.
    """
    places: dict[float, list[int]] = {}
    for index, position in enumerate(positions):
        places.setdefault(round(position, 6), []).append(index)
    fanned = list(positions)
    for members in places.values():
        members.sort(key=lambda index: (order[index], index))
        room = min(0.05, width * (len(members) - 1))
        for rank, index in enumerate(members):
            if len(members) > 1:
                fanned[index] += room * (rank / (len(members) - 1) - 0.5)
    return fanned
