"""Measure a whole study whose trainings take no time: what is left is what the workflow costs.

    python -m tests.cluster.scale --runs 2000                # here, two jobs at once
    python -m tests.cluster.scale --runs 50 --slurm          # through a SLURM of one node

Half of the runs are a grid, half are Optuna's; baseline, screening and confirmation come on top.
"""

import argparse
import json
import math
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.slurm import PROJECT, Slurm, missing
from tests.conftest import copy_project
from tests.tiny import make_data, make_study, plane


def make_project(folder: Path, runs: int, batch_size: int) -> None:
    """Copy the workflow into `folder`, with a study of about `runs` runs and the stub."""
    copy_project(folder)
    shutil.copy(PROJECT / "tests/cluster/instant_training.py", folder / "scripts/train.py")
    levels = math.isqrt(runs // 2)
    make_study(
        folder,
        training={"gpu": 1, "threads": 1, "memory_mb": 500, "runtime": 10, "precision": "fp32"},
        hyperparameters=plane(levels) | {"max_seq_length": {"baseline": 16}},
        baseline={"seeds": 3},
        refine={"configurations": []},
        optuna={"trials": runs // 2, "batch_size": batch_size, "warm_start": []},
        confirm={"configurations": 2, "seeds": 3},
    )
    # As many predictions a run as on MRPC, whose validation split this is the size of.
    make_data(folder / "tiny-data", {"train": 48, "validation": 408, "test": 24})


def timed(what: str, command: Sequence[str], folder: Path) -> None:
    """Run a command; print its wall time and the processor time of it and its children."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with (folder / "log").open("ab") as log:
        code = subprocess.run(command, cwd=folder, stdout=log, stderr=log, check=False).returncode
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code:
        print((folder / "log").read_text(errors="replace")[-5000:])
        sys.exit(f"{what}: exit code {code}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{what}: {wall:.0f} s, {used:.0f} s of processor time,"
        f" largest process {after.ru_maxrss / 1024:.0f} MiB",
        flush=True,
    )


def count(folder: Path, pattern: str) -> None:
    """Print the number and size of files."""
    files = [path for path in folder.glob(pattern) if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    blocks = sum(path.stat().st_blocks * 512 for path in files)
    print(f"{pattern}: {len(files)} files, {size / 1e6:.1f} MB, {blocks / 1e6:.1f} MB on disk")


@contextmanager
def cluster(wanted: bool) -> Iterator[list[str]]:
    """Give the options of Snakemake that submit jobs; start and stop the cluster they go to."""
    if not wanted:
        yield ["--cores", "2"]
        return
    if reason := missing():
        sys.exit(f"SLURM: {reason}")
    slurm = Slurm()
    try:
        slurm.start()
        yield ["--profile", "profiles/slurm"]
    finally:
        slurm.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.scale", description=__doc__)
    parser.add_argument("--runs", type=int, default=50, help="about so many runs")
    parser.add_argument("--batch-size", type=int, default=100, help="trials a batch of Optuna")
    parser.add_argument("--slurm", action="store_true", help="through a SLURM of one node")
    parser.add_argument("--plan", action="store_true", help="plan only, train nothing")
    parser.add_argument(
        "--keep", type=Path, help="folder that does not exist yet, to look at later"
    )
    parser.add_argument("rest", nargs="*", metavar="OPTION", help="of snakemake, after --")
    options = parser.parse_args()
    snakemake = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml"]
    with tempfile.TemporaryDirectory(prefix="snaketune-scale-") as name:
        folder = options.keep or Path(name, "project")
        make_project(folder, options.runs, min(options.batch_size, options.runs))
        study = folder / "results/tiny"
        if options.plan:
            data = ["results/tiny/data/info.json", "results/tiny/data/tokens/16.safetensors"]
            timed("data and model", [*snakemake, "--cores", "1", *data], folder)
            timed("snakemake -n -q", [*snakemake, "-n", "-q"], folder)
            return
        with cluster(options.slurm) as where:
            timed("the study", [*snakemake, *where, *options.rest], folder)
        timed("snakemake -n -q, all done", [*snakemake, "-n", "-q"], folder)
        runs = json.loads((study / "provenance.json").read_text()).get("runs")
        print(f"{len(list(study.glob('runs/*/metrics.json')))} runs", runs or "")
        for pattern in ("results/tiny/runs/**/*", "results/tiny/logs/**/*", ".snakemake/**/*"):
            count(folder, pattern)


if __name__ == "__main__":
    main()
