"""Offline runs of Weights & Biases: what they hold, twice, interrupted, and no key anywhere."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.study.hyperparameters import HYPERPARAMETERS
from tests.tracked import history, rows, tracked
from tests.wandb_files import read

pytest.importorskip("wandb", reason="the trackers are not installed: make trackers")

KEY = "0123456789abcdef" * 2 + "feedc0de"
PLANTED = {
    "WANDB_API_KEY": KEY,
    "MLFLOW_TRACKING_PASSWORD": KEY,
    "MLFLOW_TRACKING_TOKEN": KEY,
}
# The second run's sending ends in the middle: the file is written, but not closed.
KILLED = """
import os, signal, sys, wandb
from scripts import track
finish, calls = wandb.Run.finish, 0
def killed(run, *arguments, **keywords):
    global calls
    calls += 1
    if calls == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return finish(run, *arguments, **keywords)
wandb.Run.finish = killed
track.main()
"""


def command(
    project: Path, home: Path, *arguments: str, code: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in the folder `home`, with secrets in its environment."""
    start = ["-m", "scripts.track"] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, *start, "--study", "results/fabricated/study.json", *arguments],
        cwd=home,
        env={**os.environ, **PLANTED, "PYTHONPATH": str(project), "HOME": str(home / "home")},
        capture_output=True,
        text=True,
        check=False,
    )


def offline(home: Path) -> dict[str, Mapping[str, Any]]:
    """Return what the offline runs hold by name."""
    found = [read(path) for path in home.glob("results/fabricated/wandb/offline-run-*")]
    assert len({one["run"].run_id for one in found}) == len(found)
    return {one["run"].display_name: one for one in found}


@pytest.fixture(scope="module")
def home(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which a sending was killed, went on, and was done again."""
    home = tmp_path_factory.mktemp("wandb")
    (home / "home").mkdir()
    tracked(home / "results" / "fabricated", trials=5, wandb={"enabled": True, "entity": "us"})
    process = command(project, home, code=KILLED)
    assert process.returncode == -signal.SIGKILL
    # One run is there; the other one's folder lies aside.
    assert len(offline(home)) == 1
    process = command(project, home)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("wandb: 11 of 12 runs written, the rest was there")
    return home


def test_every_run_is_there_with_everything(home: Path) -> None:
    folder = home / "results" / "fabricated"
    found = offline(home)
    assert set(found) == {row["run"] for row in rows(folder)} | {"fabricated"}
    for row in rows(folder):
        one = found[row["run"]]
        assert one["ended"] == 1
        assert (one["run"].project, one["run"].entity) == ("snaketune", "us")
        assert one["run"].run_group == row["stage"]
        assert set(one["run"].tags) == {"fabricated", *row["stages"].split(";"), row["status"]}
        for name in HYPERPARAMETERS:
            assert str(one["config"][name]) == row[name]
        assert one["config"]["seed"] == int(row["seed"])
        lines = history(folder, row["run"])
        steps = [line for line in one["history"] if "train/loss" in line]
        assert [(line["step"], line["train/loss"]) for line in steps] == [
            (int(line["step"]), float(line["train_loss"])) for line in lines
        ]
        epochs = [line for line in one["history"] if "validation/f1" in line]
        assert [(line["epoch"], line["validation/f1"]) for line in epochs] == [
            (int(line["epoch"]), float(line["f1"])) for line in lines if line["f1"]
        ]
        if row["objective"]:
            assert one["summary"]["objective"] == float(row["objective"])


def test_figures_and_the_model_are_there(home: Path) -> None:
    whole = offline(home)["fabricated"]
    assert whole["ended"] == 1
    assert {artifact.type for artifact in whole["artifacts"]} == {"study", "model"}
    names = {entry.path for one in whole["artifacts"] for entry in one.manifest.contents}
    assert {"model.safetensors", "tokenizer.json", "config.json", "README.md"} <= names
    assert {"report.html", "study.json", "best.json", "verdict.json"} <= names
    pictures = list(home.glob("results/fabricated/wandb/offline-run-*/files/media/images/**/*.png"))
    assert len(pictures) == 2


def test_sending_twice_adds_nothing(home: Path, project: Path) -> None:
    def files() -> dict[str, int]:
        folder = home / "results" / "fabricated" / "wandb"
        paths = [path for path in folder.rglob("*") if path.is_file() and "cache" not in path.parts]
        return {str(path): path.stat().st_mtime_ns for path in paths}

    before = files()
    process = command(project, home)
    assert process.stdout.startswith("wandb: 0 of 12 runs written, the rest was there (wandb sync ")
    assert files() == before
    assert not list(home.glob("results/fabricated/wandb/.sending-*"))


def test_no_key_is_written_by_any_tracker(home: Path, project: Path) -> None:
    arguments = ["--to", "tensorboard"]
    try:
        import mlflow  # noqa: F401

        arguments += ["--to", "mlflow"]
    except ModuleNotFoundError:
        pass
    process = command(project, home, *arguments)
    assert process.returncode == 0, process.stderr
    assert KEY not in process.stdout + process.stderr
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert [str(path) for path in files if KEY.encode() in path.read_bytes()] == []


def test_wandb_itself_finds_the_runs(home: Path, project: Path) -> None:
    runs = sorted(str(path) for path in home.glob("results/fabricated/wandb/offline-run-*"))
    process = subprocess.run(
        [sys.executable, "-m", "wandb", "sync", "--dry-run", *runs],
        cwd=home,
        env={**os.environ, "HOME": str(home / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "13" in process.stdout + process.stderr
