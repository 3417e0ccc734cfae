"""Where the project lies, and copies of it to run studies in: for tests and benchmarks."""

import shutil
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

# What a study needs of the project; tests and documentation stay behind.
WORKFLOW = ("Snakefile", "workflow", "config", "profiles", "scripts", "environment.yml")


def copy_project(folder: Path) -> None:
    """Copy what a study needs of the project into `folder`, with a place for results."""
    (folder / "results").mkdir(parents=True)
    for name in WORKFLOW:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
