"""`snakemake --profile profiles/slurm` on a real SLURM of one node: results, limits and jobs.

The study is trained for real twice: on this machine, and through SLURM. In the other tests a stub
stands in for the training, which waits, fails or takes memory when told to, and then leaves what
the real training left.
"""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.cluster.slurm import Slurm, wait_for
from tests.cluster.study import (
    MARKS,
    MEMORY,
    RANKING,
    RUNS,
    STUDY,
    TRIALS,
    Head,
    Study,
    contents,
    ends_well,
    untrained,
)

pytestmark = MARKS


@pytest.mark.parametrize("arrays", ["train", "none"])
def test_results_are_those_of_one_machine_byte_for_byte(
    arrays: str, reference: Path, cluster: Slurm, tmp_path: Path
) -> None:
    folder = untrained(reference, tmp_path / "project")
    before = cluster.newest()
    head = Head(folder, TRIALS, "--slurm-array-jobs", arrays)
    head.end()
    assert contents(folder) == contents(reference)
    # Trainings were jobs; everything else ran on this machine.
    jobs = cluster.history(above=before)
    assert [job["JobState"] for job in jobs] == ["COMPLETED"] * 5
    named = {job["Comment"] for job in jobs}
    runs = {f"rule_train_wildcards_{run.name}" for run in (reference / STUDY / "runs").iterdir()}
    # An array is named by its first run; a job of its own by the run that it is.
    assert named == runs if arrays == "none" else named <= runs


def test_gpu_resource_limits_the_jobs_and_each_asks_for_what_the_study_says(
    study: Study, cluster: Slurm
) -> None:
    study.order("hold", *RUNS)
    # More threads than this machine is said to have are no fewer in the job, and parts of a GPU are
    # for trainings on one machine.
    config = json.loads((study.folder / "tiny.yaml").read_text())
    config["training"] |= {"threads": 2, "per_gpu": 2}
    (study.folder / "tiny.yaml").write_text(json.dumps(config))
    # One job makes no array, and is not to wait for the others.
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


def test_several_short_trainings_share_a_job(study: Study, reference: Path, cluster: Slurm) -> None:
    before = cluster.newest()
    study.start(
        *(RANKING, "--groups", "train=block", "--group-components", "block=3"),
        *("--resources", "gpu=1", "--set-resource-scopes", "gpu=local"),
    ).end()
    assert ends_well(study, reference)
    (job,) = cluster.history(above=before)
    assert job["TresPerJob"] == "gres:gpu:1"
    assert job["NumCPUs"] == "1"
    assert job["MinMemoryNode"] == f"{MEMORY}M"
    assert job["TimeLimit"] == "00:30:00"
