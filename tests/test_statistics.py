"""The statistics on studies of known truth, and on input that leaves nothing to compute."""

import doctest
import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower

from scripts.analysis import examples, inference, interactions, verdict
from scripts.training.metrics import score as trained_score
from tests import simulated, simulated_designs
from tests.simulated import confirmed, simulate, slack, study

STUDIES = 500
NAN = math.nan


@pytest.mark.parametrize("noise", [None, simulated.uneven, simulated.coarse])
def test_without_any_effect_a_winner_is_claimed_at_most_at_the_stated_rate(noise: Any) -> None:
    found = simulate(simulated.nothing, studies=STUDIES, noise=noise)
    assert simulated.claims(found) <= 0.05 + slack(0.05, STUDIES)


@pytest.mark.parametrize(("effects", "finalists"), [(simulated.half, 3), (simulated.alone, 1)])
def test_an_effect_of_two_sd_is_found(effects: Any, finalists: int) -> None:
    found = simulate(effects, finalists=finalists, studies=STUDIES)
    assert simulated.rightly(found) >= 0.8


def test_intervals_hold_the_truth() -> None:
    found = simulate(simulated.spread_out, studies=STUDIES)
    assert simulated.coverage(found, "interval") >= 0.9 - slack(0.9, STUDIES)
    assert simulated.coverage(found, "interval") <= 0.95
    assert simulated.coverage(found, "interval_all", together=True) >= 0.9 - slack(0.9, STUDIES)
    assert simulated.winners_coverage(found) >= 0.9


def test_planted_interactions_are_found_and_absent_ones_are_not() -> None:
    planted = simulated.factorial(12.0, studies=STUDIES)
    assert np.mean([one["a:b"] <= 0.05 for one in planted]) >= 0.8
    absent = [min(one["a:c"], one["b:c"]) <= 0.05 for one in planted]
    assert np.mean(absent) <= 0.05 + slack(0.05, STUDIES)
    nothing = [min(one.values()) <= 0.05 for one in simulated.factorial(0.0, studies=STUDIES)]
    assert np.mean(nothing) <= 0.05 + slack(0.05, STUDIES)


@pytest.mark.parametrize("levels", [2, 3])
def test_effects_of_the_screening_come_with_honest_intervals(levels: int) -> None:
    none = simulated.screens(0.0, levels=levels, studies=STUDIES)
    assert none.holds.mean() >= 0.95 - slack(0.95, STUDIES)
    if levels == 2:
        assert none.stands_out.any(axis=1).mean() <= 0.05 + slack(0.05, STUDIES)
        large = simulated.screens(60.0, levels=levels, studies=20)
        assert large.stands_out[:, 0].mean() >= 0.8


def test_the_sd_within_groups() -> None:
    groups = [np.array(group) for group in ([0.1, 0.2, 0.3], [0.5, 0.7], [0.9], [])]
    assert inference.pooled_sd(groups) == pytest.approx(math.sqrt((0.02 + 0.02) / 3))
    assert inference.pooled_sd(groups[2:]) is None
    assert inference.pooled_sd([]) is None
    # Equal scores: rounding in their mean would leave a spread of 1e-17.
    assert inference.pooled_sd([np.array([0.1] * 3)]) == 0.0
    assert inference.pooled_sd([np.array([0.1] * 3), groups[1]]) == pytest.approx(
        math.sqrt(0.02 / 3)
    )


def grid_of(levels: dict[str, list[Any]], score: Any, seeds: int = 3) -> list[dict[str, Any]]:
    """Return the rows of interactions.csv of a grid; the baseline is its first point."""
    points = [dict(zip(levels, each, strict=True)) for each in itertools.product(*levels.values())]
    grid = [{"run": repr(point), "status": "complete", "objective": score(point, 0), **point}
            for point in points]  # fmt: skip
    base = [{**grid[0], "run": f"seed{seed}", "objective": score(points[0], seed)}
            for seed in range(1, seeds)]  # fmt: skip
    baseline = pd.DataFrame([grid[0], *base])
    return interactions.rows(pd.DataFrame(grid), baseline, list(levels))


def test_main_effects_and_interactions_of_a_known_grid() -> None:
    def score(point: dict[str, Any], seed: int) -> float:
        both = point["optim"] == "sgd" and point["dropout"] == 0.2
        return 0.5 + point["dropout"] + 0.3 * both + 0.001 * seed

    rows = grid_of({"optim": ["adamw_torch", "sgd"], "dropout": [0.1, 0.2]}, score)
    assert [row["term"] for row in rows] == ["optim", "dropout", "optim:dropout"]
    assert rows[0]["noise_df"] == 2
    assert rows[0]["noise_sd"] == pytest.approx(0.001)
    # Differences of differences: 0.3, over 1 + 1 + 1 + 1/3 runs.
    assert rows[2]["sum_of_squares"] == pytest.approx(0.3**2 / (1 + 1 + 1 + 1 / 3), rel=0.05)
    assert [row["stands_out"] for row in rows] == [1, 1, 1]


