"""Kill a small study again and again at random moments; the same command must always go on with it.

    python -m tests.torture.kills --kills 200 --real 20

`--real` of the kills hit studies whose trainings are real, the others such as train by a formula
(tests/formula_training.py). A study that has come to its end is compared with an undisturbed one,
and another is begun.
"""

import argparse
import base64
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from tests.processes import descendants, end_all_in, script
from tests.small_project import STUDY, change_config, contents, new_project
from tests.torture.campaign import record, traceback_in
from tools.project import PROJECT

# How a person, a system or a cluster ends things: everything at once, the head alone, one job.
WAYS = ("everything", "head", "one job", "Ctrl-C")
# Jobs that a kill waits for, each once a study, so that those which take no time are hit as well.
JOBS = (
    *("fetch_model", "prepare", "tokenise", "train", "rank", "grid", "refine", "search_space"),
    *("warm_start", "ask", "trial", "trials", "gather", "finalists", "confirm", "best", "summary"),
    *("insights", "provenance", "figures", "report", "model", "track"),
)
COMMAND = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2"]
# What a training leaves; a run is done once Snakemake has all three down.
OUTPUTS = ("metrics.json", "history.csv", "predictions.csv")
# Where a study is left in which a fault was found.
KEPT = PROJECT / "results/.kills"
# Longer than any job or start of Snakemake takes, on a machine with other work.
PATIENCE = 600


class Fault(Exception):
    """Something that must not happen, with what Snakemake said of it."""


class Victim:
    """A study that is killed and goes on, beside the files that an undisturbed one left."""

    def __init__(self, folder: Path, real: bool) -> None:
        self.folder = folder
        self.real = real
        self.stuck = 0
        new_project(folder)
        if not real:
            shutil.copy(PROJECT / "tests/formula_training.py", folder / "scripts/train.py")
        change_config(folder, "tracking", {"mlflow": {"enabled": find_spec("mlflow") is not None}})
        begun = time.monotonic()
        self._start().wait(PATIENCE)
        self.seconds = time.monotonic() - begun
        self.right = contents(folder)
        if not (folder / STUDY / "report.html").exists():
            raise Fault(f"the undisturbed study failed:\n{self.said}")
        self.counts: Counter[str] = Counter()
        self.ahead: set[str] = set()
        self.leave()

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text(errors="replace")

    def leave(self) -> None:
        """Remove all results, and what Snakemake knows of them."""
        self.ahead = set(JOBS)
        end_all_in(self.folder)  # what a killed head left at work
        for name in ("results", ".snakemake"):
            shutil.rmtree(self.folder / name)
        (self.folder / "results").mkdir()

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "said").open("wb") as log:
            return subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # What is started in the background has no Ctrl-C to hand down.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def attempt(self, random_: random.Random, wanted: str | None) -> bool:
        """Start the study, kill it where `wanted` says how; return whether it was killed."""
        before = self._recorded()
        head = self._start()
        killed = False
        if wanted and self._moment(head, random_):
            self._kill(head, wanted, random_)
            killed = True
        try:
            head.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Fault(f"no end after {PATIENCE} s, kill: {wanted}:\n{self.said}") from None
        self._check(before, killed)
        if "LockException" in self.said:
            self._unlock()
        elif head.returncode == 0:
            self._finish()
        self.stuck = 0 if killed or head.returncode == 0 else self.stuck + 1
        # A first one may find a lock, the next may stumble over jobs of a head that was killed.
        if self.stuck > 4:
            raise Fault(f"the study does not go on:\n{self.said}")
        return killed

    def _unlock(self) -> None:
        """Remove the lock that a killed Snakemake left, as the one that found it says."""
        if "--unlock" not in self.said:
            raise Fault(f"no word of how to unlock:\n{self.said}")
        self.counts["locks that the printed option removed"] += 1
        if self._start("--unlock").wait(PATIENCE):
            raise Fault(f"unlocking failed:\n{self.said}")

    def _moment(self, head: subprocess.Popen[bytes], random_: random.Random) -> bool:
        """Wait for a random moment; return False where the study has ended before it.

        In two of three attempts that is soon after the start of a job of a kind that was not
        killed in this study yet.
        """
        at_job = random_.random() < 0.67
        until = time.monotonic() + random_.uniform(0, self.seconds / 3)
        while head.poll() is None and (at_job or time.monotonic() < until):
            running = {script(process) for process in descendants(head.pid)}
            if at_job and (found := self.ahead & running):
                self.ahead -= found
                time.sleep(random_.choice([0, random_.uniform(0, 1), random_.uniform(0, 4)]))
                break
            time.sleep(0.02)
        return head.poll() is None

    def _kill(self, head: subprocess.Popen[bytes], way: str, random_: random.Random) -> None:
        """Kill in one of the ways, and count it."""
        processes = descendants(head.pid)
        running = sorted({name for process in processes if (name := script(process))})
        jobs = [process for process in processes if script(process)]
        if way == "one job" and not jobs:
            # Between two jobs; to wait for the next would be to let short ones go by.
            way = "head"
        if way == "one job":
            with suppress(ProcessLookupError):
                os.kill(random_.choice(jobs), signal.SIGKILL)
        elif way == "head":
            head.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(head.pid, signal.SIGINT if way == "Ctrl-C" else signal.SIGKILL)
        self.counts["kills"] += 1
        self.counts["kills of studies that train really"] += self.real
        self.counts[f"kills: {way}"] += 1
        for name in running or ["Snakemake alone"]:
            self.counts[f"while running: {name}"] += 1

    def _recorded(self) -> dict[str, tuple[int, int]]:
        """Return the identity of the result of each run that Snakemake has down as done."""
        known = self._noted("metadata") - self._noted("incomplete")
        found = {}
        for path in self.folder.glob(f"{STUDY}/runs/*/metrics.json"):
            files = {f"{STUDY}/runs/{path.parent.name}/{name}" for name in OUTPUTS}
            if files <= known:
                status = path.stat()
                found[path.parent.name] = (status.st_ino, status.st_mtime_ns)
        return found

    def _noted(self, kind: str) -> set[str]:
        """Return the files that Snakemake keeps a record of, whose name is the path in Base64."""
        return {
            base64.urlsafe_b64decode(path.name).decode()
            for path in self.folder.glob(f".snakemake/{kind}/*")
            if path.is_file()
        }

    def _contents(self) -> dict[str, bytes]:
        """Return what is at final names; temporary ones come and go while jobs are at work."""
        for _ in range(100):
            with suppress(FileNotFoundError):
                found = contents(self.folder)
                return {name: found[name] for name in found if Path(name).name[0] != "."}
        raise Fault("files come and go")

    def _check(self, before: dict[str, tuple[int, int]], killed: bool) -> None:
        """Compare what there is with what is right, file by file; look for runs trained again."""
        if traceback_in(self.said) and not killed:
            raise Fault(f"a traceback:\n{self.said}")
        for name, content in self._contents().items():
            self.counts["files compared"] += 1
            if content != self.right.get(name):
                raise Fault(f"{name} is not what an undisturbed study has:\n{self.said}")
        for run, identity in before.items():
            status = (self.folder / STUDY / "runs" / run / "metrics.json").stat()
            if (status.st_ino, status.st_mtime_ns) != identity:
                raise Fault(f"{run} was complete, and was trained again:\n{self.said}")

    def _finish(self) -> None:
        """Check a study that has come to its end, and leave it."""
        end_all_in(self.folder)
        if missing := self.right.keys() - self._contents().keys():
            raise Fault(f"missing at the end: {sorted(missing)}")
        left = [path for path in (self.folder / STUDY).rglob(".*") if ".mlflow" not in path.parts]
        self.counts["temporary files left behind"] += len(left)
        self.counts["bytes in them"] += sum(path.stat().st_size for path in left if path.is_file())
        for path in left:
            print("left behind:", path.relative_to(self.folder))
        self.counts["studies brought to their end"] += 1
        self.leave()


