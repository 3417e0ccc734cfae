"""The noise floor: mean, spread and interval over seeds, and how far two metrics agree."""

import doctest
import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scripts.analysis import noise
from scripts.analysis.noise import Agreement, Spread, agreement, example_size, spread


def test_the_examples_in_the_docstrings_hold() -> None:
    found = doctest.testmod(noise)
    assert found.attempted > 0
    assert found.failed == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=8), st.sampled_from([0.5, 0.9, 0.95]))
def test_the_interval_is_students(values: list[float], confidence: float) -> None:
    found = spread(values, confidence)
    assert (found.count, found.mean) == (len(values), statistics.mean(values))
    assert found.sd == statistics.stdev(values)
    if found.sd:
        known = stats.t.interval(
            confidence, len(values) - 1, found.mean, found.sd / math.sqrt(len(values))
        )
        assert found.interval == pytest.approx(known, abs=1e-12)
    else:
        assert found.interval is None


def test_the_interval_holds_the_mean_in_95_of_100_where_nothing_else_is_asked_for() -> None:
    values = [0.5, 0.75, 1.0]
    assert spread(values) == spread(values, 0.95) != spread(values, 0.9)


def test_few_values_have_no_spread_and_equal_ones_have_none_to_speak_of() -> None:
    assert spread([]) == Spread(0, None, None, None)
    assert spread([0.75]) == Spread(1, 0.75, None, None)
    # 0.1 three times has a variance of 1e-34 where sums are rounded.
    assert spread([0.1] * 3) == Spread(3, 0.1, 0.0, None)


def test_the_interval_is_written_with_13_digits() -> None:
    low, high = spread([0.1, 0.2, 0.5]).interval or (0.0, 0.0)
    for bound in (low, high):
        assert bound == round(bound, 13) != round(bound, 12)


@pytest.mark.parametrize("confidence", [-0.5, 0.0, 1.0, 1.5, math.nan])
def test_a_confidence_that_is_no_probability_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match=f"^confidence is {confidence}, not between 0 and 1$"):
        spread([0.5, 0.75], confidence)


def test_agreement_is_scipys() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 12)).round(1)
    found = agreement(first, second)
    assert found.runs == 12
    assert found.spearman == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-12)
    assert found.kendall == pytest.approx(stats.kendalltau(first, second).statistic, abs=1e-12)
    for value in (found.spearman, found.kendall):
        assert value is not None
        assert value == round(value, 13) != round(value, 12)


def test_agreement_of_the_same_order_and_of_the_reverse() -> None:
    assert agreement([0.1, 0.2, 0.4], [1.0, 2.0, 3.0]) == Agreement(3, 1.0, 1.0)
    assert agreement([0.1, 0.2, 0.4], [3.0, 2.0, 1.0]) == Agreement(3, -1.0, -1.0)
    assert agreement([0.1, 0.2], [1.0, 2.0]) == Agreement(2, 1.0, 1.0)


def test_runs_that_lack_a_score_are_left_out_of_agreement() -> None:
    nan = math.nan
    assert agreement([0.1, nan, 0.2, 0.4], [1.0, 2.0, nan, 3.0]) == Agreement(2, 1.0, 1.0)
    assert agreement([0.1, nan], [1.0, 2.0]) == Agreement(1, None, None)
    assert agreement([], []) == Agreement(0, None, None)


@pytest.mark.parametrize("equal", [0, 1])
def test_a_metric_that_is_the_same_everywhere_ranks_nothing(equal: int) -> None:
    scores = [[0.1, 0.2, 0.4], [0.1, 0.2, 0.4]]
    scores[equal] = [0.8] * 3
    assert agreement(*scores) == Agreement(3, None, None)


def test_an_example_is_worth_its_share_of_accuracy() -> None:
    assert example_size(1) == 1.0
    assert example_size(320) == 1 / 320
    with pytest.raises(ValueError, match=r"^examples is 0, not >= 1$"):
        example_size(0)
