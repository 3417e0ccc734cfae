"""Which runs a study plans, and that a run that two stages plan is one run."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.study.config import resolve
from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.study.names import parse_run
from scripts.study.plan import (
    Run,
    baseline_runs,
    baseline_values,
    batch_of,
    batches,
    candidates,
    grid_runs,
    lengths,
    refine_runs,
    screen_runs,
    searched_lengths,
    trial_runs,
)
from tests.configs import changed, small

LEVELS: dict[str, list[Value]] = {
    "learning_rate": [1e-5, 2e-5, 5e-5, 1e-4],
    "train_batch_size": [8, 16, 32, 64],
    "weight_decay": [0.0, 0.01, 0.1],
    "lr_scheduler_type": ["linear", "cosine", "polynomial"],
}


def names(runs: list[Run]) -> list[str]:
    return [run.name for run in runs]


def study_of(blocks: dict[str, Any], seed: int = 42) -> dict[str, Any]:
    """Return the resolved study with these blocks, the grid and no search."""
    config = {**small(), "seed": seed, "hyperparameters": blocks, "optuna": {"trials": 0}}
    return resolve({**config, "rank": {"hyperparameters": sorted(blocks)}})


@st.composite
def grids(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Draw blocks with a baseline and a grid, whose baseline may lie on the grid."""
    chosen = draw(st.lists(st.sampled_from(sorted(LEVELS)), min_size=1, unique=True))
    return {
        name: {
            "baseline": draw(st.sampled_from(LEVELS[name])),
            "grid": draw(st.lists(st.sampled_from(LEVELS[name]), min_size=1, unique=True)),
        }
        for name in chosen
    }


@settings(max_examples=40, deadline=None)
@given(grids(), st.integers(0, 2**31 - 1))
def test_grid_holds_each_point_once(blocks: dict[str, dict[str, Any]], seed: int) -> None:
    study = study_of(blocks, seed)
    runs = grid_runs(study, sorted(blocks))
    points = set(itertools.product(*(blocks[name]["grid"] for name in sorted(blocks))))
    found = [tuple(run.hyperparameters[name] for name in sorted(blocks)) for run in runs]
    assert len(found) == len(points)
    assert set(found) == points
    assert len(set(names(runs))) == len(runs)
    for run in runs:
        assert run.seed == seed
        assert parse_run(run.name, baseline_values(study)) == (run.hyperparameters, seed)
        fixed = run.hyperparameters.keys() - blocks.keys()
        assert all(run.hyperparameters[name] == HYPERPARAMETERS[name].default for name in fixed)


@settings(max_examples=40, deadline=None)
@given(grids())
def test_a_point_that_equals_the_baseline_is_the_baseline_run(
    blocks: dict[str, dict[str, Any]],
) -> None:
    study = study_of(blocks)
    on_grid = all(block["baseline"] in block["grid"] for block in blocks.values())
    baseline = names(baseline_runs(study))[0]
    assert baseline == "baseline-seed42"
    assert (baseline in names(grid_runs(study, sorted(blocks)))) is on_grid


@settings(max_examples=40, deadline=None)
@given(grids(), st.data())
def test_a_grown_grid_keeps_its_names_and_their_order(
    blocks: dict[str, dict[str, Any]], data: st.DataObject
) -> None:
    before = names(grid_runs(study_of(blocks), sorted(blocks)))
    name = data.draw(st.sampled_from(sorted(blocks)))
    new = data.draw(st.sampled_from(LEVELS[name]))
    grown = {**blocks, name: {**blocks[name], "grid": [*{*blocks[name]["grid"], new}]}}
    after = names(grid_runs(study_of(grown), sorted(blocks)))
    assert [run for run in after if run in set(before)] == before


@settings(max_examples=40, deadline=None)
@given(grids())
def test_order_of_levels_and_names_does_not_matter(blocks: dict[str, dict[str, Any]]) -> None:
    turned = {name: {**block, "grid": block["grid"][::-1]} for name, block in blocks.items()}
    assert names(grid_runs(study_of(blocks), sorted(blocks))) == names(
        grid_runs(study_of(turned), sorted(blocks, reverse=True))
    )


