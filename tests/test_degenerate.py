"""Every analysis and every view on input that leaves little or nothing to say."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts import best, confirm, grid, insights, rank, summary
from scripts.analysis import importances
from scripts.analysis.comparison import rank_runs
from scripts.analysis.screening import effects_of
from scripts.study import designs, plan
from scripts.study.names import run_name
from scripts.views import gallery, page, results, style
from tests.analysis_runs import change, full_study, make_study, table
from tests.test_confirm import CHOSEN, score, write_confirmation

CATEGORICAL = {
    "lr_scheduler_type": {"screen": ["cosine"], "grid": ["linear", "cosine"],
                          "search": {"choices": ["linear", "cosine"]}},
    "optim": {"screen": ["nadam", "radam"], "grid": ["adamw_torch", "nadam"],
              "search": {"choices": ["nadam", "radam"]}},
}  # fmt: skip


CASES = ("one seed", "all runs diverged", "one grid point", "equal scores",
         "categorical axes alone", "minimised", "no test labels")  # fmt: skip


def diverging(values: Any, seed: int) -> None:
    return None


def equal(values: Any, seed: int) -> float:
    return 0.75


def by_name(values: Mapping[str, Any], seed: int) -> float:
    return 0.7 + 0.05 * (values["optim"] == "nadam") + 0.001 * (seed % 3)


def case(name: str) -> tuple[dict[str, Any], Any, list[str]]:
    """Return a degenerate study, how its runs score, and what was chosen."""
    study = full_study() | {"confirm": {"configurations": 2, "seeds": 3}}
    study["rank"] = {"top": 2, "hyperparameters": CHOSEN}
    if name == "one seed":
        return study | {"baseline": {"seeds": 1}, "confirm": {"configurations": 1, "seeds": 1}}, \
            score, CHOSEN  # fmt: skip
    if name == "all runs diverged":
        return study, diverging, CHOSEN
    if name == "one grid point":
        for one in CHOSEN:
            block = study["hyperparameters"][one]
            block["grid"] = [block["baseline"]]
        return study, score, CHOSEN
    if name == "equal scores":
        return study, equal, CHOSEN
    if name == "categorical axes alone":
        study = make_study(CATEGORICAL, grid={"enabled": True})
        study["rank"] = {"top": 2, "hyperparameters": list(CATEGORICAL)}
        study["confirm"] = {"configurations": 2, "seeds": 3}
        return study, by_name, list(CATEGORICAL)
    if name == "minimised":
        return study | {"objective": {"metric": "loss", "direction": "minimize"}}, score, CHOSEN
    return study, score, CHOSEN


@pytest.mark.parametrize("name", CASES)
def test_a_degenerate_study_is_answered_everywhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A resample takes a tenth of a second, and says the same twice as twenty-five times.
    few = partial(importances.rows, resamples=2)
    monkeypatch.setattr(insights.importances, "rows", few)
    study, scored, chosen = case(name)
    path = write_confirmation(tmp_path, study, scored=scored, chosen=chosen)
    if name == "no test labels":
        change(
            tmp_path / "data/info.json",
            lambda info: info["splits"].update(test={"examples": 40, "by_class": [0, 0]}),
        )
        for home in (tmp_path / "runs").glob("*-seed10*"):
            change(home / "metrics.json", lambda one: one.pop("test"))
    assert rank.rank(path)
    for command in (grid.grid, summary.summary, best.best, insights.insights):
        assert command(path)
    assert confirm.confirm(path)
    document = json.loads((tmp_path / "verdict.json").read_text())
    # Only a study that can tell may claim a winner.
    if name in ("one seed", "all runs diverged", "equal scores"):
        assert document["winner"] is None
    shown = results.load(path)
    monkeypatch.setattr(page, "_picture", lambda results, picture: {
        "title": picture.title, "caption": picture.caption(), "source": "",
    })  # fmt: skip
    assert document["verdict"][:20] in page.render(shown)
    with matplotlib.rc_context(style.STYLE):
        for picture in gallery.PICTURES:
            assert picture.draw(shown).get_figwidth() > 0


@settings(max_examples=30, deadline=None)
@given(st.permutations(list(range(7))), st.lists(st.integers(0, 3), min_size=7, max_size=7))
def test_ranks_follow_scores_and_never_the_order_of_rows(
    order: list[int], right: list[int]
) -> None:
    study = make_study({"dropout": {"screen": [0.0, 0.2]}, "optim": {"screen": ["sgd", "nadam"]}})
    frame = table(study, lambda values, seed: 0.5)
    frame["objective"] = [share / 4 for share in right]
    frame = frame.assign(stage="screen", loss=0.5)
    ranked = rank_runs(study, frame.iloc[order])
    assert ranked["run"].tolist() == rank_runs(study, frame)["run"].tolist()
    assert ranked["objective"].is_monotonic_decreasing
    assert effects_of(study, frame.iloc[order]) == effects_of(study, frame)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3]), min_size=1, max_size=4, unique=True),
    st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3]), min_size=1, max_size=4, unique=True),
    st.integers(0, 2**31 - 1),
    st.sampled_from([None, "plackett_burman", "sobol"]),
)
def test_no_two_runs_of_a_study_have_the_same_values(
    screen: list[float], levels: list[float], seed: int, design: str | None
) -> None:
    blocks = {"dropout": {"screen": screen, "grid": levels}, "weight_decay": {"screen": [0.1]}}
    study = make_study(blocks, grid={"enabled": True}, seed=seed)
    if design and designs.factors(study)[0].ends() and len(screen) == 2:
        given = {"name": design} | ({} if design == "plackett_burman" else {"runs": 8})
        study["screen"] = {"configurations": [], "design": designs.resolve(given, study)}
    runs = [*plan.baseline_runs(study), *plan.screen_runs(study),
            *plan.grid_runs(study, ["dropout"])]  # fmt: skip
    named = {run.name: run for run in runs}
    values = {(run.seed, *sorted(map(repr, run.hyperparameters.items()))) for run in runs}
    # A name stands for its values, whichever stage planned it.
    assert len(named) == len(values)
    baseline = plan.baseline_values(study)
    assert all(run_name(run.hyperparameters, baseline, run.seed) == run.name for run in runs)
    assert {run.seed for run in plan.screen_runs(study)} <= {seed}


def test_a_table_of_no_runs_is_none() -> None:
    study = make_study()
    assert effects_of(study, table(study, lambda values, seed: 0.5)) == []
    columns = ["status", "seed", "objective", "loss", "stage", "run"]
    nothing = pd.DataFrame(columns=[*columns, *plan.baseline_values(study)])
    assert rank_runs(study, nothing).empty
