"""Every number of a verdict, computed anew by SciPy and statsmodels."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower

from scripts.analysis import examples
from scripts.analysis.confirmation import Confirmed
from scripts.analysis.inference import ALPHA, POWER
from scripts.analysis.verdict import verdict
from scripts.analysis.words import name as spelled
from scripts.study.files import write_csv
from tests.simulated import confirmed, study

NAN = float("nan")
# Of the finalists one completed everywhere, one twice, one once and one never.
SCORES = np.array([
    [0.80, 0.82, 0.79, 0.81], [0.88, 0.87, 0.91, 0.86], [0.74, NAN, 0.71, NAN],
    [NAN, 0.85, NAN, NAN], [NAN] * 4,
])  # fmt: skip
TEST = SCORES - np.array([[0.01], [0.03], [0.02], [0.05], [0.0]])
BEFORE = (0.78, 0.80, 0.81)
SEARCHED = (0.93, 0.90, 0.86, 0.85)
EXAMPLES = 30


def told(row: Any) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in row]


def done(row: Any) -> Any:
    return np.array([value for value in row if not np.isnan(value)])


def predictions(name: str) -> tuple[Any, Any]:
    """Return labels (N,) and probabilities (N, 2) of a run, drawn by its name."""
    rng = np.random.default_rng(abs(hash_of(name)))
    labels = np.arange(EXAMPLES) % 2
    right = rng.random(EXAMPLES) < (0.9 if name.startswith("1") else 0.6)
    own = np.where(right, 0.7, 0.2)
    second = np.where(labels == 1, own, 1 - own)
    return labels, np.stack([1 - second, second], axis=1)


def hash_of(name: str) -> int:
    return sum((at + 1) * ord(letter) for at, letter in enumerate(name))


def write_predictions(folder: Path, name: str) -> None:
    rows = []
    for split in ("validation", "test"):
        labels, probabilities = predictions(name + split)
        for index, (label, (first, second)) in enumerate(zip(labels, probabilities, strict=True)):
            rows.append({"split": split, "index": index, "label": int(label),
                         "predicted": int(second > 0.5), "probability_0": float(first),
                         "probability_1": float(second)})  # fmt: skip
    write_csv(folder / "runs" / name / "predictions.csv", list(rows[0]), rows)


@pytest.fixture
def whole(tmp_path: Path) -> Confirmed:
    """A confirmation with a test split and with predictions."""
    names = [[f"{number}-seed{seed}" for seed in range(4)] for number in range(5)]
    for name in [name for row in names for name in row]:
        write_predictions(tmp_path, name)
    sizes = {"validation": EXAMPLES, "test": EXAMPLES}
    finalists = confirmed(SCORES, SEARCHED).finalists
    return Confirmed(finalists, SCORES, TEST, BEFORE, sizes, tmp_path, names)


def judged(whole: Confirmed, metric: str = "f1") -> dict[str, Any]:
    return verdict(study(4, 4, metric), whole)


def difference(one: Any, other: Any, alpha: float = ALPHA) -> tuple[float, list[float]]:
    """Return Welch's one-sided p, and the interval that errs with `alpha` on either side."""
    p = stats.ttest_ind(one, other, equal_var=False, alternative="greater").pvalue
    both = stats.ttest_ind(one, other, equal_var=False).confidence_interval(1 - 2 * alpha)
    return float(p), [float(both.low), float(both.high)]


def test_scores_are_told_by_seed_with_mean_and_spread(whole: Confirmed) -> None:
    document = judged(whole)
    base = document["baseline"]
    assert base["before"] == pytest.approx(np.mean(BEFORE))
    for entry, row in [(base, SCORES[0]), (base["test"], TEST[0])]:
        assert entry["values"] == told(row)
        assert entry["completed"] == 4
        assert entry["mean"] == pytest.approx(row.mean())
        assert entry["sd"] == pytest.approx(row.std(ddof=1))
    counts = [one["completed"] for one in document["finalists"]]
    assert counts == [4, 2, 1, 0]
    assert [one["test"]["completed"] for one in document["finalists"]] == counts
    assert document["finalists"][3]["mean"] is None


