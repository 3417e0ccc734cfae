"""Fabricated studies and runs for the tests of the analysis: no training, only its files."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.analysis import collect
from scripts.study import plan
from scripts.study.files import write_json
from scripts.study.hyperparameters import HYPERPARAMETERS, Value, defaults

SHA256 = "ab" * 32
FINGERPRINT = "f00dcafe"

# Returns the objective of a run, or None where it diverges.
Score = Callable[[Mapping[str, Any], int], float | None]


def make_study(
    blocks: Mapping[str, Mapping[str, Any]] | None = None, **changes: Any
) -> dict[str, Any]:
    """Return a resolved study with the given blocks of hyperparameters; others at their defaults.

    Changes go to the study's own keys: a mapping is merged into the section, others replace it.
    """
    study: dict[str, Any] = {
        "study": "fabricated",
        "seed": 42,
        "objective": {"metric": "f1", "direction": "maximize"},
        "model": {"path": "somewhere", "revision": None, "sha256": SHA256},
        "dataset": {"generated": {"seed": 1, "train": 640, "validation": 320, "test": 320}},
        "columns": {"text": ["sentence1", "sentence2"], "label": "label"},
        "splits": {"train": "train", "validation": "validation", "test": "test"},
        "labels": None,
        "training": {"precision": "fp32", "eval_batch_size": 32, "threads": 1},
        "hyperparameters": {name: {"baseline": value} for name, value in defaults().items()},
        "baseline": {"seeds": 3},
        "screen": {"configurations": []},
        "rank": {"top": 2, "hyperparameters": None},
        "grid": {"enabled": False},
        "refine": {"configurations": []},
        "optuna": {"trials": 0, "batch_size": 4, "warm_start": []},
        "confirm": {"configurations": 0, "seeds": 0},
    }
    for name, block in (blocks or {}).items():
        study["hyperparameters"][name] |= block
    for key, value in changes.items():
        if isinstance(value, dict):
            study[key] = study[key] | value
        else:
            study[key] = value
    return study


def full_study() -> dict[str, Any]:
    """Return a study with every stage: 3 + 4 + 6 (2 new) + 1 + 6 runs."""
    return make_study(
        {
            "learning_rate": {
                "screen": [1e-5, 2e-4],
                "grid": [2e-5, 5e-5, 2e-4],
                "search": {"low": 1e-5, "high": 2e-4, "log": True},
            },
            "train_batch_size": {
                "screen": [16, 64],
                "grid": [32, 64],
                "search": {"choices": [16, 32, 64]},
            },
            "weight_decay": {"baseline": 0.0},
        },
        grid={"enabled": True},
        refine={"configurations": [{"weight_decay": 0.1}]},
        optuna={"trials": 6, "batch_size": 4},
    )


def metrics_document(
    study: Mapping[str, Any],
    hyperparameters: Mapping[str, Value],
    seed: int,
    objective: float | None,
    status: str | None = None,
) -> dict[str, Any]:
    """Return a metrics.json of a run that scores `objective` after its last epoch."""
    metric = study["objective"]["metric"]
    status = status or ("diverged" if objective is None else "complete")
    epochs = []
    if objective is not None:
        count = int(hyperparameters["num_train_epochs"]) if status == "complete" else 1
        for number in range(1, count + 1):
            epoch: dict[str, Any] = {
                "epoch": number,
                "step": 20 * number,
                "train_loss": 0.6 / number,
                "loss": 0.5,
                "accuracy": 0.75,
                "f1": 0.8,
                "precision": 0.75,
                "recall": 0.9,
                "matthews_correlation": 0.3,
            }
            epoch[metric] = objective
            epochs.append(epoch)
    return {
        "schema_version": 1,
        "status": status,
        "objective": {**study["objective"], "value": objective},
        "epochs": epochs,
        "hyperparameters": dict(hyperparameters),
        "seed": seed,
        "data": {"fingerprint": FINGERPRINT},
        "model": {"path": "somewhere", "revision": None, "sha256": SHA256},
        "precision": "fp32",
        "device": "cpu",
        "threads": 1,
        "versions": {"torch": "2.13.0"},
    }


def write_run(
    folder: Path,
    name: str,
    hyperparameters: Mapping[str, Value],
    seed: int,
    metrics: Mapping[str, Any],
) -> None:
    """Write the files of one run."""
    home = folder / "runs" / name
    write_json(home / "run.json", {"hyperparameters": dict(hyperparameters), "seed": seed})
    write_json(home / "metrics.json", metrics)
    (home / "benchmark.tsv").write_text("s\th:m:s\tmax_rss\n12.5\t0:00:12\t900.1\n")


def write_study(
    folder: Path, study: Mapping[str, Any], score: Score, chosen: list[str] | None = None
) -> Path:
    """Write a whole study's files with every planned run; return the path of its study.json."""
    write_json(folder / "study.json", study)
    write_json(
        folder / "data" / "info.json",
        {
            "fingerprint": FINGERPRINT,
            "labels": ["not_equivalent", "equivalent"],
            "splits": {"validation": {"examples": 320, "by_class": [130, 190]}},
            "majority": {"class": "equivalent", "accuracy": 0.59375, "f1": 0.7450980392156863},
        },
    )
    if chosen is not None:
        write_json(
            folder / "screen" / "chosen.json", {"hyperparameters": chosen, "rule": "fabricated"}
        )
    write_batches(folder, study)
    for run in collect.planned(study, folder, chosen or []).runs.values():
        document = metrics_document(
            study, run.hyperparameters, run.seed, score(run.hyperparameters, run.seed)
        )
        write_run(folder, run.name, run.hyperparameters, run.seed, document)
    return folder / "study.json"


def write_batches(folder: Path, study: Mapping[str, Any]) -> None:
    """Write the Optuna batches: trial t proposes learning rate t * 1e-5."""
    size = study["optuna"]["batch_size"]
    for batch in range(1, plan.batches(study) + 1):
        trials = range((batch - 1) * size + 1, batch * size + 1)
        proposals = [
            {
                "trial": trial,
                "hyperparameters": plan.baseline_values(study) | {"learning_rate": trial * 1e-5},
            }
            for trial in trials
        ]
        write_batch(folder, study, batch, proposals)


def write_batch(
    folder: Path, study: Mapping[str, Any], batch: int, proposals: Sequence[Mapping[str, Any]]
) -> None:
    """Write one Optuna batch of a study that does not prune."""
    document = {"batch": batch, "seed": study["seed"], "pruning": None, "trials": proposals}
    write_json(folder / f"optuna/batch-{batch:04d}.json", document)


def change(path: Path, edit: Callable[[Any], object]) -> None:
    """Change the JSON in `path` in place."""
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


def table(study: Mapping[str, Any], score: Score) -> pd.DataFrame:
    """Return the baseline's and the screening's runs as `collect` would, without any files."""
    runs = {run.name: run for run in [*plan.baseline_runs(study), *plan.screen_runs(study)]}
    rows: list[dict[str, Any]] = []
    for run in runs.values():
        value = score(run.hyperparameters, run.seed)
        rows.append(
            {
                "run": run.name,
                "seed": run.seed,
                "status": "diverged" if value is None else "complete",
                "objective": value,
                **run.hyperparameters,
            }
        )
    columns = ["run", "seed", "status", "objective", *HYPERPARAMETERS]
    return pd.DataFrame(rows, columns=columns).astype({"objective": "float64"})
