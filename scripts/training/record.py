"""The files that a run leaves: metrics.json, history.csv and predictions.csv."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from scripts.study.files import write_csv, write_json
from scripts.training.loop import Result

SCHEMA_VERSION = 1
LIBRARIES = ("torch", "transformers", "evaluate", "numpy", "safetensors")
HISTORY = (
    "epoch",
    "step",
    "learning_rate",
    "gradient_norm",
    "train_loss",
    "validation_loss",
    "accuracy",
    "f1",
    "precision",
    "recall",
    "matthews_correlation",
)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that shape a run's numbers."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def metrics(
    result: Result, run: Mapping[str, Any], objective: Mapping[str, str], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what metrics.json holds: only what is the same when the run is trained again."""
    value = None if result.status == "diverged" else result.epochs[-1][objective["metric"]]
    test = {} if result.test is None else {"test": result.test}
    return {
        "schema_version": SCHEMA_VERSION,
        "status": result.status,
        "objective": {**objective, "value": value},
        "epochs": result.epochs,
        **test,
        "hyperparameters": run["hyperparameters"],
        "seed": run["seed"],
        "versions": versions(),
        **facts,
    }


def write_run(
    folder: Path,
    result: Result,
    record: Mapping[str, Any],
    labels: Sequence[int],
    classes: int,
    test_labels: Sequence[int] = (),
) -> None:
    """Write a run's files into `folder`; metrics.json last, so that it vouches for the others.

    predictions.csv holds the validation examples, then those of the test split where the run was
    evaluated on it; `index` counts within the split.
    """
    write_csv(folder / "history.csv", HISTORY, result.history)
    columns = ["split", "index", "label", "predicted"]
    columns += [f"probability_{i}" for i in range(classes)]
    rows = [
        *_predictions("validation", result.probabilities, labels),
        *_predictions("test", result.test_probabilities, test_labels),
    ]
    write_csv(folder / "predictions.csv", columns, rows)
    write_json(folder / "metrics.json", record)


def _predictions(
    split: str, probabilities: np.ndarray | None, labels: Sequence[int]
) -> list[dict[str, str | float | int]]:
    if probabilities is None:
        return []
    return [
        {
            "split": split,
            "index": index,
            "label": int(label),
            "predicted": int(row.argmax()),
            **{f"probability_{i}": float(value) for i, value in enumerate(row)},
        }
        for index, (label, row) in enumerate(zip(labels, probabilities, strict=True))
    ]
