"""How far a study is: what the files of a running, finished or coming study say."""

import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from scripts import status
from scripts.analysis.logs import STARTING
from scripts.analysis.state import State, look
from scripts.study import plan
from scripts.study.errors import StudyError
from scripts.study.files import json_text, write_json
from scripts.views.status import duration, render
from tests.analysis_runs import change, full_study, metrics_document, write_batch, write_study
from tools.project import PROJECT

CHOSEN = ["learning_rate", "train_batch_size"]
RUN = "learning_rate=1e-05-seed42"
HOLDING = (
    "import sys, time; from scripts.study.locks import hold_output; hold_output();"
    " print('epoch 1/3: train loss 0.5', flush=True); time.sleep(60)"
)


def by_rate(values: Any, seed: int) -> float:
    return 0.5 + 100 * values["learning_rate"] + (seed - 42) / 100


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """Return the folder of a finished study without a confirmation."""
    folder = tmp_path / "results" / "fabricated"
    write_study(folder, full_study(), by_rate, CHOSEN)
    return folder


def text(state: State) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(render(state))
    return console.export_text()


def lose(folder: Path, run: str, log: str | None) -> Path:
    """Take away a run's results and leave such a log; return the log's path."""
    (folder / "runs" / run / "metrics.json").unlink()
    path = folder / "logs" / "train" / f"{run}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    if log is not None:
        path.write_text(log)
    return path


def test_a_finished_study(finished: Path) -> None:
    (finished / "report.html").write_text("")
    state = look(full_study(), finished)
    assert [(stage.name, stage.planned, stage.done) for stage in state.stages] == [
        ("baseline", 3, 3),
        ("screen", 4, 4),
        ("grid", 6, 6),
        ("refine", 1, 1),
        ("optuna", 6, 6),
    ]
    # The grid has three runs in common with baseline and screening.
    assert (state.total.planned, state.total.done, state.total.left) == (17, 17, 0)
    assert sum(state.seconds.values()) == 17 * 12.5
    assert state.best is not None
    assert (state.best.run, state.best.stage) == ("learning_rate=0.0002-seed42", "screen")
    assert state.baseline == pytest.approx([0.505, 0.515, 0.525])
    shown = text(state)
    assert "3 min 32 s of training so far, nothing to go" in shown
    assert "Baseline: f1 0.5150, mean of 3 seeds (sd 0.0100)" in shown
    assert "Gain:     +0.0050, 0.5 times the sd of the baseline's seeds; this may be luck" in shown
    assert "Report:   results/" in shown


def test_a_study_that_has_not_begun(tmp_path: Path) -> None:
    study = full_study() | {"rank": {"top": 2, "hyperparameters": None}}
    state = look(study, tmp_path / "nowhere")
    grid = next(stage for stage in state.stages if stage.name == "grid")
    assert (grid.planned, grid.known, grid.left) == (6, False, 6)
    assert state.best is None
    shown = text(state)
    assert "not yet begun" in shown
    assert "≤ 6" in shown
    assert "Best:     none yet" in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("log", "kind", "says"),
    [
        (None, "left", ""),
        ("epoch 1/3: x\nsnaketune: model.path: gone\n", "failed", "model.path: gone"),
        ("Traceback\nOSError: no space\n", "failed", "OSError: no space"),
        ("epoch 1/3: train loss 0.5\n", "failed", "killed?"),
        ("Traceback\nKeyboardInterrupt\n", "left", ""),
        (f"epoch 3/3: x\n{RUN}: complete, f1 0.8\n", "left", ""),
        ("\x1b[2Jsnaketune: \x07evil\n", "failed", "[2Jsnaketune:  evil"),
    ],
)
def test_a_run_without_results(finished: Path, log: str | None, kind: str, says: str) -> None:
    lose(finished, RUN, log)
    state = look(full_study(), finished)
    assert getattr(state.total, kind) == 1
    assert state.total.done == 16
    shown = text(state)
    assert says in shown
    assert "\x1b" not in shown
    assert state.to_go == 12.5


def test_a_run_at_work_is_told_from_one_that_was_killed(finished: Path) -> None:
    log = lose(finished, RUN, None)
    with log.open("w") as stream:
        process = subprocess.Popen([sys.executable, "-c", HOLDING], cwd=PROJECT, stdout=stream)
    try:
        while not log.stat().st_size:
            assert process.poll() is None
        state = look(full_study(), finished)
        assert state.running == {RUN: "epoch 1/3: train loss 0.5"}
        assert state.to_go == 12.5 / 2
        assert "Running:  learning_rate=1e-05-seed42: epoch 1/3" in text(state)
    finally:
        process.kill()
        process.wait()
    state = look(full_study(), finished)
    assert (state.total.running, state.total.failed) == (0, 1)


