"""Batches and trials: each a pure function of the files before it."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scripts import ask, trial
from scripts.study.errors import StudyError
from scripts.study.files import read_json, write_json
from scripts.study.hyperparameters import defaults
from scripts.study.schema import validate
from scripts.study.search import distributions, propose
from scripts.study.trial import Trial
from tests.asked import (
    NONE,
    SEARCH,
    baseline,
    batch,
    run,
    write_metrics,
    write_space,
    write_warm_start,
)


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
        usage = "python -m scripts.ask [-h] --space SPACE --batch BATCH [--max-failed MAX_FAILED]"
        assert said.startswith(f"usage: {usage}\n")
        assert said.endswith(f"the following arguments are required: {', '.join(missing)}\n")
    with pytest.raises(SystemExit, match=r"^0$"):
        run(monkeypatch, ask, "--help")
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "--space SPACE optuna/space.json of the study" in lines
    assert "--batch BATCH number of the batch, from 1" in lines
    assert "--max-failed MAX_FAILED earlier trials that may fail" in " ".join(lines)
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
    write_metrics(tmp_path, 2, 0.5)
    with pytest.raises(StudyError, match=r"optuna\.max_failed: 1 of 2 trials failed, 0 may"):
        run(monkeypatch, ask, "--space", space, "--batch", 2)


def test_the_sum_changes_with_any_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snakemake names the batch before alone, and must see what changed before that."""
    space = write_space(tmp_path)

    def sums(first: float) -> list[str]:
        write_metrics(tmp_path, 1, first)
        for number in range(2, 7):
            write_metrics(tmp_path, number, 0.1 * number)
        for number in range(1, 4):
            run(monkeypatch, ask, "--space", space, "--batch", number)
        names = (f"optuna/told-{number:04d}.txt" for number in range(1, 4))
        return [(tmp_path / name).read_text() for name in names]

    before, after, again = sums(0.5), sums(0.51), sums(0.5)
    assert len(set(before)) == 3
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, False]
    assert before == again
    # Of batch 2 Snakemake has batch 1 in sight; of batch 3 it has not.
    (tmp_path / "optuna/told-0002.txt").write_text("another\n")
    run(monkeypatch, ask, "--space", space, "--batch", 3)
    assert (tmp_path / "optuna/told-0003.txt").read_text() != before[2]
