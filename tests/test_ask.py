"""Search space, batches, trials and storage: each a pure function of the files before it."""

import csv
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import optuna
import pandas as pd
import pytest

from scripts import ask, search_space, trial, trials, warm_start
from scripts.study.errors import StudyError
from scripts.study.files import read_json, write_csv, write_json
from scripts.study.hyperparameters import defaults
from scripts.study.schema import validate
from scripts.study.search import Trial, distributions, propose

SEARCH: dict[str, dict[str, Any]] = {
    "learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
    "train_batch_size": {"choices": [8, 16, 32]},
    "warmup_steps": {"low": 0, "high": 90, "log": False, "step": 10},
}
NONE = {"name": "none", "options": {}}
COLUMNS = ("run", "stage", "stages", "seed", "status", "objective")


def run(monkeypatch: pytest.MonkeyPatch, command: ModuleType, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [command.__name__, *map(str, arguments)])
    command.main()


def baseline() -> dict[str, Any]:
    return {**defaults(), "learning_rate": 1e-4}


def write_space(folder: Path, **changes: Any) -> Path:
    """Write space.json and an empty warm start; return the path of space.json."""
    path = folder / "optuna/space.json"
    default: dict[str, Any] = {
        "seed": 42,
        "objective": {"metric": "f1", "direction": "maximize"},
        "batch_size": 2,
        "sampler": {"name": "tpe", "options": {"n_startup_trials": 2}},
        "pruner": NONE,
        "space": SEARCH,
        "baseline": baseline(),
    }
    write_json(path, {**default, **changes})
    write_warm_start(folder, [])
    return path


