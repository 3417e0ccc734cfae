"""A made-up study of thousands of runs, for tests of what must stay quick and readable then.

`python -m tests.fabricate_many FOLDER [RUNS]` writes one to look at, 10,000 runs if not told.
"""

import random
import sys
from pathlib import Path
from typing import Any

from scripts.study import plan
from scripts.study.files import write_csv, write_json
from scripts.study.hyperparameters import Value
from scripts.study.names import trial_name
from tests.fabricate import best_of, fabricate
from tests.fabricate_runs import COLUMNS, METRICS, make_row, rows, study

RUNS = 10_000
# Of all trials: how many are pruned, diverge, or end far below the rest.
PRUNED, DIVERGED, FAR = 0.2, 0.02, 0.01
CHOICES: dict[str, tuple[Value, ...]] = {
    "train_batch_size": (16, 32, 64),
    "max_seq_length": (24, 64, 128),
    "label_smoothing_factor": (0.0, 0.1),
    "lr_scheduler_type": ("linear", "cosine", "constant_with_warmup"),
}


def config(trials: int) -> dict[str, Any]:
    """Return the made-up study with `trials` Optuna trials over nine hyperparameters."""
    made = study("ten-thousand" if trials > 5_000 else "many", trials=trials)
    blocks = made["hyperparameters"]
    blocks["adam_epsilon"]["search"] = {"low": 1e-9, "high": 1e-5, "log": True}
    blocks["adam_beta1"]["search"] = {"low": 0.8, "high": 0.95}
    blocks["warmup_ratio"]["search"] = {"low": 0.0, "high": 0.3}
    for name, choices in CHOICES.items():
        blocks[name]["search"] = {"choices": list(choices)}
    return made


def trial_row(config: dict[str, Any], trial: int) -> dict[str, Any]:
    """Return a trial's row of summary/runs.csv."""
    draw = random.Random(f"many {trial}")
    values = {
        **plan.baseline_values(config),
        "learning_rate": 10 ** draw.uniform(-5, -3.45),
        "weight_decay": draw.uniform(0, 0.3),
        "warmup_ratio": draw.uniform(0, 0.3),
        "adam_beta1": draw.uniform(0.8, 0.95),
        "adam_epsilon": 10 ** draw.uniform(-9, -5),
        **{name: draw.choice(choices) for name, choices in CHOICES.items()},
    }
    row = make_row(config, trial_name(trial, config["seed"]), ["optuna"], values, config["seed"],
                   trial)  # fmt: skip
    kind = draw.random()
    if kind < DIVERGED:
        row.update(dict.fromkeys(("objective", *METRICS, "best_epoch")), status="diverged")
    elif kind < DIVERGED + PRUNED:
        row.update(status="pruned", best_epoch=1)
    elif kind < DIVERGED + PRUNED + FAR:
        row.update(f1=0.4, objective=0.4)
    return row


def fabricate_many(folder: Path, runs: int = RUNS) -> Path:
    """Write a finished study of `runs` runs under `folder` and return its study.json's path.

    The runs by hand are those of the small study, with their folders; trials have no folders.
    """
    by_hand = rows(study(trials=0))
    made = config(runs - len(by_hand))
    path = fabricate(folder, made, ("baseline", "screen", "grid", "refine"))
    trials = [trial_row(made, trial) for trial in range(1, made["optuna"]["trials"] + 1)]
    write_csv(folder / "summary/runs.csv", COLUMNS, [*by_hand, *trials])
    write_json(folder / "best.json", best_of(made, [*by_hand, *trials]))
    write_csv(folder / "optuna/trials.csv", COLUMNS[:-1], trials)
    return path


if __name__ == "__main__":
    print(fabricate_many(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else RUNS))
