"""The cluster, a finished study to compare with, and a study that is still to be trained."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import slurm
from tests.cluster.slurm import Slurm
from tests.cluster.study import MEMORY, RUNTIME, STUDY, TRIALS, Study, untrained
from tests.small_project import run
from tests.tiny import make_study
from tools.project import PROJECT, copy_project


@pytest.fixture(scope="session")
def cluster() -> Iterator[Slurm]:
    """Return a running SLURM of one node with two GPUs."""
    if reason := slurm.missing():  # since the tests were collected
        pytest.skip(f"SLURM: {reason}")
    cluster = Slurm()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose study ran on this machine: 5 trainings, two at once."""
    folder = tmp_path_factory.mktemp("reference") / "project"
    copy_project(folder)
    make_study(
        folder,
        training={"gpu": 1, "threads": 1, "memory_mb": MEMORY, "runtime": RUNTIME},
        hyperparameters={
            "learning_rate": {
                "baseline": 0.001,
                "screen": [0.01],
                "search": {"low": 0.0001, "high": 0.05, "log": True},
            },
            "num_train_epochs": {"baseline": 3},
            "max_seq_length": {"baseline": 16},
        },
        baseline={"seeds": 2},
        rank={"hyperparameters": ["learning_rate"]},
        grid={"enabled": False},
        refine={"configurations": []},
        optuna={"trials": 2, "batch_size": 2, "warm_start": ["baseline", "screen"]},
    )
    process = run(folder, "--cores", "2", "--", TRIALS, full=False)
    assert process.returncode == 0, process.stdout
    return folder


@pytest.fixture
def study(reference: Path, cluster: Slurm, tmp_path: Path) -> Iterator[Study]:
    """Return a study that is still to be trained, by the stub."""
    study = Study(untrained(reference, tmp_path / "project"))
    shutil.copy(PROJECT / "tests/cluster/training_stub.py", study.folder / "scripts/train.py")
    for trained in (reference / STUDY / "runs").iterdir():
        shutil.copytree(
            trained,
            study.orders / "results" / trained.name,
            ignore=shutil.ignore_patterns("run.json", "benchmark.tsv"),
        )
    yield study
    study.close(cluster)
