"""The table of all runs, and the noise yardsticks beside it."""

import doctest
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts import summary
from scripts.analysis import noise
from scripts.analysis.collect import COLUMNS
from tests.analysis_runs import full_study, write_study

CHOSEN = ["learning_rate", "train_batch_size"]


def test_every_run_of_every_stage_is_one_row(tmp_path: Path) -> None:
    path = write_study(
        tmp_path, full_study(), lambda values, seed: 0.5 + 100 * values["learning_rate"], CHOSEN
    )
    assert summary.summary(path) == (
        "summary: 17 runs, best f1 0.5200 (learning_rate=0.0002), 0.06 training hours"
    )
    frame = pd.read_csv(tmp_path / "summary" / "runs.csv")
    assert list(frame.columns) == list(COLUMNS)
    assert frame["stage"].tolist() == [
        *["baseline"] * 3, *["screen"] * 4, *["grid"] * 3, "refine", *["optuna"] * 6,
    ]  # fmt: skip


def test_a_refusal_is_one_line_on_stderr_and_exit_code_1(tmp_path: Path) -> None:
    path = write_study(tmp_path, full_study(), lambda values, seed: 0.5, CHOSEN)
    missing = tmp_path / "runs" / "baseline-seed43" / "metrics.json"
    missing.unlink()
    done = subprocess.run(
        [sys.executable, "-m", "scripts.summary", "--study", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        f"snaketune: {missing}: no such file; delete the folder {missing.parent}"
        " and run snakemake again\n"
    )
    assert not (tmp_path / "summary").exists()


def test_the_spread_of_known_values() -> None:
    # By hand: mean 0.82, sd 0.02, half width 4.302653 * 0.02 / sqrt(3).
    spread = noise.spread([0.80, 0.82, 0.84])
    assert spread.mean == pytest.approx(0.82)
    assert spread.sd == pytest.approx(0.02)
    assert spread.interval == pytest.approx((0.770317, 0.869683), abs=1e-6)


def test_the_examples_in_the_docstrings_hold() -> None:
    result = doctest.testmod(noise)
    assert (result.attempted, result.failed) == (1, 0)


def test_degenerate_spreads() -> None:
    assert noise.spread([]) == noise.Spread(0, None, None, None)
    assert noise.spread([0.8]) == noise.Spread(1, 0.8, None, None)
    # How equal scores scatter is not seen: an interval without width would hold too much for sure.
    assert noise.spread([0.1 + 0.2] * 3) == noise.Spread(3, 0.1 + 0.2, 0.0, None)
    with pytest.raises(ValueError, match=r"confidence is 1\.0"):
        noise.spread([0.8], 1.0)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=20, unique=True), st.randoms())
def test_agreement_is_one_for_the_same_order_and_the_reverse_for_the_opposite(
    values: list[int], shuffler: object
) -> None:
    scores = [value / 30 for value in values]
    cubes = [score**3 for score in scores]
    same = noise.agreement(scores, cubes)
    assert (same.runs, same.spearman, same.kendall) == (len(values), 1.0, 1.0)
    opposite = noise.agreement(scores, [-cube for cube in cubes])
    assert (opposite.spearman, opposite.kendall) == (-1.0, -1.0)


def test_agreement_of_known_ranks_and_of_nothing() -> None:
    # One swapped pair of four: rho = 1 - 6 * 2 / (4 * 15), tau = (5 - 1) / 6.
    known = noise.agreement([1, 2, 3, 4], [1, 2, 4, 3])
    assert known.spearman == pytest.approx(0.8)
    assert known.kendall == pytest.approx(2 / 3)
    assert noise.agreement([1.0, float("nan"), 2.0], [1.0, 2.0, 3.0]).runs == 2
    for first, second in (([], []), ([1.0], [2.0]), ([1.0, 1.0], [1.0, 2.0])):
        assert noise.agreement(first, second).spearman is None


def test_the_size_of_one_example() -> None:
    assert noise.example_size(408) == pytest.approx(0.00245, abs=1e-5)
    with pytest.raises(ValueError, match="examples is 0"):
        noise.example_size(0)
