"""Proposals are a pure function of the files, for every sampler and every kind of space."""

import itertools
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import optuna
import pytest

from scripts.study import optuna_options
from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.study.search import (
    contains,
    distributions,
    frozen,
    propose,
    sampler_seed,
)
from scripts.study.trial import Trial, epoch_values

SAMPLERS = tuple(optuna_options.SAMPLERS)
Space = dict[str, dict[str, Any]]
# Every kind of distribution: log, uniform, stepped, whole numbers of each, choices of each kind.
EVERYTHING: Space = {
    "learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
    "weight_decay": {"low": 0.0, "high": 0.1, "log": False},
    "dropout": {"low": 0.0, "high": 0.5, "log": False, "step": 0.1},
    "warmup_steps": {"low": 0, "high": 100, "log": False},
    "train_batch_size": {"low": 8, "high": 64, "log": True},
    "max_seq_length": {"low": 32, "high": 128, "log": False, "step": 32},
    "optim": {"choices": ["sgd", "adamw_torch", "radam"]},
    "gradient_accumulation_steps": {"choices": [1, 2, 4]},
    "max_grad_norm": {"choices": [0.0, 1.0]},
}
SMALL: Space = {
    "optim": {"choices": ["sgd", "adamw_torch", "radam"]},
    "train_batch_size": {"choices": [8, 16]},
    "num_train_epochs": {"low": 2, "high": 3, "log": False},
}
RATE: Space = {"learning_rate": {"low": 1e-5, "high": 1e-1, "log": True}}


def ask(space: Space, earlier: Sequence[Trial] = (), **changes: Any) -> list[dict[str, Value]]:
    options: dict[str, Any] = {
        "direction": "maximize",
        "sampler": {"name": "tpe", "options": {}},
        "seed": 42,
        "batch": 1,
        "size": 3,
        **changes,
    }
    if isinstance(options["sampler"], str):
        options["sampler"] = {"name": options["sampler"], "options": {}}
    return propose(distributions(space), earlier, **options)


def score(parameters: dict[str, Value]) -> float:
    rate = parameters.get("learning_rate", 1e-4)
    assert isinstance(rate, float)
    return 1 / (1 + abs(math.log10(rate) + 4))


def done(proposals: Sequence[dict[str, Value]], status: str = "complete") -> list[Trial]:
    values = {"complete": 2, "pruned": 1, "diverged": 0}
    return [Trial(p, status, [0.1, score(p)][-values[status] or 2 :]) for p in proposals]


def study(space: Space, batches: int, **changes: Any) -> list[Trial]:
    """Return the trials of a study of several batches."""
    trials: list[Trial] = []
    for batch in range(1, batches + 1):
        trials += done(ask(space, trials, batch=batch, **changes))
    return trials