def write_warm_start(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = ["run", "stage", "objective", *sorted(SEARCH)]
    write_csv(folder / "optuna/warm-start.csv", columns, rows)


def write_metrics(
    folder: Path, number: int, *values: float, status: str = "complete", seed: int = 42
) -> None:
    path = folder / f"runs/optuna-{number:04d}-seed{seed}/metrics.json"
    epochs = [{"epoch": epoch + 1, "f1": value} for epoch, value in enumerate(values)]
    objective = {"metric": "f1", "direction": "maximize", "value": None}
    write_json(path, {"status": status, "objective": objective, "epochs": epochs})


def batch(folder: Path, number: int) -> dict[str, Any]:
    document: dict[str, Any] = read_json(folder / f"optuna/batch-{number:04d}.json")
    return document


def test_a_batch_is_full_and_numbered_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    space = write_space(tmp_path)
    run(monkeypatch, ask, "--space", space, "--batch", 1)
    assert capsys.readouterr().out == "batch 1: trials 1 to 2\n"
    first = batch(tmp_path, 1)
    assert [proposal["trial"] for proposal in first["trials"]] == [1, 2]
    assert (first["batch"], first["seed"], first["pruning"]) == (1, 42, None)
    for proposal in first["trials"]:
        values = proposal["hyperparameters"]
        assert values.keys() == defaults().keys()
        unsearched = {name: value for name, value in values.items() if name not in SEARCH}
        assert unsearched == {name: baseline()[name] for name in unsearched}
    write_metrics(tmp_path, 1, 0.5)
    write_metrics(tmp_path, 2, 0.6)
    run(monkeypatch, ask, "--space", space, "--batch", 2)
    assert capsys.readouterr().out == "batch 2: trials 3 to 4\n"
    assert [proposal["trial"] for proposal in batch(tmp_path, 2)["trials"]] == [3, 4]


def test_a_batch_depends_on_the_files_of_earlier_ones_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def second(first: float = 0.9, later: bool = False) -> str:
        write_metrics(tmp_path, 1, first)
        write_metrics(tmp_path, 2, 0.1)
        if later:
            write_metrics(tmp_path, 3, 1.0)
            write_metrics(tmp_path, 4, 1.0)
            write_json(tmp_path / "optuna/batch-0003.json", {"trials": []})
            write_json(tmp_path / "runs/baseline-seed42/metrics.json", {})
        run(monkeypatch, ask, "--space", space, "--batch", 2)
        return (tmp_path / "optuna/batch-0002.json").read_text(encoding="utf-8")

    space = write_space(tmp_path)
    run(monkeypatch, ask, "--space", space, "--batch", 1)
    base = second()
    assert second(later=True) == base
    assert second(first=0.0) != base
    assert second() == base


def test_a_warm_start_is_learned_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def first(objectives: Sequence[float]) -> list[dict[str, Any]]:
        points = [{"learning_rate": 10 ** (-5 + i / 4), "train_batch_size": 8} for i in range(8)]
        rows = [
            {"run": f"r{i}", "stage": "grid", "objective": value, "warmup_steps": 10 * i, **point}
            for i, (value, point) in enumerate(zip(objectives, points, strict=True))
        ]
        write_warm_start(tmp_path, rows)
        run(monkeypatch, ask, "--space", space, "--batch", 1)
        found: list[dict[str, Any]] = batch(tmp_path, 1)["trials"]
        return found

    space = write_space(tmp_path)
    rising, falling = [i / 10 for i in range(8)], [-i / 10 for i in range(8)]
    assert first(rising) != first(falling)
    assert first(rising) == first(rising)
    assert [trial["trial"] for trial in first(rising)] == [1, 2]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_a_batch_is_what_the_search_proposes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direction: str
) -> None:
    space = write_space(tmp_path, objective={"metric": "f1", "direction": direction}, seed=7)
    known = {"learning_rate": 1e-4, "train_batch_size": 8, "warmup_steps": 20}
    write_warm_start(tmp_path, [{"run": "r", "stage": "grid", "objective": 0.7, **known}])
    earlier = [Trial(known, "complete", [0.7])]
    for number in (1, 2):
        run(monkeypatch, ask, "--space", space, "--batch", number)
        found = [
            {name: proposal["hyperparameters"][name] for name in sorted(SEARCH)}
            for proposal in batch(tmp_path, number)["trials"]
        ]
        assert found == propose(
            distributions(SEARCH), earlier, direction=direction,  # type: ignore[arg-type]
            sampler={"name": "tpe", "options": {"n_startup_trials": 2}},
            seed=7, batch=number, size=2,
        )  # fmt: skip
        for trial_number, parameters in enumerate(found, start=2 * number - 1):
            write_metrics(tmp_path, trial_number, 0.1, trial_number / 10, seed=7)
            earlier.append(Trial(parameters, "complete", [0.1, trial_number / 10]))


def test_diverged_and_pruned_trials_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruner = {"name": "median", "options": {"n_startup_trials": 1}}
    space = write_space(tmp_path, pruner=pruner)
    run(monkeypatch, ask, "--space", space, "--batch", 1)
    assert batch(tmp_path, 1)["pruning"]["earlier"] == []
    write_metrics(tmp_path, 1, 0.4, status="diverged")
    write_metrics(tmp_path, 2, 0.5, 0.6)
    run(monkeypatch, ask, "--space", space, "--batch", 2)
    write_metrics(tmp_path, 3, 0.1, status="pruned")
    write_metrics(tmp_path, 4, 0.5, 0.7)
    run(monkeypatch, ask, "--space", space, "--batch", 3)
    assert batch(tmp_path, 3)["pruning"] == {
        "pruner": pruner,
        "direction": "maximize",
        "earlier": [
            {"status": "diverged", "values": []},
            {"status": "complete", "values": [0.5, 0.6]},
            {"status": "pruned", "values": [0.1]},
            {"status": "complete", "values": [0.5, 0.7]},
        ],
    }