def test_each_finalist_is_compared_with_the_baseline(whole: Confirmed) -> None:
    finalists = judged(whole)["finalists"]
    for one, row in zip(finalists[:2], SCORES[1:3], strict=True):
        p, interval = difference(done(row), SCORES[0])
        assert one["p"] == pytest.approx(p)
        assert one["interval"] == pytest.approx(interval)
        assert one["interval_all"] == pytest.approx(difference(done(row), SCORES[0], ALPHA / 4)[1])
        assert one["equivalent_within"] == pytest.approx(max(map(abs, interval)))
        assert one["gain"] == pytest.approx(done(row).mean() - SCORES[0].mean())
    # Who did not complete on every seed counts with p = 1 in the correction.
    corrected = multipletests([finalists[0]["p"], 1, 1, 1], method="holm")[1]
    assert finalists[0]["p_holm"] == pytest.approx(corrected[0])
    assert finalists[1]["p_holm"] == 1
    for one in finalists[2:]:
        for key in ("p", "p_holm", "interval", "interval_all", "equivalent_within"):
            assert one[key] is None, key
    assert finalists[2]["gain"] == pytest.approx(0.85 - SCORES[0].mean())
    assert finalists[3]["gain"] is None
    assert [one["better"] for one in finalists] == [True, False, False, False]
    assert [one["worse"] for one in finalists] == [False, True, True, True]


def test_a_better_finalist_that_lost_a_seed_as_the_baseline_did_is_withheld(
    whole: Confirmed,
) -> None:
    scores = np.array([
        [0.80, 0.81, NAN, 0.79], [0.90, 0.91, 0.89, NAN], [0.80, 0.81, 0.79, 0.80],
        [NAN, 0.79, 0.81, 0.80], [0.80, 0.79, 0.81, 0.80],
    ])  # fmt: skip
    document = judged(replace(whole, scores=scores))
    assert [one["withheld"] for one in document["finalists"]] == [True, False, False, False]
    assert (document["winner"], document["outcome"]) == (None, "undecided")
    assert document["equivalent"] == [2, 3, 4]
    first = spelled(document["finalists"][0])
    assert document["verdict"].startswith(
        "No configuration is called better than the baseline on 4 fresh seeds; these 3 are"
    )
    told = (
        f"; {first} scores better, but completed on 3 of them, and is not called better for that."
    )
    assert told in document["verdict"]
    # Where another wins, it is only not told from the winner.
    scores[2] = [0.90, 0.91, 0.89, 0.90]
    document = judged(replace(whole, scores=scores))
    assert (document["winner"], document["outcome"]) == (2, "better")
    assert document["equivalent"] == [1]


def test_the_test_split_is_told_beside_it(whole: Confirmed) -> None:
    tests = [one["test"] for one in judged(whole)["finalists"]]
    for one, row in zip(tests[:2], TEST[1:3], strict=True):
        p, interval = difference(done(row), TEST[0])
        assert one == {
            "values": told(row),
            "completed": len(done(row)),
            "mean": pytest.approx(done(row).mean()),
            "sd": pytest.approx(done(row).std(ddof=1)),
            "gain": pytest.approx(done(row).mean() - TEST[0].mean()),
            "interval": pytest.approx(interval),
            "p": pytest.approx(p),
        }
    assert tests[2]["gain"] == pytest.approx(0.80 - TEST[0].mean())
    assert (tests[2]["interval"], tests[2]["p"]) == (None, None)
    assert (tests[3]["gain"], tests[3]["interval"], tests[3]["p"]) == (None, None, None)


def test_what_the_search_promised_and_what_is_left_of_it(whole: Confirmed) -> None:
    document = judged(whole)
    first = document["finalists"][0]
    promised = SEARCHED[0] - np.mean(BEFORE)
    assert first["before"] == SEARCHED[0]
    assert first["promised"] == pytest.approx(promised)
    assert first["survives"] == pytest.approx(first["gain"] / promised)
    assert first["optimism"] == pytest.approx(SEARCHED[0] - SCORES[1].mean())
    assert document["survives"] == first["survives"]
    assert document["optimism"] == first["optimism"]
    assert document["finalists"][3]["optimism"] is None
    # Where no seed of the search completed, nothing was promised.
    unknown = verdict(study(4, 4), confirmed(SCORES, SEARCHED, before=[]))
    assert unknown["baseline"]["before"] is None
    assert {one["promised"] for one in unknown["finalists"]} == {None}
    assert {one["survives"] for one in unknown["finalists"]} == {None}


