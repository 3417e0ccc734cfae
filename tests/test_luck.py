"""How often luck alone gains as much as the best of a search did."""

import doctest

import numpy as np
import pytest
from scipy import stats

from scripts.analysis import luck
from tests import simulated

STUDIES = 2000


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(luck).failed == 0


@pytest.mark.parametrize("seeds", [2, 3, 5, 30, 200, 1000])
@pytest.mark.parametrize("gain", [-2.0, 0.5, 2.0, 7.0])
def test_of_one_run_it_is_students_t_for_a_further_observation(seeds: int, gain: float) -> None:
    # A new observation less the sample's mean has the variance 1 + 1 / n.
    expected = stats.t.sf(gain / np.sqrt(1 + 1 / seeds), seeds - 1)
    assert luck.chance(gain * 0.01, 0.01, seeds, 1) == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize(("seeds", "runs", "gain"), [(3, 20, 5.0), (5, 40, 2.0), (10, 200, 4.0)])
def test_of_many_runs_it_is_what_simulation_says(seeds: int, runs: int, gain: float) -> None:
    rng = np.random.default_rng(0)
    base = rng.standard_normal((50_000, seeds))
    best = stats.norm.ppf(rng.random(50_000) ** (1 / runs))
    rate = np.mean(best - base.mean(axis=1) >= gain * base.std(axis=1, ddof=1))
    error = 4 * np.sqrt(rate * (1 - rate) / 50_000)
    assert luck.chance(gain, 1.0, seeds, runs) == pytest.approx(rate, abs=error)


def test_more_runs_and_fewer_seeds_leave_more_to_luck() -> None:
    found = [luck.chance(4.0, 1.0, 3, runs) or 0.0 for runs in (1, 2, 18, 50, 10_000)]
    assert found == sorted(found)
    found = [luck.chance(4.0, 1.0, seeds, 18) or 0.0 for seeds in (50, 10, 5, 3, 2)]
    assert found == sorted(found)
    assert luck.chance(-1.0, 1.0, 3, 40) == pytest.approx(1.0, abs=0.01)


def test_without_a_spread_nothing_is_known() -> None:
    assert luck.chance(0.1, None, 1, 5) is None
    assert luck.chance(0.1, 0.0, 3, 5) is None
    with pytest.raises(ValueError, match="runs is 0, not >= 1"):
        luck.chance(0.1, 0.1, 3, 0)


@pytest.mark.parametrize("seeds", [3, 5])
def test_a_search_without_any_effect_is_beyond_the_noise_at_most_at_the_stated_rate(
    seeds: int,
) -> None:
    rate = simulated.beyond_luck(np.zeros(simulated.CONFIGURATIONS), seeds, STUDIES)
    assert rate <= luck.RARE + simulated.slack(luck.RARE, STUDIES)
    large = simulated.beyond_luck(np.repeat([20.0, 0.0], 20), seeds, 200)
    assert large >= 0.8
