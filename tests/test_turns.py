"""In which order runs are trained that could all start at once. Trainings are a formula."""

import re
import shutil
from pathlib import Path

import pytest

from scripts.study import plan
from scripts.study.files import read_json
from scripts.study.names import parse_run
from tests.small_project import STUDY, change_config, new_project, run
from tools.project import PROJECT

pytestmark = pytest.mark.slow

GRID = {"learning_rate": [0.0002, 0.001, 0.005], "train_batch_size": [8, 16, 32, 64]}


def test_a_grid_trains_in_its_random_order(tmp_path: Path) -> None:
    """Else half of it might hold one value alone, and say nothing of that hyperparameter."""
    folder = new_project(tmp_path / "project")
    shutil.copy(PROJECT / "tests/formula_training.py", folder / "scripts/train.py")
    change_config(folder, "rank", {"hyperparameters": list(GRID)})
    for name, levels in GRID.items():
        change_config(folder, "hyperparameters", name, "grid", levels)
    process = run(folder, "--cores", "1", "--", f"{STUDY}/grid/results.csv")
    assert process.returncode == 0, process.stdout
    study = read_json(folder / STUDY / "study.json")
    grid = [run.name for run in plan.grid_runs(study, list(GRID))]
    found = re.findall(r"^    output: \S+/runs/([^/]+)/metrics.json", process.stdout, re.M)
    in_grid = [name for name in found if name in grid]
    assert len(in_grid) == 12
    assert in_grid == grid
    half = [parse_run(name, plan.baseline_values(study))[0] for name in grid[:6]]
    assert len({values["train_batch_size"] for values in half}) > 2


def test_trials_come_after_what_is_planned_ahead() -> None:
    study = {"seed": 42}
    names = ["optuna-0010-seed42", "baseline-seed42", "optuna-0002-seed42", "dropout=0.2-seed42"]
    ordered = sorted(names, key=lambda name: plan.turn(study, name))
    assert ordered[2:] == ["optuna-0002-seed42", "optuna-0010-seed42"]
    assert all(0 <= plan.turn(study, name) < 1 for name in ordered[:2])
