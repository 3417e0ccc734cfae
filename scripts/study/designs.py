"""Screening designs that vary all hyperparameters at once: which runs they plan.

Two levels a hyperparameter (Plackett-Burman, by pydoe), or points spread over its range (Latin
hypercube and Sobol, by scipy). The config names the design; each hyperparameter's range comes out
of its own block.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scripts.study.errors import StudyError
from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.study.names import spell
from scripts.study.reading import show

# Sizes for which pydoe has a Plackett-Burman design: 2, 12 and 20 times powers of 2.
SIZES = (4, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128)
SPACE_FILLING = ("latin_hypercube", "sobol")
# Up to so many points are exchanged to lie more evenly: of many they lie so anyway, and every start
# of Snakemake and of a command would wait for it: half a second for 500, 6 s for 5,000.
EXCHANGED = 500
# Runs a hyperparameter that an error proposes: enough for a curve of each (see `regression`).
PROPOSED = 4
# Between the ends of a range lie so many different values at least.
_STEPS = 1000

Study = Mapping[str, Any]


@dataclass(frozen=True)
class Factor:
    """A hyperparameter that a design varies: its `levels`, or a range from `low` to `high`.

    `levels` are ordered by size where they are numbers. `key` is where the config has them, and
    `step` the distance of neighbouring values, where there is one.
    """

    name: str
    key: str
    levels: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None

    @property
    def whole(self) -> bool:
        """Return whether its values are whole numbers."""
        return HYPERPARAMETERS[self.name].kind == "int"

    @property
    def categorical(self) -> bool:
        """Return whether its values are names, which have no order."""
        return HYPERPARAMETERS[self.name].kind == "categorical"

    def ends(self) -> tuple[Value, ...]:
        """Return the levels of a two-level design: the range's two ends, or all levels."""
        return self.levels or tuple(self._canonical(end) for end in (self.low, self.high))

    def value(self, unit: float) -> Value:
        """Return the value at `unit`, a share of the range from 0 to below 1.

        Values are rounded to what a person would write, so that they are the same on every
        machine, and so are the names of runs.
        """
        if self.levels:
            return self.levels[min(int(unit * len(self.levels)), len(self.levels) - 1)]
        low, high = self.low, self.high
        if self.step or (self.whole and not self.log):
            step = self.step or 1
            steps = round((high - low) / step)
            value = low + step * min(int(unit * (steps + 1)), steps)
            return self._canonical(float(f"{value:.12g}"))
        if self.log:
            value = low * (high / low) ** unit
            digits = len(str(_STEPS)) - 1 - math.floor(math.log10(value))
        else:
            value = low + unit * (high - low)
            digits = len(str(_STEPS)) - 1 - math.floor(math.log10(high - low))
        rounded = round(value, 0 if self.whole else digits)
        return self._canonical(min(max(rounded, low), high))

    def coordinate(self, value: Value) -> float:
        """Return where a number lies in the range: 0 its lower end, 1 its upper end."""
        if self.levels:
            return self.levels.index(value) / (len(self.levels) - 1)
        number = float(value)
        if self.log:
            return math.log(number / self.low) / math.log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)

    def _canonical(self, value: float) -> Value:
        return HYPERPARAMETERS[self.name].canonical(value)


def design_of(study: Study) -> Mapping[str, Any] | None:
    """Return the study's screening design; None for one factor at a time."""
    return study["screen"].get("design")


def factors(study: Study) -> list[Factor]:
    """Return the hyperparameters that a design varies: those with `screen` values or a `search`.

    The values to screen say the range, else the search space does. One value to screen stands
    beside the baseline's; two numbers are the ends of a range; more of them, and names, are levels.
    """
    found = []
    for name in HYPERPARAMETERS:
        block = study["hyperparameters"][name]
        if "screen" in block:
            found.append(_screened(name, block))
        elif "search" in block:
            found.append(_searched(name, block["search"]))
    return found


def _screened(name: str, block: Mapping[str, Any]) -> Factor:
    values = list(block["screen"])
    if len(values) == 1 and block["baseline"] not in values:
        values.append(block["baseline"])
    key = f"hyperparameters.{name}.screen"
    if len(values) != 2 or HYPERPARAMETERS[name].kind == "categorical":
        return Factor(name, key, levels=_ordered(values))
    log = bool(block.get("search", {}).get("log", False))
    return Factor(name, key, low=float(min(values)), high=float(max(values)), log=log)


def _searched(name: str, search: Mapping[str, Any]) -> Factor:
    key = f"hyperparameters.{name}.search"
    if "choices" in search:
        return Factor(name, f"{key}.choices", levels=_ordered(search["choices"]))
    low, high = float(search["low"]), float(search["high"])
    return Factor(
        name, key, low=low, high=high, log=bool(search.get("log")), step=search.get("step")
    )


def _ordered(values: Sequence[Value]) -> tuple[Value, ...]:
    """Return numbers by size, names as they stand."""
    if any(isinstance(value, str) for value in values):
        return tuple(values)
    return tuple(sorted(values))


def points(study: Study) -> list[dict[str, Value]]:
    """Return the design's points in its own order: the value of every hyperparameter it varies."""
    design = design_of(study)
    assert design is not None
    varied = factors(study)
    if design["name"] == "plackett_burman":
        return [
            {one.name: one.ends()[int(sign > 0)] for one, sign in zip(varied, row, strict=True)}
            for row in _signs(design["runs"], len(varied))
        ]
    rows = _units(design["name"], design["runs"], len(varied), design["seed"])
    return [
        {one.name: one.value(unit) for one, unit in zip(varied, row, strict=True)} for row in rows
    ]