def test_a_run_that_starts_has_not_failed(finished: Path) -> None:
    log = lose(finished, RUN, "")
    state = look(full_study(), finished)
    assert state.running == {RUN: ""}
    assert f"Running:  {RUN}: starting" in text(state)
    os.utime(log, (1e9, 1e9))
    assert look(full_study(), finished).failed == {
        RUN: "ended without a message (killed?), after: nothing"
    }


@pytest.mark.parametrize(
    ("log", "kind"),
    [
        ("epoch 1/3: x\nsnaketune: model.path: gone\n", "failed"),
        ("Traceback (most recent call last):\n  x\nOSError: no space\n", "failed"),
        ("snaketune: out of memory (x)\n  a training takes less with ...\n", "failed"),
        (f"{RUN}: stopped by SIGTERM; the same command goes on from the checkpoint\n", "left"),
        (f"epoch 3/3: x\n{RUN}: complete, f1 0.8\n", "left"),
        ("Traceback (most recent call last):\nKeyboardInterrupt\n", "left"),
        ("epoch 1/3: train loss 0.5\n", "running"),
        (f"{RUN}: goes on without deterministic kernels, so that its last digits ...\n", "running"),
        ("snaketune: out of memory\nout of memory; trying once more\nepoch 1/3: x\n", "running"),
    ],
)
def test_without_locks_the_log_tells(
    finished: Path, monkeypatch: pytest.MonkeyPatch, log: str, kind: str
) -> None:
    monkeypatch.setattr("scripts.analysis.logs.held", lambda path: None)
    path = lose(finished, RUN, log)
    os.utime(path, (time.time() - STARTING - 1,) * 2)
    total = look(full_study(), finished).total
    assert (total.running, total.failed, total.left) == tuple(
        int(kind == one) for one in ("running", "failed", "left")
    )
    os.utime(path, (1e9, 1e9))  # whatever it wrote last, it is at work no more
    assert look(full_study(), finished).total.running == 0


def test_a_trial_between_its_two_tries_is_at_work(finished: Path) -> None:
    log = lose(finished, RUN, "Traceback (most recent call last):\nkilled; trying once more\n")
    assert look(full_study(), finished).total.running == 1
    os.utime(log, (1e9, 1e9))
    failed = look(full_study(), finished).failed[RUN]
    assert failed.startswith("ended without a message (killed?), after: killed; trying once more")


def test_results_of_another_plan_are_left_to_do(finished: Path) -> None:
    study = full_study()
    study["hyperparameters"]["weight_decay"]["baseline"] = 0.01
    state = look(study, finished)
    done = {stage.name: stage.done for stage in state.stages}
    assert (done["baseline"], done["screen"], done["optuna"]) == (0, 0, 6)
    path = finished / "runs" / RUN / "metrics.json"
    path.write_text("{")
    assert look(full_study(), finished).total.left == 1


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"trials": 3}', '{"hyperparameters": "lr"}'])
def test_a_damaged_file_leaves_the_stage_unknown(finished: Path, document: str) -> None:
    (finished / "screen/chosen.json").write_text(document)
    (finished / "optuna/batch-0001.json").write_text(document)
    stages = {stage.name: stage for stage in look(full_study(), finished).stages}
    assert (stages["baseline"].done, stages["grid"].done, stages["optuna"].done) == (3, 0, 2)


@pytest.mark.parametrize("key", ["objective", "epochs"])
def test_a_run_without_its_scores_is_left_to_do(finished: Path, key: str) -> None:
    def damage(document: dict[str, Any]) -> None:
        document[key] = {"metric": document["objective"]["metric"]} if key == "objective" else [{}]

    change(finished / "runs" / RUN / "metrics.json", damage)
    assert look(full_study(), finished).total.left == 1


def test_pruned_and_diverged_runs_are_done(finished: Path) -> None:
    for name, kind in ((RUN, "diverged"), ("optuna-0001-seed42", "pruned")):
        change(
            finished / "runs" / name / "metrics.json", lambda m, kind=kind: m.update(status=kind)
        )
    state = look(full_study(), finished)
    assert (state.total.done, state.pruned, state.diverged) == (17, 1, 1)
    assert "1 pruned, 1 diverged" in text(state)