def test_the_command_line_says_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for arguments in ([], ["--batch", 1], ["--space", "space.json"]):
        with pytest.raises(SystemExit):
            run(monkeypatch, ask, *arguments)
        missing = [name for name in ("--space", "--batch") if name not in arguments]
        said = capsys.readouterr().err
        assert said.startswith("usage: python -m scripts.ask [-h] --space SPACE --batch BATCH\n")
        assert said.endswith(f"the following arguments are required: {', '.join(missing)}\n")
    with pytest.raises(SystemExit, match=r"^0$"):
        run(monkeypatch, ask, "--help")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "--space SPACE  optuna/space.json of the study" in lines
    assert "--batch BATCH  number of the batch, from 1" in lines
    assert any(line.startswith("Ask Optuna for one batch of trials") for line in lines)


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = write_space(tmp_path)
    with pytest.raises(StudyError, match=r"batch-0001\.json: no such file"):
        run(monkeypatch, ask, "--space", space, "--batch", 2)
    run(monkeypatch, ask, "--space", space, "--batch", 1)
    with pytest.raises(StudyError, match=r"optuna-0001-seed42/metrics\.json: no such file"):
        run(monkeypatch, ask, "--space", space, "--batch", 2)
    assert not (tmp_path / "optuna/batch-0002.json").exists()


@pytest.mark.parametrize("pruner", [NONE, {"name": "median", "options": {}}])
def test_a_trials_run_json_is_cut_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pruner: dict[str, Any]
) -> None:
    run(monkeypatch, ask, "--space", write_space(tmp_path, pruner=pruner), "--batch", 1)
    source, output = tmp_path / "optuna/batch-0001.json", tmp_path / "run.json"
    run(monkeypatch, trial, "--batch", source, "--trial", 2, "--output", output)
    written = read_json(output)
    validate(written, "run")
    assert written["seed"] == 42
    assert written["hyperparameters"] == batch(tmp_path, 1)["trials"][1]["hyperparameters"]
    expected = None if pruner is NONE else {**batch(tmp_path, 1)["pruning"], "trial": 2}
    assert written.get("pruning") == expected
    with pytest.raises(StudyError, match=r"batch-0001\.json: trials: no trial 3"):
        run(monkeypatch, trial, "--batch", source, "--trial", 3, "--output", output)


def test_a_mistake_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    missing = tmp_path / "batch-0001.json"
    arguments = ["--batch", str(missing), "--trial", "1", "--output", str(tmp_path / "run.json")]
    ended = subprocess.run(
        [sys.executable, "-m", "scripts.trial", *arguments],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"snaketune: {missing}: no such file")
    assert ended.stderr.count("\n") == 1


def write_study(folder: Path, **changes: Any) -> Path:
    """Write study.json and chosen.json; return the path of study.json."""
    blocks: dict[str, dict[str, Any]] = {
        name: {"baseline": value} for name, value in baseline().items()
    }
    for name, search in SEARCH.items():
        blocks[name]["search"] = search
    study = {
        "study": "tiny",
        "seed": 42,
        "objective": {"metric": "f1", "direction": "maximize"},
        "hyperparameters": blocks,
        "optuna": {
            "trials": 2,
            "batch_size": 2,
            "sampler": {"name": "tpe", "options": {}},
            "pruner": NONE,
            "warm_start": ["baseline", "screen", "grid", "refine"],
            **changes,
        },
    }
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


def test_a_failed_trial_is_a_bad_one_and_too_many_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def second(status: str) -> str:
        write_metrics(tmp_path, 1, status=status)
        run(monkeypatch, ask, "--space", space, "--batch", 2, "--max-failed", 1)
        return (tmp_path / "optuna/batch-0002.json").read_text(encoding="utf-8")

    space = write_space(tmp_path)
    run(monkeypatch, ask, "--space", space, "--batch", 1)
    write_metrics(tmp_path, 2, 0.5)
    assert second("failed") == second("diverged")
    write_metrics(tmp_path, 2, status="failed")
    with pytest.raises(StudyError, match=r"optuna\.max_failed: 2 of 2 trials failed, 1 may"):
        second("failed")
