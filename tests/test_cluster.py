"""`snakemake --profile profiles/slurm` on a real SLURM of one node: results, limits and faults.

The study is trained for real twice: on this machine, and through SLURM. In the tests of faults a
stub stands in for the training, which waits, fails or takes memory when told to, and then leaves
what the real training left.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests import slurm
from tests.conftest import PROJECT, WORKFLOW
from tests.slurm import Slurm, wait_for
from tests.tiny import make_study

pytestmark = [
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
# The profile's own pace suits jobs of hours.
QUICK = ("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10")


class Head:
    """A Snakemake that submits to the cluster; `text` is what it has printed so far."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._log = folder / f"head-{len(list(folder.glob('head-*')))}.log"
        # The job must be told that it is offline, not inherit it from the tests.
        environment = {key: value for key, value in os.environ.items() if "OFFLINE" not in key}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "snakemake", "--profile", "profiles/slurm"),
                    *(*arguments, *QUICK, "--configfile", "tiny.yaml"),
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

    def end(self, code: int = 0, seconds: float = 240) -> str:
        """Wait for the end; fail where the exit code is not `code`; return what was printed."""
        try:
            found = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"snakemake has not ended after {seconds:.0f} seconds:\n{self.text}")
        assert found == code, self.text
        return self.text

    def wait_for(self, what: str, condition: Callable[[], object]) -> None:
        """Return once `condition()` is true; fail when Snakemake ends or two minutes pass first."""
        try:
            wait_for(what, lambda: condition() or self.process.poll() is not None, 120)
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
        """Return the SLURM job in which a run's training started for the `times`-th time."""
        return str(self.events("start", run)[times - 1]["SLURM_JOB_ID"])

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
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (process / "cwd").resolve() == self.folder:
                    os.kill(int(process.name), signal.SIGKILL)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file that must not differ, by its path in the study."""
    study = folder / STUDY
    return {
        str(path.relative_to(study)): path.read_bytes()
        for pattern in SAME
        for path in sorted(study.glob(pattern))
    }


@pytest.fixture(scope="module")
def cluster() -> Iterator[Slurm]:
    """Return a running SLURM of one node with two GPUs."""
    if reason := slurm.missing():  # since the tests were collected
        pytest.skip(f"SLURM: {reason}")
    cluster = Slurm()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose study ran on this machine: 5 trainings, two at once."""
    folder = tmp_path_factory.mktemp("reference") / "project"
    (folder / "results").mkdir(parents=True)
    for name in (*WORKFLOW, "environment.yml"):
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    make_study(
        folder,
        training={"gpu": 1, "threads": 1, "memory_mb": MEMORY, "runtime": RUNTIME},
        hyperparameters={
            "learning_rate": {
                "baseline": 0.001,
                "screen": [0.01],
                "search": {"low": 0.0001, "high": 0.05, "log": True},
            },
            "num_train_epochs": {"baseline": 1},
            "max_seq_length": {"baseline": 16},
        },
        baseline={"seeds": 2},
        rank={"hyperparameters": ["learning_rate"]},
        grid={"enabled": False},
        refine={"configurations": []},
        optuna={"trials": 2, "batch_size": 2, "warm_start": ["baseline", "screen"]},
    )
    process = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", TRIALS),
            *("--cores", "2", "--configfile", "tiny.yaml"),
        ],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    return folder


def untrained(reference: Path, folder: Path) -> Path:
    """Copy the project with its data but without any run; return the copy."""
    shutil.copytree(reference, folder, symlinks=True)
    for name in ("runs", "screen", "optuna"):
        shutil.rmtree(folder / STUDY / name)
    # What Snakemake remembers of the trainings.
    shutil.rmtree(folder / ".snakemake")
    return folder