def test_grid_is_in_a_random_order_of_the_seed() -> None:
    blocks = {name: {"grid": levels} for name, levels in LEVELS.items()}
    first, other = (names(grid_runs(study_of(blocks, seed), sorted(blocks))) for seed in (1, 2))
    assert first != sorted(first)
    assert [name.rpartition("-")[0] for name in first] != [
        name.rpartition("-")[0] for name in other
    ]
    # Half a grid already holds every level.
    half = first[: len(first) // 2]
    for name, levels in LEVELS.items():
        default = HYPERPARAMETERS[name].default
        assert all(
            any(f"{name}={level}" in run for run in half) for level in levels if level != default
        )


def test_no_grid() -> None:
    assert grid_runs(resolve(changed("grid", {"enabled": False})), ["dropout"]) == []
    assert grid_runs(resolve(small()), []) == []


def test_baseline_on_its_seeds() -> None:
    config = {**changed("baseline", {"seeds": 3}), "seed": 7}
    runs = baseline_runs(resolve(config))
    assert [(run.name, run.seed) for run in runs] == [
        ("baseline-seed7", 7),
        ("baseline-seed8", 8),
        ("baseline-seed9", 9),
    ]


def test_screening_is_one_factor_at_a_time_then_the_list() -> None:
    config = changed("screen.configurations", [{"dropout": 0.3, "optim": "sgd"}, {"dropout": 0.0}])
    runs = screen_runs(resolve(config))
    assert set(names(runs)) == {
        "dropout=0.0-seed42",  # in the block and in the list: one run
        "learning_rate=0.001-seed42",
        "learning_rate=1e-05-seed42",
        "train_batch_size=32-seed42",
        "train_batch_size=8-seed42",
        "dropout=0.3+optim=sgd-seed42",
    }
    assert len(runs) == 6
    assert names(runs)[-1] == "dropout=0.3+optim=sgd-seed42"


def test_a_screened_baseline_value_is_the_baseline() -> None:
    config = changed("hyperparameters.dropout.screen", [0.1])
    assert "baseline-seed42" in names(screen_runs(resolve(config)))


def test_refinement() -> None:
    config = changed("refine.configurations", [{"learning_rate": 2e-4}, {"learning_rate": 1e-4}])
    assert names(refine_runs(resolve(config))) == ["learning_rate=0.0002-seed42", "baseline-seed42"]


@pytest.mark.parametrize(
    ("grid", "trials", "expected"),
    [
        (True, 0, ["dropout", "learning_rate"]),
        (False, 9, ["dropout", "train_batch_size"]),
        (True, 9, ["dropout"]),
        (False, 0, []),
    ],
)
def test_candidates_know_every_later_stage(grid: bool, trials: int, expected: list[str]) -> None:
    config = small()
    del config["hyperparameters"]["learning_rate"]["search"]
    del config["hyperparameters"]["train_batch_size"]["grid"]
    study = resolve({**config, "grid": {"enabled": grid}, "optuna": {"trials": trials}})
    assert candidates(study) == expected


def test_a_length_that_cannot_be_chosen_is_not_searched() -> None:
    name, block = "max_seq_length", {"baseline": 64, "search": {"choices": [32, 64]}}
    study = resolve(changed(f"hyperparameters.{name}", block))
    assert searched_lengths(study) == lengths(study) == [64]  # no grid knows it
    study["hyperparameters"][name] = {**block, "grid": [64, 128]}
    assert searched_lengths(study) == [32, 64]
    assert lengths(study) == [32, 64, 128]
    study["rank"]["hyperparameters"] = ["dropout"]
    assert searched_lengths(study) == lengths(study) == [64]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100), st.integers(1, 20))
def test_batches_hold_each_trial_once(trials: int, size: int) -> None:
    if trials > 100 * size:
        return
    study = resolve(changed("optuna", {"trials": trials, "batch_size": size}))
    assert len(trial_runs(study)) == trials
    found = [batch_of(study, trial) for trial in range(1, trials + 1)]
    assert found == sorted(found)
    assert set(found) == set(range(1, batches(study) + 1))
    assert all(found.count(batch) <= size for batch in found)


def test_more_trials_leave_earlier_batches_alone() -> None:
    few, many = (resolve(changed("optuna.trials", trials)) for trials in (6, 9))
    assert trial_runs(many)[:6] == trial_runs(few) == [
        f"optuna-{trial:04d}-seed42" for trial in range(1, 7)
    ]  # fmt: skip
    assert [batch_of(few, trial) for trial in range(1, 7)] == [1, 1, 1, 1, 2, 2]
    assert batches(many) == 3
