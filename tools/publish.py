"""Keep what a study came to as tables in docs/: `python -m tools.publish --study S --output O`.

In comes results/<study>, finished or not. Out come CSV files of a few kilobytes that git can hold,
since results/ is not in git: every metric of every epoch of every finished run with its
hyperparameters (`epochs.csv`), the tables and JSON files that the study's stages wrote, and the
figures that docs/results.md shows.
Predictions, weights and the data's text stay where they are.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.analysis.foreseen import foreseen
from scripts.study.documents import open_study
from scripts.study.errors import StudyError, command
from scripts.study.files import read_json, write_bytes, write_csv
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.plan import ALL_STAGES

METRICS = (
    "train_loss",
    "loss",
    "accuracy",
    "f1",
    "precision",
    "recall",
    "matthews_correlation",
)
COLUMNS = ("run", "seed", "status", "seconds", *HYPERPARAMETERS, "split", "epoch", "step", *METRICS)
# By the name that they have in docs/; a study that has not come so far lacks some.
FILES = {
    "runs.csv": "summary/runs.csv",
    "ranking.csv": "screen/ranking.csv",
    "interactions.csv": "grid/interactions.csv",
    "trials.csv": "optuna/trials.csv",
    "importances.csv": "summary/importances.csv",
    "searches.csv": "summary/searches.csv",
    "random-search.csv": "summary/random-search.csv",
    "advice.json": "summary/advice.json",
    "confirm.csv": "confirm/results.csv",
    "verdict.json": "verdict.json",
    "best.json": "best.json",
    "provenance.json": "provenance.json",
    "parallel-coordinates.png": "figures/parallel-coordinates-all.png",
    "effects.png": "figures/effects.png",
    "searches.png": "figures/searches.png",
    "confirmation.png": "figures/confirmation.png",
}


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield a row an epoch of every finished run in `folder`, planned or not, by the runs' names.

    A run that was evaluated on the test split has one row more, without step and train_loss.
    """
    for path in sorted(folder.glob("runs/*/metrics.json")):
        record = read_json(path)
        run = {
            "run": path.parent.name,
            "seed": record["seed"],
            "status": record["status"],
            "seconds": _seconds(path.with_name("benchmark.tsv")),
            **record["hyperparameters"],
        }
        # A run that diverged in its first epoch is told, too.
        for epoch in record["epochs"] or [{}]:
            yield {**run, "split": "validation", **epoch}
        if "test" in record:
            yield {**run, "split": "test", "epoch": len(record["epochs"]), **record["test"]}


def _seconds(path: Path) -> float | None:
    """Return the wall time that Snakemake measured, in seconds; None where it did not."""
    if not path.exists():
        return None
    with path.open(newline="", encoding="utf-8") as stream:
        first = next(csv.DictReader(stream, delimiter="\t"), {})
    return float(first["s"]) if first.get("s") not in (None, "NA", "-") else None


def publish(folder: Path, output: Path) -> str:
    """Write the study's tables and figures into `output`; return what to tell the user."""
    epochs = list(rows(folder))
    if (folder / "study.json").exists():  # one that was changed leaves the runs that it had before
        study, _ = open_study(folder / "study.json")
        planned = {name for stage in ALL_STAGES for name in foreseen(study, folder, stage)[0]}
        epochs = [row for row in epochs if row["run"] in planned]
    if not epochs:
        raise StudyError(f"{folder}/runs: no finished run there; name results/<study>")
    write_csv(output / "epochs.csv", COLUMNS, epochs)
    there = {name: folder / source for name, source in FILES.items() if (folder / source).exists()}
    for name, source in there.items():
        write_bytes(output / name, source.read_bytes())
    runs = len({row["run"] for row in epochs})
    missing = ", ".join(name for name in FILES if name not in there)
    return f"{output}: {runs} runs" + (f"; not there yet: {missing}" if missing else "")


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.publish", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>")
    parser.add_argument("--output", type=Path, required=True, help="docs/results/<study>")
    options = parser.parse_args()
    print(publish(options.study, options.output))


if __name__ == "__main__":
    command(main)
