"""Measure what the workflow itself costs, of studies whose trainings take no time.

    python -m benchmarks.scale --runs 100 1000 2000        # adds these sizes to docs/scale.json

A study of a size has so many screening and grid runs, half of each, and a tenth as many Optuna
trials in up to 100 batches; the confirmation comes on top. It is run to its end by the local
executor; then each command that follows the trainings is run and measured once more by itself.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import output
from benchmarks.costs import Cost, cost
from benchmarks.scale_page import AFTER, page
from scripts.study.errors import StudyError, command
from scripts.study.files import read_json
from tests.tiny import make_data, make_study, varied
from tools.project import PROJECT, copy_project

STUDY = "results/tiny"
NAMES = ("weight_decay", "dropout", "attention_dropout")
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml"]


def make_project(folder: Path, runs: int, trials: int, batch_size: int) -> None:
    """Copy the workflow into `folder`, with instant trainings and a study of about `runs` runs."""
    copy_project(folder)
    shutil.copy(PROJECT / "benchmarks/instant_training.py", folder / "scripts/train.py")
    make_study(
        folder,
        training={"gpu": 1, "threads": 1, "memory_mb": 500, "runtime": 10, "precision": "fp32"},
        hyperparameters=varied(round((runs / 2) ** (1 / 3)), NAMES)
        | {"max_seq_length": {"baseline": 16}},
        rank={"top": len(NAMES)},
        baseline={"seeds": 3},
        screen={"design": {"name": "latin_hypercube", "runs": runs // 2}, "configurations": []},
        refine={"configurations": []},
        optuna={"trials": trials, "batch_size": batch_size, "warm_start": []},
        confirm={"configurations": 2, "seeds": 3},
    )
    # As many predictions a run as on MRPC, whose validation split this is the size of.
    make_data(folder / "tiny-data", {"train": 48, "validation": 408, "test": 24})


def told(what: str, words: Sequence[str], folder: Path) -> Cost:
    """Run a command in `folder`, tell what it cost and return that; raise where it fails."""
    found = cost(words, folder, {})
    print(
        f"{what}: {found.wall:.1f} s, {found.processor:.1f} s of processor time,"
        f" {found.mib:.0f} MiB",
        flush=True,
    )
    return found


def files(folder: Path) -> dict[str, int]:
    """Return how many files there are below a folder, and their bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return {"count": len(sizes), "bytes": sum(sizes)}


def measure(folder: Path, runs: int) -> dict[str, Any]:
    """Return the costs of a study of `runs` runs by what they are of."""
    trials = runs // 10
    batch_size = max(1, -(-trials // 100), min(10, trials))
    # In a process of its own: a child's largest memory counts from what its parent has, so this
    # process must not grow by torch.
    with ProcessPoolExecutor(1) as pool:
        pool.submit(make_project, folder, runs, trials, batch_size).result()
    costs = {}
    ahead = [f"{STUDY}/data/info.json", f"{STUDY}/data/tokens/16.safetensors"]
    told("data", [*SNAKEMAKE, "--cores", "1", *ahead], folder)
    costs["dry run before"] = told("dry run before", [*SNAKEMAKE, "-n", "-q"], folder)
    costs["study"] = told("study", [*SNAKEMAKE, "--cores", "2"], folder)
    ended = time.time()
    trained = list((folder / STUDY).glob("runs/*/metrics.json"))
    costs["dry run after"] = told("dry run after", [*SNAKEMAKE, "-n", "-q"], folder)
    if b"Nothing to be done" not in (folder / "log").read_bytes():
        raise StudyError(f"{folder}: a finished study has something to do")
    words = [*SNAKEMAKE, "--report", "snakemake-report.html"]
    costs["Snakemake's report"] = told("Snakemake's report", words, folder)
    for name in AFTER:
        words = [sys.executable, "-m", f"scripts.{name}", "--study", f"{STUDY}/study.json"]
        costs[name] = told(name, words, folder)
    space, last = f"{STUDY}/optuna/space.json", str(-(-trials // batch_size))
    words = [sys.executable, "-m", "scripts.ask", "--space", space, "--batch", last]
    costs["last ask"] = told("last ask", words, folder)
    return {
        "runs": runs,
        "trials": trials,
        "batches": int(last),
        "trained": len(trained),
        "after": ended - max(path.stat().st_mtime for path in trained),
        "jobs": sum(1 for _ in (folder / STUDY / "logs").rglob("*.log")),
        "report_bytes": (folder / STUDY / "report.html").stat().st_size,
        "runs_files": files(folder / STUDY / "runs"),
        "records_files": files(folder / ".snakemake"),
        "machine": read_json(folder / STUDY / "provenance.json")["machine"],
        "costs": {what: asdict(one) for what, one in costs.items()},
    }


def main() -> None:
    """Parse the command line, measure, and write the page and its figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 1000, 2000, 5000, 10_000])
    parser.add_argument("--keep", type=Path, help="an empty folder for the studies, which stay")
    parser.add_argument("--output", type=Path, default=PROJECT / "docs/scale")
    options = parser.parse_args()
    results, _ = output.files(options.output)
    known = read_json(results)["sizes"] if results.exists() else []
    sizes = {size["runs"]: size for size in known}
    state = output.code(options.output)
    for runs in options.runs:
        with tempfile.TemporaryDirectory(prefix="snaketune-scale-") as scratch:
            folder = Path(options.keep or scratch, str(runs))
            print(f"{runs} screening and grid runs", flush=True)
            found = measure(folder, runs)
        sizes[runs] = {**found, "git": state}
        ordered = [sizes[size] for size in sorted(sizes)]
        output.write(options.output, {"sizes": ordered}, page(ordered))
    print(f"{options.output}.md: {len(ordered)} sizes")


if __name__ == "__main__":
    command(main)
