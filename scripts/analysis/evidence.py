"""How sure the ranking is: which effects stand out of the noise, which choices were too close.

The noise is the baseline's spread over its seeds. An effect is the largest of several differences
between levels, so it is held against the distribution of the largest one (Tukey's studentised
range), and all hyperparameters' tests are corrected together (Holm). An effect on a fitted curve is
the largest of all differences along it, and held against the residuals' noise (Scheffé).
"""

from collections.abc import Sequence
from functools import cache
from itertools import product
from math import sqrt
from typing import Protocol

from scipy import special, stats

from scripts.analysis.inference import ALPHA, holm

# Further columns of screen/ranking.csv.
COLUMNS = ("effect_low", "effect_high", "p", "p_holm", "stands_out")
_DIGITS = 12


class Estimate(Protocol):
    """What is needed of an effect (`effects.Effect`)."""

    @property
    def hyperparameter(self) -> str: ...
    @property
    def size(self) -> float | None: ...
    @property
    def error(self) -> float | None: ...
    @property
    def levels(self) -> int: ...
    @property
    def terms(self) -> int: ...
    @property
    def residual(self) -> tuple[float, int] | None: ...


def evidence(
    effects: Sequence[Estimate], noise: float | None, seeds: int
) -> list[dict[str, float | int | None]]:
    """Return the columns `COLUMNS` of each effect; nothing is known on one seed or without noise.

    The interval holds the true difference of the two levels, whichever pair came out as the
    largest, in at least 95 of 100 studies.

    Args:
        effects: effects with their standard errors in units of the noise.
        noise: standard deviation of a run over seeds.
        seeds: how many seeds that is known from.
    """
    tests = [_test(effect, noise, seeds) for effect in effects]
    corrected = iter(holm([test[1] for test in tests if test is not None]))
    found: list[dict[str, float | int | None]] = []
    for effect, test in zip(effects, tests, strict=True):
        if test is None or effect.size is None:
            found.append(dict.fromkeys(COLUMNS))
            continue
        half, p = test
        p_holm = next(corrected)
        values = (effect.size - half, effect.size + half, p, p_holm)
        rounded = (round(value, _DIGITS) for value in values)
        found.append(dict(zip(COLUMNS, (*rounded, int(p_holm <= ALPHA)), strict=True)))
    return found


def _test(effect: Estimate, noise: float | None, seeds: int) -> tuple[float, float] | None:
    """Return half of an effect's interval, and its p; None where its noise is not known."""
    known = _noise(effect, noise, seeds)
    if known is None or effect.size is None or not effect.error:
        return None
    sd, freedom = known
    ratio = effect.size / (effect.error * sd)
    if effect.terms:
        return (
            scheffe(effect.terms, freedom) * effect.error * sd,
            float(special.fdtrc(effect.terms, freedom, ratio**2 / effect.terms)),
        )
    half = half_width(effect.error, sd, effect.levels, freedom)
    return half, _p(ratio, effect.levels, freedom)


def _noise(effect: Estimate, noise: float | None, seeds: int) -> tuple[float, int] | None:
    """Return sd and degrees of freedom of what an effect is held against."""
    if effect.terms:
        return effect.residual
    return (noise, seeds - 1) if noise and seeds > 1 else None


def scheffe(terms: int, freedom: int) -> float:
    """Return how many standard errors a difference along a curve of so many columns may reach.

    The largest of all of them exceeds that with probability `ALPHA` where there is no effect
    (Scheffé, Biometrika 40, 1953). With one column this is Student's t, twice-sided.
    """
    return sqrt(terms * float(special.fdtri(terms, freedom, 1 - ALPHA)))


def half_width(error: float, noise: float, levels: int, freedom: int) -> float:
    """Return half of the 95 % interval that holds for all differences between so many levels.

    `error` is a difference's standard error in units of the noise, known on `freedom` degrees.
    """
    return _range(levels, freedom) * error * noise / sqrt(2)


def _p(ratio: float, levels: int, freedom: int) -> float:
    """Return how often the largest of all differences is so many standard errors by chance."""
    if levels == 2:
        return 2 * float(special.stdtr(freedom, -ratio))
    # The range of means is sqrt(2) times their difference over its standard error.
    return float(stats.studentized_range.sf(ratio * sqrt(2), levels, freedom))


@cache
def _range(levels: int, freedom: int) -> float:
    """Return the studentised range that only the share `ALPHA` exceeds; slow, hence kept."""
    if levels == 2:
        return sqrt(2) * float(special.stdtrit(freedom, 1 - ALPHA / 2))
    return float(stats.studentized_range.ppf(1 - ALPHA, levels, freedom))


def too_close(
    effects: Sequence[Estimate],
    chosen: Sequence[str],
    candidates: Sequence[str],
    noise: float | None,
    seeds: int,
) -> list[dict[str, str | float]]:
    """Return the pairs of a chosen and a left-out candidate whose effects the noise cannot order.

    Each pair has the difference of the two effects and the margin that it would have to exceed,
    twice-sided at error rate 0.05. Empty where the noise is unknown.
    """
    known = [one for one in effects if one.hyperparameter in candidates]
    inside = [one for one in known if one.hyperparameter in chosen]
    outside = [one for one in known if one.hyperparameter not in chosen]
    pairs: list[dict[str, str | float]] = []
    for one, other in product(inside, outside):
        if one.size is None or other.size is None or not one.error or not other.error:
            continue
        floor = _noise(one, noise, seeds)
        if floor is None:
            continue
        half = float(special.stdtrit(floor[1], 1 - ALPHA / 2)) * floor[0]
        margin = half * sqrt(one.error**2 + other.error**2)
        if one.size - other.size <= margin:
            pairs.append(
                {
                    "chosen": one.hyperparameter,
                    "left_out": other.hyperparameter,
                    "difference": round(one.size - other.size, _DIGITS),
                    "margin": round(margin, _DIGITS),
                }
            )
    return pairs
