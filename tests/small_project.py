"""A copy of the project that holds the small study of tests/tiny.py, and Snakemake run in it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.tiny import make_study
from tools.project import copy_project

STUDY = Path("results/tiny")

# The same bytes whenever the same study runs on the same kind of machine.
SAME = (
    "study.json",
    "data/*.json",
    "data/*.parquet",
    "data/tokens/*",
    "runs/*/run.json",
    "runs/*/metrics.json",
    "runs/*/history.csv",
    "runs/*/predictions.csv",
    "screen/*",
    "grid/*",
    "optuna/*.json",
    "optuna/*.csv",
    "optuna/*.txt",
    "confirm/*",
    "summary/gathered.csv",
    "summary/searches.csv",
    "summary/best-so-far.csv",
    "summary/random-search.csv",
    "summary/importances.csv",
    "summary/advice.json",
    "best.json",
    "verdict.json",
    "model/*",
)


def new_project(folder: Path) -> Path:
    """Copy the workflow into `folder`, with the small study's model, data and config."""
    copy_project(folder)
    make_study(folder)
    return folder


def run(folder: Path, *arguments: str, full: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Snakemake on the small study in `folder`; stdout holds stderr too.

    In `full` every job is told of: without -p a run that ends well is one line.
    """
    command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", *arguments]
    if full:
        command.insert(3, "-p")
    return subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )


def planned(folder: Path, *arguments: str) -> dict[str, int]:
    """Return how many jobs of each rule a dry run plans; empty where there is nothing to do."""
    process = run(folder, "-n", *arguments)
    assert process.returncode == 0, process.stdout
    if "Nothing to be done" in process.stdout:
        return {}
    table = process.stdout.split("Job stats:")[1]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}


def trained(output: str) -> set[str]:
    """Return the names of the runs that Snakemake's output says it trains."""
    return set(re.findall(r"^    output: results/tiny/runs/([^/]+)/metrics.json", output, re.M))


def contents(folder: Path, patterns: tuple[str, ...] = SAME) -> dict[str, bytes]:
    """Return the bytes of every file that must not differ, by its path in the study."""
    study = folder / STUDY
    return {
        str(path.relative_to(study)): path.read_bytes()
        for pattern in patterns
        for path in sorted(study.glob(pattern))
        if path.exists()  # a link to nowhere is no file
    }


def change_config(folder: Path, *keys_and_value: Any) -> None:
    """Change one value of the small study's config: keys, then the value."""
    *keys, last, value = keys_and_value
    path = folder / "tiny.yaml"
    config = json.loads(path.read_text())
    block = config
    for key in keys:
        block = block[key]
    block[last] = value
    path.write_text(json.dumps(config, indent=1))
