"""What workflow/rules/executor.smk changes in the SLURM executor is there to be changed."""

import asyncio
import inspect
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest


class Executor:
    """A stand-in for the plugin's, which notes what it submits."""

    def __init__(self) -> None:
        self.submitted: list[list[str]] = []
        self.commands: list[str] = []

    def format_job_exec(self, job: types.SimpleNamespace) -> str:
        return f"echo 'this is' {job.name}"

    def run_array_jobs(self, jobs: list[types.SimpleNamespace]) -> None:
        self.submitted.append([job.name for job in jobs])
        # The plugin lets all tasks run what it has for the first.
        self.commands.append(self.format_job_exec(jobs[0]))

    def _submit_array_jobs(self, jobs: list[types.SimpleNamespace]) -> None:
        self.submitted.append([job.name for job in jobs])

    def _submit_job(self, job: types.SimpleNamespace) -> None:
        self.submitted.append([job.name])


@pytest.fixture
def included(project: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the names of executor.smk, which is plain Python, beside a stand-in for the plugin."""
    plugin = types.ModuleType("snakemake_executor_plugin_slurm")

    async def query(command: str, logger: object) -> tuple[dict[str, str] | None, float]:
        return (None if command == "broken" else {"1": "RUNNING"}), 0.1

    vars(plugin).update(
        query_job_status=query, pending_jobs_for_rule=lambda dag, name: 7, Executor=Executor
    )
    monkeypatch.setitem(sys.modules, plugin.__name__, plugin)
    monkeypatch.setenv("SQUEUE_ARRAY", "0")
    names: dict[str, Any] = {"os": os, "sys": sys}
    exec((project / "workflow/rules/executor.smk").read_text(), names)
    return {**names, "plugin": plugin}


def test_a_job_that_is_missing_too_often_counts_as_ended(included: dict[str, Any]) -> None:
    statuses = included["Statuses"]
    assert "1" in statuses({"1": "RUNNING"})
    for looks in (included["LOOKS"] - 1, 2):
        assert not any("2" in statuses({"1": "RUNNING"}) for _ in range(looks))
        # Seen in between, it starts anew.
        assert "2" in statuses({"2": "PENDING"})
    for _ in range(included["LOOKS"] - 1):
        assert "2" not in statuses({})
    last = statuses({})
    assert "2" in last
    assert last["2"] == "UNKNOWN"


def test_the_executor_looks_and_waits_as_told(included: dict[str, Any]) -> None:
    plugin = included["plugin"]
    states, _ = asyncio.run(plugin.query_job_status("squeue", None))
    assert isinstance(states, included["Statuses"])
    assert states == {"1": "RUNNING"}
    # A look that failed tells nothing of any job.
    assert asyncio.run(plugin.query_job_status("broken", None))[0] is None
    assert plugin.pending_jobs_for_rule(None, "train") == 0
    assert os.environ["SQUEUE_ARRAY"] == "1"


def test_only_jobs_that_ask_for_the_same_become_one_array(included: dict[str, Any]) -> None:
    def job(name: str, attempt: int = 1, threads: int = 1) -> types.SimpleNamespace:
        resources = {"mem_mb": attempt * 3000, "runtime": attempt * 60, "gpu": 1, "tmpdir": "/tmp"}
        return types.SimpleNamespace(name=name, threads=threads, resources=resources)

    executor = included["plugin"].Executor()
    jobs = [job("a"), job("again", attempt=2), job("b"), job("broad", threads=4), job("c")]
    executor._submit_array_jobs(jobs)
    assert executor.submitted == [["a", "b", "c"], ["again"], ["broad"]]


def test_each_task_of_an_array_runs_its_own_job(
    included: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    executor = included["plugin"].Executor()
    executor.run_array_jobs([types.SimpleNamespace(name=name) for name in ("a", "b")])
    assert executor.submitted == [["a", "b"]]
    (command,) = executor.commands

    def task(number: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            f"{command} --slurm-jobstep-array-execs=nobody-reads-it",
            shell=True,
            env={**os.environ, "SLURM_ARRAY_TASK_ID": number},
            capture_output=True,
            text=True,
            check=False,
        )

    assert [task(number).stdout for number in "12"] == ["this is a\n", "this is b\n"]
    assert task("3").returncode == 1


def test_an_array_that_cannot_be_written_fails_where_the_executor_tells_of_it(
    included: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").write_text("no folder")
    executor = included["plugin"].Executor()
    with pytest.raises(OSError, match="snakemake"):
        executor.run_array_jobs([types.SimpleNamespace(name="a")])
    # Not before: outside of it, nobody would hear of the failure.
    assert executor.submitted == [["a"]]


def test_the_plugin_still_has_what_is_changed() -> None:
    import snakemake_executor_plugin_slurm as plugin

    source = inspect.getsource(plugin.Executor)
    for words in (
        "await query_job_status(",
        "pending_jobs_for_rule(dag, rule_name)",
        "in status_of_jobs",
        'status == "UNKNOWN"',
        "self._submit_array_jobs(same_rule_jobs)",
        "def _submit_job(self, job:",
        "exec_job = self.format_job_exec(jobs[start_index - 1])",
        "self._job_submission_executor.submit(self.run_array_jobs, jobs)",
    ):
        assert words in source
