"""The simulation of pruning on real learning curves: what it counts, and the page it writes."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import pruning
from benchmarks.pruning import Curve, Outcome, campaign, crossing, read_curves, simulate
from scripts.study.errors import StudyError

GOOD, POOR, LATE = (
    Curve((0.6, 0.7, 0.8), 30.0),
    Curve((0.3, 0.4, 0.5), 60.0),
    Curve((0.2, 0.6, 0.9), 90.0),
)
MEDIAN = {"name": "median", "options": {"n_startup_trials": 1}}


def test_without_a_pruner_nothing_is_saved_or_lost() -> None:
    found = simulate([GOOD, POOR, LATE], {"name": "none", "options": {}}, 1)
    assert (found.pruned, found.epochs, found.time, found.cost) == (0, 0, 0, 0)


def test_a_pruner_saves_the_epochs_that_it_stops_and_may_lose_the_best() -> None:
    found = simulate([GOOD, POOR, LATE], MEDIAN, 1)
    # Both others lie below the first trial's first epoch, and end there.
    assert found.pruned == pytest.approx(2 / 3)
    assert found.epochs == pytest.approx(4 / 9)
    assert found.time == pytest.approx((60 + 90) * 2 / 3 / 180)
    assert found.cost == pytest.approx(0.1)


def test_neighbours_of_a_batch_do_not_know_of_each_other() -> None:
    assert simulate([GOOD, POOR, LATE], MEDIAN, 3).pruned == 0


def test_curves_that_cross() -> None:
    assert crossing([GOOD, POOR]) == 0
    assert crossing([POOR, LATE]) == 1
    assert crossing([GOOD, POOR, LATE]) == pytest.approx(2 / 3)
    assert crossing([GOOD, Curve((0.6, 0.1, 0.1), 1.0)]) == 0.5


def test_the_same_seed_gives_the_same_campaign() -> None:
    first, again = (
        campaign([GOOD, POOR, LATE] * 3, studies=3, trials=8, batch_size=2, seed=1)
        for _ in range(2)
    )
    assert first == again
    assert [row["name"] for row in first] == [row["name"] for row in pruning.PRUNERS]


def write_table(path: Path, status: str) -> None:
    columns = ("run", "status", "seconds", "split", "epoch", "f1")
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for run, values in (("b", (0.5, 0.25)), ("a", (0.75, 0.5))):
            for epoch, value in enumerate(values, start=1):
                writer.writerow((run, status, 2.5, "validation", epoch, value))
            writer.writerow((run, status, 2.5, "test", 2, 0.1))


def test_published_runs_are_read_and_a_page_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "epochs.csv"
    write_table(table, "complete")
    assert read_curves(table, "f1") == [Curve((0.75, 0.5), 2.5), Curve((0.5, 0.25), 2.5)]
    arguments = ["--runs", table, "--studies", 2, "--trials", 2, "--output", tmp_path / "page"]
    monkeypatch.setattr(sys, "argv", ["pruning", *map(str, arguments)])
    pruning.main()
    assert capsys.readouterr().out == f"{tmp_path}/page.md: 2 studies, 5 pruners\n"
    assert "2 complete runs of 2 epochs" in (tmp_path / "page.md").read_text()


def test_a_table_without_complete_runs_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "epochs.csv"
    write_table(table, "diverged")
    with pytest.raises(StudyError, match=r"no complete run; name a table of tools\.publish"):
        read_curves(table, "f1")


def test_a_run_is_drawn_once_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[list[Curve]] = []

    def look(trials: Sequence[Curve], pruner: Any, batch_size: int) -> Outcome:
        drawn.append(list(trials))
        return Outcome(0, 0, 0, 0)

    monkeypatch.setattr("benchmarks.pruning.simulate", look)
    curves = [Curve((0.1 * number, 0.5), 1.0) for number in range(9)]
    campaign(curves, studies=5, trials=8, batch_size=2, seed=1)
    assert drawn
    assert all(len(set(trials)) == 8 for trials in drawn)
    with pytest.raises(StudyError, match=r"--trials: 10 cannot be drawn from 9 runs"):
        campaign(curves, studies=5, trials=10, batch_size=2, seed=1)
