"""The confirmation: who is a finalist, which runs look at the test split, what the files hold."""

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scripts import confirm
from scripts.analysis import confirmation
from scripts.analysis.collect import collect
from scripts.analysis.finalists import finalists
from scripts.study import plan
from scripts.study.config import resolve
from scripts.study.errors import StudyError
from scripts.study.files import write_csv, write_json
from scripts.study.schema import schema, validate
from tests.analysis_runs import (
    Score,
    change,
    full_study,
    metrics_document,
    write_run,
    write_study,
)
from tests.configs import changed, small

CHOSEN = ["learning_rate", "train_batch_size"]
METRICS = ("loss", "accuracy", "f1", "precision", "recall", "matthews_correlation")
EXAMPLES = 40


def score(values: Any, seed: int) -> float:
    """Return a score that rises with the learning rate, with noise of 0.002."""
    noise = random.Random(repr((sorted(values.items()), seed))).gauss(0, 0.002)
    return 0.8 + 100 * values["learning_rate"] + noise


def write_confirmation(
    folder: Path,
    study: dict[str, Any],
    diverged: str = "",
    scored: Score = score,
    chosen: Sequence[str] = CHOSEN,
) -> Path:
    """Write a study up to the confirmation's runs, as training would leave them."""
    path = write_study(folder, study, scored, list(chosen))
    info = json.loads((folder / "data/info.json").read_text())
    info["splits"] = {name: {"examples": EXAMPLES, "by_class": [16, 24]} for name in
                      ("train", "validation", "test")}  # fmt: skip
    write_json(folder / "data/info.json", info)
    document = finalists(study, collect(study, folder))
    write_json(folder / "confirm/finalists.json", document)
    values = [entry["hyperparameters"] for entry in document["finalists"]]
    for run in plan.confirm_runs(study, values):
        value = scored(run.hyperparameters, run.seed)
        done = run.name != diverged and value is not None
        record = metrics_document(study, run.hyperparameters, run.seed, value if done else None)
        if done and value is not None:
            record["test"] = {**dict.fromkeys(METRICS, 0.5), "f1": value - 0.01}
        write_run(folder, run.name, run.hyperparameters, run.seed, record)
        change(folder / "runs" / run.name / "run.json", lambda one: one.update(test=True))
        write_predictions(folder / "runs" / run.name, value if done else None)
    return path


def write_predictions(home: Path, right: float | None) -> None:
    """Write predictions of which the share `right` is right; none at all for None."""
    draw = random.Random(home.name)
    rows = []
    for split in ("validation", "test") if right else ():
        for index in range(EXAMPLES):
            label = int(index >= 16)
            share = draw.uniform(0.5, 1) if draw.random() < (right or 0) else draw.uniform(0, 0.5)
            first = 1 - share if label else share
            rows.append({"split": split, "index": index, "label": label,
                         "predicted": int(first < 0.5), "probability_0": first,
                         "probability_1": 1 - first})  # fmt: skip
    columns = ["split", "index", "label", "predicted", "probability_0", "probability_1"]
    write_csv(home / "predictions.csv", columns, rows)


@pytest.fixture
def study() -> dict[str, Any]:
    return full_study() | {"confirm": {"configurations": 2, "seeds": 4}}


def test_fresh_seeds_are_never_the_baselines_own() -> None:
    most = schema("config")["properties"]["baseline"]["properties"]["seeds"]["maximum"]
    study = resolve(changed("baseline.seeds", most))
    own = {run.seed for run in plan.baseline_runs(study)}
    assert len(own) == most
    assert own.isdisjoint(plan.fresh_seeds(study))


@pytest.mark.parametrize("off", [{"configurations": 0}, {"seeds": 0}])
def test_either_number_0_switches_the_confirmation_off(off: dict[str, int]) -> None:
    study = resolve(changed("confirm", off))
    assert list(plan.fresh_seeds(study)) == []
    assert plan.confirm_runs(study, [plan.baseline_values(study)]) == []


