"""Train the final configuration and some random runs of a finished study again, and compare.

Identical bytes of metrics.json are expected on the same kind of machine; elsewhere the objective
within the seed-to-seed noise of the baseline. Exits with 1 where a run is neither. The study's own
files are only read; the trainings go to a scratch folder.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.study.errors import StudyError, command
from scripts.study.files import read_json

# What makes two trainings of one run.json differ, as metrics.json names it.
CAUSES = ("versions", "device", "precision", "threads", "data", "model")


def pick(best: Mapping[str, Any], runs: list[str], count: int, seed: int) -> list[str]:
    """Return the final configuration's run and `count` others, drawn with `seed`."""
    if best["run"] is None:
        raise StudyError("best.json: run is null; a study without a result cannot be verified")
    others = sorted(set(runs) - {best["run"]})
    return [best["run"], *random.Random(seed).sample(others, min(count, len(others)))]


def train_again(study: Mapping[str, Any], folder: Path, run: str, scratch: Path) -> dict[str, Any]:
    """Train the run called `run` once more into `scratch`; return its new metrics.json."""
    training, objective = study["training"], study["objective"]
    home = scratch / run
    home.mkdir()
    result = subprocess.run(
        [
            *(sys.executable, "-m", "scripts.train"),
            *("--run", str(folder / "runs" / run / "run.json")),
            *("--tokens", str(folder / "data/tokens")),
            *("--model", str(folder / "data/model.json")),
            *("--info", str(folder / "data/info.json")),
            *("--metric", objective["metric"], "--direction", objective["direction"]),
            *("--precision", training["precision"]),
            *("--eval-batch-size", str(training["eval_batch_size"])),
            *("--threads", str(training["threads"])),
            *("--output", str(home)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise StudyError(f"{run}: training it again failed: {result.stderr.strip()[-400:]}")
    return dict(read_json(home / "metrics.json"))


def compare(
    stored: Mapping[str, Any], again: Mapping[str, Any], noise: float | None
) -> tuple[bool, str]:
    """Return whether a run is confirmed, and in words how it compares.

    `noise` is the standard deviation of the baseline's seeds, None where it is unknown.
    """
    if stored == again:
        return True, "identical"
    causes = [cause for cause in CAUSES if stored.get(cause) != again.get(cause)]
    what = f"differs in {', '.join(causes)}" if causes else "differs in its numbers alone"
    old, new = stored["objective"]["value"], again["objective"]["value"]
    if stored["status"] != again["status"] or old is None or new is None:
        return False, f"{again['status']} instead of {stored['status']}; {what}"
    gap = abs(new - old)
    if noise is not None and gap <= 2 * noise:
        return True, f"{new - old:+.4f}, within 2 sd of the baseline's seeds ({noise:.4f}); {what}"
    return False, f"{new - old:+.4f}, beyond 2 sd of the baseline's seeds ({noise}); {what}"


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.verify", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>/study.json")
    parser.add_argument("--runs", type=int, default=2, help="random runs beside the final one")
    parser.add_argument("--seed", type=int, default=0, help="draws the random runs")
    options = parser.parse_args()
    study, folder = read_json(options.study), options.study.parent
    best = read_json(folder / "best.json")
    runs = [path.parent.name for path in folder.glob("runs/*/metrics.json")]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="snaketune-verify-") as scratch:
        for run in pick(best, runs, options.runs, options.seed):
            stored = read_json(folder / "runs" / run / "metrics.json")
            again = train_again(study, folder, run, Path(scratch))
            confirmed, words = compare(stored, again, best["baseline"]["sd"])
            failed += not confirmed
            print(f"{'ok ' if confirmed else 'NO '} {run}: {words}", flush=True)
    if failed:
        raise StudyError(f"{failed} of the retrained runs are not what {folder} holds")


if __name__ == "__main__":
    command(main)