def key(parameters: Any) -> tuple[Value, ...]:
    return tuple(parameters[name] for name in sorted(parameters))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_proposals_are_canonical_values_of_the_space(sampler: str) -> None:
    trials = study(EVERYTHING, 2, sampler=sampler, size=4)
    for trial in trials:
        assert list(trial.parameters) == sorted(EVERYTHING)
        for name, value in trial.parameters.items():
            canonical = HYPERPARAMETERS[name].canonical(value)
            assert (value, type(value)) == (canonical, type(canonical))
        assert contains(distributions(EVERYTHING), trial.parameters)
        assert trial.parameters["dropout"] in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
        assert trial.parameters["max_seq_length"] in (32, 64, 96, 128)
    assert len({key(trial.parameters) for trial in trials}) == 8


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_arguments_give_the_same_proposals(sampler: str) -> None:
    space = {name: EVERYTHING[name] for name in ("learning_rate", "optim")}
    options = {"n_startup_trials": 4} if sampler in ("tpe", "gp") else {}
    chosen = {"sampler": {"name": sampler, "options": options}, "batch": 2, "size": 2}
    earlier = study(space, 1, sampler="random", size=4)
    first = ask(space, earlier, **chosen)
    backwards = dict(reversed(space.items()))
    turned = [
        Trial(dict(reversed([*t.parameters.items()])), t.status, list(t.values)) for t in earlier
    ]
    optuna.create_study().ask(distributions(space))
    assert ask(backwards, turned, **chosen) == first
    assert ask(space, earlier, **chosen, seed=43) != first
    # A batch that was asked for in one piece holds no point twice.
    assert len({key(parameters) for parameters in first}) == 2


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_what_was_found_earlier_counts(sampler: str) -> None:
    earlier = study(RATE, 4, sampler="random", size=4)
    turned = [Trial(t.parameters, t.status, [-value for value in t.values]) for t in earlier]
    found = ask(RATE, earlier, sampler=sampler, batch=5)
    assert found != ask(RATE, turned, sampler=sampler, batch=5)
    assert found == ask(RATE, turned, sampler=sampler, batch=5, direction="minimize")
    # A warm start is earlier trials like any other.
    assert found != ask(RATE, earlier[2:], sampler=sampler, batch=5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_small_space_is_tried_whole_before_anything_twice(sampler: str) -> None:
    trials = study(SMALL, 4, sampler=sampler)
    assert len({key(trial.parameters) for trial in trials}) == 12
    # Then it ends by beginning again.
    again = ask(SMALL, trials, sampler=sampler, batch=5)
    assert len(again) == 3
    assert {key(parameters) for parameters in again} <= {key(trial.parameters) for trial in trials}
    assert ask(SMALL, trials, sampler=sampler, batch=5) == again


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_warm_start_is_not_tried_again(sampler: str) -> None:
    everything = study(SMALL, 4, sampler="random")
    warm = everything[:7]
    batches: list[Trial] = []
    for batch in (1, 2):
        asked = ask(SMALL, [*warm, *batches], sampler=sampler, batch=batch)
        batches += done(asked)
    seen = [key(trial.parameters) for trial in [*warm, *batches]]
    assert len(set(seen)) == 12


def test_steps_count_as_points() -> None:
    space: Space = {"dropout": {"low": 0.1, "high": 0.3, "log": False, "step": 0.1}}
    trials = study(space, 1, size=3)
    assert sorted(key(trial.parameters) for trial in trials) == [(0.1,), (0.2,), (0.3,)]


def test_a_quasi_random_sequence_does_not_depend_on_batches() -> None:
    for space in (EVERYTHING, SMALL, RATE):
        whole = ask(space, sampler="qmc", size=6)
        first = ask(space, sampler="qmc", size=3)
        second = ask(space, done(first), sampler="qmc", size=3, batch=2)
        assert [*first, *second] == whole
        # It learns nothing, and is not confused by trials that are missing.
        assert ask(space, done(first, "diverged"), sampler="qmc", batch=2) == second
        assert ask(space, sampler="qmc", batch=2) == second


def test_a_quasi_random_sequence_is_even() -> None:
    rates = [p["learning_rate"] for p in ask(RATE, sampler="qmc", size=16)]
    sixteenths = [math.floor((math.log10(float(rate)) + 5) * 4) for rate in rates]
    assert sorted(sixteenths) == list(range(16))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_diverged_trials_are_tolerated(sampler: str, share: float) -> None:
    asked = ask(RATE, sampler="random", size=12)
    cut = int(12 * share)
    earlier = [*done(asked[:cut], "diverged"), *done(asked[cut:])]
    found = ask(RATE, earlier, sampler=sampler, batch=5)
    assert found == ask(RATE, earlier, sampler=sampler, batch=5)
    assert len({key(parameters) for parameters in found}) == 3
    assert ask(RATE, done(asked, "pruned"), sampler=sampler, batch=5)


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_what_diverges_is_left_alone(sampler: str) -> None:
    # Everything above 1e-3 diverges, and the best of the others lies just below.
    rates = [10 ** (-5 + index / 4) for index in range(16)]
    earlier = [
        Trial({"learning_rate": rate}, "diverged", [])
        if rate > 1e-3
        else Trial({"learning_rate": rate}, "complete", [0.7 + index / 100])
        for index, rate in enumerate(rates)
    ]
    found = [
        parameters["learning_rate"]
        for batch in (5, 6, 7)
        for parameters in ask(RATE, earlier, sampler=sampler, batch=batch)
    ]
    assert sum(float(rate) < 2e-3 for rate in found) >= 7


def test_options_reach_the_sampler() -> None:
    def options(name: str, **given: Any) -> list[dict[str, Value]]:
        sampler = {"name": name, "options": given}
        return ask(space, earlier, sampler=sampler, batch=5, size=2)

    space = {name: EVERYTHING[name] for name in ("learning_rate", "weight_decay", "optim")}
    earlier = study(space, 2, sampler="random", size=6)
    assert options("tpe") != options("tpe", n_startup_trials=50)
    assert options("tpe") != options("tpe", multivariate=False)
    assert options("tpe", multivariate=True, group=True)
    assert options("qmc") != options("qmc", scramble=False)
    assert options("qmc") != options("qmc", qmc_type="halton")
    assert options("gp", n_startup_trials=50) != options("gp", deterministic_objective=True)


def test_numbers_that_a_step_does_not_quite_reach() -> None:
    # 3 * 0.1 is 0.30000000000000004 in floats: the grid's 0.3 and the trial's are one value.
    space: Space = {"weight_decay": {"low": 0.0, "high": 0.9, "log": False, "step": 0.1}}
    asked = ask(space, sampler="random", size=10)
    found = sorted(float(parameters["weight_decay"]) for parameters in asked)
    assert found == [index / 10 for index in range(10)]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, True),
        ({"learning_rate": 1e-5}, True),
        ({"learning_rate": 2e-3}, False),
        ({"dropout": 0.3}, True),
        ({"dropout": 0.25}, False),
        ({"max_seq_length": 64}, True),
        ({"max_seq_length": 65}, False),
        ({"optim": "sgd"}, True),
        ({"optim": "nadam"}, False),
        ({"gradient_accumulation_steps": 3}, False),
        ({"max_grad_norm": 1.0}, True),
    ],
)
def test_contains(parameters: dict[str, Value], expected: bool) -> None:
    inside: dict[str, Value] = dict(ask(EVERYTHING)[0])
    assert contains(distributions(EVERYTHING), {**inside, **parameters}) is expected


