"""DVC over the workflow: stages, an interrupted `dvc repro`, a clone that pulls, experiments.

The study is the finished one without its search and what follows: that is trained here, by DVC.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.small_project import STUDY, change_config, contents, planned
from tools.project import PROJECT

pytestmark = pytest.mark.slow

STAGES = ["config", "prepare", "screen", "grid", "optuna", "confirm", "report"]
CHOICE = {
    "config": "tiny.yaml", "overlay": "tiny.yaml", "model": "scripts/fetch_model.py"
}  # fmt: skip
# DVC's stages call the programs of this environment by name, as they do where it is active.
ENVIRONMENT = {
    **os.environ,
    "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{f"GIT_{role}_NAME": "Test" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "test@localhost" for role in ("AUTHOR", "COMMITTER")},
}


def sh(folder: Path, *command: str, code: int = 0) -> str:
    """Run a command in `folder` and return what it printed; fail the test at another exit code."""
    process = subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert process.returncode == code, process.stdout
    return process.stdout


def kill_when(folder: Path, path: str, *command: str) -> None:
    """Run a command in `folder`; when there is a file `path`, kill it and all that it started."""
    process = subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    end = time.monotonic() + 600
    while not list(folder.glob(path)):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def without_search(finished: Path, folder: Path) -> Path:
    """Copy the finished project into `folder` as it was before its first Optuna trial."""
    shutil.copytree(finished, folder, symlinks=True)
    study = folder / STUDY
    for path in [*study.glob("runs/optuna-*"), *study.glob("runs/*-seed100*")]:
        shutil.rmtree(path)
    for name in ("optuna", "confirm", "summary", "figures"):
        shutil.rmtree(study / name)
    for name in ("best.json", "verdict.json", "provenance.json", "report.html"):
        (study / name).unlink()
    return folder


@pytest.fixture(scope="module")
def repository(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a git repository with the study, run by DVC, killed in the middle and resumed."""
    home = tmp_path_factory.mktemp("dvc")
    folder = without_search(finished, home / "project")
    for name in ("dvc.yaml", ".dvcignore", ".gitignore", ".dvc/config", ".dvc/.gitignore"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    choice = {**CHOICE, "study": "tiny", "data": "tiny-data"}
    (folder / "params.yaml").write_text(yaml.safe_dump(choice))
    sh(folder, "git", "init", "--quiet")
    sh(folder, "dvc", "remote", "add", "--default", "store", str(home / "remote"))
    sh(folder, "git", "add", ".")
    sh(folder, "git", "commit", "--quiet", "--message", "study")
    kill_when(folder, f"{STUDY}/runs/optuna-0002-*/run.json", "dvc", "repro")
    # What a killed Snakemake leaves, and what its message tells a user to type.
    sh(folder, "snakemake", "--configfile", "tiny.yaml", "--unlock")
    sh(folder, "dvc", "repro")
    sh(folder, "git", "add", ".")
    sh(folder, "git", "commit", "--quiet", "--message", "results")
    sh(folder, "dvc", "push")
    return folder


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Path:
    """Return a clone that has pulled, with file times in any order."""
    folder = tmp_path / "clone"
    sh(tmp_path, "git", "clone", "--quiet", str(repository), str(folder))
    sh(folder, "dvc", "pull")
    rng = random.Random(0)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not {".git", ".dvc"} & set(path.relative_to(folder).parts):
            when = rng.uniform(1.6e9, 1.7e9)
            os.utime(path, (when, when))
    return folder


def test_the_stages_are_what_people_think_of() -> None:
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert list(stages) == STAGES
    for name, stage in stages.items():
        outs = [*stage["outs"], *stage.get("metrics", [])]
        if name != "config":
            assert "snakemake --configfile ${config} ${overlay}" in stage["cmd"]
            assert all(next(iter(out.values())) == {"persist": True} for out in outs), name


def test_an_interrupted_repro_gives_the_same_bytes(repository: Path, finished: Path) -> None:
    assert contents(repository) == contents(finished)


def test_a_finished_repro_does_nothing(repository: Path) -> None:
    output = sh(repository, "dvc", "repro")
    assert output.count("didn't change, skipping") == len(STAGES)
    assert "up to date" in sh(repository, "dvc", "status")


def test_metrics_and_plots(repository: Path, tmp_path: Path) -> None:
    shown = sh(repository, "dvc", "metrics", "show", "--json")
    best = json.loads((repository / STUDY / "best.json").read_text())
    assert json.dumps(best["objective"]["value"]) in shown
    assert "verdict.json" in shown
    sh(repository, "dvc", "plots", "show", "--out", str(tmp_path))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    for name in ("Optimisation history", "parallel-coordinates-all", "training-curves"):
        assert name in page


def test_a_clone_that_pulled_has_nothing_to_do(clone: Path, finished: Path) -> None:
    assert contents(clone) == contents(finished)
    assert planned(clone) == {}
    assert "up to date" in sh(clone, "dvc", "status")
    change_config(clone, "hyperparameters", "learning_rate", "grid", [0.001, 0.003, 0.01])
    plan = planned(clone)
    assert plan["train"] == plan["plan"] == 2
    assert not {"rank", "search_space", "warm_start", "ask"} & set(plan)
    # DVC alone cannot tell; it can when the config is read.
    sh(clone, "dvc", "repro", "config")
    status = sh(clone, "dvc", "status")
    assert "grid:" in status
    assert "screen:" not in status


def test_a_changed_baseline_in_a_clone_is_trained(clone: Path) -> None:
    change_config(clone, "hyperparameters", "num_train_epochs", "baseline", 3)
    plan = planned(clone)
    # All but the points of the grid, which are known when the ranking is made again.
    assert (plan["train"], plan["search_space"], plan["ask"]) == (10, 1, 2)
    sh(clone, "dvc", "repro", "screen")
    table = (clone / STUDY / "screen/results.csv").read_text().splitlines()
    column = table[0].split(",").index("num_train_epochs")
    assert {line.split(",")[column] for line in table[1:]} == {"3"}
    difference = sh(clone, "dvc", "params", "diff", "--json")
    assert json.loads(difference)["tiny.yaml"] == {
        "hyperparameters.num_train_epochs.baseline": {"old": 2, "new": 3, "diff": 1}
    }


def test_an_experiment(repository: Path, tmp_path: Path) -> None:
    """`dvc exp run` with a changed value trains what is missing, and the table compares."""
    folder = Path(shutil.copytree(repository, tmp_path / "copy", symlinks=True))
    value = "tiny.yaml:optuna.trials=5"
    sh(folder, "dvc", "exp", "run", "--name", "more", "--set-param", value, "optuna")
    assert (folder / STUDY / "runs/optuna-0005-seed7/metrics.json").exists()
    rows = sh(folder, "dvc", "exp", "show", "--csv").splitlines()
    assert any(",more," in row or row.startswith("more,") for row in rows)
    assert "optuna.trials" in rows[0]
    assert "objective.value" in sh(folder, "dvc", "metrics", "show", "--md")


def test_an_overlay_is_laid_over_the_config(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    sh(tmp_path, "git", "clone", "--quiet", str(repository), str(folder))
    changes = {"study": "laid", "hyperparameters": {"max_seq_length": {"baseline": 12}}}
    (folder / "overlay.yaml").write_text(yaml.safe_dump(changes))
    choice = {**CHOICE, "overlay": "overlay.yaml", "study": "laid", "data": "tiny-data"}
    (folder / "params.yaml").write_text(yaml.safe_dump(choice))
    sh(folder, "dvc", "repro", "prepare")
    assert (folder / "results/laid/data/tokens/12.safetensors").exists()
    assert "didn't change, skipping" in sh(folder, "dvc", "repro", "prepare")
    changes["study"] = "other"
    (folder / "overlay.yaml").write_text(yaml.safe_dump(changes))
    refusal = sh(folder, "dvc", "repro", "config", code=255)
    assert "laid is not the study of tiny.yaml + overlay.yaml; it is other" in refusal
