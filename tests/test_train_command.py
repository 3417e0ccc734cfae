"""`python -m scripts.train`: one run.json in, the same bytes out, whatever the run came to."""

import csv
import math
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from scripts import train
from scripts.study.errors import StudyError
from scripts.study.errors import command as run_command
from scripts.study.files import read_json, write_json
from scripts.study.schema import validate
from scripts.training.data import load, standardise
from scripts.training.tokens import Tokens, tokenise
from tests.tiny import make_data, make_model
from tests.training_parts import random_tokens, train_options, values, write_inputs, write_model

LENGTH = 16
FILES = ("metrics.json", "history.csv", "predictions.csv")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what a training reads: model.json, info.json and tokens."""
    folder = tmp_path_factory.mktemp("study")
    make_model(folder / "model")
    make_data(folder, {"train": 32, "validation": 16, "test": 8})
    files = {role: str(folder / f"{role}.jsonl") for role in ("train", "validation", "test")}
    loaded = {role: load({"path": "json", "data_files": files}, role) for role in files}
    columns = {"text": ["sentence1", "sentence2"], "label": "label"}
    splits, _ = standardise(loaded, columns, None)
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    tokens = {role: tokenise(columns, tokenizer, LENGTH) for role, columns in splits.items()}
    write_inputs(folder / "data", folder / "model", tokens, LENGTH)
    return folder / "data"


Train = Callable[..., Path]


@pytest.fixture
def command(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Return a function that trains a run in this process and returns the run's folder."""

    def run(
        name: str = "run",
        *further: str,
        model: Path | None = None,
        metric: str = "f1",
        document: Any = None,
        extra: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Path:
        folder = tmp_path / "runs" / name
        chosen = values(**{"max_seq_length": LENGTH, "dropout": 0.1, **changes})
        run_json = {"hyperparameters": chosen, "seed": 7, **(extra or {})}
        write_json(folder / "run.json", document if document is not None else run_json)
        flat = train_options(data, folder, model=model or data / "model.json", metric=metric)
        monkeypatch.setattr(sys, "argv", ["train", *flat, *further])
        train.main()
        return folder

    return run


def metrics(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = read_json(folder / "metrics.json")
    validate(document, "metrics")
    validate(read_json(folder / "run.json"), "run")
    return document


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_complete_run(command: Train, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = command(num_train_epochs=2)
    found = metrics(folder)
    assert found["status"] == "complete"
    assert [epoch["epoch"] for epoch in found["epochs"]] == [1, 2]
    assert found["objective"]["value"] == found["epochs"][-1]["f1"]
    assert found["hyperparameters"] == read_json(folder / "run.json")["hyperparameters"]
    assert found["seed"] == 7
    assert found["data"] == {"fingerprint": "0" * 64}
    model = read_json(data / "model.json")
    assert found["model"] == {key: model[key] for key in ("path", "revision", "sha256")}
    assert (found["precision"], found["device"], found["threads"]) == ("fp32", "cpu", 1)
    assert len(rows(folder / "history.csv")) == 8
    predictions = rows(folder / "predictions.csv")
    assert len(predictions) == 16
    right = [row["label"] == row["predicted"] for row in predictions]
    assert found["epochs"][-1]["accuracy"] == sum(right) / 16
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("epoch 1/2: ")
    assert printed[-1] == f"run: complete, f1 {found['objective']['value']:.4f}"


def test_the_same_run_is_the_same_bytes(command: Train) -> None:
    one = command("one")
    torch.manual_seed(5)
    torch.randn(10, 10) @ torch.randn(10, 10)
    two = command("two")
    for file in FILES:
        assert (one / file).read_bytes() == (two / file).read_bytes()
    other = command("other", learning_rate=2e-3)
    assert (other / "history.csv").read_bytes() != (one / "history.csv").read_bytes()


def test_a_diverged_run(command: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def poisoned(*arguments: Any) -> torch.nn.Module:
        model: torch.nn.Module = build(*arguments)
        with torch.no_grad():
            model.get_parameter("classifier.weight").fill_(math.nan)
        return model

    build = vars(train)["build"]
    monkeypatch.setattr(train, "build", poisoned)
    folder = command()
    found = metrics(folder)
    assert (found["status"], found["epochs"]) == ("diverged", [])
    assert found["objective"]["value"] is None
    assert rows(folder / "history.csv") == []
    assert rows(folder / "predictions.csv") == []


def test_a_pruned_run(command: Train) -> None:
    pruning = {
        "pruner": {"name": "threshold", "options": {"lower": 0.999}},
        "direction": "maximize",
        "trial": 1,
        "earlier": [],
    }
    folder = command(num_train_epochs=3, learning_rate=1e-6, extra={"pruning": pruning})
    found = metrics(folder)
    assert found["status"] == "pruned"
    assert len(found["epochs"]) == 1
    assert found["objective"]["value"] == found["epochs"][0]["f1"]
    assert len(rows(folder / "predictions.csv")) == 16


def test_the_test_split_is_evaluated_where_asked_for(command: Train) -> None:
    folder = command(extra={"test": True})
    found = metrics(folder)
    split = [row for row in rows(folder / "predictions.csv") if row["split"] == "test"]
    assert len(split) == 8
    right = [row["label"] == row["predicted"] for row in split]
    assert found["test"]["accuracy"] == sum(right) / 8
    plain = metrics(command("plain"))
    assert "test" not in plain
    assert plain["epochs"] == found["epochs"]


def test_a_test_split_without_labels_has_no_metrics(
    command: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlabelled(path: Path) -> tuple[dict[str, Tokens], int]:
        splits = {"train": random_tokens(16), "validation": random_tokens(8, 1)}
        test = random_tokens(8, 2)
        hidden = np.full(8, -1)
        splits["test"] = Tokens(test.input_ids % 20, None, test.offsets, hidden)
        for role, tokens in splits.items():
            splits[role] = Tokens(tokens.input_ids % 20, None, tokens.offsets, tokens.labels)
        return splits, 0

    monkeypatch.setattr(train, "load_tokens", unlabelled)
    assert "test" not in metrics(command(extra={"test": True}))


def test_the_loss_as_objective(command: Train) -> None:
    found = metrics(command("run", "--direction", "minimize", metric="loss"))
    assert found["objective"]["value"] == found["epochs"][-1]["loss"]


def test_values_in_another_spelling_are_the_same_run(command: Train) -> None:
    one = command("one")
    document = read_json(one / "run.json")
    document["hyperparameters"] |= {"learning_rate": "1e-3", "train_batch_size": 8.0}
    two = command("two", document=document)
    assert (one / "metrics.json").read_bytes() == (two / "metrics.json").read_bytes()


def broken(**changes: Any) -> dict[str, Any]:
    return {"hyperparameters": values(max_seq_length=LENGTH), "seed": 7, **changes}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "a run has the keys hyperparameters and seed"),
        ({"seed": 7}, "a run has the keys hyperparameters and seed"),
        (broken(epochs=3), "a run has the keys hyperparameters and seed"),
        (broken(hyperparameters={"dropout": 0.1}), "hyperparameters: adam_beta1, adam_beta2, "),
        (broken(hyperparameters=3), "hyperparameters: adam_beta1, adam_beta2, "),
        (
            broken(hyperparameters={**values(), "lerning_rate": 1}),
            "hyperparameters: lerning_rate missing or unknown",
        ),
        (
            broken(hyperparameters=values(dropout=1.5)),
            "hyperparameters: dropout: 1.5 is not a number >= 0 and < 1",
        ),
        (broken(seed="7"), "seed: '7' is not a whole number >= 0"),
        (broken(seed=-1), "seed: -1 is not a whole number >= 0"),
    ],
)
def test_a_wrong_run_json_is_named(command: Train, document: Any, message: str) -> None:
    with pytest.raises(StudyError) as raised:
        command(document=document)
    assert "run.json: " + message in str(raised.value)


def test_other_files_are_named(command: Train, data: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"tokens/32\.safetensors: no such file; `snakemake -- "):
        command(max_seq_length=32)
    facts = read_json(data / "model.json")
    write_json(tmp_path / "model.json", {**facts, "sha256": "0" * 64})
    with pytest.raises(StudyError, match=r"model\.sha256"):
        command(model=tmp_path / "model.json")
    write_model(tmp_path / "other")
    write_json(tmp_path / "model.json", {**facts, "path": str(tmp_path / "other")})
    with pytest.raises(StudyError, match=r"model\.sha256"):
        command(model=tmp_path / "model.json")
    assert not list(tmp_path.glob("runs/*/metrics.json"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--metric", "F1"], "argument --metric: invalid choice: 'F1'"),
        (["--threads", "0"], "argument --threads: 0 is not a whole number >= 1"),
        (["--eval-batch-size", "0"], "argument --eval-batch-size: 0 is not a whole number >= 1"),
    ],
)
def test_wrong_options_end_before_the_training(
    command: Train, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command("run", *options)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["train", "--help"])
    with pytest.raises(SystemExit) as ended:
        train.main()
    assert ended.value.code == 0
    assert "run.json in, metrics.json" in capsys.readouterr().out


def test_a_mistake_is_one_line_and_no_traceback(
    command: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main = train.main
    monkeypatch.setattr(train, "main", lambda: run_command(main))
    with pytest.raises(SystemExit) as ended:
        command(document=broken(seed=None))
    assert ended.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("snaketune: ")
    assert "run.json: seed: None is not" in error
    assert error.count("\n") == 1


def test_a_kernel_that_is_not_deterministic_is_told_and_used(
    command: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = [(command("strict") / name).read_bytes() for name in FILES]
    refused = "x_backward_cuda does not have a deterministic implementation, but you set"
    asked: list[bool] = []
    step = torch.optim.AdamW.step
    steps: list[weakref.ref[torch.optim.AdamW]] = []

    def lacking(self: torch.optim.AdamW, *arguments: Any) -> Any:
        steps.append(weakref.ref(self))
        if len(steps) == 2:  # the second step may need another kernel than the first
            raise RuntimeError(f"{refused}\nmore")
        # A GPU may not have room for two of them.
        assert len(steps) < 2 or steps[0]() is None
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", lacking)
    monkeypatch.setattr(train, "be_deterministic", lambda *, strictly: asked.append(strictly))
    capsys.readouterr()
    folder = command("known")
    assert asked == [False]
    assert [(folder / name).read_bytes() for name in FILES] == expected
    told = capsys.readouterr().out.splitlines()[0]
    assert told == (
        "known: goes on without deterministic kernels, so that its last digits may differ from run"
        f" to run: {refused}"
    )


def test_other_errors_of_a_training_are_no_matter_of_kernels(
    command: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(torch.optim.AdamW, "step", broken)
    with pytest.raises(RuntimeError, match="something else"):
        command()
