"""The optimiser and the learning-rate schedule that a run's hyperparameters ask for."""

from collections.abc import Mapping
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from transformers import Adafactor, get_scheduler


def parameter_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return the trainable weights in two groups: biases and normalisations do not decay.

    The split is that of transformers' `Trainer`: neither what has one dimension is decayed, nor
    what is called a bias, such as MPNet's of relative positions.
    """
    weights = [(name, one) for name, one in model.named_parameters() if one.requires_grad]
    decayed = [one for name, one in weights if one.dim() > 1 and "bias" not in name]
    kept = [one for name, one in weights if one.dim() <= 1 or "bias" in name]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]


def optimiser(model: torch.nn.Module, values: Mapping[str, Any]) -> Optimizer:
    """Return the optimiser that `values["optim"]` names, with the run's hyperparameters.

    Learning rate and weight decay go to all of them, betas and epsilon to those of Adam's kind.
    """
    groups = parameter_groups(model, values["weight_decay"])
    lr = values["learning_rate"]
    betas = (values["adam_beta1"], values["adam_beta2"])
    eps = values["adam_epsilon"]
    name = values["optim"]
    if name == "adamw_torch":
        return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=eps, fused=True)
    if name == "nadam":
        return torch.optim.NAdam(groups, lr=lr, betas=betas, eps=eps, decoupled_weight_decay=True)
    if name == "radam":
        return torch.optim.RAdam(groups, lr=lr, betas=betas, eps=eps, decoupled_weight_decay=True)
    if name == "adafactor":
        # As in `Trainer`; torch's own scales the learning rate by each weight's size.
        return Adafactor(groups, lr=lr, scale_parameter=False, relative_step=False)
    if name == "sgd":
        return torch.optim.SGD(groups, lr=lr)
    if name == "adagrad":
        return torch.optim.Adagrad(groups, lr=lr)
    return torch.optim.RMSprop(groups, lr=lr)


def warmup(values: Mapping[str, Any], steps: int) -> int:
    """Return the number of warmup steps out of `steps`; a ratio is rounded up, as in `Trainer`."""
    if values["warmup_steps"] > 0:
        return int(values["warmup_steps"])
    return int(-(-steps * values["warmup_ratio"] // 1))


def schedule(optimizer: Optimizer, values: Mapping[str, Any], steps: int) -> LRScheduler:
    """Return the learning-rate schedule over `steps` optimiser steps."""
    name = values["lr_scheduler_type"]
    # It ends at 1e-7, as in `Trainer`, which refuses a peak that is not above that.
    small = name == "polynomial" and values["learning_rate"] <= 1e-7
    return get_scheduler(
        name,
        optimizer,
        num_warmup_steps=warmup(values, steps),
        num_training_steps=steps,
        scheduler_specific_kwargs={"lr_end": 0.0} if small else None,
    )
