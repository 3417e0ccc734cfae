"""What fails when it is trained: tried again, written down for a trial, and told for all others."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

from scripts import attempt
from scripts.analysis import runfiles
from scripts.study.errors import StudyError
from scripts.study.failures import check_failed
from scripts.study.files import read_json, write_json
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.names import CHECKPOINT
from tools.project import PROJECT

Attempt = Callable[..., int]
VALUES = {name: spec.default for name, spec in HYPERPARAMETERS.items()}
EXPECTED = runfiles.Expected("f1", "maximize", "auto", "f" * 16)


@pytest.fixture
def tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attempt:
    """Return a function that runs the command on a run, with a training that ends as told."""
    monkeypatch.delenv(attempt.ATTEMPTS, raising=False)
    model = {"path": "tiny", "revision": None, "sha256": "0" * 64}
    write_json(tmp_path / "model.json", model)
    write_json(tmp_path / "info.json", {"fingerprint": "f" * 16})

    def run(name: str, ends: list[tuple[int, str]], *own: str) -> int:
        write_json(tmp_path / name / "run.json", {"hyperparameters": VALUES, "seed": 7})
        left = list(ends)
        monkeypatch.setattr(attempt, "train", lambda options: left.pop(0))
        options = {"run": f"{name}/run.json", "model": "model.json", "info": "info.json"}
        given = [word for key, file in options.items() for word in (f"--{key}", tmp_path / file)]
        given += ["--metric", "f1", "--direction", "maximize", "--output", tmp_path / name]
        monkeypatch.setattr(sys, "argv", ["attempt", *own, *map(str, given)])
        code: Any = 0
        try:
            attempt.main()
        except SystemExit as ended:
            code = ended.code
        assert left == []
        return int(code)

    return run


KILLED, TRIAL = (137, ""), "optuna-0003-seed7"
ALLOWED = ("--max-failed", "2")


def test_a_trial_that_fails_once_is_tried_again(tries: Attempt, tmp_path: Path) -> None:
    assert tries(TRIAL, [KILLED, (0, "")], *ALLOWED) == 0
    assert not (tmp_path / TRIAL / "metrics.json").exists()


def test_a_trial_that_fails_twice_is_written_down(tries: Attempt, tmp_path: Path) -> None:
    # Of a training that was killed in its second epoch, while it wrote.
    (tmp_path / TRIAL).mkdir(exist_ok=True)
    (tmp_path / TRIAL / CHECKPOINT).write_bytes(b"state")
    (tmp_path / TRIAL / f".{CHECKPOINT}.x1").write_bytes(b"sta")
    assert tries(TRIAL, [KILLED, KILLED], *ALLOWED) == 0
    path = tmp_path / TRIAL / "metrics.json"
    assert read_json(path)["failure"] == "killed by SIGKILL"
    found = runfiles.read_metrics(path, VALUES, 7, EXPECTED, trial=True)
    assert (found.status, found.objective) == ("failed", None)
    assert {one.name for one in path.parent.iterdir()} == {
        *("run.json", "metrics.json", "history.csv", "predictions.csv")
    }


def test_what_is_written_is_of_the_schemas_form(tries: Attempt, tmp_path: Path) -> None:
    tries(TRIAL, [KILLED, KILLED], *ALLOWED)
    schemas = {
        path.name: yaml.safe_load(path.read_text())
        for path in (PROJECT / "workflow/schemas").glob("*.yaml")
    }
    registry: Registry[Any] = Registry().with_resources(
        (name, Resource.from_contents(schema)) for name, schema in schemas.items()
    )
    schema = jsonschema.Draft202012Validator(schemas["metrics.schema.yaml"], registry=registry)
    document = read_json(tmp_path / TRIAL / "metrics.json")
    schema.validate(document)
    with pytest.raises(jsonschema.ValidationError):
        schema.validate({**document, "status": "diverged"})


@pytest.mark.parametrize(
    ("name", "own"),
    [("baseline-seed7", ALLOWED), (TRIAL, ()), (TRIAL, ("--max-failed", "0"))],
)
def test_other_runs_and_trials_that_may_not_fail_stop(
    tries: Attempt, tmp_path: Path, name: str, own: tuple[str, ...]
) -> None:
    assert tries(name, [KILLED], *own) == 137
    assert not (tmp_path / name / "metrics.json").exists()


def test_only_the_last_try_of_many_is_written_down(
    tries: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster tries again with more memory: until then a kill says nothing."""
    monkeypatch.setenv(attempt.ATTEMPTS, "3")
    for number in ("1", "2"):
        assert tries(TRIAL, [KILLED], *ALLOWED, "--attempt", number) == 137
    assert not (tmp_path / TRIAL / "metrics.json").exists()
    assert tries(TRIAL, [KILLED], *ALLOWED, "--attempt", "3") == 0


@pytest.mark.parametrize(
    ("code", "error", "reason"),
    [
        (0, "", None),
        (128 + signal.SIGTERM, "", None),
        (128 + signal.SIGINT, "KeyboardInterrupt\n", None),
        (1, "snaketune: model.sha256: another\n", None),
        (1, "snaketune: the disk is full (x); make room\n  and run again\n", None),
        (137, "", "killed by SIGKILL"),
        (139, "Fatal Python error\n", "killed by SIGSEGV"),
        (1, "Traceback\n  x\ntorch.OutOfMemoryError: CUDA, 3 GiB\n", "ended with OutOfMemoryError"),
        (1, "Traceback\n  x\nMemoryError\n", "ended with MemoryError"),
        (1, "x\nsnaketune: out of memory (you asked for 8 bytes)\n  a training\n", "out of memory"),
        (3, "", "ended with exit code 3"),
    ],
)
def test_the_reason_says_no_numbers_that_differ(code: int, error: str, reason: str | None) -> None:
    assert attempt.why(code, error) == reason


def test_a_real_command_is_passed_through(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    code, error = attempt.train(["--run", "nowhere"])
    assert code == 2
    assert "the following arguments are required" in error
    assert error.strip() in capfd.readouterr().err


def test_a_failed_run_that_is_no_trial_is_refused(tries: Attempt, tmp_path: Path) -> None:
    tries(TRIAL, [KILLED, KILLED], *ALLOWED)
    with pytest.raises(StudyError, match="as of a trial of Optuna alone"):
        runfiles.read_metrics(tmp_path / TRIAL / "metrics.json", VALUES, 7, EXPECTED)


def test_more_failed_trials_than_are_allowed_stop_the_search() -> None:
    failed = {Path(f"runs/optuna-000{n}"): "killed by SIGKILL" for n in range(1, 8)}
    check_failed(failed, 7, 12)
    with pytest.raises(StudyError) as caught:
        check_failed(failed, 2, 12)
    text = str(caught.value)
    assert text.startswith("optuna.max_failed: 7 of 12 trials failed, 2 may: optuna-0001 (killed")
    assert "and 2 more" in text
    assert "delete their folders in runs to train them again" in text
    assert text.count("\n") == 1
