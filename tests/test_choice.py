"""What follows the data-dependent choice, in one call of Snakemake. Trainings are a formula."""

import csv
import shutil
from pathlib import Path

import pytest

from scripts.study.files import read_json
from tests.small_project import (
    STUDY,
    change_config,
    contents,
    new_project,
    planned,
    run,
    trained,
)
from tools.project import PROJECT

pytestmark = pytest.mark.slow

KEPT = ("optuna/*.json", "optuna/*.csv", "runs/optuna-*/metrics.json")
# All but the figures and the report, which take longer than the rest of such a study.
TARGETS = [
    "--",
    *(
        f"{STUDY}/{name}"
        for name in ("summary/runs.csv", "best.json", "verdict.json", "optuna/trials.csv")
    ),
]


def complete(folder: Path) -> set[str]:
    """Run the study to its end in one call; return the names of the runs that it trained."""
    process = run(folder, "--cores", "2", *TARGETS)
    assert process.returncode == 0, process.stdout
    assert planned(folder, *TARGETS) == {}
    return trained(process.stdout)


@pytest.fixture(scope="module")
def chosen_by_rank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a finished study, in which the ranking chose the learning rate."""
    folder = new_project(tmp_path_factory.mktemp("choice") / "project")
    shutil.copy(PROJECT / "tests/formula_training.py", folder / "scripts/train.py")
    change_config(folder, "rank", "top", 1)
    complete(folder)
    assert chosen(folder) == ["learning_rate"]
    return folder


@pytest.fixture
def copy(chosen_by_rank: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished project, file times kept."""
    return Path(shutil.copytree(chosen_by_rank, tmp_path / "copy", symlinks=True))


def chosen(folder: Path) -> list[str]:
    return list(read_json(folder / STUDY / "screen/chosen.json")["hyperparameters"])


def test_another_choice_begins_the_search_anew(copy: Path) -> None:
    """Also where a trial was not trained yet, and more of them are asked for at the same time."""
    (copy / STUDY / "runs/optuna-0003-seed7/metrics.json").unlink()
    change_config(copy, "hyperparameters", "train_batch_size", "screen", [8, 64])
    change_config(copy, "optuna", "trials", 5)
    names = complete(copy)
    assert chosen(copy) == ["train_batch_size"]
    assert {name for name in names if not name.startswith("train_batch_size=8-seed100")} == {
        "train_batch_size=64-seed7",
        *(f"optuna-{trial:04d}-seed7" for trial in range(1, 6)),
    }
    with (copy / STUDY / "summary/runs.csv").open(newline="") as stream:
        trials = [row for row in csv.DictReader(stream) if row["stage"] == "optuna"]
    assert len(trials) == 5
    assert {float(row["learning_rate"]) for row in trials} == {0.001}
    finalist = read_json(copy / STUDY / "confirm/finalists.json")["finalists"][0]
    assert finalist["hyperparameters"]["learning_rate"] == 0.001


def test_the_same_choice_keeps_the_search(copy: Path) -> None:
    """Also where the ranking, its code and the grid change."""
    before = contents(copy, KEPT)
    change_config(copy, "hyperparameters", "train_batch_size", "screen", [8, 12])
    change_config(copy, "hyperparameters", "learning_rate", "grid", [0.001, 0.003, 0.01])
    with (copy / "scripts/analysis/collect.py").open("a") as stream:
        stream.write("\nANOTHER_STATEMENT = True\n")
    names = complete(copy)
    assert {name for name in names if name.endswith("-seed7")} == {
        "train_batch_size=12-seed7",
        "learning_rate=0.003-seed7",
    }
    after = contents(copy, KEPT)
    assert [name for name in before if after[name] != before[name]] == []
