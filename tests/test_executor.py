"""What workflow/rules/executor.smk changes in the SLURM executor is there to be changed."""

import asyncio
import inspect
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def included(project: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the names of executor.smk, which is plain Python, beside a stand-in for the plugin."""
    plugin = types.ModuleType("snakemake_executor_plugin_slurm")

    async def query(command: str, logger: object) -> tuple[dict[str, str] | None, float]:
        return (None if command == "broken" else {"1": "RUNNING"}), 0.1

    vars(plugin).update(query_job_status=query, pending_jobs_for_rule=lambda dag, name: 7)
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


def test_the_plugin_still_has_what_is_changed() -> None:
    import snakemake_executor_plugin_slurm as plugin

    source = inspect.getsource(plugin.Executor)
    for words in (
        "await query_job_status(",
        "pending_jobs_for_rule(dag, rule_name)",
        "in status_of_jobs",
        'status == "UNKNOWN"',
    ):
        assert words in source
