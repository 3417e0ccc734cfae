"""A plausible finished study, made up from a formula: for tests of what reads a study's files.

`python -m tests.fabricate FOLDER` writes one to look at. Nothing is trained; the same call writes
the same bytes.
"""

import math
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.analysis import effects, interactions, luck, screening
from scripts.study import plan
from scripts.study.files import write_csv, write_json
from scripts.study.hyperparameters import HYPERPARAMETERS
from tests.fabricate_confirm import provenance, write_confirmation
from tests.fabricate_insights import write_insights
from tests.fabricate_runs import CHOSEN, COLUMNS, METRICS, VALIDATION, rows, study

HISTORY = (
    "epoch", "step", "learning_rate", "gradient_norm", "train_loss", "validation_loss",
    "accuracy", "f1", "precision", "recall", "matthews_correlation",
)  # fmt: skip
MAJORITY = {
    "class": "equivalent", "accuracy": 0.590625, "f1": 0.742634, "precision": 0.590625,
    "recall": 1.0, "matthews_correlation": 0.0,
}  # fmt: skip


def write_history(path: Path, row: Mapping[str, Any]) -> None:
    """Write the run's losses by step and metrics by epoch."""
    draw = random.Random("history" + str(row["run"]))
    steps = math.ceil(640 / int(row["train_batch_size"]))
    lines: list[dict[str, object]] = []
    for step in range(1, 3 * steps + 1):
        done = step / (3 * steps)
        line: dict[str, object] = {
            "epoch": math.ceil(step / steps), "step": step,
            "learning_rate": float(row["learning_rate"]) * (1 - done),
            "gradient_norm": 1 + draw.random(),
            "train_loss": 0.7 * math.exp(-2 * done) + draw.gauss(0, 0.04),
        }  # fmt: skip
        if step % steps == 0:
            share = 0.9 + 0.1 * done
            line["validation_loss"] = 0.72 - 0.4 * done + draw.gauss(0, 0.01)
            for metric in METRICS[1:]:
                line[metric] = float(row[metric] or 0) * share
        lines.append(line)
    write_csv(path, HISTORY, lines)


