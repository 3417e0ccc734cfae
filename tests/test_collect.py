"""What the collector takes for a run of the study, and what it refuses and how it says so."""

import json
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scripts import grid
from scripts.analysis.collect import COLUMNS, collect, write_table
from scripts.study import plan
from scripts.study.documents import read_chosen
from scripts.study.errors import StudyError
from scripts.study.schema import validate
from tests.analysis_runs import (
    change,
    full_study,
    make_study,
    metrics_document,
    write_run,
    write_study,
)

CHOSEN = ["learning_rate", "train_batch_size"]
RUN = "learning_rate=1e-05-seed42"


def score(values: Any, seed: int) -> float:
    return 0.8 + 100 * values["learning_rate"] + (seed - 42) / 1000


@pytest.fixture
def study() -> dict[str, Any]:
    return full_study()


@pytest.fixture
def folder(tmp_path: Path, study: dict[str, Any]) -> Path:
    write_study(tmp_path, study, score, CHOSEN)
    return tmp_path


def refusal(study: dict[str, Any], folder: Path) -> str:
    with pytest.raises(StudyError) as caught:
        collect(study, folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_planned_run_is_one_row_in_the_order_of_the_stages(
    study: dict[str, Any], folder: Path
) -> None:
    frame = collect(study, folder)
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == frame["run"].nunique() == 3 + 4 + 3 + 1 + 6
    assert frame["run"].tolist()[:4] == [
        "baseline-seed42", "baseline-seed43", "baseline-seed44", RUN,
    ]  # fmt: skip
    stages = dict(zip(frame["run"], frame["stages"], strict=True))
    assert stages["baseline-seed42"] == "baseline;grid"
    assert stages["learning_rate=0.0002-seed42"] == "screen;grid"
    assert stages["optuna-0006-seed42"] == "optuna"
    assert (frame["stage"] == frame["stages"].str.split(";").str[0]).all()
    assert frame["trial"].dropna().tolist() == [1, 2, 3, 4, 5, 6]
    assert (frame["seconds"] == 12.5).all()


def test_a_stages_table_has_its_runs_in_its_own_order(study: dict[str, Any], folder: Path) -> None:
    frame = collect(study, folder, ("grid",))
    assert frame["run"].tolist() == [run.name for run in plan.grid_runs(study, CHOSEN)]


def test_the_table_holds_the_last_epoch_and_where_the_objective_was_best(
    study: dict[str, Any], folder: Path
) -> None:
    def fall_after_a_tie(document: Any) -> None:
        for epoch, value in zip(document["epochs"], (0.9, 0.9, 0.7), strict=True):
            epoch["f1"] = value
        document["epochs"][2]["loss"] = 0.25
        document["objective"]["value"] = 0.7

    change(folder / "runs" / RUN / "metrics.json", fall_after_a_tie)
    row = collect(study, folder).set_index("run").loc[RUN]
    assert (row["objective"], row["f1"], row["loss"], row["best_epoch"]) == (0.7, 0.7, 0.25, 1)


def test_written_tables_read_back_exactly(study: dict[str, Any], folder: Path) -> None:
    values = plan.baseline_values(study) | {"learning_rate": 1e-5}
    write_run(folder, RUN, values, 42, metrics_document(study, values, 42, None))
    frame = collect(study, folder)
    path = folder / "summary" / "runs.csv"
    write_table(path, frame, seconds=True)
    text = path.read_text()
    assert text.startswith(",".join(COLUMNS) + "\n")
    assert "\r" not in text
    assert f"\n{RUN},screen,screen,,42,diverged,,,,,,,,,1e-05,0.0,32,128," in text
    again = pd.read_csv(path)
    numbers = frame.drop(columns=["trial", "best_epoch"]).select_dtypes("number").columns
    for column in numbers:
        assert again[column].equals(frame[column]), column


def test_the_grid_command_writes_its_table_and_one_line(
    study: dict[str, Any], folder: Path
) -> None:
    line = grid.grid(folder / "study.json")
    assert line == "grid: 6 runs, best f1 0.8200 (learning_rate=0.0002)"
    frame = pd.read_csv(folder / "grid" / "results.csv")
    assert list(frame.columns) == list(COLUMNS[:-1])
    assert len(frame) == 6


@pytest.mark.parametrize("name", ["run.json", "metrics.json"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        ("", "the file is empty"),
        ('{"seed": 42', "not valid JSON"),
        ("[1]", "[1] is not a JSON object"),
        ('{"seed": NaN}', "NaN is not a value"),
        ("[" * 100_000, "not valid JSON"),
        ("\ud800", "cannot be read"),
    ],
)
def test_a_file_that_is_not_json_is_refused_with_the_cure(
    study: dict[str, Any], folder: Path, name: str, content: str | None, words: str
) -> None:
    path = folder / "runs" / RUN / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content.encode("utf-8", "surrogatepass"))
    message = refusal(study, folder)
    assert message.startswith(f"{path}: ")
    assert words in message
    assert message.endswith(f"delete the folder {path.parent} and run snakemake again")


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        (["schema_version"], 2, "schema_version is 2, not 1"),
        (["status"], "done", "status is 'done', not one of complete, diverged, pruned"),
        (["seed"], 43, "seed is 43, but run.json has 42"),
        (["hyperparameters", "learning_rate"], 2e-5, "learning_rate is 2e-05, but run.json has"),
        (["hyperparameters", "train_batch_size"], 32.0, "is 32.0, but run.json has 32"),
        (["hyperparameters", "beta1"], 0.9, "hyperparameters.beta1 is no hyperparameter"),
        (["objective"], 0.8, "objective is 0.8, not a JSON object"),
        (["objective", "metric"], "accuracy", "objective.metric is 'accuracy', not the study's f1"),
        (["objective", "direction"], "minimize", "objective.direction is 'minimize'"),
        (["objective", "value"], None, "objective.value is None, not the last epoch's f1"),
        (["objective", "value"], 0.5, "objective.value is 0.5, not the last epoch's f1"),
        (["data", "fingerprint"], "other", "'other', not 'f00dcafe' as in data/info.json"),
        (["precision"], "bf16", "precision is 'bf16', not the study's fp32"),
        (["model", "sha256"], "cd", "model.sha256 is 'cd', but the config's model has 'abab"),
        (["epochs"], [], "epochs has 0 entries, not 3 as a complete run has"),
        (["epochs"], None, "epochs is None, not a list"),
        (["epochs", 1, "epoch"], 3, "not epoch 2"),
        (["epochs", 1, "recall"], 1.5, "recall of epoch 2 is 1.5, not a number from 0 to 1"),
        (["epochs", 2, "loss"], True, "loss of epoch 3 is True, not a number >= 0"),
        (["epochs", 2, "loss"], int("9" * 400), "loss of epoch 3 is 9999"),
        (["epochs", 0, "train_loss"], None, "train_loss of epoch 1 is None"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_metrics_that_are_not_of_the_planned_run_are_refused(
    study: dict[str, Any], folder: Path, keys: list[Any], value: object, words: str
) -> None:
    def edit(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    path = folder / "runs" / RUN / "metrics.json"
    change(path, edit)
    message = refusal(study, folder)
    assert message.startswith(f"{path}: ")
    assert words in message


@pytest.mark.parametrize("run", [RUN, "optuna-0005-seed42"])
@pytest.mark.parametrize("name", ["learning_rate", "weight_decay"])
def test_a_run_json_that_is_not_planned_is_refused(
    study: dict[str, Any], folder: Path, run: str, name: str
) -> None:
    home = folder / "runs" / run
    for file in ("run.json", "metrics.json"):
        change(home / file, lambda document: document["hyperparameters"].update({name: 0.125}))
    message = refusal(study, folder)
    planner = "its Optuna batch" if run.startswith("optuna") else "the config"
    assert f"{home / 'run.json'}: hyperparameters.{name} is 0.125, but {planner} has" in message


def test_only_a_trial_may_be_pruned_early(study: dict[str, Any], folder: Path) -> None:
    trial = folder / "runs" / "optuna-0001-seed42"
    change(trial / "run.json", lambda document: document.update(pruning={"earlier": []}))
    values = json.loads((trial / "run.json").read_text())["hyperparameters"]
    pruned = metrics_document(study, values, 42, 0.99, status="pruned")
    (trial / "metrics.json").write_text(json.dumps(pruned))
    row = collect(study, folder).set_index("run").loc[trial.name]
    assert (row["status"], row["objective"], row["best_epoch"]) == ("pruned", 0.99, 1)
    change(folder / "runs" / RUN / "run.json", lambda document: document.update(pruning={}))
    assert "the key pruning does not belong" in refusal(study, folder)


def test_a_diverged_run_has_no_scores_whatever_it_scored_before(
    study: dict[str, Any], folder: Path
) -> None:
    def diverge(document: Any) -> None:
        document["status"] = "diverged"
        document["objective"]["value"] = None
        document["epochs"] = document["epochs"][:2]
        document["epochs"][1]["loss"] = None

    path = folder / "runs" / RUN / "metrics.json"
    change(path, diverge)
    row = collect(study, folder).set_index("run").loc[RUN]
    assert row[["objective", "loss", "f1", "best_epoch"]].isna().all()
    change(path, lambda document: document["objective"].update(value=0.5))
    assert "objective.value is 0.5, not null as in a diverged run" in refusal(study, folder)


def test_runs_from_different_weights_are_refused_where_the_config_pins_none(
    study: dict[str, Any], folder: Path
) -> None:
    study["model"]["sha256"] = None
    assert len(collect(study, folder)) == 17
    change(
        folder / "runs" / RUN / "metrics.json",
        lambda document: document["model"].update(sha256="cd"),
    )
    assert "model.sha256 is 'cd', but baseline-seed42 has 'abab" in refusal(study, folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s\tmax_rss\n",
        "seconds\n1.0\n",
        "s\tmax_rss\n1.0\n",
        "s\n-\n",
        "s\nnan\n",
        "s\n-1\n",
    ],
)
def test_a_damaged_benchmark_is_refused_and_a_missing_one_leaves_the_cell_empty(
    study: dict[str, Any], folder: Path, text: str
) -> None:
    path = folder / "runs" / RUN / "benchmark.tsv"
    path.write_text(text)
    assert refusal(study, folder).startswith(f"{path}: ")
    path.unlink()
    assert collect(study, folder).set_index("run")["seconds"].isna().sum() == 1


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"batch": 1},
        {"batch": 7, "trials": []},
        {"batch": 1, "trials": [{"trial": 1}]},
        {"batch": 1, "trials": []},
        {"batch": 1, "trials": [{"trial": 1, "hyperparameters": {"learning_rate": 1e-5}}]},
        {"batch": 7, "seed": 42, "pruning": None, "trials": []},
        {"batch": 1, "seed": 42, "pruning": None, "trials": []},
        {"batch": 1, "seed": 42, "pruning": None, "trials": [{"trial": 1, "hyperparameters": {}}]},
    ],
)
def test_a_damaged_batch_is_refused(study: dict[str, Any], folder: Path, document: object) -> None:
    path = folder / "optuna" / "batch-0001.json"
    path.write_text(json.dumps(document))
    assert refusal(study, folder).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "document", [[], {}, {"hyperparameters": ["lr"]}, {"hyperparameters": ["dropout", "dropout"]}]
)
def test_a_damaged_choice_is_refused(study: dict[str, Any], folder: Path, document: object) -> None:
    path = folder / "screen" / "chosen.json"
    path.write_text(json.dumps(document))
    assert refusal(study, folder).startswith(f"{path}: ")


def test_without_grid_and_optuna_no_choice_is_read(tmp_path: Path) -> None:
    assert read_chosen(make_study(), tmp_path) == []


@pytest.mark.parametrize(
    ("objective", "status"), [(0.8, "complete"), (0.8, "pruned"), (None, "diverged")]
)
def test_what_these_tests_fabricate_is_of_the_schemas_form(
    study: dict[str, Any], objective: float | None, status: str
) -> None:
    values = plan.baseline_values(study)
    validate(metrics_document(study, values, 42, objective, status), "metrics")


def test_hundreds_of_runs_are_read_in_a_fraction_of_a_second(tmp_path: Path) -> None:
    rates = [step * 1e-6 for step in range(51, 551)]
    study = make_study({"learning_rate": {"screen": rates}})
    write_study(tmp_path, study, score)
    start = time.process_time()
    frame = collect(study, tmp_path)
    assert len(frame) == 503
    # Ten thousand take about two seconds; the bound leaves room for a slow machine.
    assert time.process_time() - start < 1.5
