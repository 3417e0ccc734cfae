"""Mistakes in a config: one clear line that names the key, the value and what would be right."""

from pathlib import Path
from typing import Any

import pytest

from scripts.study.config import resolve
from tests.config_mistakes import BAD, H
from tests.configs import changed, message, small

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(("key", "value", "expected"), BAD)
def test_mistakes_are_told_in_one_line(key: str, value: object, expected: str) -> None:
    whole = expected.removeprefix("... ") if expected.startswith("...") else f": {key}{expected}"
    assert whole in message(changed(key, value))


def test_both_warmups() -> None:
    ratio, steps = f"{H}.warmup_ratio", f"{H}.warmup_steps"
    use = "use one of the two"
    for one, first in (
        ({"baseline": 0.1}, f"{ratio}.baseline: 0.1"),
        ({"screen": [0.1]}, f"{ratio}.screen: [0.1]"),
    ):
        for other, second in (
            ({"baseline": 5}, f"{steps}.baseline: 5"),
            ({"grid": [0, 5]}, f"{steps}.grid: [0, 5]"),
            ({"search": {"low": 0, "high": 5}}, f"{steps}.search: {{'low': 0, 'high': 5,"),
        ):
            config = changed(ratio, one)
            config[H]["warmup_steps"] = other
            told = message(config)
            assert second in told
            assert f" beside {first}; {use}" in told
    config = changed(ratio, {"baseline": 0.1})
    config["refine"] = {"configurations": [{"warmup_steps": 5}]}
    expected = f"refine.configurations[0].warmup_steps: 5 beside {ratio}.baseline: 0.1; {use}"
    assert expected in message(config)


def test_what_fits_no_other_key() -> None:
    config = small()
    config["labels"] = ["a", "b", "c"]
    assert "labels: ['a', 'b', 'c'] has 3 names; generated data have two classes" in message(config)
    config = small()
    config["dataset"] = {"path": "csv", "data_files": "config/config.yaml", "encoding": "hex"}
    assert "dataset.encoding: 'hex' is not an encoding" in message(config)
    for stage, change, why in (
        ("refine", {"refine": {"configurations": []}}, "refine.configurations is empty"),
        ("grid", {"grid": {"enabled": False}}, "grid.enabled is false"),
    ):
        config = small() | change
        config["optuna"] = {"trials": 4, "warm_start": ["baseline", stage]}
        expected = f"optuna.warm_start[1]: '{stage}' has no runs, {why}; leave it out"
        assert expected in message(config)


def test_ranking_without_screening() -> None:
    config = small()
    for block in config[H].values():
        block.pop("screen")
    resolve(config)  # all three are chosen, so nothing needs ranking
    config["rank"] = {"top": 2}
    assert "rank.top: 2 of 3 cannot be ranked without screening" in message(config)
    config["screen"] = {"configurations": [{"dropout": 0.1}]}  # what the baseline has
    assert "rank.top: 2 of 3 cannot be ranked without screening" in message(config)
    config["screen"] = {"configurations": [{"dropout": 0.5}]}
    resolve(config)


def test_lengths_that_no_trial_can_have_are_not_counted() -> None:
    config = small()
    config[H]["max_seq_length"] = {"search": {"low": 32, "high": 512}}
    resolve(config)  # no grid knows it, so that it is never chosen
    config[H]["max_seq_length"]["grid"] = [64, 128]
    assert "481 lengths, for each of which" in message(config)


def test_a_grid_without_end() -> None:
    config = small()
    for name, low in (("learning_rate", 1), ("train_batch_size", 1), ("dropout", 0)):
        scale = 1 if name == "train_batch_size" else 1000
        config[H][name]["grid"] = [(low + level) / scale for level in range(100)]
    assert "grid: up to 1000000 points, more than 100000" in message(config)


def test_misspelt_keys_come_before_what_they_explain() -> None:
    config = small()
    config["modle"] = config.pop("model")
    config["seed"] = "x"
    assert message(config) == "config: modle: unknown key 'modle'; did you mean 'model'?"


def test_the_source_stands_first() -> None:
    assert message(changed("seed", -1), "my.yaml") == "my.yaml: seed: -1 is not >= 0"


def test_long_values_are_shortened() -> None:
    assert len(message(changed("study", "x" * 100_000))) < 300


def test_values_of_other_types() -> None:
    assert "seed: '{1}' is a set" in message(changed("seed", {1}))
    assert "seed: \"b'1'\" is a bytes" in message(changed("seed", b"1"))
    assert "config: 5 is not a mapping" in message(5)
    config: dict[Any, Any] = small()
    config[1] = 2
    assert "1: the key is not text" in message(config)


def test_endless_values() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "nested too deeply" in message(changed("labels", endless))


def test_unreadable_data_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jsonl"
    path.touch()
    monkeypatch.setattr("os.access", lambda *_: False)
    config = changed("dataset", {"path": "json", "data_files": str(path)})
    assert "may not be read" in message(config)


def test_tf32_wants_a_gpu() -> None:
    config = changed("training.gpu", 0)
    config["training"]["precision"] = "tf32"
    assert "training.precision: tf32 is a number format of GPUs" in message(config)
