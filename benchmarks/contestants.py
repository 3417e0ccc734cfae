"""The contestants and how each is measured: whole processes, as users run them."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from benchmarks.costs import cost
from benchmarks.settings import MAX_SEQ_LENGTH, Settings
from scripts.study.model_sources import model_folder
from scripts.training import gpus
from tools.project import PROJECT, copy_project

PACKAGES = PROJECT / "benchmarks" / ".packages"


def model_to_train(model: str, *data: Path) -> Path:
    """Return the folder of a model; end in a line where it, data or the recipes' packages lack."""
    if not PACKAGES.is_dir():
        raise SystemExit(f"{PACKAGES}: no such folder; `make bench` makes it")
    for path in data:
        if not path.is_file():
            raise SystemExit(f"{path}: no such file; --help tells how data are named")
    folder = model_folder(model)
    if folder is None:
        raise SystemExit(f"--model: {model} is no folder; name one, or package:NAME/FOLDER")
    return folder.resolve()


def lines(path: Path) -> int:
    """Return how many examples a file of JSON Lines has."""
    with path.open(encoding="utf-8") as stream:
        return sum(1 for _ in stream)


@dataclass(frozen=True)
class Measured:
    """One measurement.

    Attributes:
        seconds: wall time from the start of the process to its end.
        memory: largest resident memory of a single process among them, MiB.
        scores: accuracy and F1 of each training after its last epoch.
        precision: number format of matrix products; the recipes leave it at torch's own.
    """

    seconds: float
    memory: float
    scores: tuple[Mapping[str, float], ...]
    precision: str = "fp32"


@dataclass(frozen=True)
class Contestant:
    """A way to train: its key, what it is, how many trainings it runs at once, how it is run."""

    key: str
    title: str
    parallel: int
    measure: Callable[[Settings, Path], Measured]


def _recipe(module: str) -> Callable[[Settings, Path], Measured]:
    """Return how a recipe is measured: one process, which has the whole machine to itself."""

    def measure(settings: Settings, folder: Path) -> Measured:
        settings = replace(settings, output=str(folder / "scores.json"))
        settings.write(folder / "settings.json")
        environment = {
            "PYTHONPATH": f"{PROJECT}{os.pathsep}{PACKAGES}",
            "OMP_NUM_THREADS": str(settings.threads),
            "HF_DATASETS_CACHE": str(folder / "cache"),
        }
        if len(devices := gpus.visible()) > 1:
            # Trainer would spread each batch over all of them: other batches, other steps.
            environment["CUDA_VISIBLE_DEVICES"] = devices[0]
        command = [sys.executable, "-m", f"benchmarks.{module}", str(folder / "settings.json")]
        found = cost(command, folder, environment)
        scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
        return Measured(found.wall, found.mib, (scores,))

    return measure


def study(settings: Settings, seeds: int, per_gpu: int = 1) -> dict[str, Any]:
    """Return the config of a study that trains the baseline on `seeds` seeds, and nothing else."""
    return {
        "study": "bench",
        "seed": settings.seed,
        "model": {"path": settings.model},
        "dataset": {
            "path": "json",
            "data_files": {"train": settings.train, "validation": settings.validation},
        },
        "splits": {
            "train": f"train[:{settings.examples}]",
            "validation": f"validation[:{settings.validated}]",
            "test": None,
        },
        "hyperparameters": {
            "learning_rate": {"baseline": settings.learning_rate},
            "train_batch_size": {"baseline": settings.batch_size},
            "num_train_epochs": {"baseline": settings.epochs},
            "max_seq_length": {"baseline": MAX_SEQ_LENGTH},
            "warmup_ratio": {"baseline": 0.1},
            "weight_decay": {"baseline": 0.0},
        },
        "training": {"per_gpu": per_gpu},
        "baseline": {"seeds": seeds},
        "grid": {"enabled": False},
        "optuna": {"trials": 0},
        "confirm": {"configurations": 0},
    }


def _snaketune(parallel: int, per_gpu: int) -> Callable[[Settings, Path], Measured]:
    """Return how Snaketune is measured: `snakemake --cores N` over N trainings of one thread."""

    def measure(settings: Settings, folder: Path) -> Measured:
        copy_project(folder)
        config = study(settings, parallel, per_gpu)
        (folder / "bench.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        runs = [
            f"results/bench/runs/baseline-seed{settings.seed + index}" for index in range(parallel)
        ]
        command = [
            *(sys.executable, "-m", "snakemake", "--configfile", "bench.yaml"),
            *("--cores", str(parallel), "--"),
            *(f"{run}/metrics.json" for run in runs),
        ]
        found = cost(command, folder, {})
        made = [
            json.loads((folder / run / "metrics.json").read_text(encoding="utf-8")) for run in runs
        ]
        scores = tuple(
            {name: one["epochs"][-1][name] for name in ("accuracy", "f1")} for one in made
        )
        return Measured(found.wall, found.mib, scores, made[0]["precision"])

    return measure


def contestants(cores: int, per_gpu: int = 1) -> list[Contestant]:
    """Return the three contestants on a machine of `cores` cores, and of GPUs if it has some.

    `per_gpu` is the study's `training.per_gpu`: trainings that share a GPU.
    """
    on_gpus = gpus.count() > 0
    at_once = gpus.count() * per_gpu or cores
    whole = "one training on one GPU" if on_gpus else "one training on all cores"
    share = f"{per_gpu} on a GPU" if on_gpus else "one thread each"
    return [
        Contestant(
            "lightning",
            f"(a) the reports' recipe: Lightning, padded to {MAX_SEQ_LENGTH}, {whole}",
            1,
            _recipe("recipe_lightning"),
        ),
        Contestant(
            "trainer",
            f"(b) transformers' Trainer with its defaults, {whole}",
            1,
            _recipe("recipe_trainer"),
        ),
        Contestant(
            "snaketune",
            f"(c) Snaketune's training target: `snakemake --cores {at_once}`, {share}",
            at_once,
            _snaketune(at_once, per_gpu if on_gpus else 1),
        ),
    ]
