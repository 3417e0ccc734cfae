"""Costs of the workflow by size of a study: how they grow, and the page that tells of it."""

from typing import Any

import pytest

from benchmarks.scale_page import AFTER, page, slope


def size(runs: int, processor: float) -> dict[str, Any]:
    whats = ("dry run before", "dry run after", "last ask", "study", *AFTER)
    costs = {what: {"wall": 2.0, "processor": processor, "mib": 300.0} for what in whats}
    return {
        "runs": runs,
        "trials": runs // 10,
        "batches": 10,
        "jobs": 2 * runs,
        "report_bytes": 1_500_000,
        "runs_files": {"count": 5 * runs, "bytes": 2_000_000},
        "records_files": {"count": 4 * runs, "bytes": 2_000_000},
        "costs": costs,
        "machine": {"cpu": "a processor", "cores": 2},
        "git": {"commit": f"{runs:040}", "dirty": runs > 2000},
    }


@pytest.mark.parametrize(("power", "found"), [(1.0, "1.00"), (2.0, "2.00")])
def test_the_slope_is_the_power_that_costs_grow_with(power: float, found: str) -> None:
    sizes = [size(runs, runs**power / 1000) for runs in (1000, 2000, 10_000)]
    assert f"{slope(sizes, 'rank'):.2f}" == found


def test_small_studies_do_not_count() -> None:
    assert slope([size(100, 50.0), size(1000, 1.0)], "rank") is None
    assert slope([size(100, 50.0), size(1000, 1.0), size(2000, 2.0)], "rank") == pytest.approx(1)


def test_the_page_has_a_column_a_size_and_a_row_a_command() -> None:
    text = page([size(1000, 1.0), size(10_000, 10.0) | {"after": 31.4}])
    lines = text.splitlines()
    assert "`python -m benchmarks.scale --runs 1000 10000`" in lines[2]
    assert "| `rank` | 1.0 | 10.0 | 1.00 |" in lines
    assert "| `snakemake --report` when all is done | - | - |  |" in lines
    words = "the commands but trainings and asks, each once by itself, by the clock, s"
    assert f"| {words} | 24 | 24 |" in lines
    words = "from the last training to the end of the study, by the clock, s"
    assert f"| {words} | - | 31 |" in lines  # measured since it was thought of
    assert "| the same, a job of Snakemake, s | 0.001 | 0.001 |" in lines
    assert "| runs: files, and their MB | 5,000, 2.0 | 50,000, 2.0 |" in lines
    told = (
        "Machine: a processor, 2 cores. Commit: 0000000000 (1,000 runs);"
        " 0000000000 with changes (10,000 runs). Slopes are over all of them."
    )
    assert told in lines
    widths = {line.count("|") for line in lines if line.startswith("|")}
    assert widths == {4, 5}
