"""Pruning: Optuna's own decision, from a snapshot of earlier batches and nothing else."""

import math
from typing import Any

import optuna
import pytest

from scripts.study import optuna_options
from scripts.training.pruning import pruner, should_stop

Past = dict[str, Any]


def past(*values: float, status: str = "complete") -> Past:
    return {"status": status, "values": list(values)}


def block(
    name: str, earlier: list[Past], trial: int | None = None, **options: Any
) -> dict[str, Any]:
    """Return the pruning block of trial number `trial`, by default the one after `earlier`."""
    return {
        "pruner": {"name": name, "options": options},
        "direction": "maximize",
        "trial": trial or len(earlier) + 1,
        "earlier": earlier,
    }


def stopped_at(pruning: dict[str, Any] | None, *values: float) -> int | None:
    """Return the epoch after which a trial that scores `values` is stopped; None for never."""
    stop = should_stop(pruning)
    return next((epoch for epoch, value in enumerate(values, start=1) if stop(epoch, value)), None)


GOOD = [past(0.5, 0.6, 0.7), past(0.55, 0.65, 0.7), past(0.6, 0.7, 0.8)] * 2


def test_without_a_pruner_nothing_stops() -> None:
    assert stopped_at(None, 0.0, 0.0) is None
    assert stopped_at(block("none", GOOD), 0.0, 0.0) is None


def test_the_median_pruner_stops_a_bad_trial_and_no_good_one() -> None:
    assert stopped_at(block("median", GOOD), 0.1, 0.1) == 1
    assert stopped_at(block("median", GOOD), 0.6, 0.1) == 2
    assert stopped_at(block("median", GOOD), 0.58, 0.68) is None
    # Not before five trials have finished, unless the config says so.
    assert stopped_at(block("median", GOOD[:3]), 0.1, 0.1) is None
    assert stopped_at(block("median", GOOD[:3], n_startup_trials=2), 0.1, 0.1) == 1
    # Epochs that never prune, and epochs between two looks.
    assert stopped_at(block("median", GOOD, n_warmup_steps=1), 0.1, 0.1) == 2
    assert stopped_at(block("median", GOOD, n_warmup_steps=2), 0.1, 0.1, 0.1) == 3
    assert stopped_at(block("median", GOOD), 0.56, 0.1, 0.1) == 2
    assert stopped_at(block("median", GOOD, interval_steps=2), 0.56, 0.1, 0.1) == 3


def test_a_loss_is_better_when_lower() -> None:
    losses = [past(0.5, 0.4)] * 6
    pruning = {**block("median", losses), "direction": "minimize"}
    assert stopped_at(pruning, 0.9) == 1
    assert stopped_at(pruning, 0.3, 0.3) is None


def test_pruned_and_diverged_trials_are_no_measure() -> None:
    others = [past(0.9, status="pruned"), past(status="diverged")] * 10
    assert stopped_at(block("median", others), 0.1, 0.1) is None
    assert stopped_at(block("median", [*GOOD, *others]), 0.58, 0.68) is None


def test_percentile_and_threshold() -> None:
    assert stopped_at(block("percentile", GOOD, percentile=10.0), 0.58) == 1
    assert stopped_at(block("percentile", GOOD, percentile=90.0), 0.52) is None
    assert stopped_at(block("threshold", [], lower=0.3), 0.4, 0.2) == 2
    assert stopped_at(block("threshold", [], lower=0.3, n_warmup_steps=1), 0.2, 0.2) == 2


def test_the_neighbours_of_the_same_batch_do_not_matter() -> None:
    # Trials 7 to 9 of one batch share a snapshot: which of them ran first is in no file.
    decisions = {
        stopped_at(block("median", GOOD, trial), 0.57, 0.2, 0.9) for trial in (7, 8, 9, 30)
    }
    assert decisions == {2}


def in_optuna(kind: optuna.pruners.BasePruner, curves: list[list[float]]) -> list[int | None]:
    """Return after which epoch Optuna itself stops each of `curves`, run one after another."""
    study = optuna.create_study(study_name="snaketune", direction="maximize", pruner=kind)
    ends: list[int | None] = []
    for curve in curves:
        trial = study.ask()
        end = None
        for epoch, value in enumerate(curve, start=1):
            trial.report(value, epoch)
            if epoch < len(curve) and trial.should_prune():
                end = epoch
                break
        ends.append(end)
        if end:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, curve[-1])
    return ends


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("median", {"n_startup_trials": 2}),
        ("percentile", {"percentile": 40.0}),
        ("successive_halving", {"min_resource": 1, "reduction_factor": 2}),
        ("successive_halving", {}),
        ("hyperband", {"min_resource": 1, "max_resource": 9, "reduction_factor": 3}),
        ("hyperband", {}),
    ],
)
def test_trials_one_after_another_end_as_in_optuna(name: str, options: dict[str, Any]) -> None:
    # Curves that rise, each a little different, some bad: the same for everyone.
    curves = [
        [math.sin(7.3 * trial) / 3 + 0.1 * math.log(epoch) for epoch in range(1, 10)]
        for trial in range(24)
    ]
    expected = in_optuna(pruner(name, options), curves)
    earlier: list[Past] = []
    found = []
    for curve in curves:
        end = stopped_at(block(name, earlier, **options), *curve[:-1])
        found.append(end)
        earlier.append(past(*curve[:end], status="pruned" if end else "complete"))
    assert found == expected
    assert 2 < sum(end is not None for end in found) < 24


def test_halving_remembers_who_was_promoted() -> None:
    # Of four, two go on after the first epoch; a later one must be among the better half.
    earlier = [past(0.9, 0.9), past(0.1, status="pruned"), past(0.8, status="pruned")]
    pruning = block("successive_halving", earlier, min_resource=1, reduction_factor=2)
    assert stopped_at(pruning, 0.2) == 1
    assert stopped_at(pruning, 0.95) is None


def test_hyperband_decides_by_the_trials_number_alone() -> None:
    earlier = [past(*[0.1 * trial + 0.01 * epoch for epoch in range(9)]) for trial in range(9)]
    options = {"min_resource": 1, "max_resource": 9, "reduction_factor": 3}
    bad = [0.05] * 8
    ends = [stopped_at(block("hyperband", earlier, t, **options), *bad) for t in range(10, 25)]
    again = [stopped_at(block("hyperband", earlier, t, **options), *bad) for t in range(10, 25)]
    assert ends == again
    # Brackets of one, three and nine epochs.
    assert {1, 3} <= set(ends)


def test_every_pruner_of_the_config_is_known() -> None:
    needed: dict[str, dict[str, Any]] = {
        "percentile": {"percentile": 50.0},
        "threshold": {"lower": 0.0},
    }
    for name in optuna_options.PRUNERS:
        assert stopped_at(block(name, GOOD, **needed.get(name, {})), 0.9, 0.9) is None
