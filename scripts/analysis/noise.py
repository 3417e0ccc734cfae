"""The noise floor: how far a score moves when nothing but the seed changes, and other yardsticks.

All functions are pure and answer degenerate input with None instead of failing: one seed has a
mean, but no spread.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

# Share of studies whose interval is to hold the true mean.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """Mean, standard deviation (n - 1) and confidence interval of the mean of `count` values."""

    count: int
    mean: float | None
    sd: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Agreement:
    """How far two metrics rank the same runs alike: 1 the same order, -1 the reverse."""

    runs: int
    spearman: float | None
    kendall: float | None


def spread(values: Sequence[float], confidence: float = CONFIDENCE) -> Spread:
    """Return mean, standard deviation and Student's t interval of the mean of `values`.

    The interval holds for values that scatter normally and independently, as scores over seeds
    roughly do. Without values there is no mean, with one there is neither sd nor interval; equal
    values have no interval either, since how they scatter is not seen.

    >>> spread([0.5, 0.75, 1.0])
    Spread(count=3, mean=0.75, sd=0.25, interval=(0.1289655720624, 1.3710344279376))
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence!r}, not between 0 and 1")
    if not values:
        return Spread(0, None, None, None)
    # statistics sums exactly: equal values have a spread of 0, not of 1e-17.
    mean = statistics.mean(values)
    if len(values) == 1:
        return Spread(1, mean, None, None)
    sd = statistics.stdev(values)
    if sd == 0:
        return Spread(len(values), mean, 0.0, None)
    half = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1)) * sd / math.sqrt(len(values))
    # Digits beyond the 13th differ between builds of the t distribution; best.json must not.
    return Spread(len(values), mean, sd, (round(mean - half, 13), round(mean + half, 13)))


def agreement(first: Sequence[float], second: Sequence[float]) -> Agreement:
    """Return Spearman's rho and Kendall's tau-b of two metrics over the same runs.

    `first` and `second` hold one score a run, larger meaning better; runs that lack one (NaN) are
    left out. With fewer than two runs, or a metric that is the same everywhere, nothing is ranked
    and both are None.
    """
    pairs = np.array([first, second], dtype=float)
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    runs = pairs.shape[1]
    if runs < 2 or any(np.ptp(row) == 0 for row in pairs):
        return Agreement(runs, None, None)
    rho = stats.spearmanr(pairs[0], pairs[1]).statistic
    tau = stats.kendalltau(pairs[0], pairs[1]).statistic
    return Agreement(runs, round(float(rho), 13), round(float(tau), 13))


def example_size(examples: int) -> float:
    """Return how much accuracy one validation example is worth: the smallest step there is."""
    if examples < 1:
        raise ValueError(f"examples is {examples}, not >= 1")
    return 1.0 / examples
