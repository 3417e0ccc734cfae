"""Search against search: curves, what chance would find, and input that says nothing."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts import insights
from scripts.analysis import searches
from scripts.analysis.collect import Planned
from scripts.study import designs, plan
from scripts.views import page
from scripts.views.results import load
from tests import fabricate, fabricate_runs
from tests.analysis_runs import full_study, make_study, write_study


def score(values: Mapping[str, Any], seed: int) -> float:
    return (700 + seed % 5 + values["train_batch_size"] + 1e6 * values["learning_rate"]) / 1000


def trials(
    values: list[float | None], sampler: str = "random", direction: str = "maximize"
) -> tuple[dict[str, Any], pd.DataFrame, Planned]:
    """Return a study of Optuna trials alone that scored so; None diverged."""
    metric = "f1" if direction == "maximize" else "loss"
    study = make_study(
        objective={"metric": metric, "direction": direction},
        optuna={"trials": len(values), "batch_size": 4, "sampler": {"name": sampler}},
    )
    names = plan.trial_runs(study)
    frame = pd.DataFrame({
        "run": names, "stage": "optuna", "seed": 42,
        "status": ["diverged" if value is None else "complete" for value in values],
        "objective": pd.Series(values, dtype="float64"),
    })  # fmt: skip
    runs = {name: plan.Run(name, {}, 42) for name in names}
    stages = {stage: names if stage == "optuna" else [] for stage in plan.ALL_STAGES}
    return study, frame, Planned(runs, stages)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.integers(0, 20).map(lambda n: n / 20), min_size=1, max_size=30),
       st.sampled_from(("maximize", "minimize")))  # fmt: skip
def test_the_best_so_far_is_the_best_of_the_runs_so_far(
    values: list[float | None], direction: str
) -> None:
    study, frame, runs = trials(values, direction=direction)
    best: Callable[[list[float]], float] = max if direction == "maximize" else min
    ordered = searches.order(study, frame, runs)
    rows = searches.curves(study, ordered)
    for number, row in enumerate(rows, start=1):
        known = [value for value in values[:number] if value is not None]
        assert row["number"] == number
        assert np.isnan(row["best_so_far"]) if not known else row["best_so_far"] == best(known)
    (row,) = searches.summary(study, frame, ordered)
    known = [value for value in values if value is not None]
    assert row["complete"] == len(known)
    if known:
        assert row["found_at"] == values.index(best(known)) + 1
    else:
        assert row["found_at"] is None


def test_a_run_of_two_searches_counts_for_both_in_each_ones_order(tmp_path: Path) -> None:
    study = full_study()
    chosen = ["learning_rate", "train_batch_size"]
    path = write_study(tmp_path, study, score, chosen)
    text = insights.insights(path)
    found = pd.read_csv(tmp_path / "summary" / "searches.csv")
    assert found["search"].tolist() == ["by hand", "grid", "Optuna"]
    # The baseline on the study's seed, four screening runs, one refinement.
    assert found["runs"].tolist() == [6, 6, 6]
    curves = pd.read_csv(tmp_path / "summary" / "best-so-far.csv")
    grid = curves.loc[curves["search"] == "grid", "run"].tolist()
    assert grid == [run.name for run in plan.grid_runs(study, chosen)]
    shared = curves[curves["run"] == "learning_rate=0.0002-seed42"]
    assert shared["search"].tolist() == ["by hand", "grid"]
    assert "grid: nothing better after run" in text
    chance = pd.read_csv(tmp_path / "summary" / "random-search.csv")
    assert set(chance["trials_from"]) == {"the grid's points"}
    assert chance["n"].tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_expected_best_is_that_of_the_trials_and_lies_in_its_band(direction: str) -> None:
    values = np.random.default_rng(3).uniform(0.6, 0.9, 20).tolist()
    rows = searches.random_search(*trials(values, direction=direction), [20])
    first, second = rows[0], rows[1]
    assert first["expected"] == pytest.approx(np.mean(values))
    best = max if direction == "maximize" else min
    pairs = [best(pair) for pair in itertools.combinations(values, 2)]
    assert second["expected"] == pytest.approx(np.mean(pairs))
    # All of them: there is but one choice.
    assert rows[-1]["expected"] == pytest.approx(best(values))
    for row in rows:
        assert row["expected_low"] <= row["expected"]
        # A loss has no upper bound, and so its mean has none.
        assert direction == "minimize" or row["expected"] <= row["expected_high"]
        assert row["median_low"] <= row["median"]
    assert (direction == "minimize") == (rows[0]["expected_high"] is None)


def test_the_expected_best_errs_to_neither_side_and_ends_with_the_trials() -> None:
    rng = np.random.default_rng(4)
    found = []
    for _ in range(300):
        rows = searches.random_search(*trials((0.5 + 0.3 * rng.uniform(size=8)).tolist()), [12])
        found.append([row["expected"] for row in rows])
    table = np.array(found, dtype=float)
    # The best of n uniform numbers is n / (n + 1) on average.
    n = np.arange(1, 9)
    error = table[:, :8].std(axis=0) / np.sqrt(len(table))
    assert np.all(abs(table[:, :8].mean(axis=0) - 0.5 - 0.3 * n / (n + 1)) < 4 * error)
    assert np.isnan(table[:, 8:]).all()
    assert [row["median"] is None for row in rows] == [row["n"] > 8 for row in rows]
    assert all(row["expected_high"] is not None for row in rows)


def test_the_band_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    n = np.arange(1, 11)
    # The best of n uniform numbers is n / (n + 1) on average.
    truth = 0.5 + 0.3 * n / (n + 1)
    held = []
    for _ in range(100):
        rows = searches.random_search(*trials((0.5 + 0.3 * rng.uniform(size=15)).tolist()), [10])
        held.append(all(row["expected_low"] <= one <= row["expected_high"]
                        for row, one in zip(rows, truth, strict=True)))  # fmt: skip
    # 0.95 less three standard errors of 100 studies.
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 100)


@settings(max_examples=15, deadline=None)
@given(st.permutations([0.5, 0.5, 0.6, None, 0.7, 0.8, 0.55]))
def test_the_order_of_random_trials_does_not_matter(values: list[float | None]) -> None:
    ordered = searches.random_search(*trials([0.5, 0.5, 0.55, 0.6, 0.7, 0.8, None]), [5])
    assert searches.random_search(*trials(values), [5]) == ordered
    assert ordered[0]["incomplete"] == 1


def test_a_pruned_trial_is_no_better_than_the_worst_complete_one() -> None:
    study, frame, runs = trials([0.5, 0.6, 0.7, 0.8, 0.9, 0.99])
    expected = searches.random_search(*trials([0.5, 0.6, 0.7, 0.8, 0.9, None]), [5])
    frame.loc[5, "status"] = "pruned"
    assert searches.random_search(study, frame, runs, [5]) == expected


def test_trials_that_learn_are_no_random_ones() -> None:
    values = [0.5, 0.6, 0.7, 0.8, 0.9]
    assert searches.random_search(*trials(values, "tpe"), [5]) == []
    assert len(searches.random_search(*trials(values, "qmc"), [5])) == 5
    assert searches.random_search(*trials(values[:4]), [5]) == []


def test_a_space_filling_screening_is_a_random_search() -> None:
    study = make_study({"dropout": {"screen": [0.0, 0.4]}, "weight_decay": {"screen": [0.1]}})
    given = {"name": "sobol", "runs": 8}
    study["screen"] = {"configurations": [{"dropout": 0.7}],
                       "design": designs.resolve(given, study)}  # fmt: skip
    found = plan.screen_runs(study)
    stages = dict.fromkeys(plan.ALL_STAGES, ()) | {"screen": [run.name for run in found]}
    source = searches.random_trials(study, Planned({run.name: run for run in found}, stages))
    assert source == ("the screening (sobol)", [run.name for run in found[:-1]])


@pytest.mark.parametrize("scored", [lambda v, s: None, lambda v, s: 0.5])
def test_nothing_or_the_same_everywhere_is_answered(scored: Any, tmp_path: Path) -> None:
    study = full_study()
    study["objective"] = {"metric": "loss", "direction": "minimize"}
    study["baseline"] = {"seeds": 1}
    path = write_study(tmp_path, study, scored, ["learning_rate", "train_batch_size"])
    insights.insights(path)
    found = pd.read_csv(tmp_path / "summary" / "searches.csv")
    assert set(found["found_at"].dropna()) <= {1}
    assert found["within_noise_at"].isna().all()


def test_the_report_sets_search_against_search(tmp_path: Path) -> None:
    results = load(fabricate.fabricate(tmp_path, fabricate_runs.study()))
    context = page.searches.context(results)
    assert [row["search"] for row in context["rows"]] == ["by hand", "grid", "Optuna"]
    assert all(row["chance"] and row["time"] for row in context["rows"])
    assert len(page.searches.figure(results).axes) == 2


def test_without_times_there_is_one_panel(tmp_path: Path) -> None:
    results = load(fabricate.fabricate(tmp_path, fabricate_runs.study()))
    results.runs["seconds"] = np.nan
    assert len(page.searches.figure(results).axes) == 1
    assert {row["time"] for row in page.searches.context(results)["rows"]} == {""}
    empty = replace(results, searches=results.searches[:0], so_far=results.so_far[:0])
    assert page.searches.context(empty)["rows"] == []
    assert page.searches.figure(empty).texts


def test_a_long_search_takes_no_point_for_each_run() -> None:
    values = (0.5 + np.arange(1000) / 4000).tolist()
    rows = searches.random_search(*trials(values), [1000, 777])
    n = [row["n"] for row in rows]
    assert n[:200] == list(range(1, 201))
    assert {777, 1000} <= set(n)
    assert len(n) < 310
    assert [row["expected"] for row in rows] == sorted(row["expected"] for row in rows)
