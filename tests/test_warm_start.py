"""Search space, warm start and storage: each a pure function of the files before it."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

from scripts import ask, search_space, trials, warm_start
from scripts.study.errors import StudyError
from scripts.study.files import read_json, write_csv, write_json
from scripts.study.hyperparameters import defaults
from tests.analysis_runs import make_study
from tests.asked import (
    COLUMNS,
    NONE,
    SEARCH,
    baseline,
    run,
    write_metrics,
    write_space,
    write_warm_start,
)


def write_study(folder: Path, **changes: Any) -> Path:
    """Write study.json and chosen.json; return the path of study.json."""
    blocks: dict[str, dict[str, Any]] = {
        name: {"baseline": value} for name, value in baseline().items()
    }
    for name, search in SEARCH.items():
        blocks[name]["search"] = search
    study = make_study(
        blocks,
        study="tiny",
        grid={"enabled": True},
        optuna={
            "trials": 2,
            "batch_size": 2,
            "sampler": {"name": "tpe", "options": {}},
            "pruner": NONE,
            "warm_start": ["baseline", "screen", "grid", "refine"],
            **changes,
        },
    )
    write_json(folder / "study.json", study)
    write_json(folder / "screen/chosen.json", {"hyperparameters": sorted(SEARCH), "rule": ""})
    return folder / "study.json"


def row(name: str, stages: str, objective: float | None = 0.5, **changes: Any) -> dict[str, Any]:
    return {
        "run": name,
        "stage": stages.split(";")[0],
        "stages": stages,
        "seed": 42,
        "status": "complete",
        "objective": objective,
        **baseline(),
        **changes,
    }


def write_results(folder: Path, file: str, *rows: Mapping[str, Any]) -> None:
    write_csv(folder / file, [*COLUMNS, *defaults()], rows)


def taken_over(folder: Path) -> list[dict[str, str]]:
    with (folder / "optuna/warm-start.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_warm_start_takes_what_lies_in_the_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 0.7 * 1.1 and such have 17 digits: a fast reader of numbers misses them by the last one.
    awkward = 0.8123456789012345678
    rate = 3.3333333333333335e-05
    write_results(
        tmp_path,
        "screen/results.csv",
        row("baseline", "baseline;grid", awkward),
        row("other seed", "baseline", seed=43),
        row("diverged", "screen", None, status="diverged"),
        row("outside", "screen", learning_rate=2e-3),
        row("off the steps", "screen", warmup_steps=15),
        row("no choice", "screen", train_batch_size=64),
        row("elsewhere", "screen", dropout=0.3),
        row("screened", "screen", learning_rate=rate),
    )
    write_results(
        tmp_path,
        "grid/results.csv",
        row("baseline", "baseline;grid", awkward),
        row("of the grid", "grid", warmup_steps=20, train_batch_size=16),
    )
    path = write_study(tmp_path)
    run(monkeypatch, search_space, "--study", path)
    run(monkeypatch, warm_start, "--study", path)
    rows = taken_over(tmp_path)
    assert [each["run"] for each in rows] == ["baseline", "screened", "of the grid"]
    assert float(rows[0]["objective"]) == awkward
    assert float(rows[1]["learning_rate"]) == rate
    space = read_json(tmp_path / "optuna/space.json")
    assert space["space"] == SEARCH
    assert space["baseline"] == baseline()
    run(monkeypatch, ask, "--space", tmp_path / "optuna/space.json", "--batch", 1)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [([], []), (["baseline"], ["one"]), (["grid"], ["one", "two"]), (["refine"], [])],
)
def test_the_warm_start_takes_the_stages_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stages: list[str], expected: list[str]
) -> None:
    write_results(tmp_path, "screen/results.csv", row("one", "baseline;grid"), row("x", "screen"))
    write_results(tmp_path, "grid/results.csv", row("one", "baseline;grid"), row("two", "grid"))
    path = write_study(tmp_path, warm_start=stages)
    run(monkeypatch, search_space, "--study", path)
    run(monkeypatch, warm_start, "--study", path)
    assert [each["run"] for each in taken_over(tmp_path)] == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a readable CSV file"),
        ("run,stages\nx,grid\n", "the column 'seed' is missing"),
        (None, "its last line is cut off"),
    ],
)
def test_a_damaged_table_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, message: str
) -> None:
    """Else the trials would be others, and nothing would say so."""
    write_results(tmp_path, "grid/results.csv", row("one", "grid"), row("two", "grid"))
    table = tmp_path / "grid/results.csv"
    table.write_text(table.read_text()[:-9] if content is None else content)
    path = write_study(tmp_path, warm_start=["grid"])
    run(monkeypatch, search_space, "--study", path)
    with pytest.raises(StudyError) as caught:
        run(monkeypatch, warm_start, "--study", path)
    assert str(caught.value).startswith(f"{table}: {message}")
    assert not (tmp_path / "optuna/warm-start.csv").exists()


def test_nothing_to_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_study(tmp_path)
    write_json(tmp_path / "screen/chosen.json", {"hyperparameters": ["dropout"], "rule": ""})
    with pytest.raises(StudyError, match=r"none of the chosen ones \(dropout\) has a search"):
        run(monkeypatch, search_space, "--study", path)


def test_the_storage_holds_every_trial(tmp_path: Path) -> None:
    write_space(tmp_path)
    first = {"run": "baseline-seed42", "stage": "baseline", "objective": 0.25}
    write_warm_start(
        tmp_path,
        [{**first, "learning_rate": 1e-4, "train_batch_size": 32, "warmup_steps": 0}],
    )
    statuses = ["complete", "pruned", "diverged"]
    rows = []
    for number, status in enumerate(statuses, start=1):
        write_metrics(tmp_path, number, 0.5, 0.1 * number, status=status)
        name = f"optuna-{number:04d}-seed42"
        values = {**baseline(), "warmup_steps": 10 * number}
        rows.append({"run": name, "trial": number, "status": status, **values})
    study = {"study": "tiny", "objective": {"metric": "f1", "direction": "maximize"}}
    path = tmp_path / "study.db"
    path.write_bytes(trials.storage(study, tmp_path, pd.DataFrame(rows)))
    found = optuna.load_study(study_name="tiny", storage=f"sqlite:///{path}")
    assert [each.state.name for each in found.trials] == ["COMPLETE", "COMPLETE", "PRUNED", "FAIL"]
    assert [each.user_attrs["warm_start"] for each in found.trials] == [True, False, False, False]
    assert found.trials[0].user_attrs["run"] == "baseline-seed42"
    assert found.trials[1].user_attrs == {
        "run": "optuna-0001-seed42",
        "trial": 1,
        "warm_start": False,
    }
    assert found.trials[1].intermediate_values == {1: 0.5, 2: 0.1}
    assert found.trials[2].params == {
        "learning_rate": 1e-4,
        "train_batch_size": 32,
        "warmup_steps": 20,
    }
    assert found.best_trial.value == 0.25
    assert found.metric_names == ["f1"]
    assert json.dumps(found.trials[0].user_attrs)


@pytest.mark.parametrize("document", [[], {"hyperparameters": "dropout"}, {"rule": ""}])
def test_a_choice_of_the_wrong_shape_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: object
) -> None:
    path = write_study(tmp_path)
    write_json(tmp_path / "screen/chosen.json", document)
    with pytest.raises(StudyError, match=r"chosen\.json: .*; delete the file"):
        run(monkeypatch, search_space, "--study", path)