def test_only_runs_on_fresh_seeds_look_at_the_test_split(study: dict[str, Any]) -> None:
    best = plan.baseline_values(study) | {"dropout": 0.3}
    runs = plan.confirm_runs(study, [best])
    assert [run.name for run in runs] == [
        *(f"baseline-seed{seed}" for seed in (1042, 1043, 1044, 1045)),
        *(f"dropout=0.3-seed{seed}" for seed in (1042, 1043, 1044, 1045)),
    ]
    assert all(run.test for run in runs)
    search = [*plan.baseline_runs(study), *plan.screen_runs(study), *plan.grid_runs(study, CHOSEN)]
    assert not any(run.test for run in search)
    assert plan.confirm_runs(study, []) == []


def test_finalists_are_the_best_configurations_each_once(
    tmp_path: Path, study: dict[str, Any]
) -> None:
    write_study(tmp_path, study, score, CHOSEN)
    # The best trial repeats the best grid point; the second best diverged.
    frame = collect(study, tmp_path)
    order = frame.sort_values("objective", ascending=False, ignore_index=True)
    twin = order.iloc[[0]].assign(run="optuna-0099-seed42", objective=order["objective"][0] + 0.1)
    order.loc[1, ["status", "objective"]] = "diverged", None
    document = finalists(study, pd.concat([order.iloc[::-1], twin], ignore_index=True))
    runs = [entry["run"] for entry in document["finalists"]]
    assert runs == ["optuna-0099-seed42", order["run"][2]]
    assert [entry["finalist"] for entry in document["finalists"]] == [1, 2]


def test_the_baseline_is_no_finalist_and_fewer_are_no_mistake(
    tmp_path: Path, study: dict[str, Any]
) -> None:
    write_study(tmp_path, study, lambda values, seed: 0.8, CHOSEN)
    frame = collect(study, tmp_path)
    document = finalists(study, frame[frame["stage"] == "baseline"])
    assert (document["finalists"], document["configurations"]) == ([], 0)


def test_the_two_files(tmp_path: Path, study: dict[str, Any]) -> None:
    path = write_confirmation(tmp_path, study)
    said = confirm.confirm(path)
    document = json.loads((tmp_path / "verdict.json").read_text())
    assert said == f"confirm: {document['verdict']}"
    assert document["outcome"] == "better"
    assert document["verdict"].startswith("learning_rate=0.0002")
    assert "on the test split the gain is +0.01" in document["verdict"]
    rows = list(csv.DictReader((tmp_path / "confirm/results.csv").read_text().splitlines()))
    assert [row["configuration"] for row in rows] == [
        *["baseline"] * 4, *["1"] * 4, *["2"] * 4,
    ]  # fmt: skip
    assert float(rows[0]["test_f1"]) == pytest.approx(float(rows[0]["f1"]) - 0.01)
    first = document["finalists"][0]
    assert first["values"] == [float(row["objective"]) for row in rows[4:8]]
    assert first["examples"]["test"]["mcnemar"].keys() == {
        "only_first",
        "only_second",
        "p",
        "p_holm",
    }
    low, high = first["examples"]["validation"]["bootstrap"]["interval"]
    assert low < high
    # The same files, the same bytes.
    before = (tmp_path / "verdict.json").read_bytes()
    confirm.confirm(path)
    assert (tmp_path / "verdict.json").read_bytes() == before


def test_a_diverged_run_is_a_gap(tmp_path: Path, study: dict[str, Any]) -> None:
    path = write_confirmation(tmp_path, study, diverged="baseline-seed1043")
    confirm.confirm(path)
    document = json.loads((tmp_path / "verdict.json").read_text())
    assert document["baseline"]["values"][1] is None
    assert document["baseline"]["completed"] == 3


def test_what_the_search_saw_of_the_baseline_is_read_beside_the_fresh_seeds(
    tmp_path: Path, study: dict[str, Any]
) -> None:
    def scored(values: Any, seed: int) -> float | None:
        return None if seed == 43 else score(values, seed)

    write_confirmation(tmp_path, study, scored=scored)
    # What the ranking chose is nothing to the confirmation.
    (tmp_path / "screen/chosen.json").unlink()
    read = confirmation.read(study, tmp_path)
    values = plan.baseline_values(study)
    assert read.before == [score(values, 42), score(values, 44)]
    assert read.scores[0].tolist() == [score(values, seed) for seed in plan.fresh_seeds(study)]
    assert read.test[0].tolist() == [one - 0.01 for one in read.scores[0]]
    assert (read.seeds, read.sizes) == (4, {"validation": EXAMPLES, "test": EXAMPLES})


