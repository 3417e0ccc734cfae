"""The table of hyperparameters, and the one spelling of a value."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.study.errors import StudyError
from scripts.study.hyperparameters import HYPERPARAMETERS, Hyperparameter, defaults

NUMBERS = [spec for spec in HYPERPARAMETERS.values() if spec.kind != "categorical"]
NO_NUMBERS: list[object] = [
    True,
    False,
    None,
    [],
    {},
    "",
    "fast",
    "1,5",
    "0x10",
    "nan",
    "inf",
    "1e999",
    b"1",
    1j,
]
NO_VALUES = [math.nan, math.inf, -math.inf, -1, -0.5, 10**400, -(10**400), 2**53, 1e300]


def test_all_seventeen() -> None:
    assert (
        list(HYPERPARAMETERS)
        == (
            "learning_rate weight_decay train_batch_size max_seq_length warmup_ratio warmup_steps "
            "adam_beta1 adam_beta2 adam_epsilon max_grad_norm dropout attention_dropout "
            "lr_scheduler_type optim label_smoothing_factor gradient_accumulation_steps "
            "num_train_epochs"
        ).split()
    )


def test_defaults_are_canonical() -> None:
    for name, value in defaults().items():
        canonical = HYPERPARAMETERS[name].canonical(value)
        assert (canonical, type(canonical)) == (value, type(value))


@pytest.mark.parametrize("name", HYPERPARAMETERS)
@pytest.mark.parametrize("value", [*NO_NUMBERS, *NO_VALUES], ids=lambda value: repr(value)[:20])
def test_what_is_no_value(name: str, value: object) -> None:
    spec = HYPERPARAMETERS[name]
    with pytest.raises(StudyError, match=f"^{name}: .* is not {re.escape(spec.allowed())}$"):
        spec.canonical(value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("learning_rate", "5e-5", 5e-5),  # text to YAML 1.1
        ("learning_rate", "5.0E-05", 5e-5),
        ("learning_rate", 1, 1.0),
        ("weight_decay", 0, 0.0),
        ("weight_decay", -0.0, 0.0),
        ("train_batch_size", 32.0, 32),
        ("train_batch_size", "32", 32),
        ("train_batch_size", "3.2e1", 32),
        ("max_grad_norm", 1_000_000, 1e6),
        ("optim", "sgd", "sgd"),
    ],
)
def test_canonical_values(name: str, value: object, expected: object) -> None:
    found = HYPERPARAMETERS[name].canonical(value)
    assert (repr(found), type(found)) == (repr(expected), type(expected))


@pytest.mark.parametrize("spec", NUMBERS, ids=lambda spec: spec.name)
def test_bounds(spec: Hyperparameter) -> None:
    for bound, is_open in ((spec.low, spec.open_low), (spec.high, spec.open_high)):
        if is_open:
            with pytest.raises(StudyError):
                spec.canonical(bound)
        else:
            assert spec.canonical(bound) == bound
    for outside in (spec.low - 1, spec.high + 1):
        with pytest.raises(StudyError):
            spec.canonical(outside)


def test_parts_of_whole_numbers_are_refused() -> None:
    for spec in NUMBERS:
        if spec.kind == "int":
            with pytest.raises(StudyError, match=r"8\.5"):
                spec.canonical(8.5)


def test_choices_are_exact() -> None:
    for value in ("Linear", "linear ", "cosin", 0, True):
        with pytest.raises(StudyError, match=r"lr_scheduler_type: .* is not one of linear, cosine"):
            HYPERPARAMETERS["lr_scheduler_type"].canonical(value)


@given(st.sampled_from(NUMBERS), st.integers() | st.floats() | st.text(max_size=12))
def test_canonical_is_idempotent_and_in_range(spec: Hyperparameter, value: object) -> None:
    try:
        found = spec.canonical(value)
    except StudyError:
        return
    assert type(found) is (int if spec.kind == "int" else float)
    assert spec.low <= float(found) <= spec.high
    assert repr(spec.canonical(found)) == repr(found)
    assert repr(spec.canonical(str(found))) == repr(found)
