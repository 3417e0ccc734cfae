"""Which run wins, by the written rule, and what best.json says where none can."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts import best
from scripts.analysis import luck
from scripts.analysis.collect import collect
from scripts.analysis.comparison import rank_runs
from scripts.study import plan
from tests.analysis_runs import Score, change, full_study, make_study, metrics_document, write_study

CHOSEN = ["learning_rate", "train_batch_size"]


def run(folder: Path, study: dict[str, Any], score: Score) -> dict[str, Any]:
    path = write_study(folder, study, score, CHOSEN)
    best.best(path)
    return dict(json.loads((folder / "best.json").read_text()))


def by_rate(values: Any, seed: int) -> float:
    return 0.5 + 100 * values["learning_rate"] + (seed - 42) / 100


def test_the_best_of_each_stage_stands_beside_the_baseline(tmp_path: Path) -> None:
    document = run(tmp_path, full_study(), by_rate)
    assert document["run"] == "learning_rate=0.0002-seed42"
    assert (document["stage"], document["seed"]) == ("screen", 42)
    assert document["objective"] == {
        "metric": "f1", "direction": "maximize", "value": pytest.approx(0.52),
    }  # fmt: skip
    assert document["changed"] == {"learning_rate": {"baseline": 5e-5, "best": 2e-4}}
    assert len(document["hyperparameters"]) == 17
    # The same score at batch size 64 (grid) has more departures; both screened sizes score less.
    assert document["ties"] == ["learning_rate=0.0002+train_batch_size=64-seed42"]
    baseline, hand, grid, optuna = document["comparison"]
    assert [entry["label"] for entry in document["comparison"]] == [
        "baseline", "best by hand", "best of grid", "best of Optuna",
    ]  # fmt: skip
    assert (baseline["run"], baseline["found_at"], baseline["of"]) == ("baseline-seed42", 1, 1)
    # Screening and refinement: rates 1e-5, 2e-4, batch sizes 16, 64, then weight decay 0.1.
    assert (hand["run"], hand["found_at"], hand["of"]) == (document["run"], 2, 5)
    order = [planned.name for planned in plan.grid_runs(full_study(), CHOSEN)]
    assert (grid["run"], grid["of"]) == (document["run"], 6)
    assert grid["found_at"] == order.index(document["run"]) + 1
    assert grid["ties"] == document["ties"]
    assert (optuna["run"], optuna["trial"], optuna["found_at"], optuna["of"]) == (
        "optuna-0006-seed42", 6, 6, 6,
    )  # fmt: skip
    assert optuna["objective"] == pytest.approx(0.506)
    assert document["baseline"]["seeds"] == [42, 43, 44]
    assert document["baseline"]["mean"] == pytest.approx(0.515)
    assert document["baseline"]["sd"] == pytest.approx(0.01)
    assert document["example"] == 1 / 320
    assert document["majority"] == {"accuracy": 0.59375, "f1": 0.7450980392156863}
    assert document["agreement"]["loss"]["kendall"] is None


def test_the_other_seeds_of_the_baseline_never_win(tmp_path: Path) -> None:
    document = run(tmp_path, full_study(), lambda values, seed: 0.5 + (seed - 42) / 10)
    assert document["run"] == "baseline-seed42"
    assert document["changed"] == {}


def test_equal_scores_everywhere_end_at_the_baseline_with_all_ties_shown(tmp_path: Path) -> None:
    document = run(tmp_path, full_study(), lambda values, seed: 0.8)
    assert document["run"] == "baseline-seed42"
    assert len(document["ties"]) == 14
    assert document["baseline"]["sd"] == 0.0
    # Fewer departures, then the earlier stage, then the name.
    assert document["ties"][:3] == [
        "optuna-0005-seed42", "learning_rate=0.0002-seed42", "learning_rate=1e-05-seed42",
    ]  # fmt: skip
    assert "lower validation loss" in document["tie_break"]


def test_a_lower_loss_breaks_a_tie_before_anything_else(tmp_path: Path) -> None:
    study = full_study()
    path = write_study(tmp_path, study, lambda values, seed: 0.8, CHOSEN)

    def lower(document: Any) -> None:
        document["epochs"][-1]["loss"] = 0.4

    change(tmp_path / "runs" / "optuna-0003-seed42" / "metrics.json", lower)
    assert best.best(path).startswith("best: optuna-0003-seed42, f1 0.8000, 14 tied with it\n")


def test_all_diverged_is_answered_with_a_reason(tmp_path: Path) -> None:
    document = run(tmp_path, full_study(), lambda values, seed: None)
    assert document["run"] is None
    assert document["objective"]["value"] is None
    assert document["reason"] == "none of 15 runs completed: they diverged, failed or were pruned"
    assert [entry["found_at"] for entry in document["comparison"]] == [None] * 4
    assert (document["baseline"]["mean"], document["baseline"]["values"]) == (None, [])
    assert best.best(tmp_path / "study.json").startswith("best: none of 15 runs completed")


def test_diverged_and_pruned_runs_never_win(tmp_path: Path) -> None:
    study = full_study()
    path = write_study(tmp_path, study, by_rate, CHOSEN)
    home = tmp_path / "runs" / "optuna-0001-seed42"
    values = json.loads((home / "run.json").read_text())["hyperparameters"]
    pruned = metrics_document(study, values, 42, 0.999, status="pruned")
    (home / "metrics.json").write_text(json.dumps(pruned))
    best.best(path)
    document = json.loads((tmp_path / "best.json").read_text())
    assert document["objective"]["value"] < 0.999
    # They were tries all the same, in the one row and in the other.
    assert document["of"] == len(list(tmp_path.glob("runs/*-seed42")))
    gain = document["objective"]["value"] - document["baseline"]["mean"]
    told = luck.chance(gain, document["baseline"]["sd"], 3, document["of"])
    assert document["chance"] == told


def test_stages_that_are_off_are_left_out_and_one_grid_point_will_do(tmp_path: Path) -> None:
    study = make_study(
        {"optim": {"grid": ["adafactor"]}}, grid={"enabled": True}, baseline={"seeds": 1}
    )
    path = write_study(tmp_path, study, lambda values, seed: 0.8, ["optim"])
    best.best(path)
    document = json.loads((tmp_path / "best.json").read_text())
    assert [entry["label"] for entry in document["comparison"]] == ["baseline", "best of grid"]
    assert (document["baseline"]["sd"], document["baseline"]["interval"]) == (None, None)
    assert document["comparison"][1]["hyperparameters"]["optim"] == "adafactor"


def test_a_minimised_objective_is_won_by_the_lowest(tmp_path: Path) -> None:
    study = full_study() | {"objective": {"metric": "loss", "direction": "minimize"}}
    document = run(tmp_path, study, by_rate)
    assert document["run"] == "learning_rate=1e-05-seed42"
    assert document["ties"] == ["optuna-0001-seed42"]
    assert document["agreement"]["f1"]["runs"] == 15


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("tied")
    study = full_study()
    write_study(folder, study, lambda values, seed: 0.8, CHOSEN)
    return study, collect(study, folder)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_ranking_of_runs_does_not_depend_on_their_order(tied: Any, data: Any) -> None:
    study, frame = tied
    scores = st.lists(st.sampled_from([0.7, 0.8]), min_size=len(frame), max_size=len(frame))
    frame = frame.assign(objective=data.draw(scores), loss=data.draw(scores))
    order = list(range(len(frame)))
    random.Random(data.draw(st.integers(0, 99))).shuffle(order)
    ranked = rank_runs(study, frame)
    assert ranked["run"].tolist() == rank_runs(study, frame.iloc[order])["run"].tolist()
    assert ranked["objective"].is_monotonic_decreasing
    assert (ranked["seed"] == 42).all()
