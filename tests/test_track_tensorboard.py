"""TensorBoard's event files, read back with its own reader."""

from pathlib import Path
from typing import Any

import pytest

from scripts.views import results
from scripts.views.trackers import to_tensorboard
from tests.serving import killed
from tests.tracked import history, rows, tracked

pytest.importorskip("tensorboard", reason="the trackers are not installed: make trackers")
pytestmark = pytest.mark.filterwarnings("default")


def send(home: Path) -> str:
    return to_tensorboard.send(results.load(home / "study.json"))


def events(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    return reader


def files(home: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}


def test_every_run_is_there_whatever_interrupts(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    home = tmp_path / "fabricated"
    tracked(home, trials=5, model=False)
    killed(lambda: send(home), SummaryWriter, "add_scalar", 500)
    killed(lambda: send(home), SummaryWriter, "close", 3)
    assert "of 12 runs written" in send(home)
    assert {path.name for path in (home / "tensorboard").iterdir()} == {
        row["run"] for row in rows(home)
    }
    for row in rows(home):
        reader = events(home / "tensorboard" / row["run"])
        lines = history(home, row["run"])
        losses = reader.Scalars("train/loss")
        assert [point.step for point in losses] == [int(line["step"]) for line in lines]
        assert [point.value for point in losses] == pytest.approx(
            [float(line["train_loss"]) for line in lines]
        )
        scores = reader.Scalars("validation/f1")
        assert [point.step for point in scores] == [1, 2, 3]
        if row["objective"]:
            (objective,) = reader.Scalars("objective")
            assert objective.value == pytest.approx(float(row["objective"]))
        assert "_hparams_/session_start_info" in reader.summary_metadata
    before = files(home)
    assert send(home).startswith("tensorboard: 0 of 12 runs written, the rest was there")
    assert files(home) == before


def test_another_training_takes_the_place_of_the_earlier_one(tmp_path: Path) -> None:
    home = tmp_path / "fabricated"
    tracked(home, stages=("baseline",), model=False)
    send(home)
    path = home / "runs" / "baseline-seed43" / "history.csv"
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(text[:-1]) + "\n", encoding="utf-8")
    assert send(home).startswith("tensorboard: 1 of 3 runs written")
    (written,) = (home / "tensorboard" / "baseline-seed43").iterdir()
    losses = events(written.parent).Scalars("train/loss")
    assert len(losses) == len(text) - 2