@pytest.fixture
def study(reference: Path, cluster: Slurm, tmp_path: Path) -> Iterator[Study]:
    """Return a study that is still to be trained, by the stub."""
    study = Study(untrained(reference, tmp_path / "project"))
    shutil.copy(PROJECT / "tests/training_stub.py", study.folder / "scripts/train.py")
    for run in (reference / STUDY / "runs").iterdir():
        shutil.copytree(
            run,
            study.orders / "results" / run.name,
            ignore=shutil.ignore_patterns("run.json", "benchmark.tsv"),
        )
    yield study
    study.close(cluster)


def same(study: Study, reference: Path) -> bool:
    """Tell whether the study up to its ranking has the bytes of the undisturbed one."""
    found, right = contents(study.folder), contents(reference)
    assert {name for name in right if not name.startswith(("optuna", "runs/optuna"))} == set(found)
    return all(right[name] == content for name, content in found.items())


def test_results_are_those_of_one_machine_byte_for_byte(
    reference: Path, cluster: Slurm, tmp_path: Path
) -> None:
    folder = untrained(reference, tmp_path / "project")
    before = len(cluster.history())
    head = Head(folder, TRIALS)
    head.end()
    assert contents(folder) == contents(reference)
    # Trainings were jobs; everything else ran on this machine.
    jobs = cluster.history()[before:]
    assert [job["JobState"] for job in jobs] == ["COMPLETED"] * 5
    assert {job["Comment"] for job in jobs} == {
        f"rule_train_wildcards_{run.name}" for run in (reference / STUDY / "runs").iterdir()
    }


def test_gpu_resource_limits_the_jobs_and_each_asks_for_what_the_study_says(
    study: Study, cluster: Slurm
) -> None:
    study.order("hold", *RUNS)
    # More threads than this machine is said to have are no fewer in the job.
    config = json.loads((study.folder / "tiny.yaml").read_text())
    config["training"]["threads"] = 2
    (study.folder / "tiny.yaml").write_text(json.dumps(config))
    head = study.start(RANKING, "--resources", "gpu=1", "--cores", "1")
    head.wait_for("training", lambda: study.events("start"))
    # Two cores and two GPUs are there, three trainings are ready.
    time.sleep(5)
    (job,) = cluster.history()[-len(cluster.jobs()) :]
    assert job["JobState"] == "RUNNING"
    assert job["TresPerJob"] == "gres:gpu:1"
    assert job["NumCPUs"] == "2"
    assert job["MinMemoryNode"] == f"{MEMORY}M"
    assert job["TimeLimit"] == "00:10:00"
    assert job["Partition"] == "tests"
    (start,) = study.events("start")
    assert start["SLURM_JOB_ID"] == job["JobId"]
    assert start["CUDA_VISIBLE_DEVICES"] == "0"
    assert start["HF_HUB_OFFLINE"] == "1"
    # Ctrl-C takes the jobs along.
    head.process.send_signal(signal.SIGINT)
    head.end(1)
    wait_for("the end of the job", lambda: not cluster.jobs(), 30)


def test_cancelled_late_and_greedy_jobs_are_noticed_and_tried_again_with_more(
    study: Study, reference: Path, cluster: Slurm
) -> None:
    cancelled, late, greedy = BASELINE, OTHER, SCREEN
    study.order("hold", cancelled, late)
    study.order("memory", greedy)
    head = study.start(RANKING)
    head.wait_for("two trainings", lambda: study.started(cancelled, late))
    first = {run: study.job(run) for run in (cancelled, late)}
    cluster.command("scontrol", "update", f"JobId={first[late]}", "EndTime=now")
    cluster.command("scancel", first[cancelled])
    study.release(cancelled)
    head.wait_for("time limit", lambda: cluster.job(first[late])["JobState"] == "TIMEOUT")
    study.release(late)
    head.end()
    assert same(study, reference)
    assert study.trainings() == {cancelled: 2, late: 2, greedy: 2}
    for run in RUNS:
        once, twice = (cluster.job(study.job(run, times)) for times in (1, 2))
        assert (once["MinMemoryNode"], twice["MinMemoryNode"]) == (f"{MEMORY}M", f"{2 * MEMORY}M")
        assert twice["TimeLimit"] == "00:20:00"
    assert cluster.job(study.job(greedy))["JobState"] in ("FAILED", "OUT_OF_MEMORY")