def test_what_is_left_of_a_space_is_drawn_by_seed_and_batch() -> None:
    space: Space = {
        "warmup_steps": {"low": 0, "high": 39, "log": False},
        "max_seq_length": {"low": 8, "high": 47, "log": False},
    }
    points = itertools.product(range(40), range(8, 48))
    every = [{"warmup_steps": one, "max_seq_length": two} for one, two in points]
    # A sampler hits one of the last 40 of 1,600 points at one time in forty.
    earlier = done(every[:-40])
    asked = partial(ask, space, earlier, sampler="random", size=6)
    found = asked()
    assert found == asked()
    assert [point for point in found if point in every[:-40]] == []
    assert len({key(point) for point in found}) == 6
    assert asked(seed=43) != found
    assert asked(batch=2) != found


def test_a_scale_is_linear_unless_a_block_says_log() -> None:
    found = distributions({"dropout": {"low": 0.1, "high": 0.3}, "warmup_steps": {"low": 1,
                           "high": 9}})  # fmt: skip
    assert [one.log for one in found.values()] == [False, False]  # type: ignore[attr-defined]


def test_trials_in_optunas_form() -> None:
    space = distributions(RATE)
    states = optuna.trial.TrialState
    complete = frozen(Trial({"learning_rate": 1e-3}, "complete", [0.1, 0.2]), space, states.FAIL)
    assert (complete.state, complete.value) == (states.COMPLETE, 0.2)
    assert complete.intermediate_values == {1: 0.1, 2: 0.2}
    pruned = frozen(Trial({"learning_rate": 1e-3}, "pruned", [0.1]), space, states.FAIL)
    assert (pruned.state, pruned.value) == (states.PRUNED, None)
    attributes = {"run": "optuna-0001-seed42"}
    gone = frozen(Trial({"learning_rate": 1.0e-3}, "diverged", [], attributes), space, states.FAIL)
    assert (gone.state, gone.value, gone.user_attrs) == (states.FAIL, None, attributes)


def test_seeds_of_batches() -> None:
    seeds = {sampler_seed(seed, batch) for seed in range(20) for batch in range(20)}
    assert len(seeds) == 400
    assert all(0 <= seed < 2**32 for seed in seeds)
    # Written down: with another value everyone's trials would be others.
    assert sampler_seed(42, 1) == 64878673


def test_values_by_epoch() -> None:
    epochs = [{"f1": 0.1, "loss": 2.0}, {"f1": 0.2, "loss": 1.0}]
    assert epoch_values({"objective": {"metric": "f1"}, "epochs": epochs}) == [0.1, 0.2]
    assert epoch_values({"objective": {"metric": "loss"}, "epochs": epochs}) == [2.0, 1.0]
