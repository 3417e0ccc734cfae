"""An interrupted training that goes on from its checkpoint ends as one that was never stopped."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from scripts.study.files import file_sha256, read_json, write_json
from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.study.names import CHECKPOINT as NAME
from scripts.training import checkpoint as module
from scripts.training.checkpoint import Checkpoint, Parts
from scripts.training.loop import Result, train
from scripts.training.model import build
from tests.training_parts import (
    ARCHITECTURES,
    random_tokens,
    train_options,
    values,
    write_inputs,
    write_model,
)

EPOCHS = 4


class Interrupted(Exception):
    """Stands for whatever ends a training before its time."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: write_model(tmp_path_factory.mktemp(name), name) for name in ARCHITECTURES}


def run(
    model: Path,
    checkpoint: Checkpoint | None = None,
    should_stop: Callable[[int, float], bool] = lambda epoch, value: False,
    **changes: Any,
) -> Result:
    """Train four epochs with dropout."""
    chosen = values(num_train_epochs=EPOCHS, dropout=0.2, attention_dropout=0.1, **changes)
    return train(
        build(model, ["no", "yes"], chosen, 1),
        {"train": random_tokens(20), "validation": random_tokens(10, seed=1)},
        0,
        chosen,
        seed=1,
        precision="fp32",
        eval_batch_size=16,
        objective="f1",
        should_stop=should_stop,
        progress=lambda line: None,
        checkpoint=checkpoint,
    )


def interrupted(model: Path, checkpoint: Checkpoint, after: int = 2, **changes: Any) -> None:
    """Train until an epoch beyond `after` has ended, and no further."""

    def stop(epoch: int, value: float) -> bool:
        if epoch > after:
            raise Interrupted
        return False

    with pytest.raises(Interrupted):
        run(model, checkpoint, stop, **changes)


def same(one: Result, other: Result) -> bool:
    assert one.probabilities is not None
    assert other.probabilities is not None
    return (one.status, one.epochs, one.history, one.probabilities.tobytes()) == (
        other.status,
        other.epochs,
        other.history,
        other.probabilities.tobytes(),
    )


@pytest.mark.parametrize("optim", HYPERPARAMETERS["optim"].choices)
def test_every_optimiser_goes_on_with_the_same_bits(
    folders: dict[str, Path], tmp_path: Path, optim: str
) -> None:
    interrupted(folders["bert"], Checkpoint(tmp_path, {}, 0), optim=optim)
    torch.rand(3)  # what another process would have drawn
    steps: list[int] = []
    resumed = run(
        folders["bert"],
        Checkpoint(tmp_path, {}, 0),
        lambda epoch, value: bool(steps.append(epoch)),
        optim=optim,
    )
    assert same(resumed, run(folders["bert"], optim=optim))
    # The pruner is told of the earlier epochs again.
    assert steps == [1, 2, 3]


@pytest.mark.parametrize("schedule", HYPERPARAMETERS["lr_scheduler_type"].choices)
def test_every_schedule_goes_on(folders: dict[str, Path], tmp_path: Path, schedule: str) -> None:
    changes = {"lr_scheduler_type": schedule, "warmup_ratio": 0.6}
    interrupted(folders["bert"], Checkpoint(tmp_path, {}, 0), **changes)
    resumed = run(folders["bert"], Checkpoint(tmp_path, {}, 0), **changes)
    assert same(resumed, run(folders["bert"], **changes))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_goes_on(
    folders: dict[str, Path], tmp_path: Path, architecture: str
) -> None:
    interrupted(folders[architecture], Checkpoint(tmp_path, {}, 0), after=1)
    resumed = run(folders[architecture], Checkpoint(tmp_path, {}, 0))
    assert same(resumed, run(folders[architecture]))


def test_a_training_interrupted_twice(folders: dict[str, Path], tmp_path: Path) -> None:
    interrupted(folders["bert"], Checkpoint(tmp_path, {}, 0), after=1)
    interrupted(folders["bert"], Checkpoint(tmp_path, {}, 0), after=2)
    resumed = run(folders["bert"], Checkpoint(tmp_path, {}, 0))
    assert same(resumed, run(folders["bert"]))


def test_another_training_s_checkpoint_is_ignored(folders: dict[str, Path], tmp_path: Path) -> None:
    interrupted(folders["bert"], Checkpoint(tmp_path, {"seed": 1}, 0))
    told: list[str] = []
    found = run(folders["bert"], Checkpoint(tmp_path, {"seed": 2}, 0, told.append))
    assert told == [f"{tmp_path / NAME}: of another training, ignored"]
    assert same(found, run(folders["bert"]))


@pytest.mark.parametrize("damage", ["", "cut", "noise"])
def test_a_damaged_checkpoint_is_ignored(
    folders: dict[str, Path], tmp_path: Path, damage: str
) -> None:
    interrupted(folders["bert"], Checkpoint(tmp_path, {}, 0))
    path = tmp_path / NAME
    content = path.read_bytes()
    path.write_bytes({"": b"", "cut": content[:-100], "noise": b"noise" * 100}[damage])
    told: list[str] = []
    found = run(folders["bert"], Checkpoint(tmp_path, {}, 0, told.append))
    assert len(told) == 1
    assert "cannot be read, ignored" in told[0]
    assert same(found, run(folders["bert"]))