# Libraries are imported where a design needs them: most studies have none, and the Snakefile reads
# this module.
@lru_cache(maxsize=8)
def _signs(runs: int, count: int) -> list[list[float]]:
    """Return Plackett and Burman's design (Biometrika 33, 1946): -1 and 1, a row a run.

    Of its columns, one after the other, those are taken that the products of the columns taken
    before are least like: with 8, 16, 32, ... runs for half as many hyperparameters, no main effect
    is aliased with an interaction of two.
    """
    import numpy as np
    from pydoe import pbdesign

    every = np.asarray(pbdesign(runs - 1))
    taken = [0]
    while len(taken) < min(count, runs - 1):
        pairs = [every[:, a] * every[:, b] for a, b in itertools.combinations(taken, 2)]
        alike = np.abs(np.array(pairs).reshape(-1, runs) @ every).sum(axis=0)
        alike[taken] = np.inf
        taken.append(int(np.argmin(alike)))
    signs: list[list[float]] = every[:, taken].tolist()
    return signs


@lru_cache(maxsize=8)
def _units(name: str, runs: int, count: int, seed: int) -> list[list[float]]:
    """Return points spread over the unit cube, a row a run; Sobol's are scrambled (Owen)."""
    from scipy.stats import qmc

    if name == "sobol":
        spread = qmc.Sobol(count, rng=seed).random(runs)
    else:
        # Of the squares that every column could pair with, random exchanges choose the most even.
        exchanges = "random-cd" if runs <= EXCHANGED else None
        spread = qmc.LatinHypercube(count, rng=seed, optimization=exchanges).random(runs)
    units: list[list[float]] = spread.tolist()
    return units


def resolve(given: Mapping[str, Any] | None, study: Study) -> dict[str, Any] | None:
    """Return the block `screen.design` with its defaults; None where there is none.

    A Plackett-Burman design takes as few runs as there is a design for, others say how many.
    """
    if given is None:
        return None
    name, count = given["name"], len(factors(study))
    if name == "plackett_burman":
        runs = given.get("runs") or next((n for n in SIZES if n > count), count + 1)
        return {"name": name, "runs": int(runs), **_seed(given, None)}
    if "runs" not in given:
        fitting = _fitting(name, PROPOSED * count)
        raise StudyError(f"screen.design.runs: missing; {name} needs a number, such as {fitting}")
    return {"name": name, "runs": int(given["runs"]), **_seed(given, study["seed"])}


def _seed(given: Mapping[str, Any], default: int | None) -> dict[str, int]:
    seed = given.get("seed", default)
    return {} if seed is None else {"seed": int(seed)}


def _fitting(name: str, least: int) -> int:
    """Return the smallest number of runs >= `least` that the design can have."""
    if name == "sobol":
        return 2 ** max(2, math.ceil(math.log2(max(1, least))))
    return max(4, least)


def check(study: Study) -> None:
    """Raise `StudyError`, one line, where the study's design cannot be made or analysed."""
    design = design_of(study)
    if design is None:
        return
    varied = factors(study)
    name, runs = design["name"], design["runs"]
    if not varied:
        raise StudyError(
            f"screen.design.name: {name} has nothing to vary; give hyperparameters a screen of two"
            " values, or a search"
        )
    for one in varied:
        _check_factor(one, name)
    if name == "plackett_burman":
        _check_plackett_burman(design, len(varied))
        return
    terms = sum(len(one.levels) - 1 if one.categorical else 1 for one in varied)
    if runs < terms + 2:
        raise StudyError(
            f"screen.design.runs: {runs} runs cannot tell {len(varied)} hyperparameters apart and"
            f" leave some for the noise; use at least {_fitting(name, terms + 2)}"
        )
    if name == "sobol" and runs & (runs - 1):
        raise StudyError(
            f"screen.design.runs: {runs} is not a power of 2, which sobol needs to be balanced; use"
            f" {2 ** (runs.bit_length() - 1)} or {2 ** runs.bit_length()}"
        )


def _check_factor(one: Factor, name: str) -> None:
    if one.levels and len(one.levels) < 2:
        raise StudyError(
            f"{one.key}: {show(list(one.levels))} is one level; {name} needs two, lower and higher"
        )
    if name == "plackett_burman" and len(one.ends()) > 2:
        raise StudyError(
            f"{one.key}: {len(one.levels)} values, but plackett_burman takes two; leave"
            f" {spell(one.levels[0])} and {spell(one.levels[-1])}, or use latin_hypercube"
        )
    if not math.isfinite(one.high / one.low if one.log and one.low > 0 else one.high - one.low):
        raise StudyError(
            f"{one.key}: the range from {one.low} to {one.high} is too wide for a design; narrow it"
        )
    if one.log and one.low <= 0:
        raise StudyError(
            f"{one.key}: {show(one.low)} is not above 0, as search.log: true needs of {name}"
        )


def _check_plackett_burman(design: Mapping[str, Any], count: int) -> None:
    runs = design["runs"]
    if "seed" in design:
        raise StudyError(
            f"screen.design.seed: {design['seed']} does not go with plackett_burman, which draws"
            " nothing; leave it out"
        )
    if runs not in SIZES or runs <= count:
        able = [size for size in SIZES if size > count]
        lower = [size for size in able if size < runs][-1:]
        near = [*lower, *[size for size in able if size > runs][:1]]
        raise StudyError(
            f"screen.design.runs: {runs} runs make no Plackett-Burman design of {count}"
            f" hyperparameters; use {' or '.join(map(str, near))}"
        )