def test_the_loss_is_better_the_smaller(tmp_path: Path) -> None:
    study = full_study() | {"objective": {"metric": "loss", "direction": "minimize"}}
    write_study(tmp_path, study, by_rate, CHOSEN)
    state = look(study, tmp_path)
    assert state.best is not None
    assert state.best.objective == pytest.approx(0.501)
    assert "Gain:     +0.0140, 1.4 times" in text(state)


def test_what_has_ended_without_a_score_is_not_called_to_come(finished: Path) -> None:
    for path in (finished / "runs").glob("baseline-*/metrics.json"):
        change(path, lambda m: m.update(status="diverged"))
    assert "Baseline: none; it diverged on every seed" in text(look(full_study(), finished))
    for path in (finished / "runs").glob("*/metrics.json"):
        change(path, lambda m: m.update(status="diverged"))
    assert "Best:     none; no run came to its end" in text(look(full_study(), finished))


def test_a_verdict_of_fewer_runs_is_not_shown_as_todays(finished: Path) -> None:
    study = full_study() | {"confirm": {"configurations": 1, "seeds": 2}}
    (finished / "report.html").write_text("")
    write_json(finished / "confirm" / "finalists.json", {"finalists": []})
    write_json(finished / "verdict.json", {"verdict": "Something is better."})
    shown = text(look(study, finished))
    assert "Verdict:  Something is better." in shown
    assert "of an earlier state" not in shown
    lose(finished, RUN, "Traceback (most recent call last):\nOSError: no space\n")
    state = look(study, finished)
    assert (state.total.failed, state.total.left, state.verdict) == (1, 0, None)
    assert "report.html, of an earlier state" in text(state)


def test_nothing_is_written(finished: Path) -> None:
    lose(finished, RUN, "epoch 1/3: x\n")
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    text(look(full_study(), finished))
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (200, "3 min 20 s"),
        (7495, "2 h 05 min"),
        (3599.9, "1 h 00 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_command(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(finished.parents[1])
    for named in ("fabricated", str(finished), str(finished / "study.json")):
        monkeypatch.setattr(sys, "argv", ["status", "--study", named])
        status.main()
        assert "Best:" in capsys.readouterr().out
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(sys, "argv", ["status", "--configfile", "config/mrpc-f1.yaml"])
    status.main()
    assert "grid" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--study", "nothing"],
        ["--study", "long" * 100],
        ["--study", "x", "--configfile", "y"],
        ["--interval", "0"],
        ["--configfile", "nothing.yaml"],
    ],
)
def test_mistakes_of_the_command(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["status", *arguments])
    with pytest.raises(StudyError):
        status.main()


def test_watching_ends_with_the_study(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (finished / "report.html").write_text("")
    monkeypatch.chdir(finished.parents[1])
    monkeypatch.setattr(sys, "argv", ["status", "--study", "fabricated", "--watch"])
    status.main()
    assert "nothing to go" in capsys.readouterr().out


def test_ten_thousand_runs(tmp_path: Path) -> None:
    """Within 300 MB, and without the libraries that take seconds to import."""
    study = full_study() | {
        "optuna": {**full_study()["optuna"], "trials": 10_000, "batch_size": 100}
    }
    folder = tmp_path / "results" / "large"
    write_json(folder / "study.json", study)
    write_json(folder / "screen" / "chosen.json", {"hyperparameters": CHOSEN})
    values = plan.baseline_values(study)
    metrics, benchmark = tmp_path / "metrics.json", tmp_path / "benchmark.tsv"
    metrics.write_text(json_text(metrics_document(study, values, 42, 0.8)))
    benchmark.write_text("s\th:m:s\n12.5\t0:00:12\n")
    for batch in range(1, 101):
        trials = range(100 * batch - 99, 100 * batch + 1)
        proposals = [{"trial": trial, "hyperparameters": values} for trial in trials]
        write_batch(folder, study, batch, proposals)
    for name in plan.trial_runs(study):
        home = folder / "runs" / name
        home.mkdir(parents=True)
        for file in (metrics, benchmark):
            (home / file.name).hardlink_to(file)
    command = (
        "import sys; from scripts import status; sys.argv[0] = 'status'; status.main();"
        " assert not {'torch', 'pandas', 'scipy', 'optuna'} & sys.modules.keys();"
        " print(open('/proc/self/status').read() if sys.platform == 'linux' else '')"
    )
    process = subprocess.run(
        [sys.executable, "-c", command, "--study", str(folder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "10000" in process.stdout
    # Not getrusage: what it gives as the peak begins with that of the process that starts this one.
    peak = re.search(r"^VmHWM:\s+(\d+) kB", process.stdout, re.MULTILINE)
    assert peak is None or int(peak[1]) < 300 * 1024
