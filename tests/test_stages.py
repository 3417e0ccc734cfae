"""What each stage of DVC's depends on: a change that remakes its folder is among it."""

import copy
from typing import Any

import pytest

from scripts.stages import stages
from scripts.study import plan
from scripts.study.config import resolve
from tests.configs import COMMIT, EMBEDDED

CONFIG: dict[str, Any] = {
    "study": "small",
    "model": {"path": EMBEDDED},
    "dataset": {"path": "someone/texts", "revision": COMMIT},
    "splits": {"train": "train", "validation_share": 0.2, "test": None},
    "columns": {"text": ["text"], "label": "label"},
    "hyperparameters": {
        "learning_rate": {"screen": [1e-5], "search": {"low": 1e-5, "high": 1e-3, "log": True}},
        "dropout": {"screen": [0.0], "grid": [0.0, 0.1], "search": {"low": 0.0, "high": 0.3}},
        "max_seq_length": {"baseline": 32, "screen": [48], "grid": [32, 48]},
    },
    "rank": {"top": 1},
}


def changed(*keys_and_value: Any, config: dict[str, Any] = CONFIG) -> dict[str, Any]:
    *keys, last, value = keys_and_value
    new = copy.deepcopy(config)
    block = new
    for key in keys:
        block = block.setdefault(key, {})
    block[last] = value
    return new


def differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    one, other = (stages(resolve(config, "config")) for config in (before, after))
    return [stage for stage in one if one[stage] != other[stage]]


def test_a_seed_that_cuts_a_validation_split_off_changes_the_data() -> None:
    later = ["screen", "grid", "optuna", "confirm", "report"]
    assert differing(CONFIG, changed("seed", 43)) == ["prepare", *later]
    given = changed("splits", {"train": "train", "validation": "validation", "test": None})
    assert differing(given, changed("seed", 43, config=given)) == later


@pytest.mark.parametrize(
    "change",
    [
        ("training", "precision", "bf16"),
        ("training", "eval_batch_size", 7),
        ("objective", "metric", "accuracy"),
        ("hyperparameters", "weight_decay", {"baseline": 0.1}),
    ],
)
def test_what_every_run_is_told_reaches_every_stage(change: Any) -> None:
    """The screening's files may come out as they were, and would hide it from the stages behind."""
    assert differing(CONFIG, changed(*change)) == ["screen", "grid", "optuna", "confirm", "report"]
    assert differing(CONFIG, changed("training", "memory_mb", 999)) == ["report"]


@pytest.mark.parametrize("stage", ["screen", "refine"])
def test_texts_of_another_length_are_tokenised_first_of_all(stage: str) -> None:
    other = changed(stage, "configurations", [{"max_seq_length": 64}])
    assert "prepare" in differing(CONFIG, other)
    assert plan.lengths(resolve(CONFIG, "config")) == [32, 48]
    assert plan.lengths(resolve(other, "config")) == [32, 48, 64]


def test_every_length_is_planned_once() -> None:
    searched = changed("hyperparameters", "max_seq_length", "search", {"choices": [16, 48]})
    assert plan.lengths(resolve(searched, "config")) == [16, 32, 48]


def test_searched_ranges_are_screened_where_a_design_lies_in_them() -> None:
    wider = ("hyperparameters", "dropout", "search", {"low": 0.0, "high": 0.4})
    assert differing(CONFIG, changed(*wider)) == ["optuna", "report"]
    design = changed("screen", "design", {"name": "plackett_burman"})
    assert differing(design, changed(*wider, config=design)) == ["screen", "optuna", "report"]
