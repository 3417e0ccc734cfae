"""Names of runs: one name for a configuration, one configuration for a name."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scripts.study.errors import StudyError
from scripts.study.hyperparameters import HYPERPARAMETERS, Hyperparameter, Value, defaults
from scripts.study.names import (
    MAX_LENGTH,
    departures,
    parse_run,
    planned_pattern,
    run_name,
    spell,
    trial_name,
)

PATTERN = re.compile(planned_pattern())


def values_of(spec: Hyperparameter) -> st.SearchStrategy[Value]:
    """Return a strategy for the canonical values of one hyperparameter."""
    if spec.kind == "categorical":
        return st.sampled_from(spec.choices)
    if spec.kind == "int":
        return st.integers(int(spec.low), int(spec.high))
    return st.floats(
        spec.low, spec.high, exclude_min=spec.open_low, exclude_max=spec.open_high
    ).map(lambda value: value + 0.0)  # no -0.0


configurations = st.fixed_dictionaries(
    {}, optional={name: values_of(spec) for name, spec in HYPERPARAMETERS.items()}
).map(lambda changes: {**defaults(), **changes})
few = st.dictionaries(st.sampled_from(sorted(HYPERPARAMETERS)), st.none(), max_size=3).flatmap(
    lambda names: st.fixed_dictionaries(
        {name: values_of(HYPERPARAMETERS[name]) for name in names}
    )
).map(lambda changes: {**defaults(), **changes})  # fmt: skip
seeds = st.integers(0, 2**31)


def test_examples() -> None:
    baseline = defaults()
    assert run_name(baseline, baseline, 42) == "baseline-seed42"
    changed = {**baseline, "weight_decay": 0.1, "learning_rate": 2e-5, "train_batch_size": 64}
    assert run_name(changed, baseline, 7) == (
        "learning_rate=2e-05+train_batch_size=64+weight_decay=0.1-seed7"
    )
    scheduled = {**baseline, "lr_scheduler_type": "constant_with_warmup"}
    assert run_name(scheduled, baseline, 0) == "lr_scheduler_type=constant_with_warmup-seed0"
    assert departures(changed, baseline) == {
        "learning_rate": 2e-5,
        "train_batch_size": 64,
        "weight_decay": 0.1,
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2e-5, "2e-05"), (1.0, "1.0"), (64, "64"), ("sgd", "sgd"), (0.1 + 0.2, "0.30000000000000004")],
)
def test_spelling(value: Value, expected: str) -> None:
    assert spell(value) == expected


@given(few, seeds)
def test_a_name_is_read_back(values: dict[str, Value], seed: int) -> None:
    name = run_name(values, defaults(), seed)
    assume("hash=" not in name)
    found, found_seed = parse_run(name, defaults())
    assert {key: repr(value) for key, value in found.items()} == {
        key: repr(value) for key, value in values.items()
    }
    assert found_seed == seed


@given(configurations, configurations, configurations, seeds, seeds)
def test_equal_runs_and_only_they_have_equal_names(
    one: dict[str, Value], other: dict[str, Value], baseline: dict[str, Value], a: int, b: int
) -> None:
    equal = [map(repr, run.values()) for run in (one, other)]
    same = list(equal[0]) == list(equal[1]) and a == b
    assert (run_name(one, baseline, a) == run_name(other, baseline, b)) is same
    assert run_name(one, baseline, a) == run_name(dict(reversed(one.items())), baseline, a)


@given(configurations, configurations, seeds)
def test_names_are_safe_and_short(
    values: dict[str, Value], baseline: dict[str, Value], seed: int
) -> None:
    name = run_name(values, baseline, seed)
    assert len(name) <= MAX_LENGTH
    assert re.fullmatch(r"[A-Za-z0-9_.=+\-]+", name)
    assert PATTERN.fullmatch(name)


def all_changed(name: str) -> Value:
    """Return a value of a hyperparameter that differs from its default, with a long spelling."""
    spec = HYPERPARAMETERS[name]
    if spec.kind == "categorical":
        return spec.choices[-1]
    return spec.high if spec.kind == "float" and not spec.open_high else spec.canonical(
        0.12345678901234567 if spec.kind == "float" else int(spec.high)
    )  # fmt: skip


def test_long_names_end_in_a_hash_of_the_whole() -> None:
    values = {name: all_changed(name) for name in HYPERPARAMETERS}
    name = run_name(values, defaults(), 42)
    assert len(name) <= MAX_LENGTH
    assert re.search(r"\+hash=[0-9a-f]{16}-seed42$", name)
    assert name.startswith("adam_beta1=0.12345678901234566+")
    # The part that is cut away counts.
    assert run_name({**values, "weight_decay": 0.5}, defaults(), 42) != name
    with pytest.raises(StudyError, match="'hash' is not a hyperparameter"):
        parse_run(name, defaults())


@pytest.mark.parametrize(
    "name",
    [
        "",
        "baseline",
        "baseline-seed",
        "baseline-seed-1",
        "baseline-seed042",
        "baseline-seed٤٢",
        "baseline-seed²",
        "Baseline-seed42",
        "lerning_rate=1-seed42",
        "learning_rate=2e-5-seed42",  # the canonical spelling is 2e-05
        "learning_rate=0.00002-seed42",
        "learning_rate=5e-05-seed42",  # the baseline's own value
        "learning_rate=2e-05+learning_rate=2e-05-seed42",
        "weight_decay=0.1+learning_rate=2e-05-seed42",  # not sorted
        "train_batch_size=64.0-seed42",
        "train_batch_size=6_4-seed42",
        "train_batch_size= 64-seed42",
        "learning_rate=2-seed42",  # out of range
        "learning_rate=nan-seed42",
        "learning_rate=2e-05+-seed42",
        "baseline+learning_rate=2e-05-seed42",
        "optuna-0007-seed42",
        "../baseline-seed42",
    ],
)
def test_other_spellings_are_refused(name: str) -> None:
    with pytest.raises(StudyError):
        parse_run(name, defaults())


@pytest.mark.parametrize(
    "name",
    [
        "lerning_rate=1-seed42",
        "baseline",
        "baseline-seed",
        "optuna-0007-seed42",
        "learning_rate=2e-05,weight_decay=0.1-seed42",  # remote executors cut at commas
        "learning_rate=2e-05/x-seed42",
        "learning_rate=a b-seed42",
        "learning_rate=-seed42",
    ],
)
def test_pattern_of_planned_runs_rejects(name: str) -> None:
    assert not PATTERN.fullmatch(name)


def test_trials() -> None:
    assert trial_name(7, 42) == "optuna-0007-seed42"
    assert trial_name(12345, 1) == "optuna-12345-seed1"
    names = [trial_name(trial, 42) for trial in range(1, 1001)]
    assert names == sorted(names)
    assert not any(PATTERN.fullmatch(name) for name in names)