def test_one_changed_bit_is_found(folders: dict[str, Path], tmp_path: Path) -> None:
    interrupted(folders["bert"], Checkpoint(tmp_path, {}, 0))
    path = tmp_path / NAME
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    told: list[str] = []
    found = run(folders["bert"], Checkpoint(tmp_path, {}, 0, told.append))
    assert told == [f"{path}: damaged, ignored"]
    assert same(found, run(folders["bert"]))


def test_a_full_disk_costs_the_checkpoint_alone(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(module, "save_file", full)
    told: list[str] = []
    found = run(folders["bert"], Checkpoint(tmp_path, {}, 0, told.append))
    assert told == [
        f"no checkpoint: {tmp_path / NAME} cannot be written (No space left on device)"
    ] * (EPOCHS - 1)
    assert same(found, run(folders["bert"]))
    assert not list(tmp_path.iterdir())


def test_it_holds_no_code_and_is_removed_with_what_was_half_written(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    interrupted(folders["bert"], Checkpoint(tmp_path, {}, 0))
    with safe_open(tmp_path / NAME, "pt") as file:
        assert json.loads(file.metadata()["facts"])["results"]["epochs"][1]["epoch"] == 2
    (tmp_path / f".{NAME}.half").touch()
    (tmp_path / "metrics.json").touch()
    Checkpoint(tmp_path, {}, 0).remove()
    Checkpoint(tmp_path, {}, 0).remove()
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]


def test_writing_takes_at_most_a_hundredth_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, written = [0.0], []

    def write(*arguments: Any) -> None:
        written.append(now[0])
        now[0] += 3.0
        arguments[1].touch()

    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "save_file", write)
    layer = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(layer.parameters())
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    parts = Parts(layer, optimizer, scheduler, ())
    checkpoint = Checkpoint(tmp_path, {}, 60)
    for _ in range(40):  # epochs of 25 seconds
        now[0] += 25.0
        checkpoint.save(parts, {})
    assert written == [75.0, 378.0, 681.0, 984.0]


def test_sigterm_ends_a_training_and_the_same_command_finishes_it(tmp_path: Path) -> None:
    from tests.tiny import make_model

    make_model(tmp_path / "model")
    splits = {role: random_tokens(400, longest=12) for role in ("train", "validation")}
    for tokens in splits.values():
        tokens.input_ids[:] = tokens.input_ids % 20
    write_inputs(tmp_path, tmp_path / "model", splits, 16)

    def start(name: str) -> subprocess.Popen[str]:
        folder = tmp_path / name
        chosen = values(max_seq_length=16, num_train_epochs=6, dropout=0.1)
        write_json(folder / "run.json", {"hyperparameters": chosen, "seed": 7})
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.train", *train_options(tmp_path, folder)],
            env={**os.environ, "SNAKETUNE_CHECKPOINT_SECONDS": "0"},
            stdout=subprocess.PIPE,
            text=True,
        )

    process = start("one")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch 3/6"):
            process.send_signal(signal.SIGTERM)
            break
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(60) == 128 + signal.SIGTERM
    assert "one: stopped by SIGTERM; the same command goes on from the checkpoint" in rest
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [NAME, "run.json"]
    output, _ = start("one").communicate(timeout=120)
    assert "going on after epoch" in output
    start("two").communicate(timeout=120)
    for file in ("metrics.json", "history.csv", "predictions.csv"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert not (tmp_path / "one" / NAME).exists()


def test_other_texts_or_another_tokenizer_are_another_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted run whose local model was edited must not end as a mixture of both."""
    from scripts import train as command

    model = write_model(tmp_path / "model")
    made: list[dict[str, Any]] = []

    def stop(folder: Path, identity: dict[str, Any], *others: object) -> None:
        made.append(identity)
        raise Interrupted

    monkeypatch.setattr(command, "Checkpoint", stop)
    chosen = values(max_seq_length=16)
    write_json(tmp_path / "run/run.json", {"hyperparameters": chosen, "seed": 7})

    def begin(seed: int, files: dict[str, str]) -> dict[str, Any]:
        splits = {role: random_tokens(20, seed=seed) for role in ("train", "validation")}
        write_inputs(tmp_path, model, splits, 16)
        facts = read_json(tmp_path / "model.json")
        write_json(tmp_path / "model.json", facts | {"files": files})
        monkeypatch.setattr(sys, "argv", ["train", *train_options(tmp_path, tmp_path / "run")])
        with pytest.raises(Interrupted):
            command.main()
        return made[-1]

    own = {"config.json": file_sha256(model / "config.json")}
    first = begin(0, own)
    assert begin(0, own) == first
    assert begin(1, own) != first
    assert begin(0, {}) != first


def test_a_wrong_number_of_seconds_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from scripts.study.errors import StudyError
    from scripts.train import checkpoint_seconds

    for text in ("-1", "often", "nan", "inf"):
        monkeypatch.setenv("SNAKETUNE_CHECKPOINT_SECONDS", text)
        with pytest.raises(StudyError, match=r"SNAKETUNE_CHECKPOINT_SECONDS: .* is not a number"):
            checkpoint_seconds()
