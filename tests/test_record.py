"""What a run leaves: files of a fixed form, valid by the schema whatever became of the run."""

import csv
import json
import math
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.study.errors import StudyError
from scripts.study.schema import validate
from scripts.training.loop import Result
from scripts.training.record import HISTORY, metrics, write_run
from tests.training_parts import values

FACTS: dict[str, Any] = {
    "data": {"fingerprint": "0123456789abcdef"},
    "model": {"path": "tiny", "revision": None, "sha256": "a" * 64},
    "precision": "fp32",
    "device": "cpu",
    "threads": 1,
}
SCORES = {"accuracy": 0.5, "f1": 0.25, "precision": 1.0, "recall": 0.125}


def epoch(number: int, loss: float = 0.7) -> dict[str, Any]:
    scores = {**SCORES, "matthews_correlation": -0.1}
    return {"epoch": number, "step": 2 * number, "train_loss": 0.6, "loss": loss, **scores}


def result(status: str = "complete", epochs: int = 2) -> Result:
    history: list[dict[str, Any]] = []
    for number in range(1, epochs + 1):
        for step in (2 * number - 1, 2 * number):
            history.append(
                {
                    "epoch": number,
                    "step": step,
                    "learning_rate": 1e-3 / step,
                    "gradient_norm": 1 / 3,
                    "train_loss": 0.6,
                }
            )
        last = epoch(number)
        history[-1] |= {"validation_loss": last["loss"], **SCORES, "matthews_correlation": -0.1}
    probabilities = np.array([[0.25, 0.75], [0.9, 0.1], [0.5, 0.5]]) if epochs else None
    return Result(status, [epoch(n + 1) for n in range(epochs)], history, probabilities)


def record(found: Result, metric: str = "f1") -> dict[str, Any]:
    direction = "minimize" if metric == "loss" else "maximize"
    run = {"hyperparameters": values(num_train_epochs=2), "seed": 1}
    return metrics(found, run, {"metric": metric, "direction": direction}, FACTS)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(
    ("status", "epochs", "value"),
    [
        ("complete", 2, 0.25),
        ("pruned", 1, 0.25),
        ("diverged", 0, None),
        ("diverged", 1, None),
    ],
)
def test_every_status_is_valid(
    tmp_path: Path, status: str, epochs: int, value: float | None
) -> None:
    found = result(status, epochs)
    written = record(found)
    write_run(tmp_path, found, written, [1, 0, 0], 2)
    document = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    validate(document, "metrics")
    assert document == written
    assert document["status"] == status
    assert document["objective"] == {"metric": "f1", "direction": "maximize", "value": value}
    assert len(document["epochs"]) == epochs
    assert len(rows(tmp_path / "history.csv")) == 2 * epochs
    assert len(rows(tmp_path / "predictions.csv")) == (3 if epochs else 0)


def test_the_schema_refuses_what_cannot_be() -> None:
    for status, epochs in (("complete", 0), ("pruned", 0)):
        document = {**record(result()), "status": status, "epochs": [epoch(1)] * epochs}
        with pytest.raises(StudyError):
            validate(document, "metrics")
    with pytest.raises(StudyError, match="f1"):
        validate({**record(result()), "epochs": [{**epoch(1), "f1": 1.5}]}, "metrics")


def test_the_loss_can_be_the_objective() -> None:
    document = record(result(), "loss")
    validate(document, "metrics")
    assert document["objective"]["value"] == 0.7


def test_test_metrics_are_written_where_there_are_any(tmp_path: Path) -> None:
    found = result()
    found.test = {"loss": 0.5, **SCORES, "matthews_correlation": 0.0}
    found.test_probabilities = np.array([[0.2, 0.8]])
    document = record(found)
    validate(document, "metrics")
    assert document["test"] == found.test
    assert "test" not in record(result())
    write_run(tmp_path, found, document, [1, 0, 0], 2, [0])
    last = rows(tmp_path / "predictions.csv")[-1]
    assert last == {
        "split": "test",
        "index": "0",
        "label": "0",
        "predicted": "1",
        "probability_0": "0.2",
        "probability_1": "0.8",
    }


def test_history_and_predictions_read_back_exactly(tmp_path: Path) -> None:
    found = result()
    write_run(tmp_path, found, record(found), [1, 0, 0], 2)
    history = rows(tmp_path / "history.csv")
    assert tuple(history[0]) == HISTORY
    for row, step in zip(history, found.history, strict=True):
        for name in HISTORY:
            assert (float(row[name]) if row[name] else None) == step.get(name)
    predictions = rows(tmp_path / "predictions.csv")
    assert [row["predicted"] for row in predictions] == ["1", "0", "0"]
    assert [row["label"] for row in predictions] == ["1", "0", "0"]
    assert {row["split"] for row in predictions} == {"validation"}


def test_a_gradient_that_is_not_finite_leaves_an_empty_cell(tmp_path: Path) -> None:
    found = result()
    found.history[0]["gradient_norm"] = math.nan
    write_run(tmp_path, found, record(found), [1, 0, 0], 2)
    assert rows(tmp_path / "history.csv")[0]["gradient_norm"] == ""


def test_the_same_result_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        found = result()
        write_run(tmp_path / name, found, record(found), [1, 0, 0], 2)
    for file in ("metrics.json", "history.csv", "predictions.csv"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_metrics_vouch_for_the_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    for name in ("write_csv", "write_json"):
        monkeypatch.setattr(
            f"scripts.training.record.{name}", lambda path, *_: written.append(path.name)
        )
    found = result()
    write_run(tmp_path, found, record(found), [1, 0, 0], 2)
    assert written == ["history.csv", "predictions.csv", "metrics.json"]


def test_versions_are_those_installed() -> None:
    versions = record(result())["versions"]
    assert versions["torch"] == version("torch")
    assert {"python", "torch", "transformers"} <= versions.keys()
