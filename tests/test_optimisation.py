"""Optimisers, parameter groups and schedules are those of transformers' Trainer."""

import itertools
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import Adafactor, MPNetConfig, Trainer, TrainingArguments
from transformers import AutoModelForSequenceClassification as Classifier

from scripts.study.hyperparameters import HYPERPARAMETERS
from scripts.training.batches import collate
from scripts.training.optimisation import optimiser, parameter_groups, schedule, warmup
from tests.training_parts import ARCHITECTURES, config, random_tokens, values

OPTIMISERS = HYPERPARAMETERS["optim"].choices
SCHEDULES = HYPERPARAMETERS["lr_scheduler_type"].choices


def network() -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.LayerNorm(8), torch.nn.Linear(8, 2))


def backward(model: torch.nn.Module) -> None:
    torch.manual_seed(1)
    model(torch.randn(16, 4)).square().mean().backward()


@pytest.mark.parametrize("name", [*ARCHITECTURES, "mpnet"])
def test_what_decays_is_what_decays_in_the_trainer(name: str) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    made = MPNetConfig(vocab_size=30, intermediate_size=32, **sizes)  # with a bias of a matrix
    model = Classifier.from_config(made if name == "mpnet" else config(name))
    decayed, kept = parameter_groups(model, 0.1)
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0.0)
    names = {id(weight): path for path, weight in model.named_parameters()}
    trainer: Any = Trainer.get_decay_parameter_names
    assert {names[id(weight)] for weight in decayed["params"]} == set(trainer(None, model))
    assert len(decayed["params"]) + len(kept["params"]) == len(names)


def test_frozen_weights_are_left_out() -> None:
    model = network()
    model.get_parameter("0.weight").requires_grad_(False)
    assert sum(len(group["params"]) for group in parameter_groups(model, 0.1)) == 5


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_trains(name: str) -> None:
    torch.manual_seed(0)
    model = Classifier.from_config(config("bert"))
    batch = collate(random_tokens(16), np.arange(16), 0, torch.device("cpu"))
    rate = {"sgd": 0.5, "adagrad": 0.02, "radam": 0.02}.get(name, 0.003)
    optimizer = optimiser(model, values(optim=name, learning_rate=rate, weight_decay=0.01))
    losses = []
    for _ in range(12):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert all(map(math.isfinite, losses))
    assert losses[-1] < losses[0] - 0.02


@pytest.mark.parametrize("name", OPTIMISERS)
def test_learning_rate_and_decay_reach_every_optimiser(name: str) -> None:
    def after(**changes: float) -> torch.Tensor:
        model = network()
        optimizer = optimiser(model, values(optim=name, **{"learning_rate": 0.01, **changes}))
        for _ in range(2):
            backward(model)
            optimizer.step()
            optimizer.zero_grad()
        return torch.cat([weight.detach().flatten() for weight in model.parameters()])

    base = after()
    assert torch.equal(base, after())
    assert not torch.equal(base, after(learning_rate=0.02))
    assert not torch.equal(base, after(weight_decay=0.5))
    adam = name in ("adamw_torch", "nadam", "radam")
    for change in ({"adam_beta1": 0.5}, {"adam_beta2": 0.5}, {"adam_epsilon": 0.1}):
        # RAdam's first steps do not yet divide, so that its epsilon has nothing to add to.
        unused = name == "radam" and "adam_beta1" not in change
        assert torch.equal(base, after(**change)) is (not adam or unused)


def test_decay_is_decoupled_in_adams_kind() -> None:
    for name in ("adamw_torch", "nadam", "radam"):
        model = network()
        before = model.get_parameter("0.weight").detach().clone()
        optimizer = optimiser(model, values(optim=name, learning_rate=0.1, weight_decay=0.5))
        for weight in model.parameters():
            weight.grad = torch.zeros_like(weight)
        optimizer.step()
        assert torch.allclose(model.get_parameter("0.weight"), before * 0.95)
        assert torch.equal(model.get_parameter("1.weight"), torch.ones(8))


def test_adafactor_is_that_of_the_trainer() -> None:
    models = network(), network()
    groups = parameter_groups(models[1], 0.1)
    ours = optimiser(models[0], values(optim="adafactor", learning_rate=0.01, weight_decay=0.1))
    theirs = Adafactor(groups, lr=0.01, scale_parameter=False, relative_step=False)
    for model, optimizer in zip(models, (ours, theirs), strict=True):
        backward(model)
        optimizer.step()
    pairs = zip(models[0].parameters(), models[1].parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@settings(max_examples=200)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 100_000))
def test_a_warmup_ratio_is_rounded_as_in_transformers(ratio: float, steps: int) -> None:
    trainer: Any = TrainingArguments.get_warmup_steps
    expected = trainer(SimpleNamespace(warmup_steps=ratio), steps)
    assert warmup(values(warmup_ratio=ratio), steps) == expected


def test_warmup_steps_and_the_whole_ratio() -> None:
    assert warmup(values(warmup_steps=7), 100) == 7
    assert warmup(values(warmup_steps=700), 100) == 700
    assert warmup(values(warmup_ratio=1.0), 100) == 100
    assert warmup(values(warmup_ratio=0.07), 100) == 8  # 0.07 * 100 is just above 7 in floats
    assert warmup(values(), 100) == 0


def rates(name: str, steps: int, **changes: Any) -> list[float]:
    """Return the learning rate of each step, the peak being 1."""
    chosen = values(lr_scheduler_type=name, learning_rate=1.0, optim="sgd", **changes)
    optimizer = optimiser(network(), chosen)
    scheduler = schedule(optimizer, chosen, steps)
    found = []
    for step in range(1, steps + 1):
        found.append(float(scheduler.get_last_lr()[0]))
        optimizer.step()
        if step < steps:  # as the training loop does
            scheduler.step()
    return found


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_rise_in_the_warmup_and_never_after(name: str) -> None:
    for changes in ({"warmup_steps": 4}, {"warmup_ratio": 0.2}):
        found = rates(name, 20, **changes)
        assert found[:5] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
        assert all(later <= earlier for earlier, later in itertools.pairwise(found[4:]))


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_without_warmup_begin_at_the_peak(name: str) -> None:
    found = rates(name, 10)
    assert found[0] == 1
    ends = {"linear": 0.1, "polynomial": 0.1, "cosine": 0.0245, "constant_with_warmup": 1}
    assert found[-1] == pytest.approx(ends.get(name, found[-1]), abs=1e-3)
    assert 0 < found[-1] <= 1


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_warmup_longer_than_the_training(name: str) -> None:
    assert rates(name, 5, warmup_steps=10) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_warmup_of_the_whole_training(name: str) -> None:
    assert rates(name, 5, warmup_ratio=1.0) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])


def test_a_polynomial_schedule_takes_the_smallest_learning_rate() -> None:
    chosen = values(lr_scheduler_type="polynomial", learning_rate=1e-8)
    optimizer = optimiser(network(), chosen)
    assert schedule(optimizer, chosen, 10).get_last_lr()[0] == 1e-8
