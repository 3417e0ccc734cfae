"""Importances from all runs: who matters, how sure that is, and when there is nothing to say."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scripts.analysis import importances
from scripts.study.hyperparameters import HYPERPARAMETERS, defaults
from scripts.views import importances as view
from scripts.views import page
from scripts.views.results import load
from tests import fabricate, fabricate_runs
from tests.analysis_runs import make_study

STUDY = make_study({"learning_rate": {"search": {"low": 1e-5, "high": 1e-3, "log": True}}})


def runs(amount: int, direction: str = "maximize") -> pd.DataFrame:
    """Return random runs of which the learning rate matters much, dropout a little, others not."""
    rng = np.random.default_rng(1)
    sign = 1 if direction == "maximize" else -1
    rows: list[dict[str, Any]] = []
    for number in range(amount):
        values: dict[str, Any] = defaults() | {
            "learning_rate": float(10 ** rng.uniform(-5, -3)),
            "dropout": float(rng.uniform(0, 0.3)),
            "optim": str(rng.choice(["sgd", "nadam", "radam"])),
        }
        score = (
            0.8 + 0.1 * np.log10(float(values["learning_rate"])) - 0.2 * float(values["dropout"])
        )
        rows.append({"run": f"run-{number:03d}", "status": "complete", "seed": 42,
                     "objective": sign * (score + rng.normal(0, 0.005)), **values})  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_what_matters_comes_first_and_what_does_not_is_near_nothing(direction: str) -> None:
    study = {**STUDY, "objective": {"metric": "f1", "direction": direction}}
    rows = importances.rows(study, runs(40, direction), resamples=10)
    assert [row["hyperparameter"] for row in rows] == ["learning_rate", "dropout", "optim"]
    for way in ("fanova", "ped_anova"):
        assert sum(row[way] for row in rows) == pytest.approx(1, abs=1e-5)
        assert rows[0][way] > 0.6
        assert rows[0][f"{way}_low"] > rows[2][f"{way}_high"]
        for row in rows:
            assert 0 <= row[f"{way}_low"] <= row[way] <= row[f"{way}_high"] <= 1


def test_order_of_rows_does_not_matter_and_the_same_runs_give_the_same_numbers() -> None:
    frame = runs(15)
    shuffled = list(range(len(frame)))
    random.Random(1).shuffle(shuffled)
    again = frame.iloc[shuffled].reset_index(drop=True)
    assert importances.rows(STUDY, frame, 2) == importances.rows(STUDY, again, 2)


def test_nothing_is_said_where_nothing_can_be() -> None:
    frame = runs(12)
    assert importances.rows(STUDY, frame[:9]) == []
    assert importances.rows(STUDY, frame.assign(status="diverged", objective=np.nan)) == []
    assert importances.rows(STUDY, frame.assign(objective=0.5)) == []
    assert importances.rows(STUDY, frame.assign(**defaults())) == []
    assert importances.rows(STUDY, frame[:0]) == []


def test_scores_that_hardly_vary_and_a_categorical_axis_alone_are_answered() -> None:
    frame = runs(12)
    alone = frame.assign(**{n: v for n, v in defaults().items() if n != "optim"})
    (row,) = importances.rows(STUDY, alone)
    assert row["hyperparameter"] == "optim"
    # Most resamples are without the one run that differs: nothing varies in them.
    single = frame.assign(objective=[0.5] * 11 + [0.6])
    for row in importances.rows(STUDY, single):
        assert row["runs"] == 12


def test_of_very_many_runs_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importances, "MOST_RUNS", 12)
    rows = importances.rows(STUDY, runs(30), resamples=1)
    assert {(row["runs"], row["completed"]) for row in rows} == {(12, 30)}
    assert rows[0]["hyperparameter"] == "learning_rate"


def test_the_report_shows_importances_or_says_why_not(tmp_path: Path) -> None:
    results = load(fabricate.fabricate(tmp_path, fabricate_runs.study()))
    heads, rows = page.importances.table(results)
    assert heads == ["Hyperparameter", "fANOVA", "PED-ANOVA"]
    varied = [name for name in HYPERPARAMETERS if results.complete()[name].nunique() > 1]
    assert {row[0][0] for row in rows} == set(varied)
    assert "resamples" in view.words(results)
    assert len(view.figure(results).axes) == 1
    empty = replace(results, importances=results.importances[:0])
    assert view.table(empty)[1] == []
    assert view.words(empty) == ""
    assert "too few complete runs" in view.figure(empty).texts[0].get_text()
