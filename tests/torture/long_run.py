"""Leave a study of some 300 real, small trainings alone, and watch the Snakemake that runs it.

    python -m tests.torture.long_run --runs 300

Once a second its memory (resident set) and its open files are noted, from the first training's end
to the last one's. In the last third of that time the largest value may be at most 5 % above the
middle third's: what grows with each run would be found out.
"""

import argparse
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.small_project import STUDY
from tests.tiny import make_study, varied
from tests.torture.campaign import record
from tools.project import copy_project

ALLOWED = 1.05


def make_project(folder: Path, runs: int) -> None:
    """Copy the workflow into `folder`, with a study of at least `runs` runs, half of it a grid."""
    copy_project(folder)
    levels = math.ceil(math.sqrt(runs / 2))
    make_study(
        folder,
        hyperparameters=varied(levels)
        | {"max_seq_length": {"baseline": 16}, "num_train_epochs": {"baseline": 1}},
        refine={"configurations": []},
        optuna={"trials": math.ceil(runs / 2), "batch_size": 10},
    )


def sizes(process: int) -> tuple[float, int]:
    """Return the resident memory of a process, in MiB, and how many files it has open."""
    status = Path(f"/proc/{process}/status").read_text()
    kilobytes = int(status.split("VmRSS:")[1].split()[0])
    return kilobytes / 1024, len(list(Path(f"/proc/{process}/fd").iterdir()))


def watch(folder: Path) -> tuple[list[tuple[float, int]], int]:
    """Run the study to its end; return the sizes of Snakemake by second, and the number of runs."""
    trained, found = 0, []
    with (folder / "said").open("wb") as log:
        head = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        while head.poll() is None:
            runs = len(list((folder / STUDY).glob("runs/*/metrics.json")))
            if runs:
                try:
                    found.append((*sizes(head.pid), runs))
                except (OSError, IndexError):  # it has just ended
                    break
            if runs > trained and runs // 20 > trained // 20:
                print(f"{runs} runs", flush=True)
            trained = runs
            time.sleep(1)
    if head.wait():
        sys.exit(f"the study failed:\n{(folder / 'said').read_text(errors='replace')[-5000:]}")
    last = next(index for index, value in enumerate(found) if value[2] == trained)
    return [(memory, files) for memory, files, _ in found[: last + 1]], trained


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.long_run", description=__doc__)
    parser.add_argument("--runs", type=int, default=300, help="at least so many trainings")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="snaketune-long-") as name:
        folder = Path(name, "project")
        make_project(folder, options.runs)
        begun = time.monotonic()
        found, runs = watch(folder)
        seconds = time.monotonic() - begun
    third = len(found) // 3
    middle, last = found[third : 2 * third], found[2 * third :]
    figures: dict[str, str | int] = {"real trainings": runs, "minutes": round(seconds / 60)}
    grown = []
    for index, what in enumerate(("memory of the head, MiB", "open files of the head")):
        before, after = (max(values[index] for values in part) for part in (middle, last))
        figures[f"{what}: largest in the middle third, in the last"] = f"{before:.0f}, {after:.0f}"
        if after > ALLOWED * before:
            grown.append(f"{what}: {before:.0f} became {after:.0f}")
    if grown or runs < options.runs:
        sys.exit("FAULT: " + "; ".join(grown or [f"{runs} runs alone"]))
    record(
        "long_run",
        title="A long run",
        command=f"python -m tests.torture.long_run --runs {options.runs}",
        text=(
            "A study of real, small trainings was left alone to its end. The memory (resident set)"
            " and the open files of the Snakemake that runs it were noted every second, from the"
            " first training's end to the last one's; in the last third of that time the largest"
            " value may be at most 5 % above the middle third's."
        ),
        figures=figures,
    )


if __name__ == "__main__":
    main()
