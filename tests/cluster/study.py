"""A study on the test cluster, the Snakemake that submits it, and what the two are compared by."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import slurm
from tests.cluster.slurm import Slurm, wait_for
from tests.processes import end_all_in

# Of every test that needs the cluster.
MARKS = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.skipif(bool(slurm.missing()), reason=f"SLURM: {slurm.missing()}"),
]
STUDY = Path("results/tiny")
MEMORY = 1000
RUNTIME = 10
TRIALS = f"{STUDY}/optuna/trials.csv"
RANKING = f"{STUDY}/screen/ranking.csv"
BASELINE, OTHER, SCREEN = "baseline-seed7", "baseline-seed8", "learning_rate=0.01-seed7"
RUNS = (BASELINE, OTHER, SCREEN)
SAME = ("runs/*/run.json", "runs/*/*.csv", "runs/*/metrics.json", "screen/*", "optuna/*.[cj]s*")
# The profile's own pace suits jobs of hours, and the executor looks ten seconds later each time
# that no job has ended, which tells of nothing but its patience.
QUICK = ("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "20")
# Every job in full: without -p a job that ends well is one line at most.
FULL = "--printshellcmds"
PACED = """
from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor
Executor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)
main()
"""


class Head:
    """A Snakemake that submits to the cluster; `text` is what it has printed so far."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._log = folder / f"head-{len(list(folder.glob('head-*')))}.log"
        # The job must be told that it is offline, not inherit it from the tests.
        environment = {key: value for key, value in os.environ.items() if "OFFLINE" not in key}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL", sys.executable, "-c", PACED),
                    *("--profile", "profiles/slurm", *arguments, *QUICK),
                    *("--configfile", "tiny.yaml", FULL),
                ],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Tests that run in the background have no Ctrl-C to hand down.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def text(self) -> str:
        return self._log.read_text(errors="replace")

    def end(self, code: int = 0, seconds: float = 420) -> str:
        """Wait for the end; fail where the exit code is not `code`; return what was printed."""
        try:
            found = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"snakemake has not ended after {seconds:.0f} seconds:\n{self.text}")
        assert found == code, self.text
        return self.text

    def wait_for(self, what: str, condition: Callable[[], object]) -> None:
        """Return once `condition()` is true; fail where Snakemake ends first, or time does."""
        try:
            wait_for(what, lambda: condition() or self.process.poll() is not None, 300)
        except TimeoutError as error:
            pytest.fail(f"{error}:\n{self.text}")
        assert condition(), f"no {what}:\n{self.text}"

    def kill(self) -> None:
        """Kill Snakemake with -9, with whatever it runs on this machine."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Study:
    """A study whose trainings are the stub's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.orders = folder / "orders"
        self._heads: list[Head] = []

    def start(self, *arguments: str) -> Head:
        head = Head(self.folder, *arguments)
        self._heads.append(head)
        return head

    def order(self, order: str, *runs: str) -> None:
        for run in runs:
            (self.orders / f"{order}-{run}").touch()

    def release(self, *runs: str) -> None:
        for run in runs:
            (self.orders / f"hold-{run}").unlink()

    def events(self, event: str, run: str = "") -> list[dict[str, Any]]:
        """Return the events of this kind (`start`, `end`), of one run or all, in order."""
        path = self.orders / "events"
        lines = path.read_text().splitlines() if path.exists() else []
        events = [json.loads(line) for line in lines]
        return [one for one in events if one["event"] == event and run in ("", one["run"])]

    def job(self, run: str, times: int = 1) -> str:
        """Return the SLURM job in which a run's training started for the `times`-th time.

        A task of an array has that name: its own number may be the whole array's as well.
        """
        start = self.events("start", run)[times - 1]
        array, task = (start[f"SLURM_ARRAY_{name}_ID"] for name in ("JOB", "TASK"))
        return f"{array}_{task}" if array else str(start["SLURM_JOB_ID"])

    def started(self, *runs: str, times: int = 1) -> bool:
        """Tell whether the training of each of these runs was started that often."""
        return all(len(self.events("start", run)) >= times for run in runs)

    def trainings(self) -> dict[str, int]:
        """Return how often the training of each run was started."""
        runs = [one["run"] for one in self.events("start")]
        return {run: runs.count(run) for run in runs}

    def close(self, cluster: Slurm) -> None:
        """End heads and jobs, and what works in the study's folder after its job is gone."""
        for head in self._heads:
            if head.process.poll() is None:
                head.kill()
        cluster.command("scancel", "--user=root", check=False)
        wait_for("the end of the study's jobs", lambda: not cluster.jobs())
        if cluster.node_state() != "IDLE":  # the next study must not wait for it in vain
            print(cluster.command("scontrol", "show", "node"))
            cluster.update_node("resume")
        end_all_in(self.folder)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file that must not differ, by its path in the study."""
    study = folder / STUDY
    return {
        str(path.relative_to(study)): path.read_bytes()
        for pattern in SAME
        for path in sorted(study.glob(pattern))
    }


def ends_well(study: Study, reference: Path) -> bool:
    """Tell whether the study is done up to its ranking, with the bytes of a calm one."""
    assert "Nothing to be done" in study.start(RANKING).end()
    found, right = contents(study.folder), contents(reference)
    assert {name for name in right if not name.startswith(("optuna", "runs/optuna"))} == set(found)
    return all(right[name] == content for name, content in found.items())


def untrained(reference: Path, folder: Path) -> Path:
    """Copy the project with its data but without any run; return the copy."""
    shutil.copytree(reference, folder, symlinks=True)
    for name in ("runs", "screen", "optuna"):
        shutil.rmtree(folder / STUDY / name)
    # What Snakemake remembers of the trainings.
    shutil.rmtree(folder / ".snakemake")
    return folder
