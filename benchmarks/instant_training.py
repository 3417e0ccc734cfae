"""Stands in for scripts/train.py where studies are measured: a run's files from a formula, at once.

It reads and writes what a training does, with a history of 115 steps an epoch such as MRPC's, but
computes nothing and imports neither torch nor NumPy.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

from scripts.study.files import read_json, write_bytes, write_csv, write_json

STEPS = 115


def main() -> None:
    """Write the files of the run that the command line names."""
    parser = argparse.ArgumentParser()
    for option in ("run", "model", "info", "output"):
        parser.add_argument(f"--{option}", required=True, type=Path)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--direction", required=True)
    parser.add_argument("--save-model", type=Path)
    options = parser.parse_known_args()[0]
    if options.save_model:
        # A file of safetensors with nothing in it.
        write_bytes(options.save_model / "model.safetensors", b"\x02\0\0\0\0\0\0\0{}")
    run, model, info = map(read_json, (options.run, options.model, options.info))
    train(run, model, info, options.output, options.metric, options.direction)


def train(
    run: dict[str, Any],
    model: dict[str, Any],
    info: dict[str, Any],
    output: Path,
    metric: str,
    direction: str,
) -> None:
    """Write a run's metrics, history and predictions into `output`."""
    examples = {split: facts["examples"] for split, facts in info["splits"].items()}
    values = run["hyperparameters"]
    rng = random.Random(json.dumps(run["hyperparameters"], sort_keys=True) + str(run["seed"]))
    score = 0.9 - abs(values["weight_decay"] - 0.05) - abs(values["dropout"] - 0.15)
    score = min(max(score + rng.gauss(0, 0.01), 0.1), 0.99)
    metrics = dict.fromkeys(
        ("accuracy", "f1", "precision", "recall", "matthews_correlation"), score
    )
    epochs: list[dict[str, Any]] = [
        {"epoch": epoch, "step": epoch * STEPS, "train_loss": 0.5, "loss": 1 - score, **metrics}
        for epoch in range(1, values["num_train_epochs"] + 1)
    ]
    history: list[dict[str, Any]] = [
        {
            "epoch": 1 + step // STEPS,
            "step": step + 1,
            "learning_rate": values["learning_rate"],
            "gradient_norm": rng.random(),
            "train_loss": rng.random(),
        }
        for step in range(STEPS * len(epochs))
    ]
    for epoch in epochs:
        history[epoch["step"] - 1] |= {"validation_loss": epoch["loss"], **metrics}
    write_csv(output / "history.csv", list(history[-1]), history)
    splits = ["validation", "test"] if run.get("test") else ["validation"]
    rows = [(split, index, rng.random()) for split in splits for index in range(examples[split])]
    write_csv(
        output / "predictions.csv",
        ["split", "index", "label", "predicted", "probability_0", "probability_1"],
        (
            {
                "split": split,
                "index": index,
                "label": index % 2,
                "predicted": int(share > 0.5),
                "probability_0": 1 - share,
                "probability_1": share,
            }
            for split, index, share in rows
        ),
    )
    test = {"test": {"loss": 1 - score, **metrics}} if run.get("test") else {}
    write_json(
        output / "metrics.json",
        {
            "schema_version": 1,
            "status": "complete",
            "objective": {
                "metric": metric,
                "direction": direction,
                "value": epochs[-1][metric],
            },
            "epochs": epochs,
            **test,
            "hyperparameters": values,
            "seed": run["seed"],
            "data": {"fingerprint": info["fingerprint"]},
            "model": {key: model[key] for key in ("path", "revision", "sha256")},
            "precision": "fp32",
            "device": "cpu",
            "threads": 1,
            "versions": {"stub": "1"},
        },
    )


if __name__ == "__main__":
    main()
