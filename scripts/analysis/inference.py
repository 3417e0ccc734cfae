"""Whether scores of one configuration are above those of another: tests, intervals, power.

All functions are pure and vectorised: scores of n seeds stand in the last axis. More is better; who
minimises turns the sign first.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special
from statsmodels.stats.power import TTestIndPower

# Share of studies without any effect that may claim one all the same.
ALPHA = 0.05
POWER = 0.8
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """How far the first mean is above the second: estimate, standard error, degrees of freedom.

    `p` is that of the one-sided test that it is above. Arrays of one shape.
    """

    gain: Floats
    error: Floats
    freedom: Floats
    p: Floats

    def interval(self, alpha: float) -> tuple[Floats, Floats]:
        """Return the two-sided interval in which each side errs with probability `alpha`.

        It lies above 0 exactly where the one-sided test at `alpha` says that the first is better.
        """
        half = special.stdtrit(self.freedom, 1 - alpha) * self.error
        return self.gain - half, self.gain + half


def welch(first: ArrayLike, second: ArrayLike) -> Difference:
    """Return the difference of the means of independent samples, by Welch's t.

    Args:
        first: scores of shape (..., n), n >= 2.
        second: scores of shape (..., k), k >= 2, of another variance maybe.

    Where neither sample varies at all there is no t: two equal means have p = 1, and others that of
    the exact permutation test for samples that do not overlap, 1 / (n + k choose n).
    """
    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    n, k = one.shape[-1], two.shape[-1]
    gain = np.asarray(one.mean(axis=-1) - two.mean(axis=-1))
    # Equal scores have a variance of exactly 0, which rounding in the mean would hide.
    a = np.where(np.ptp(one, axis=-1) == 0, 0.0, one.var(axis=-1, ddof=1)) / n
    b = np.where(np.ptp(two, axis=-1) == 0, 0.0, two.var(axis=-1, ddof=1)) / k
    constant = a + b == 0
    squares = np.where(constant, 1.0, a**2 / (n - 1) + b**2 / (k - 1))
    freedom = np.where(constant, float(n + k - 2), (a + b) ** 2 / squares)
    error = np.sqrt(a + b)
    p = special.stdtr(freedom, -gain / np.where(constant, 1.0, error))
    apart = np.where(gain > 0, 1 / math.comb(n + k, n), 1.0)
    return Difference(gain, error, freedom, np.where(constant, apart, p))


def holm(p: ArrayLike) -> list[float]:
    """Return p-values corrected by Holm for having tested all of them; [] for none.

    >>> holm([0.02, 0.01, 0.5])
    [0.04, 0.03, 0.5]
    """
    # statsmodels' multipletests collects garbage at each call, a tenth of a second.
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(values.size, 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected.tolist()


def pooled_sd(groups: list[Floats]) -> float | None:
    """Return the standard deviation within groups of scores; None where no group has two."""
    freedom = sum(len(group) - 1 for group in groups if len(group) > 1)
    if not freedom:
        return None
    # Equal scores count as exactly 0, which rounding in the mean would hide.
    varying = [group for group in groups if len(group) and np.ptp(group) > 0]
    return math.sqrt(sum(float(((g - g.mean()) ** 2).sum()) for g in varying) / freedom)


def detectable(sd: float | None, seeds: int, alpha: float, power: float = POWER) -> float | None:
    """Return the smallest difference of means that a one-sided two-sample t test would find.

    It finds it with probability `power` at error rate `alpha`, with `seeds` scores of standard
    deviation `sd` on either side. None where that is unknown: one seed, or scores that never vary.

    >>> round(detectable(1.0, 5, 0.05), 3)
    1.725
    """
    return sd * _effect(seeds, alpha, power) if sd and seeds > 1 else None


@cache
def _effect(seeds: int, alpha: float, power: float) -> float:
    """Return the smallest detectable difference in standard deviations."""

    def missing(effect: float) -> float:
        found = float(TTestIndPower().power(effect, seeds, alpha, alternative="larger"))
        # Beyond some effect the noncentral t underflows to nan; the power is 1 there.
        return (1.0 if math.isnan(found) else found) - power

    # statsmodels has a solver of its own, which fails on very small samples.
    return float(optimize.brentq(missing, 0.0, 1000.0, xtol=1e-9))
