"""Stands in for scripts/train.py: leaves what the real training of the same run left before.

A test puts it there, and gives orders through files: `orders/<order>-<run>` in the project's root.
`hold`: wait while the file is there. `fail`, `memory`: once, exit with 1 or take 1.5 GB.
A model that is asked for is the pretrained one with a new head.
Every training that starts or ends is a line of `orders/events`.
"""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ORDERS = ROOT / "orders"
ENVIRONMENT = (
    *("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"),
    *("CUDA_VISIBLE_DEVICES", "HF_HUB_OFFLINE"),
)


def note(event: str, run: str) -> None:
    """Add a line to the events; one write, so that trainings do not mix their lines."""
    facts = {name: os.environ.get(name) for name in ENVIRONMENT}
    line = json.dumps({"event": event, "run": run, "time": time.time(), **facts}) + "\n"
    with (ORDERS / "events").open("a", encoding="utf-8") as stream:
        stream.write(line)


def obey_once(order: str, run: str) -> bool:
    """Tell whether there is such an order, and withdraw it."""
    path = ORDERS / f"{order}-{run}"
    found = path.exists()
    path.unlink(missing_ok=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--save-model", type=Path)
    options = parser.parse_known_args()[0]
    folder: Path = options.output
    run = folder.name
    note("start", run)
    if obey_once("fail", run):
        sys.exit("failing, as ordered")
    if obey_once("memory", run):
        block = bytearray(3 * 1024**3 // 2)
        # Memory counts once it is written to.
        block[::4096] = b"x" * len(block[::4096])
        time.sleep(600)
    while (ORDERS / f"hold-{run}").exists():
        time.sleep(0.1)
    for source in sorted((ROOT / "orders" / "results" / run).iterdir()):
        temporary = folder / f".{source.name}"
        shutil.copy(source, temporary)
        temporary.replace(folder / source.name)
    if options.save_model:
        save(options.model, options.save_model)
    note("end", run)


def save(base: Path, folder: Path) -> None:
    """Save the pretrained model that a data/model.json names."""
    from transformers import AutoModelForSequenceClassification

    path = json.loads(base.read_text(encoding="utf-8"))["path"]
    AutoModelForSequenceClassification.from_pretrained(path).save_pretrained(folder)


if __name__ == "__main__":
    main()
