"""The training loop: what each example weighs, when it stops, and that it repeats itself."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot
from transformers import PreTrainedModel

from scripts.study.hyperparameters import HYPERPARAMETERS, Value
from scripts.training import loop
from scripts.training.batches import collate
from scripts.training.loop import Result, predict, train
from scripts.training.model import build
from scripts.training.optimisation import schedule
from scripts.training.tokens import Tokens
from tests.training_parts import ARCHITECTURES, random_tokens, values, write_model

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: write_model(tmp_path_factory.mktemp(name), name) for name in ARCHITECTURES}


@pytest.fixture
def fresh(folders: dict[str, Path]) -> Any:
    def make(name: str = "bert", **changes: Value) -> PreTrainedModel:
        return build(folders[name], ["no", "yes"], values(**changes), 1)

    return make


def run(model: PreTrainedModel, examples: int = 20, **options: Any) -> Result:
    """Train `model` on random tokens; hyperparameters and options of `train` by keyword."""
    changes = {name: options.pop(name) for name in [*options] if name in HYPERPARAMETERS}
    default: dict[str, Any] = {
        "seed": 1,
        "precision": "fp32",
        "eval_batch_size": 16,
        "objective": "f1",
        "should_stop": lambda epoch, value: False,
        "progress": lambda line: None,
    }
    splits = {"train": random_tokens(examples), "validation": random_tokens(10, seed=1)}
    return train(model, splits, 0, values(**changes), **{**default, **options})


def weights(model: PreTrainedModel) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def in_batches(monkeypatch: pytest.MonkeyPatch, *sizes: int) -> None:
    """Make the loop take the examples in order, in batches of these sizes."""
    ends = np.cumsum([0, *sizes])
    batches = [np.arange(*pair) for pair in itertools.pairwise(ends)]
    monkeypatch.setattr(loop, "shuffled", lambda lengths, size, rng: batches)


@pytest.mark.parametrize(
    ("accumulated", "steps", "at_once"),
    [
        pytest.param([8, 8], 2, [16], id="2x8 is 1x16"),
        pytest.param([8, 8, 3], 3, [19], id="a short last batch"),
        pytest.param([8, 8, 8, 3], 3, [24, 3], id="a short last group"),
        pytest.param([1] * 5, 9, [5], id="more than there are"),
    ],
)
def test_accumulated_batches_are_one_large_batch(
    fresh: Any,
    monkeypatch: pytest.MonkeyPatch,
    accumulated: list[int],
    steps: int,
    at_once: list[int],
) -> None:
    models, results = [], []
    for sizes, accumulate in ((accumulated, steps), (at_once, 1)):
        in_batches(monkeypatch, *sizes)
        models.append(fresh())
        # In plain SGD a step is the gradient itself.
        results.append(
            run(
                models[-1],
                examples=sum(sizes),
                train_batch_size=max(sizes),
                gradient_accumulation_steps=accumulate,
                optim="sgd",
                learning_rate=0.1,
                lr_scheduler_type="constant_with_warmup",
                max_grad_norm=0.0,
            )
        )
    assert torch.allclose(weights(models[0]), weights(models[1]), atol=1e-6)
    assert not torch.allclose(weights(models[0]), weights(fresh()), atol=1e-4)
    for one, other in zip(results[0].history, results[1].history, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], abs=1e-6)
        assert one["gradient_norm"] == pytest.approx(other["gradient_norm"], abs=1e-5)


def test_steps_and_learning_rates(fresh: Any) -> None:
    changes: dict[str, Any] = {
        "train_batch_size": 3,
        "gradient_accumulation_steps": 2,
        "num_train_epochs": 3,
        "warmup_ratio": 0.25,
    }
    result = run(fresh(), **changes)
    # 20 examples: 7 batches, the last of 2; 4 groups, the last of 1 batch.
    assert [row["step"] for row in result.history] == list(range(1, 13))
    assert [row["epoch"] for row in result.history] == [1] * 4 + [2] * 4 + [3] * 4
    optimizer = torch.optim.SGD(fresh().parameters(), lr=1e-3)
    scheduler = schedule(optimizer, values(**changes), 12)
    for row in result.history:
        assert row["learning_rate"] == scheduler.get_last_lr()[0]
        optimizer.step()
        scheduler.step()
    assert [epoch["step"] for epoch in result.epochs] == [4, 8, 12]


def test_what_an_epoch_leaves(fresh: Any) -> None:
    lines: list[str] = []
    result = run(fresh(), num_train_epochs=2, progress=lines.append)
    assert result.status == "complete"
    names = {"loss", "accuracy", "f1", "precision", "recall", "matthews_correlation"}
    for number, epoch in enumerate(result.epochs, start=1):
        assert epoch.keys() == {"epoch", "step", "train_loss", *names}
        assert epoch["epoch"] == number
        assert lines[number - 1].startswith(f"epoch {number}/2: train loss ")
    ends = [row for row in result.history if "validation_loss" in row]
    assert [row["step"] for row in ends] == [3, 6]
    for row, epoch in zip(ends, result.epochs, strict=True):
        assert row["validation_loss"] == epoch["loss"]
        assert all(row[name] == epoch[name] for name in names - {"loss"})
    # The epoch's training loss weighs each example alike: batches of 8, 8 and 4, in any order.
    model = fresh()
    first = [row["train_loss"] for row in run(model, learning_rate=1e-12).history]
    tokens = random_tokens(20)
    batch = collate(tokens, np.arange(20), 0, CPU)
    labels = batch.pop("labels")
    whole = cross_entropy(model.eval()(**batch).logits, labels).item()
    again = run(fresh(), learning_rate=1e-12).epochs[0]["train_loss"]
    assert again == pytest.approx(whole, abs=1e-6)
    assert again != pytest.approx(sum(first) / 3, abs=1e-6)


def test_label_smoothing_is_in_the_training_loss_alone(fresh: Any) -> None:
    plain = run(fresh(), learning_rate=1e-12)
    smooth = run(fresh(), learning_rate=1e-12, label_smoothing_factor=0.2)
    assert smooth.epochs[0]["loss"] == pytest.approx(plain.epochs[0]["loss"], abs=1e-9)
    model = fresh().eval()
    batch = collate(random_tokens(20), np.arange(20), 0, CPU)
    labels = batch.pop("labels")
    logs = model(**batch).logits.log_softmax(dim=1)
    targets = one_hot(labels, 2) * 0.8 + 0.1
    expected = -(targets * logs).sum(dim=1).mean().item()
    assert smooth.epochs[0]["train_loss"] == pytest.approx(expected, abs=1e-6)


def test_gradients_are_clipped_and_0_is_off(fresh: Any) -> None:
    def moved(limit: float) -> tuple[float, float]:
        model = fresh()
        before = weights(model)
        result = run(
            model,
            examples=8,
            optim="sgd",
            learning_rate=0.1,
            lr_scheduler_type="constant_with_warmup",
            max_grad_norm=limit,
        )
        return result.history[0]["gradient_norm"], (weights(model) - before).norm().item() / 0.1

    norm, step = moved(0.0)
    assert step == pytest.approx(norm, rel=1e-3)
    assert norm > 0.1
    # The norm that is recorded is the one before clipping.
    assert moved(norm / 10) == pytest.approx((norm, norm / 10), rel=1e-3)
    assert moved(norm * 10) == pytest.approx((norm, norm), rel=1e-3)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_same_run_gives_the_same_numbers(fresh: Any, name: str, precision: str) -> None:
    options: dict[str, Any] = {"dropout": 0.2, "attention_dropout": 0.2, "num_train_epochs": 2}
    # Built beforehand, since building a model sets the random state as well.
    models = [fresh(name, **options) for _ in range(3)]
    one = run(models[0], precision=precision, **options)
    # Other work in the same process draws random numbers and leaves gradients behind.
    torch.manual_seed(99)
    np.random.seed(99)
    torch.nn.Linear(3, 3)(torch.randn(3, 3)).sum().backward()
    two = run(models[1], precision=precision, **options)
    assert (one.status, one.epochs, one.history) == (two.status, two.epochs, two.history)
    assert one.probabilities is not None
    assert two.probabilities is not None
    assert one.probabilities.tobytes() == two.probabilities.tobytes()
    other = run(models[2], precision=precision, seed=2, **options)
    assert other.history != one.history


def test_dropout_is_on_in_training_and_off_in_evaluation(fresh: Any) -> None:
    plain = run(fresh(), learning_rate=1e-12)
    dropped = run(fresh(dropout=0.5), learning_rate=1e-12)
    assert dropped.epochs[0]["loss"] == pytest.approx(plain.epochs[0]["loss"], abs=1e-9)
    assert dropped.history[0]["train_loss"] != plain.history[0]["train_loss"]


def test_it_learns(fresh: Any) -> None:
    result = run(fresh(), examples=48, num_train_epochs=6, learning_rate=1e-2)
    losses = [epoch["train_loss"] for epoch in result.epochs]
    assert losses[-1] < losses[0] / 2
    assert result.epochs[-1]["accuracy"] >= 0.9


def test_predictions_are_those_of_each_example_alone(fresh: Any) -> None:
    model, tokens = fresh(), random_tokens(11)
    probabilities, loss = predict(model.train(), tokens, 0, 4, "fp32")
    assert not model.training
    for index in range(11):
        batch = collate(tokens, np.array([index]), 0, CPU)
        batch.pop("labels")
        with torch.no_grad():
            expected = model(**batch).logits.softmax(dim=1)[0]
        assert probabilities[index] == pytest.approx(expected.numpy(), abs=1e-6)
    mean = -np.log(probabilities[np.arange(11), tokens.labels]).mean()
    assert loss == pytest.approx(mean)
    assert probabilities.dtype == np.float64
    assert predict(model, tokens, 0, 3, "fp32")[1] == pytest.approx(loss, abs=1e-6)


def poison(model: PreTrainedModel, value: float) -> None:
    with torch.no_grad():
        model.get_parameter("classifier.weight").fill_(value)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_the_run(fresh: Any, value: float) -> None:
    model = fresh()
    poison(model, value)
    result = run(model)
    assert (result.status, result.epochs, result.history) == ("diverged", [], [])
    assert result.probabilities is None


def test_divergence_in_a_later_epoch_keeps_the_earlier_ones(fresh: Any) -> None:
    model = fresh()

    def stop(epoch: int, value: float) -> bool:
        poison(model, math.nan)
        return False

    result = run(model, num_train_epochs=3, should_stop=stop)
    assert result.status == "diverged"
    assert [epoch["epoch"] for epoch in result.epochs] == [1]
    assert len(result.history) == 3


def test_a_validation_loss_that_is_not_finite_ends_the_run(fresh: Any) -> None:
    # A last step so large that the weights overflow: no training loss is left to tell.
    result = run(fresh(), examples=8, optim="sgd", learning_rate=1e38, max_grad_norm=0.0)
    assert (result.status, result.epochs) == ("diverged", [])
    assert len(result.history) == 1


def test_pruning_stops_after_the_epoch(fresh: Any) -> None:
    told: list[tuple[int, float]] = []

    def stop(epoch: int, value: float) -> bool:
        told.append((epoch, value))
        return epoch == 2

    result = run(fresh(), num_train_epochs=4, objective="accuracy", should_stop=stop)
    assert result.status == "pruned"
    assert told == [(epoch["epoch"], epoch["accuracy"]) for epoch in result.epochs]
    assert len(result.epochs) == 2
    assert result.probabilities is not None


def test_a_run_that_did_all_its_epochs_is_complete(fresh: Any) -> None:
    told: list[int] = []

    def stop(epoch: int, value: float) -> bool:
        told.append(epoch)
        return False

    assert run(fresh(), num_train_epochs=2, should_stop=stop).status == "complete"
    assert told == [1]
    assert run(fresh(), should_stop=lambda epoch, value: True).status == "complete"


def test_more_classes_and_token_types(folders: dict[str, Path]) -> None:
    model = build(folders["bert"], ["a", "b", "c"], values(), 1)
    splits = {"train": random_tokens(20, classes=3), "validation": random_tokens(9, 1, classes=3)}
    for role, tokens in splits.items():
        types = np.zeros(len(tokens.input_ids), np.uint8)
        splits[role] = Tokens(tokens.input_ids, types, tokens.offsets, tokens.labels)
    result = train(
        model,
        splits,
        0,
        values(),
        seed=1,
        precision="fp32",
        eval_batch_size=4,
        objective="loss",
        should_stop=lambda epoch, value: False,
        progress=lambda line: None,
    )
    assert result.probabilities is not None
    assert result.probabilities.shape == (9, 3)
    assert result.probabilities.sum(axis=1) == pytest.approx(np.ones(9))
