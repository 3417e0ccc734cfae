"""A made-up finished study with figures and a final model, for tests of the trackers.

`python -m tests.tracked FOLDER` writes one to look at.
"""

import base64
import csv
import json
import sys
from pathlib import Path
from typing import Any

from scripts.study.files import write_bytes, write_text
from tests.fabricate import fabricate, write_history
from tests.fabricate_runs import study
from tests.tiny import make_model

# One white pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj+0wAAAABJRU5ErkJggg=="
)
FIGURES = ("comparison", "effects")
LABELS = ["not_equivalent", "equivalent"]


def tracked(
    folder: Path,
    *,
    stages: tuple[str, ...] = ("baseline", "optuna"),
    trials: int = 9,
    model: bool = True,
    **tracking: Any,
) -> Path:
    """Write a finished study into `folder`; return its study.json's path.

    As it stands there are 3 runs of the baseline, 9 trials, the fifth of them pruned and the last
    one diverged, and 4 runs of the confirmation, which comes with the trials. `tracking` goes over
    the config's blocks.
    """
    confirm = (1, 2) if "optuna" in stages else (0, 0)
    config = study(folder.name, trials=trials, confirm=confirm)
    for name, block in tracking.items():
        config["tracking"][name] |= block
    path = fabricate(folder, config, stages)
    for row in rows(folder):
        if row["stage"] == "confirm":
            run = folder / "runs" / row["run"]
            write_history(run / "history.csv", {key: _plain(text) for key, text in row.items()})
            write_text(run / "metrics.json", "{}\n")
    for name in FIGURES:
        write_bytes(folder / "figures" / f"{name}.png", PNG)
    write_text(folder / "report.html", "<!doctype html><title>report</title>")
    if model:
        write_model(folder / "model")
    return path


def write_model(folder: Path) -> None:
    """Write a final model as a study leaves it: safetensors, tokenizer, config, README.md."""
    make_model(folder)
    config = folder / "config.json"
    content = json.loads(config.read_text(encoding="utf-8"))
    content |= {
        "id2label": {str(index): label for index, label in enumerate(LABELS)},
        "label2id": {label: index for index, label in enumerate(LABELS)},
    }
    write_text(config, json.dumps(content))
    write_text(folder / "README.md", "---\nlicense: mit\n---\nA model card.\n")


def rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of summary/runs.csv."""
    with (folder / "summary" / "runs.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def history(folder: Path, run: str) -> list[dict[str, str]]:
    """Return the rows of a run's history.csv."""
    with (folder / "runs" / run / "history.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _plain(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


if __name__ == "__main__":
    print(tracked(Path(sys.argv[1]), stages=("baseline", "screen", "grid", "refine", "optuna")))
