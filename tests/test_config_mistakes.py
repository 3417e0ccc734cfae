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
    expected = f"{H}.warmup_steps: set beside warmup_ratio; use one of the two"
    for one in ({"baseline": 0.1}, {"screen": [0.1]}):
        for other in ({"baseline": 5}, {"grid": [0, 5]}, {"search": {"low": 0, "high": 5}}):
            config = changed(f"{H}.warmup_ratio", one)
            config[H]["warmup_steps"] = other
            assert expected in message(config)
    config = changed(f"{H}.warmup_ratio", {"baseline": 0.1})
    config["refine"] = {"configurations": [{"warmup_steps": 5}]}
    assert expected in message(config)


def test_ranking_without_screening() -> None:
    config = small()
    for block in config[H].values():
        block.pop("screen")
    resolve(config)  # all three are chosen, so nothing needs ranking
    config["rank"] = {"top": 2}
    assert "rank.top: 2 of 3 cannot be ranked without screening" in message(config)
    config["screen"] = {"configurations": [{"dropout": 0.5}]}
    resolve(config)


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