def test_a_node_that_drains_loses_its_daemon_and_goes_down_costs_no_result(
    study: Study, reference: Path, cluster: Slurm
) -> None:
    study.order("hold", BASELINE, OTHER)
    study.order("fail", SCREEN)
    head = study.start(RANKING)
    head.wait_for("two trainings", lambda: study.started(BASELINE, OTHER))
    jobs = [study.job(run) for run in (BASELINE, OTHER)]
    cluster.update_node("drain")
    cluster.kill_node()
    cluster.start_node()
    cluster.update_node("resume")
    wait_for("the node", lambda: cluster.node_state() == "ALLOCATED")
    assert [cluster.job(job)["JobState"] for job in jobs] == ["RUNNING", "RUNNING"]
    # SLURM puts the jobs of a node that is down back into its queue.
    cluster.update_node("down")
    wait_for("the jobs' return", lambda: not cluster.jobs("RUNNING,COMPLETING"))
    wait_for("the end of their processes", lambda: not cluster.steps())
    study.release(BASELINE, OTHER)
    cluster.update_node("resume")
    for job in jobs:  # now, not after the two minutes that SLURM gives a node
        cluster.command("scontrol", "update", f"JobId={job}", "StartTime=now")
    head.end()
    assert same(study, reference)
    assert study.trainings() == {BASELINE: 2, OTHER: 2, SCREEN: 2}


def test_a_killed_head_is_started_again_while_its_jobs_run(
    study: Study, reference: Path, cluster: Slurm
) -> None:
    study.order("hold", *RUNS)
    head = study.start(RANKING)
    head.wait_for("two trainings", lambda: len(study.events("start")) == 2)
    study.release(study.events("start")[0]["run"])
    head.wait_for("third training", lambda: len(study.events("start")) == 3)
    done, orphan, twice = (one["run"] for one in study.events("start"))
    head.wait_for("finished training", lambda: "(Rule: train)" in head.text)
    head.kill()
    # What ends while there is no head is a result all the same.
    study.release(orphan)
    wait_for("the end of a job without a head", lambda: len(cluster.jobs()) == 1)

    again = study.start(RANKING)
    assert "--unlock" in again.end(1)
    study.start(RANKING, "--unlock").end()
    last = study.start(RANKING)
    last.wait_for("second training", lambda: study.started(twice, times=2))
    study.release(twice)
    last.end()
    assert same(study, reference)
    assert study.trainings() == {done: 1, orphan: 1, twice: 2}


def test_a_cancelled_array_is_noticed_with_its_pending_tasks(
    study: Study, reference: Path, cluster: Slurm
) -> None:
    study.order("hold", *RUNS)
    # Only what is ready at the same moment becomes one array.
    study.start(RANKING, "--until", "plan").end()
    head = study.start(RANKING, "--slurm-array-jobs", "train")
    head.wait_for("two trainings", lambda: len(study.events("start")) == 2)
    array = cluster.job(study.events("start")[0]["SLURM_JOB_ID"])["ArrayJobId"]
    (pending,) = cluster.jobs("PENDING")
    assert pending == f"{array}_3"
    cluster.command("scancel", array)
    study.release(*RUNS)
    head.end()
    assert same(study, reference)
    assert sorted(study.trainings().values()) == [1, 2, 2]


def test_several_short_trainings_share_a_job(study: Study, reference: Path, cluster: Slurm) -> None:
    before = len(cluster.history())
    study.start(
        *(RANKING, "--groups", "train=block", "--group-components", "block=3"),
        *("--resources", "gpu=1", "--set-resource-scopes", "gpu=local"),
    ).end()
    assert same(study, reference)
    (job,) = cluster.history()[before:]
    assert job["TresPerJob"] == "gres:gpu:1"
    assert job["NumCPUs"] == "1"
    assert job["MinMemoryNode"] == f"{MEMORY}M"
    assert job["TimeLimit"] == "00:30:00"