@pytest.mark.parametrize("metric", ["f1", "loss"])
def test_examples_are_compared_where_both_completed(whole: Confirmed, metric: str) -> None:
    finalists = judged(whole, metric)["finalists"]
    for split in ("validation", "test"):
        p = []
        for number, seeds in ((1, range(4)), (2, (0, 2)), (3, (1,))):
            found = finalists[number - 1]["examples"][split]
            drawn = [predictions(f"{number}-seed{seed}{split}")[1] for seed in seeds]
            base = [predictions(f"0-seed{seed}{split}")[1] for seed in seeds]
            labels = np.arange(EXAMPLES) % 2
            sign = -1 if metric == "loss" else 1
            sample = sign * examples.paired_bootstrap(
                metric, labels, np.stack(drawn), np.stack(base), 42
            )
            ends = np.quantile(sample, [ALPHA, 1 - ALPHA]).tolist()
            assert found["bootstrap"] == {
                "interval": pytest.approx(ends), "above": float((sample > 0).mean()),
            }  # fmt: skip
            right, wrong = (np.mean(one, axis=0).argmax(axis=1) == labels for one in (drawn, base))
            counts = int((right & ~wrong).sum()), int((wrong & ~right).sum())
            assert sum(counts) > 0
            exact = stats.binomtest(counts[0], sum(counts), 0.5).pvalue
            p.append(exact)
            assert found["mcnemar"] | {"p_holm": 0} == {
                "only_first": counts[0], "only_second": counts[1], "p": pytest.approx(exact),
                "p_holm": 0,
            }  # fmt: skip
        corrected = multipletests(p, method="holm")[1].tolist()
        told = [one["examples"][split]["mcnemar"]["p_holm"] for one in finalists[:3]]
        assert told == pytest.approx(corrected)
        assert finalists[3]["examples"][split] is None


def test_the_difference_that_could_have_been_detected(whole: Confirmed) -> None:
    rows = [done(row) for row in SCORES[:3]]
    sd = np.sqrt(sum(((row - row.mean()) ** 2).sum() for row in rows) / (3 + 3 + 1))
    found = judged(whole)["detectable"]
    effect = TTestIndPower().solve_power(
        nobs1=4, alpha=ALPHA / 4, power=POWER, alternative="larger"
    )
    assert found == {
        "gain": pytest.approx(effect * sd, rel=1e-6), "sd": pytest.approx(sd),
        "power": POWER, "alpha": ALPHA / 4,
    }  # fmt: skip
    assert verdict(study(1, 4), confirmed(SCORES[:2]))["detectable"]["alpha"] == ALPHA


def test_scores_that_never_vary_have_no_interval() -> None:
    """One of no width would hold for certain what a few seeds cannot know."""
    same = np.array([[0.90] * 3, [0.92] * 3, [0.90] * 3])
    document = verdict(study(2, 3), confirmed(same))
    for one in document["finalists"]:
        for key in ("interval", "interval_all", "equivalent_within"):
            assert one[key] is None, key
    assert document["finalists"][0]["p"] == pytest.approx(1 / 20)
    assert "its seeds do not differ, so within what is not known" in document["verdict"]
    # Enough of them win all the same.
    won = verdict(study(1, 5), confirmed(np.array([[0.90] * 5, [0.92] * 5])))
    assert won["winner"] == 1
    assert "by 0.0200 f1 (5 fresh seeds)" in won["verdict"]


def test_the_p_of_being_worse_is_that_of_the_other_direction(whole: Confirmed) -> None:
    finalists = judged(whole)["finalists"]
    below = [difference(SCORES[0], done(row))[0] for row in SCORES[1:3]]
    corrected = multipletests([*below, 1, 1], method="holm")[1]
    assert [one["p_worse_holm"] for one in finalists[:2]] == pytest.approx(corrected[:2].tolist())
    assert [one["p_worse_holm"] for one in finalists[2:]] == [None, None]


def test_the_outcome(whole: Confirmed) -> None:
    document = judged(whole)
    assert (document["outcome"], document["winner"], document["equivalent"]) == ("better", 1, [])
    assert (document["alpha"], document["confidence"]) == (ALPHA, pytest.approx(0.9))
    assert document["seeds"] == [1042, 1043, 1044, 1045]
    assert document["objective"] == {"metric": "f1", "direction": "maximize"}
    assert document["no_test"] is None
