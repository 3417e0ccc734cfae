"""A folder with what a search asks for: space, warm start and results of its trials."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scripts.study.files import read_json, write_csv, write_json
from scripts.study.hyperparameters import defaults

SEARCH: dict[str, dict[str, Any]] = {
    "learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
    "train_batch_size": {"choices": [8, 16, 32]},
    "warmup_steps": {"low": 0, "high": 90, "log": False, "step": 10},
}
NONE = {"name": "none", "options": {}}
COLUMNS = ("run", "stage", "stages", "seed", "status", "objective")


def run(monkeypatch: pytest.MonkeyPatch, command: ModuleType, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [command.__name__, *map(str, arguments)])
    command.main()


def baseline() -> dict[str, Any]:
    return {**defaults(), "learning_rate": 1e-4}


def write_space(folder: Path, **changes: Any) -> Path:
    """Write space.json and an empty warm start; return the path of space.json."""
    path = folder / "optuna/space.json"
    default: dict[str, Any] = {
        "seed": 42,
        "objective": {"metric": "f1", "direction": "maximize"},
        "batch_size": 2,
        "sampler": {"name": "tpe", "options": {"n_startup_trials": 2}},
        "pruner": NONE,
        "space": SEARCH,
        "baseline": baseline(),
    }
    write_json(path, {**default, **changes})
    write_warm_start(folder, [])
    return path


def write_warm_start(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = ["run", "stage", "objective", *sorted(SEARCH)]
    write_csv(folder / "optuna/warm-start.csv", columns, rows)


def write_metrics(
    folder: Path, number: int, *values: float, status: str = "complete", seed: int = 42
) -> None:
    path = folder / f"runs/optuna-{number:04d}-seed{seed}/metrics.json"
    epochs = [{"epoch": epoch + 1, "f1": value} for epoch, value in enumerate(values)]
    objective = {"metric": "f1", "direction": "maximize", "value": None}
    write_json(path, {"status": status, "objective": objective, "epochs": epochs})


def batch(folder: Path, number: int) -> dict[str, Any]:
    document: dict[str, Any] = read_json(folder / f"optuna/batch-{number:04d}.json")
    return document
