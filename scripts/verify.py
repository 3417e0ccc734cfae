"""Train the final configuration and some random runs of a finished study again, and compare.

Identical bytes of metrics.json are expected on the same kind of machine; elsewhere the objective
within the seed-to-seed noise of the baseline. Exits with 1 where a run is neither. The study's own
files are only read; the trainings go to a scratch folder.
"""

import argparse
import random
import tempfile
from pathlib import Path

from scripts.analysis.again import compare, train_again
from scripts.analysis.recommended import recommended
from scripts.analysis.tables import read_table
from scripts.study.errors import StudyError, command
from scripts.study.files import read_json
from scripts.study.options import whole


def pick(final: str | None, runs: list[str], count: int, seed: int) -> list[str]:
    """Return the final configuration's run and `count` others, drawn with `seed`."""
    if final is None:
        raise StudyError("best.json: run is null; a study without a result cannot be verified")
    others = sorted(set(runs) - {final})
    return [final, *random.Random(seed).sample(others, min(count, len(others)))]


def finished(path: Path) -> list[str]:
    """Return the runs in summary/runs.csv; of a trial that failed there is nothing to compare."""
    table = read_table(path, ["run", "status"])
    return [str(run) for run in table["run"][table["status"] != "failed"]]


def main() -> None:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.verify", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="results/<study>/study.json")
    parser.add_argument("--runs", type=whole, default=2, help="random runs beside the final one")
    parser.add_argument("--seed", type=int, default=0, help="draws the random runs")
    options = parser.parse_args()
    study, folder = read_json(options.study), options.study.parent
    best = read_json(folder / "best.json")
    final = recommended(study, folder).run
    runs = finished(folder / "summary/runs.csv")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="snaketune-verify-") as scratch:
        for run in pick(final, runs, options.runs, options.seed):
            stored = read_json(folder / "runs" / run / "metrics.json")
            again = read_json(train_again(study, folder, run, Path(scratch)) / "metrics.json")
            confirmed, words = compare(stored, again, best["baseline"]["sd"])
            failed += not confirmed
            print(f"{'ok ' if confirmed else 'NO '} {run}: {words}", flush=True)
    if failed:
        raise StudyError(f"{failed} of the retrained runs are not what {folder} holds")


if __name__ == "__main__":
    command(main)
