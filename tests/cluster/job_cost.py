"""Run a study whose trainings take no time through a SLURM of one node: what a job costs there.

    python -m tests.cluster.job_cost --runs 40 --batch-size 10
    python -m tests.cluster.job_cost -- --slurm-array-jobs none      # a job a run

Half of the runs are a grid, half of them screening; baseline, Optuna and confirmation come on top.
`python -m benchmarks.scale` measures larger studies on one machine.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.scale import SNAKEMAKE, make_project, told
from tests.cluster.slurm import Slurm, missing


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.job_cost", description=__doc__)
    parser.add_argument("--runs", type=int, default=24, help="about so many by hand")
    parser.add_argument("--trials", type=int, default=20, help="of Optuna")
    parser.add_argument("--batch-size", type=int, default=10, help="trials a batch of Optuna")
    parser.add_argument("rest", nargs="*", metavar="OPTION", help="of snakemake, after --")
    options = parser.parse_args()
    if reason := missing():
        sys.exit(f"SLURM: {reason}")
    slurm = Slurm()
    with tempfile.TemporaryDirectory(prefix="snaketune-jobs-") as name:
        folder = Path(name, "project")
        make_project(folder, options.runs, options.trials, options.batch_size)
        try:
            slurm.start()
            told("study", [*SNAKEMAKE, "--profile", "profiles/slurm", *options.rest], folder)
        finally:
            slurm.stop()
        print(f"{len(list((folder / 'results/tiny').glob('runs/*/metrics.json')))} runs")


if __name__ == "__main__":
    main()