def best_of(study: Mapping[str, Any], made: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what best.json holds."""
    sign = 1 if study["objective"]["direction"] == "maximize" else -1
    seeds = [row for row in made if row["stage"] == "baseline"]
    values = [row["objective"] for row in seeds]
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))

    def lucky(objective: float, runs: int) -> float | None:
        return luck.chance(sign * (objective - mean), spread, len(values), runs)

    def top(stages: set[str]) -> list[dict[str, Any]]:
        able = [row for row in made if row["status"] == "complete" and stages & {row["stage"]}]
        peak = max((sign * row["objective"] for row in able), default=None)
        return [row for row in able if sign * row["objective"] == peak]

    def entry(label: str, stages: set[str]) -> dict[str, Any] | None:
        tied = top(stages)
        if not tied:
            return None
        pool = [row for row in made if row["stage"] in stages]
        first = tied[0]
        return {
            "label": label, "run": first["run"], "objective": first["objective"],
            "metrics": {metric: first[metric] for metric in METRICS},
            "found_at": pool.index(first) + 1, "of": len(pool), "trial": first["trial"],
            "ties": [row["run"] for row in tied[1:]],
            "hyperparameters": {name: first[name] for name in HYPERPARAMETERS},
            "chance": lucky(first["objective"], len(pool)),
        }  # fmt: skip

    winner, *tied = top(set(plan.STAGES))
    tries = sum(row["seed"] == study["seed"] for row in made)
    before = plan.baseline_values(study)
    sets = [
        ("baseline", {"baseline"}), ("best by hand", {"screen", "refine"}),
        ("best of grid", {"grid"}), ("best of Optuna", {"optuna"}),
    ]  # fmt: skip
    return {
        "run": winner["run"], "stage": winner["stage"], "seed": winner["seed"],
        "objective": {**study["objective"], "value": winner["objective"]},
        "metrics": {metric: winner[metric] for metric in METRICS},
        "hyperparameters": {name: winner[name] for name in HYPERPARAMETERS},
        "changed": {
            name: {"baseline": before[name], "best": winner[name]}
            for name in HYPERPARAMETERS
            if winner[name] != before[name]
        },
        "chance": lucky(winner["objective"], tries), "of": tries,
        "ties": [row["run"] for row in tied],
        "tie_break": "the earlier stage, then the run that changes fewer hyperparameters",
        "comparison": [row for label, stages in sets if (row := entry(label, stages))],
        "baseline": {
            "mean": mean, "sd": spread, "seeds": [row["seed"] for row in seeds], "values": values,
            "interval": [mean - 2.48 * spread, mean + 2.48 * spread], "confidence": 0.95,
        },
        "agreement": {
            metric: {"runs": len(made), "spearman": 0.91, "kendall": 0.83}
            for metric in METRICS if metric != study["objective"]["metric"]
        },
        "example": 1 / VALIDATION, "majority": MAJORITY,
    }  # fmt: skip


def _ranking(made: list[dict[str, Any]], mean: float, noise: float) -> list[dict[str, Any]]:
    """Return the rows of screen/ranking.csv, from the runs that change one thing."""
    base = {**made[0], "objective": mean}
    ranked: list[dict[str, Any]] = []
    for name in HYPERPARAMETERS:
        single = [
            row for row in made
            if row["run"].startswith(name + "=") and "+" not in row["run"]
            and "screen" in row["stages"]
        ]  # fmt: skip
        if not single:
            continue
        scored = sorted(
            (row for row in [base, *single] if row["objective"] is not None),
            key=lambda row: row["objective"],
        )
        effect = scored[-1]["objective"] - scored[0]["objective"]
        ranked.append({
            "hyperparameter": name, "effect": effect, "worst_level": scored[0][name],
            "best_level": scored[-1][name], "noise_sd": noise, "effect_to_noise": effect / noise,
            "runs": len(scored) - 1, "diverged": len(single) + 1 - len(scored), "estimable": 1,
            "effect_low": effect - 4.3 * noise, "effect_high": effect + 4.3 * noise,
            "p": 0.3 / (effect / noise) ** 3, "p_holm": min(1.0, 2 / (effect / noise) ** 3),
            "stands_out": int(effect > 4.3 * noise),
        })  # fmt: skip
    ranked.sort(key=lambda row: -row["effect"])
    for rank, row in enumerate(ranked, start=1):
        row.update(rank=rank, chosen=int(row["hyperparameter"] in CHOSEN))
    return ranked


def fabricate(folder: Path, config: dict[str, Any] | None = None,
              stages: tuple[str, ...] = plan.STAGES) -> Path:  # fmt: skip
    """Write a finished study under `folder` and return the path of its study.json.

    `stages` leaves stages out, with their files, as a study does that switches them off; there is
    a confirmation where the config has one.
    """
    config = config or study()
    made = rows(config, stages)
    best = best_of(config, made)
    repeats = []
    if plan.fresh_seeds(config):
        repeats = write_confirmation(folder, config, made, best["baseline"]["values"])
    write_json(folder / "study.json", config)
    write_json(folder / "best.json", best)
    write_json(folder / "data/info.json", {
        "fingerprint": "5f0c8a2be1d94c37", "labels": ["not_equivalent", "equivalent"],
        "splits": {
            "train": {"examples": 640, "by_class": [262, 378]},
            "validation": {"examples": 320, "by_class": [131, 189]},
            "test": {"examples": 320, "by_class": [129, 191]},
        },
        "text_columns": ["sentence1", "sentence2"],
        "majority": MAJORITY,
    })  # fmt: skip
    write_json(folder / "provenance.json", provenance())
    write_csv(folder / "summary/runs.csv", COLUMNS, [*made, *repeats])
    if "screen" in stages:
        columns = (*effects.RANKING_COLUMNS, *screening.design_columns(config))
        sd = best["baseline"]["sd"]
        if config["screen"].get("design"):
            frame = pd.DataFrame(made)
            early = frame[[bool({"baseline", "screen"} & set(str(names).split(";")))
                           for names in frame["stages"]]]  # fmt: skip
            found = screening.effects_of(config, early)
            ranking = effects.ranking_rows(found, CHOSEN, sd, config["baseline"]["seeds"])
        else:
            ranking = _ranking(made, best["baseline"]["mean"], sd)
        write_csv(folder / "screen/ranking.csv", columns, ranking)
        write_json(folder / "screen/chosen.json", {
            "hyperparameters": list(CHOSEN), "rule": "the 3 largest effects on the objective",
            "too_close": [{
                "chosen": "weight_decay", "left_out": "lr_scheduler_type", "difference": 0.0012,
                "margin": 0.0105,
            }],
        })  # fmt: skip
    for stage, file in (("grid", "grid/results.csv"), ("optuna", "optuna/trials.csv")):
        if stage in stages:
            own = [row for row in made if stage in str(row["stages"]).split(";")]
            write_csv(folder / file, COLUMNS[:-1], own)
    if "grid" in stages:
        frame = pd.DataFrame(made)
        grid = frame[["grid" in str(names).split(";") for names in frame["stages"]]]
        found = interactions.rows(grid, frame[frame["stage"] == "baseline"], CHOSEN)
        write_csv(folder / "grid/interactions.csv", interactions.COLUMNS, found)
    write_insights(folder, config, made)
    for row in made:
        run = folder / "runs" / str(row["run"])
        write_history(run / "history.csv", row)
        write_json(run / "metrics.json", {
            "schema_version": 1, "status": row["status"], "seed": row["seed"],
            "precision": "fp32", "device": "cpu", "threads": 1,
            "objective": {**config["objective"], "value": row["objective"]},
            "data": {"fingerprint": "5f0c8a2be1d94c37"},
            "model": {"path": config["model"]["path"], "revision": None, "sha256": "53aa51172d14"},
            "hyperparameters": {name: row[name] for name in HYPERPARAMETERS},
            "versions": {"torch": "2.13.0", "transformers": "5.23.0"}, "epochs": [],
        })  # fmt: skip
    return folder / "study.json"


if __name__ == "__main__":
    print(fabricate(Path(sys.argv[1])))