def test_without_finalists_there_is_nothing_to_read(tmp_path: Path, study: dict[str, Any]) -> None:
    write_study(tmp_path, study, score, CHOSEN)
    document = {"metric": "f1", "direction": "maximize", "configurations": 0, "finalists": []}
    write_json(tmp_path / "confirm/finalists.json", document)
    read = confirmation.read(study, tmp_path)
    assert (read.scores.shape, read.seeds, len(read.before)) == ((1, 0), 0, 3)
    assert confirmation.result_rows(read) == []


def test_the_summary_lists_them_and_best_does_not(tmp_path: Path, study: dict[str, Any]) -> None:
    write_confirmation(tmp_path, study)
    everything = collect(study, tmp_path, plan.ALL_STAGES)
    assert (everything["stage"] == "confirm").sum() == 12
    assert "confirm" not in set(collect(study, tmp_path)["stage"])


def test_test_metrics_stand_where_they_belong(tmp_path: Path, study: dict[str, Any]) -> None:
    path = write_confirmation(tmp_path, study)
    runs = tmp_path / "runs"
    scores = dict.fromkeys(METRICS, 0.5)
    change(runs / "baseline-seed42/metrics.json", lambda one: one.update(test=scores))
    with pytest.raises(StudyError, match="which this run is not to look at"):
        collect(study, tmp_path)
    change(runs / "baseline-seed42/metrics.json", lambda one: one.pop("test"))
    change(runs / "baseline-seed42/run.json", lambda one: one.update(test=True))
    with pytest.raises(StudyError, match="test is True, but the config has False"):
        collect(study, tmp_path)
    for edit, said in (
        (lambda one: one["test"].update(f1=1.5), "test.f1 is 1.5, not a number from 0 to 1"),
        (lambda one: one.pop("test"), "test is None, not a JSON object"),
    ):
        change(runs / "baseline-seed1042/metrics.json", edit)
        with pytest.raises(StudyError, match=said):
            confirm.confirm(path)


def test_a_test_split_without_labels_is_said(tmp_path: Path, study: dict[str, Any]) -> None:
    path = write_confirmation(tmp_path, study)
    change(
        tmp_path / "data/info.json",
        lambda info: info["splits"].update(test={"examples": EXAMPLES, "by_class": [0, 0]}),
    )
    for home in (tmp_path / "runs").glob("*-seed10*"):
        change(home / "metrics.json", lambda one: one.pop("test"))
    confirm.confirm(path)
    document = json.loads((tmp_path / "verdict.json").read_text())
    assert document["finalists"][0]["test"] is None
    assert document["no_test"] == "the test split has no labels"
    assert document["verdict"].count("the test split has no labels") == 1


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text.replace("split,index", "index,split"), "its columns are"),
        (lambda text: text.rpartition("test,39")[0], "39 examples of the test split, not 40"),
        (
            lambda text: text.replace("validation,3,0", "validation,3,1"),
            r"its labels of the validation split are not those of .*-seed1042/predictions\.csv",
        ),
    ],
)
def test_wrong_predictions_are_refused(
    tmp_path: Path, study: dict[str, Any], edit: Any, said: str
) -> None:
    path = write_confirmation(tmp_path, study)
    predictions = tmp_path / "runs/baseline-seed1043/predictions.csv"
    predictions.write_text(edit(predictions.read_text()))
    with pytest.raises(StudyError, match=said):
        confirm.confirm(path)


def test_schemas() -> None:
    study = resolve(small())
    run = plan.confirm_runs(study, [])
    assert run == []
    values = plan.baseline_values(study)
    validate({"hyperparameters": values, "seed": 1042, "test": True}, "run")
    record = metrics_document(study, values, 1042, 0.5)
    record["test"] = dict.fromkeys(METRICS, 0.5)
    validate(record, "metrics")
    del record["test"]["loss"]
    with pytest.raises(StudyError, match=r"test\.loss: missing"):
        validate(record, "metrics")