def campaign(
    folder: Path, kills: int, real: bool, random_: random.Random, until: float
) -> Counter[str]:
    """Kill `kills` times, or until that time, let the last study end; return what was counted."""
    victim = Victim(folder, real)
    print(f"{'real' if real else 'formula'}: undisturbed in {victim.seconds:.0f} s", flush=True)
    done = 0
    while done < kills and time.monotonic() < until:
        way = random_.choice(WAYS)
        if victim.attempt(random_, way):
            done += 1
            print(f"{done} of {kills}: {way}", flush=True)
    ends = victim.counts["studies brought to their end"]
    while victim.counts["studies brought to their end"] == ends:
        victim.attempt(random_, None)
    return victim.counts


def fault_or_counts(
    folder: Path, kills: int, real: bool, seed: int, until: float
) -> Counter[str] | str:
    """Run a campaign in a process of its own; return what it counted, or the fault it found."""
    try:
        return campaign(folder, kills, real, random.Random(seed), until)
    except Fault as fault:
        return str(fault)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--real", type=int, default=20, help="kills in studies that train really")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other moments")
    parser.add_argument("--minutes", type=float, default=600, help="end then, with what was done")
    parser.add_argument("--add", action="store_true", help="to the kills that are on record")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="snaketune-kills-") as name:
        # Two studies beside each other, since a start of Snakemake keeps one core busy alone.
        formula = options.kills - options.real
        parts = [(True, options.real), (False, formula // 2), (False, formula - formula // 2)]
        with ProcessPoolExecutor(max_workers=2) as pool:
            work = [
                pool.submit(fault_or_counts, Path(name, str(seed)), kills, real, seed, until)
                for seed, (real, kills) in enumerate(parts, options.seed)
                if kills
            ]
            found = [one.result() for one in work]
        for one in found:
            if isinstance(one, str):
                shutil.copytree(name, KEPT, symlinks=True, dirs_exist_ok=True)
                sys.exit(f"FAULT, left in {KEPT}: {one}")
            counts += one
    if counts["kills"] < options.kills:
        print(f"{counts['kills']} of {options.kills} kills in the time there was", flush=True)
    record(
        "kills",
        title="Kills",
        command=f"python -m tests.torture.kills --kills {options.kills} --real {options.real}"
        f" --seed {options.seed} --minutes {options.minutes:g}",
        text=(
            "Small studies were killed at random moments, among them the starts of jobs of every"
            " kind, in four ways: everything with -9, Snakemake alone with -9, one job with -9, and"
            " Ctrl-C. Then the same command was given again, at once, and with the option that"
            " Snakemake named where it had left a lock. After every attempt each file that"
            " [reproducibility.md](reproducibility.md) lists as equal was compared with an"
            " undisturbed study's, so that a half-written one would be found; no run that Snakemake"
            " had down as done was trained again; every study came to its end. Most trainings were"
            " computed by a formula, the others were real."
        ),
        figures=dict(sorted(counts.items())),
        add=options.add,
    )


if __name__ == "__main__":
    main()
