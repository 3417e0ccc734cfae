"""What docs/ keeps of a study: every epoch's metrics, the stages' tables, no prediction."""

import csv
import json
from pathlib import Path

import pytest

from scripts.study.config import resolve
from scripts.study.errors import StudyError
from scripts.study.files import write_json
from scripts.study.hyperparameters import defaults
from tests.configs import small
from tools.publish import publish

EPOCH = {"epoch": 1, "step": 3, "train_loss": 0.5, "loss": 0.4, "accuracy": 0.75, "f1": 0.8}


def make_run(folder: Path, name: str, epochs: int, **further: object) -> None:
    home = folder / "runs" / name
    home.mkdir(parents=True)
    record = {
        "status": "complete" if epochs else "diverged",
        "seed": 42,
        "hyperparameters": defaults(),
        "epochs": [{**EPOCH, "epoch": epoch} for epoch in range(1, epochs + 1)],
        **further,
    }
    (home / "metrics.json").write_text(json.dumps(record))
    (home / "benchmark.tsv").write_text("s\tmax_rss\n12.5\t300\n")
    (home / "predictions.csv").write_text("split,index\nvalidation,0\n")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_epoch_is_a_row(tmp_path: Path) -> None:
    make_run(tmp_path / "study", "b-seed42", 3)
    make_run(tmp_path / "study", "a-seed42", 2, test={"loss": 0.3, "accuracy": 0.5})
    told = publish(tmp_path / "study", tmp_path / "docs")
    found = read(tmp_path / "docs/epochs.csv")
    assert [(row["run"], row["split"], row["epoch"]) for row in found] == [
        ("a-seed42", "validation", "1"),
        ("a-seed42", "validation", "2"),
        ("a-seed42", "test", "2"),
        *(("b-seed42", "validation", str(epoch)) for epoch in (1, 2, 3)),
    ]
    assert found[0]["accuracy"] == "0.75"
    assert found[0]["seconds"] == "12.5"
    assert found[0]["learning_rate"] == repr(defaults()["learning_rate"])
    assert "2 runs" in told
    assert "not there yet: runs.csv" in told


def test_a_run_that_diverged_at_once_is_a_row_without_figures(tmp_path: Path) -> None:
    make_run(tmp_path / "study", "a-seed42", 0)
    publish(tmp_path / "study", tmp_path / "docs")
    (row,) = read(tmp_path / "docs/epochs.csv")
    assert (row["status"], row["epoch"], row["f1"]) == ("diverged", "", "")


def test_tables_and_figures_come_along_and_predictions_stay(tmp_path: Path) -> None:
    make_run(tmp_path / "study", "a-seed42", 1)
    (tmp_path / "study/verdict.json").write_text("{}\n")
    picture = tmp_path / "study/figures/parallel-coordinates-all.png"
    picture.parent.mkdir()
    picture.write_bytes(b"a picture")
    publish(tmp_path / "study", tmp_path / "docs")
    names = {"epochs.csv", "verdict.json", "parallel-coordinates.png"}
    assert {path.name for path in (tmp_path / "docs").iterdir()} == names
    assert (tmp_path / "docs/parallel-coordinates.png").read_bytes() == b"a picture"


def test_runs_that_are_no_longer_of_the_study_stay(tmp_path: Path) -> None:
    for name in ("baseline-seed42", "dropout=0.3-seed42"):
        make_run(tmp_path / "study", name, 1)
    write_json(tmp_path / "study/study.json", resolve(small()))
    assert publish(tmp_path / "study", tmp_path / "docs").startswith(f"{tmp_path}/docs: 1 runs")
    with (tmp_path / "docs/epochs.csv").open(newline="") as stream:
        assert {row["run"] for row in csv.DictReader(stream)} == {"baseline-seed42"}


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no finished run"):
        publish(tmp_path, tmp_path / "docs")