@pytest.mark.parametrize(
    ("levels", "seeds", "terms"),
    [
        ({"dropout": [0.1, 0.2], "optim": ["sgd", "radam"]}, 1, 3),
        ({"dropout": [0.1, 0.2]}, 1, 1),
        ({"dropout": [0.1]}, 3, 0),
    ],
)
def test_a_grid_without_noise_or_without_axes(levels: Any, seeds: int, terms: int) -> None:
    rows = grid_of(levels, lambda point, seed: point["dropout"], seeds)
    assert len(rows) == terms
    assert all(row["p"] is None and row["stands_out"] is None for row in rows)
    equal = grid_of(levels, lambda point, seed: 0.8, seeds)
    assert all(row["p"] is None and row["share"] is None for row in equal)


def test_welch_is_scipys() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(1, 1, (20, 5)), rng.normal(0, 3, (20, 4))
    found = inference.welch(one, two)
    known = stats.ttest_ind(one, two, axis=-1, equal_var=False, alternative="greater")
    np.testing.assert_allclose(found.p, known.pvalue)
    both = stats.ttest_ind(one, two, axis=-1, equal_var=False).confidence_interval(0.9)
    np.testing.assert_allclose(found.interval(0.05), [both.low, both.high])


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_is_statsmodels(p: list[float]) -> None:
    known = multipletests(p, method="holm")[1].tolist() if p else []
    assert inference.holm(p) == pytest.approx(known)


def test_what_never_varies_is_compared_by_permutation() -> None:
    assert float(inference.welch([0.8] * 5, [0.8] * 5).p) == 1.0
    assert float(inference.welch([0.9] * 5, [0.8] * 5).p) == pytest.approx(1 / 252)
    assert float(inference.welch([0.7] * 5, [0.8] * 5).p) == 1.0


def test_equal_scores_have_no_variance_however_their_mean_is_rounded() -> None:
    # The mean of three times 0.1 is 0.10000000000000002, from which each is 1e-17 away.
    varying = [0.2, 0.3, 0.7]
    found = inference.welch([[0.1] * 3, varying, [0.1] * 3], [[-0.1] * 3, [0.1] * 3, varying])
    assert (found.error[0], found.freedom[0], found.p[0]) == (0.0, 4.0, pytest.approx(1 / 20))
    # Where one sample never varies, Welch's t is that of the other against a known mean.
    for row, side in ((1, "greater"), (2, "less")):
        known = stats.ttest_1samp(varying, 0.1, alternative=side)
        assert (found.freedom[row], found.p[row]) == pytest.approx((2.0, known.pvalue))
    assert float(inference.welch([0.1] * 4, [0.3] * 3).freedom) == 5.0
    # Scores that vary by exactly 1, and variances that are the same, are no such case.
    for one, two in (([0.0, 1.0, 1.0], [0.0, 1.0, 0.0]), ([1, 2, 3], [0, 1, 2])):
        known = stats.ttest_ind(one, two, equal_var=False, alternative="greater")
        assert float(inference.welch(one, two).p) == pytest.approx(known.pvalue)


def test_the_detectable_difference_has_the_power() -> None:
    for seeds in (2, 5, 20):
        effect = inference.detectable(1.0, seeds, 0.05)
        power = TTestIndPower().power(effect, seeds, 0.05, alternative="larger")
        assert power == pytest.approx(0.8)
    assert inference.detectable(None, 5, 0.05) is None
    assert inference.detectable(0.0, 5, 0.05) is None
    assert inference.detectable(1.0, 1, 0.05) is None


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(inference).failed == 0


@pytest.mark.parametrize("classes", [2, 3])
def test_metrics_from_sums_are_those_of_training(classes: int) -> None:
    rng = np.random.default_rng(classes)
    labels = rng.integers(classes, size=60)
    probabilities = rng.dirichlet(np.ones(classes), size=60)
    sums = examples._counts(labels, probabilities).sum(axis=0)
    known = trained_score(probabilities.argmax(axis=1).tolist(), labels.tolist(), classes)
    for metric, value in known.items():
        assert float(examples.score(metric, sums)) == pytest.approx(value), metric
    loss = -np.log(probabilities[np.arange(60), labels]).mean()
    assert float(examples.score("loss", sums)) == pytest.approx(loss)


def test_bootstrap_and_mcnemar_see_a_real_difference_and_none() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=200)

    def predictions(right: float) -> Any:
        hit = rng.random((4, 200)) < right
        first = np.where(hit == (labels == 0), 0.9, 0.1)
        return np.stack([first, 1 - first], axis=-1)

    good, poor = predictions(0.9), predictions(0.7)
    drawn = examples.paired_bootstrap("accuracy", labels, good, poor, 1, 500)
    assert np.quantile(drawn, 0.05) > 0.1
    assert drawn.mean() == pytest.approx(0.2, abs=0.05)
    assert examples.mcnemar_exact(labels, good, poor)["p"] < 0.05
    same = examples.paired_bootstrap("f1", labels, good, good, 1, 100)
    assert np.all(same == 0)
    assert examples.mcnemar_exact(labels, good, good) == {
        "only_first": 0, "only_second": 0, "p": 1.0,
    }  # fmt: skip


