"""What goes wrong on a cluster: after each fault the study ends with the bytes of a calm one."""

import os
import shutil
import time
from pathlib import Path

import pytest

from scripts.study.names import CHECKPOINT as NAME
from tests.cluster.slurm import Slurm, wait_for
from tests.cluster.study import (
    BASELINE,
    MARKS,
    MEMORY,
    OTHER,
    RANKING,
    RUNS,
    SCREEN,
    STUDY,
    Head,
    Study,
    ends_well,
    untrained,
)
from tools.project import PROJECT

pytestmark = MARKS


def start_array(study: Study) -> Head:
    """Return the head of a study whose three trainings are one array, two of them running."""
    study.order("hold", *RUNS)
    # Only what is ready at the same moment becomes one array.
    study.start(RANKING, "--until", "plan").end()
    head = study.start(RANKING)
    head.wait_for("two trainings", lambda: len(study.events("start")) == 2)
    return head


def end_soon(cluster: Slurm, job: str) -> None:
    """Let a job reach its time limit."""
    # Not now: where a second ends before SLURM reads it, that is in the past and refused.
    cluster.command("scontrol", "update", f"JobId={job}", "EndTime=now+2")


def test_cancelled_late_and_greedy_jobs_are_noticed_and_tried_again_with_more(
    study: Study, reference: Path, cluster: Slurm
) -> None:
    cancelled, late, greedy = BASELINE, OTHER, SCREEN
    study.order("hold", cancelled, late)
    study.order("memory", greedy)
    head = study.start(RANKING)
    head.wait_for("two trainings", lambda: study.started(cancelled, late))
    first = {run: study.job(run) for run in (cancelled, late)}
    end_soon(cluster, first[late])
    cluster.command("scancel", first[cancelled])
    study.release(cancelled)
    head.wait_for("time limit", lambda: cluster.job(first[late])["JobState"] == "TIMEOUT")
    study.release(late)
    head.end()
    assert ends_well(study, reference)
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
    command = (RANKING, "--retries", "0")
    head = study.start(*command)
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
    # A daemon that still knows a job refuses its second start, and SLURM drains the node.
    cluster.kill_node()
    cluster.start_node()
    cluster.update_node("resume")
    for job in jobs:  # now, not after the two minutes that SLURM gives a node
        cluster.command("scontrol", "update", f"JobId={job}", "StartTime=now")
    # Nobody tries again what failed, but for the same command.
    assert SCREEN in head.end(1)
    assert study.trainings() == {BASELINE: 2, OTHER: 2, SCREEN: 1}
    study.start(*command).end()
    assert ends_well(study, reference)
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
    assert ends_well(study, reference)
    assert study.trainings() == {done: 1, orphan: 1, twice: 2}


def test_a_cancelled_array_is_noticed_with_its_pending_tasks(
    study: Study, reference: Path, cluster: Slurm
) -> None:
    head = start_array(study)
    array = study.events("start")[0]["SLURM_ARRAY_JOB_ID"]
    (pending,) = cluster.jobs("PENDING")
    assert pending == f"{array}_3"
    cluster.command("scancel", array)
    study.release(*RUNS)
    head.end()
    assert ends_well(study, reference)
    assert sorted(study.trainings().values()) == [1, 2, 2]


def test_the_tasks_of_an_array_do_not_wait_for_its_first(
    study: Study, reference: Path, cluster: Slurm
) -> None:
    head = start_array(study)
    tasks = {start["SLURM_ARRAY_TASK_ID"]: start["run"] for start in study.events("start")}
    study.release(*(run for run in RUNS if run != tasks["1"]))
    head.wait_for("the others' end", lambda: len(study.events("end")) == 2)
    # Longer than Snakemake waits for a file: the executor alone has the others fail by now.
    time.sleep(25)
    study.release(tasks["1"])
    head.end()
    assert ends_well(study, reference)
    assert set(study.trainings().values()) == {1}
    states = [job["JobState"] for job in cluster.history()[-len(RUNS) :]]
    assert states == ["COMPLETED"] * len(RUNS)


def test_jobs_that_slurm_has_forgotten_are_noticed(
    study: Study, reference: Path, cluster: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten = tmp_path / "forgotten"
    forgotten.touch()
    squeue = tmp_path / "bin/squeue"
    squeue.parent.mkdir()
    # What an ended job is to squeue after MinJobAge, which no test has the time to wait for.
    squeue.write_text(f'#!/bin/sh\n{shutil.which("squeue")} "$@" | grep -v -w -f {forgotten}\n:\n')
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{squeue.parent}{os.pathsep}{os.environ['PATH']}")
    done, lost = BASELINE, OTHER
    study.order("hold", done, lost)
    head = study.start(RANKING)
    head.wait_for("two trainings", lambda: study.started(done, lost))
    forgotten.write_text(f"{study.job(done)}\n{study.job(lost)}\n")
    cluster.command("scancel", study.job(lost))
    study.release(done, lost)
    head.end()
    assert ends_well(study, reference)
    assert study.trainings() == {done: 1, lost: 2, SCREEN: 1}


def test_trainings_out_of_time_or_preempted_go_on_from_their_checkpoints(
    reference: Path, cluster: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(untrained(reference, tmp_path / "project"))
    scripts = study.folder / "scripts"
    (scripts / "train.py").rename(scripts / "real_train.py")
    shutil.copy(PROJECT / "tests/cluster/paused_training.py", scripts / "train.py")
    study.orders.mkdir()
    study.order("hold", BASELINE, OTHER)
    monkeypatch.setenv("SNAKETUNE_CHECKPOINT_SECONDS", "0")
    folders = [study.folder / STUDY / "runs" / run for run in (BASELINE, OTHER)]
    try:
        head = study.start(*(f"{STUDY}/runs/{run}/metrics.json" for run in (BASELINE, OTHER)))
        head.wait_for("third epoch", lambda: len(list(study.orders.glob("waiting-*"))) == 2)
        assert all((folder / NAME).exists() for folder in folders)
        late, preempted = cluster.jobs("RUNNING")
        end_soon(cluster, late)
        # What SLURM does with a job that makes room for another.
        cluster.command("scontrol", "requeue", preempted)
        wait_for("the end of both", lambda: not cluster.jobs("RUNNING,COMPLETING"))
        study.release(BASELINE, OTHER)
        cluster.command("scontrol", "update", f"JobId={preempted}", "StartTime=now")
        head.end()
        assert cluster.job(late)["JobState"] == "TIMEOUT"
        assert cluster.job(preempted)["Restarts"] == "1"
    finally:
        study.close(cluster)
    for folder in folders:
        log = study.folder / STUDY / "logs/train" / f"{folder.name}.log"
        assert "going on after epoch 2, from a checkpoint" in log.read_text()
        assert not list(folder.glob(f"*{NAME}*"))
        for name in ("metrics.json", "history.csv", "predictions.csv"):
            expected = reference / STUDY / "runs" / folder.name / name
            assert (folder / name).read_bytes() == expected.read_bytes()
