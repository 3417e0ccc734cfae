"""How much of a gain is luck: the noise of one seed, and the best of many runs.

It needs neither NumPy nor SciPy, so that `make status` answers at once.
"""

import math
from statistics import NormalDist

# Scores that differ by no more than so many sd of the baseline may differ by the seed alone.
NOISE = 2.0
# A gain that luck reaches in no larger share of studies is beyond it.
RARE = 0.05
# Of fewer runs that were drawn at random, what as many would find is not told.
LEAST_TRIALS = 5
_NORMAL = NormalDist()
# Steps of the two integrals, the first also as a share of the width of what it goes over, and how
# far from the middle they begin and end.
_STEP_SD, _SHARE, _STEP_MEAN, _TAIL = 0.05, 0.5, 0.25, 8.0


def chance(gain: float, sd: float | None, seeds: int, runs: int) -> float | None:
    """Return how often the best of `runs` runs gains as much, none being better than the baseline.

    All scores are taken for normal, with one mean and one sd, of which only the baseline's seeds
    tell: it is the largest of so many further observations, beyond a sample's mean, in its sd
    (Hahn, JASA 64, 1969, has the quantiles). Of few seeds the sd may have come out small, so that
    even a gain of many sd is no rarity.

    Args:
        gain: of the best run over the baseline's mean, more being better.
        sd: standard deviation of the baseline's scores over its seeds.
        seeds: how many seeds that is of.
        runs: how many compete, at least 1.

    None where the seeds show no spread. Six decimals.

    >>> chance(0.02, 0.01, 3, 20), chance(0.08, 0.01, 3, 20), chance(0.08, 0.01, 10, 20)
    (0.548926, 0.060893, 0.000277)
    """
    if runs < 1:
        raise ValueError(f"runs is {runs}, not >= 1")
    if not sd:
        return None
    freedom = seeds - 1
    ratio = gain / sd
    # A weighted mean over what the sample's sd (on its logarithm) and mean may have come to.
    means = [_STEP_MEAN * at for at in range(-round(_TAIL / _STEP_MEAN), round(_TAIL / _STEP_MEAN))]
    step = min(_STEP_SD, _SHARE / math.sqrt(2 * freedom))
    below = total = 0.0
    for at in range(round(-2 * _TAIL / step), round(math.log(_TAIL) / step)):
        log_sd = step * at
        weight = math.exp(freedom * (log_sd - (math.exp(2 * log_sd) - 1) / 2))
        if weight < 1e-12:
            continue
        reach = ratio * math.exp(log_sd)
        for mean in means:
            share = weight * math.exp(-mean * mean / 2)
            total += share
            below += share * _NORMAL.cdf(mean / math.sqrt(seeds) + reach) ** runs
    return max(0.0, round(1 - below / total, 6))


def beside_noise(gain: float, sd: float | None, likely: float | None) -> str:
    """Return what a gain is worth beside the sd of the baseline's seeds; empty without an sd.

    `likely` is how often luck alone gains as much (`chance`).

    >>> beside_noise(0.02, 0.01, 0.548926)
    ", 2.0 times the sd of the baseline's seeds; this may be luck"
    >>> beside_noise(0.2, 0.01, 0.01012)
    ", 20.0 times the sd of the baseline's seeds"
    >>> beside_noise(-0.01, 0.01, 0.999)
    ", -1.0 times the sd of the baseline's seeds"
    """
    if not sd:
        return ""
    lucky = gain > 0 and (gain <= NOISE * sd or likely is None or likely > RARE)
    doubt = "; this may be luck" if lucky else ""
    return f", {gain / sd:.1f} times the sd of the baseline's seeds{doubt}"
