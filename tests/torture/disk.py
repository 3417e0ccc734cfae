"""Let a study run on a disk that fills up, at every stage, then make room and run it again.

    python -m tests.torture.disk [--studies 4] [--fills 7] [--seed 0]

Needs root: the disk is a small tmpfs. It is filled with ballast as soon as the file of a stage is
there; the study must fail with a line that says that the disk is full. Once the ballast is gone the
same command goes on, to the next full disk, and at last ends with the bytes of an undisturbed
study.
"""

import argparse
import os
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.small_project import STUDY
from tests.torture import campaign, studies

SIZE = 64_000_000
# The disk is full from when the first of these is there; a share of the metrics for trainings.
STAGES = (
    *("study.json", "data/model.json", "data/info.json", "data/tokens/16.safetensors"),
    *("runs/baseline-seed7/run.json", "runs/baseline-seed8/metrics.json", "screen/ranking.csv"),
    *("runs/learning_rate=0.01+train_batch_size=8-seed7/run.json", "grid/results.csv"),
    *("optuna/space.json", "optuna/batch-0001.json", "runs/optuna-0002-seed7/metrics.json"),
    *("optuna/batch-0002.json", "optuna/trials.csv", "confirm/finalists.json"),
    *("runs/baseline-seed1007/metrics.json", "verdict.json", "best.json", "summary/runs.csv"),
    *("summary/gathered.csv", "summary/advice.json", "model/README.md"),
    *("figures/comparison.png", "provenance.json", "report.html"),
)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a folder on a disk of its own."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, left: int) -> Path:
    """Write ballast until `left` bytes are free; return its path."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        status = os.statvfs(disk)
        amount = status.f_bavail * status.f_frsize - left
        try:
            while amount > 0:
                amount -= stream.write(b"\0" * min(amount, 1 << 20))
        except OSError:
            pass
    return ballast


def fault(project: Path, disk: Path, stage: str, left: int) -> str:
    """Run the study until a stage, then with a full disk; return what came of it."""
    process = studies.start(project)
    while not (project / STUDY / stage).exists():
        if studies.ended(process):
            return f"FAULT ended before {stage}:\n{studies.wait(process).text[-2000:]}"
        time.sleep(0.01)
    ballast = fill(disk, left)
    ended = studies.wait(process)
    ballast.unlink()
    if not ended.code:
        return "there was room enough"
    if "snaketune: the disk" not in ended.text:
        return f"FAULT not said:\n{ended.text[-4000:]}"
    # Snakemake's own is below it, where its own files could not be written.
    return "said, below a traceback of Snakemake" if "Traceback" in ended.text else "said"


def tortured(
    begun: Path,
    disk: Path,
    expected: dict[str, bytes],
    stages: Sequence[str],
    rng: random.Random,
) -> Iterator[tuple[str, str]]:
    """Yield what came of each time that one study's disk was filled, and of the study."""
    project = Path(shutil.copytree(begun, disk / "project", symlinks=True))
    for stage in sorted(stages, key=STAGES.index):
        if (project / STUDY / stage).exists():
            continue  # made beside what an earlier stage waited for
        # None left, or room for a small file, or for some of a large one.
        left = rng.choice([0, 0, 4096, 65536, 300_000])
        yield f"{stage}, {left} bytes left", fault(project, disk, stage, left)
    ended = studies.snakemake(project)
    if ended.code:
        yield "the study", f"FAULT does not go on:\n{ended.text[-4000:]}"
        return
    wrong = studies.differing(project, expected)
    words = "ended with the bytes of an undisturbed study"
    yield "the study", f"FAULT differs: {', '.join(wrong)}" if wrong else words


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.disk", description=__doc__)
    parser.add_argument("--studies", type=int, default=4)
    parser.add_argument("--fills", type=int, default=7, help="how often each study's disk is full")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    counts: Counter[str] = Counter()
    faults = []
    with studies.campaign_folder("disk") as home:
        _, expected = studies.finished_study(home / "base")
        begun = studies.new_study(home / "begun")
        # Each stage's turn comes in one of the studies, as long as the fills suffice.
        stages = rng.sample(STAGES, len(STAGES))
        for number in range(options.studies):
            own = stages[number :: options.studies][: options.fills]
            with small_disk(home / f"disk-{number}") as disk:
                for told, found in tortured(begun, disk, expected, own, rng):
                    print(f"{told}: {found}", flush=True)
                    counts[found.split(":")[0]] += 1
                    faults += [told] * found.startswith("FAULT")
    if faults:
        raise SystemExit(f"{len(faults)} faults:\n" + "\n".join(faults))
    campaign.record(
        "disk",
        title="A full disk",
        command=f"python -m tests.torture.disk --studies {options.studies} --fills {options.fills}"
        f" --seed {options.seed}",
        text="The disk that a study ran on was filled when a stage began, with no byte or a few"
        " left. Checked: the study says that the disk is full, and once there is room the same"
        " command ends it with the bytes of an undisturbed study.",
        figures={
            "studies": options.studies,
            "times that a disk was filled": sum(counts.values()) - options.studies,
            **dict(sorted(counts.items())),
        },
    )


if __name__ == "__main__":
    main()