def said(scores: list[list[float]], metric: str = "f1", **arguments: Any) -> dict[str, Any]:
    described = study(len(scores) - 1, len(scores[0]), metric)
    return verdict.verdict(described, confirmed(scores, **arguments))


def test_a_winner_and_what_survives() -> None:
    document = said(
        [[0.80, 0.81, 0.79, 0.80, 0.80], [0.90, 0.91, 0.89, 0.90, 0.90]],
        searched=[0.95], before=[0.79, 0.81],
    )  # fmt: skip
    assert document["outcome"] == "better"
    assert document["survives"] == pytest.approx(0.1 / 0.15)
    assert document["optimism"] == pytest.approx(0.05)
    assert document["verdict"].startswith("dropout=0.1 is better than the baseline by 0.1000 f1 (")
    assert "67% of the gain that the search promised survives" in document["verdict"]


def test_a_minimised_objective_gains_by_falling() -> None:
    document = said(
        [[0.80, 0.81, 0.79, 0.80, 0.80], [0.70, 0.71, 0.69, 0.70, 0.70]],
        metric="loss", searched=[0.65], before=[0.80],
    )  # fmt: skip
    assert (document["outcome"], document["winner"]) == ("better", 1)
    assert document["finalists"][0]["gain"] == pytest.approx(0.1)
    assert document["optimism"] == pytest.approx(0.05)


def test_no_difference_names_the_equivalent_and_the_worse() -> None:
    document = said(
        [[0.80, 0.81, 0.79, 0.80], [0.80, 0.81, 0.80, 0.79], [0.50, 0.51, 0.49, 0.50],
         [0.80, 0.81, 0.79, NAN]]
    )  # fmt: skip
    assert document["outcome"] == "indistinguishable"
    assert document["equivalent"] == [1]
    assert [one["worse"] for one in document["finalists"]] == [False, True, True]
    assert "this one is equivalent: dropout=0.1" in document["verdict"]
    assert "worse: dropout=0.2, dropout=0.3." in document["verdict"]
    least = document["detectable"]["gain"]
    assert document["verdict"].endswith(
        f" A true difference of {least:.4f} f1 would have been found with a probability of 80%."
    )


def test_one_that_diverged_makes_no_other_better() -> None:
    """Holm takes the smallest p first: where that is of one that cannot win, the next gains by it.

    A better finalist without a winner would be called equivalent and better at once.
    """
    base, strong = [0.80, 0.81, 0.79, 0.80, 0.80], [0.95, 0.951, 0.949, 0.95, NAN]
    for shift in np.arange(0.005, 0.02, 0.0005):
        weak = [score + shift for score in (0.805, 0.795, 0.80, 0.81, 0.79)]
        document = said([base, strong, weak])
        better = [one["finalist"] for one in document["finalists"] if one["better"]]
        assert (document["winner"] is None) == (better == [])
        assert not set(better) & set(document["equivalent"])
        assert document["finalists"][0]["p_holm"] == 1


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([[0.8], [0.9]], "One fresh seed says nothing"),
        ([[NAN] * 3, [0.9, 0.8, 0.7]], "The baseline completed on 0 of 3 fresh seeds"),
        ([[0.8, 0.7, 0.9], [NAN] * 3], "No finalist completed"),
        ([[0.8] * 3, [0.8] * 3], "Scores do not vary from seed to seed"),
    ],
)
def test_degenerate_studies_are_answered(scores: list[list[float]], words: str) -> None:
    document = said(scores)
    assert document["outcome"] != "better"
    assert words in document["verdict"]


def test_nothing_to_confirm() -> None:
    document = verdict.verdict(study(3, 5), confirmed([[]]))
    assert document["finalists"] == []
    assert document["verdict"].startswith("There is nothing to confirm")


def test_a_finalist_that_diverged_once_is_never_the_winner() -> None:
    document = said([[0.8, 0.81, 0.79, 0.8], [0.95, 0.951, 0.949, NAN]])
    assert document["winner"] is None


@pytest.mark.parametrize("case", simulated_designs.CASES, ids=lambda case: case[1])
def test_what_a_design_does_not_show_stands_out_at_most_at_the_stated_rate(case: Any) -> None:
    _, name, runs, shape, effect = case
    amount = 80
    found = simulated_designs.screenings(name, runs, effect, shape, studies=amount)
    assert found.stands_out[:, 1:].any(axis=1).mean() <= 0.05 + slack(0.05, amount)
    assert found.stands_out[:, 0].mean() >= 0.7
    assert found.holds.mean() >= 0.95 - slack(0.95, amount)
