"""The training loop: read it from top to bottom."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from scripts.training.batches import by_length, collate, shuffled
from scripts.training.checkpoint import Checkpoint, Parts
from scripts.training.dropout import FastDropout, dropout
from scripts.training.metrics import score
from scripts.training.optimisation import optimiser, schedule
from scripts.training.tokens import Tokens


@dataclass
class Result:
    """What a training leaves.

    Attributes:
        status: `complete`, `diverged` (a loss was not finite) or `pruned`.
        epochs: metrics of each finished epoch, with `epoch`, `step`, `train_loss` and `loss`.
        history: one row an optimiser step; the last row of an epoch holds its metrics as well.
        probabilities: of the validation examples after the last epoch, shape (n, classes).
        test: metrics of the test split after the last epoch, where the run is evaluated on it.
        test_probabilities: of its examples, shape (n, classes).
    """

    status: str = "complete"
    epochs: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    probabilities: np.ndarray | None = None
    test: dict[str, float] | None = None
    test_probabilities: np.ndarray | None = None


def predict(
    model: PreTrainedModel, tokens: Tokens, pad: int, batch_size: int, precision: str
) -> tuple[np.ndarray, float]:
    """Return class probabilities (n, classes), float64, and the mean cross-entropy in nats."""
    model.eval()
    logits = np.empty((len(tokens), model.config.num_labels))
    batches, outputs = by_length(tokens.lengths, batch_size), []
    with torch.inference_mode():
        for indices in batches:
            batch = collate(tokens, indices, pad, model.device)
            batch.pop("labels")
            with _autocast(model.device, precision):
                outputs.append(model(**batch).logits.double())
    logits[np.concatenate(batches)] = torch.cat(outputs).cpu().numpy()
    with np.errstate(invalid="ignore"):  # infinite logits make the loss NaN, and that is told
        shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_probabilities[np.arange(len(tokens)), tokens.labels].mean()
    return np.exp(log_probabilities), float(loss)


def _autocast(where: torch.device, precision: str) -> torch.autocast:
    return torch.autocast(where.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def train(
    model: PreTrainedModel,
    splits: Mapping[str, Tokens],
    pad: int,
    values: Mapping[str, Any],
    *,
    seed: int,
    precision: str,
    eval_batch_size: int,
    objective: str,
    should_stop: Callable[[int, float], bool],
    progress: Callable[[str], None] = print,
    checkpoint: Checkpoint | None = None,
) -> Result:
    """Fine-tune `model` on `splits["train"]`, evaluating on `splits["validation"]` every epoch.

    Args:
        model: the classifier, on the device it trains on.
        splits: tokenised splits.
        pad: id of the padding token.
        values: the run's hyperparameters.
        seed: orders the batches and drops the units.
        precision: `bf16` (autocast), or `fp32` and `tf32`, which are torch's own setting.
        eval_batch_size: examples a batch in evaluation.
        objective: the metric handed to `should_stop`.
        should_stop: told (epoch, objective) after each epoch; True prunes the run.
        progress: takes one line of text an epoch.
        checkpoint: where the training goes on from, and what keeps its state after an epoch.
    """
    training, validation = splits["train"], splits["validation"]
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    dropping = dropout(model.device, seed)
    accumulate = values["gradient_accumulation_steps"]
    batches_an_epoch = math.ceil(len(training) / values["train_batch_size"])
    steps_an_epoch = math.ceil(batches_an_epoch / accumulate)
    optimizer = optimiser(model, values)
    steps = steps_an_epoch * values["num_train_epochs"]
    scheduler = schedule(optimizer, values, steps)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    clip = values["max_grad_norm"] or math.inf

    result = Result()
    bits = [rng.bit_generator, *([dropping.bits] if isinstance(dropping, FastDropout) else [])]
    parts = Parts(model, optimizer, scheduler, tuple(bits))
    if checkpoint is not None and (done := checkpoint.load(parts)):
        result = Result(**done)
        progress(f"going on after epoch {len(result.epochs)}, from a checkpoint")
    for past in result.epochs:  # what a pruner remembers of them; none stopped the run
        should_stop(past["epoch"], past[objective])
    step = len(result.history)
    for epoch in range(len(result.epochs) + 1, values["num_train_epochs"] + 1):
        model.train()
        batches = shuffled(training.lengths, values["train_batch_size"], rng)
        total = 0.0
        for start in range(0, len(batches), accumulate):
            group = batches[start : start + accumulate]
            examples = sum(map(len, group))
            losses, shares = [], []
            for indices in group:
                batch = collate(training, indices, pad, model.device)
                labels = batch.pop("labels")
                with _autocast(model.device, precision), dropping:
                    logits = model(**batch).logits
                loss = cross_entropy(
                    logits.float(), labels, label_smoothing=values["label_smoothing_factor"]
                )
                # A short last batch counts by its examples, so that every example weighs the same.
                share = len(indices) / examples
                (loss * share).backward()
                losses.append(loss.detach())
                shares.append(share)
            total_norm = torch.nn.utils.clip_grad_norm_(weights, clip)
            rate = scheduler.get_last_lr()[0]
            optimizer.step()
            optimizer.zero_grad()
            # Read once a step, when all of it is under way: a GPU waits for whoever reads from it.
            *of_batches, norm = torch.stack([*losses, total_norm]).tolist()
            loss_of_step = 0.0
            for value, share in zip(of_batches, shares, strict=True):
                loss_of_step += value * share
            if not math.isfinite(loss_of_step):
                result.status = "diverged"
                return result
            step += 1
            # Behind the last step nothing has a rate: after a warmup of all steps, the polynomial
            # schedule would divide by the 0 steps that are left.
            if step < steps:
                scheduler.step()
            total += loss_of_step * examples
            result.history.append(
                {
                    "epoch": epoch,
                    "step": step,
                    "learning_rate": rate,
                    "gradient_norm": norm,
                    "train_loss": loss_of_step,
                }
            )

        probabilities, loss_of_validation = predict(
            model, validation, pad, eval_batch_size, precision
        )
        if not math.isfinite(loss_of_validation):
            result.status = "diverged"
            return result
        metrics = score(
            probabilities.argmax(axis=1).tolist(), validation.labels.tolist(), model.num_labels
        )
        result.probabilities = probabilities
        result.history[-1] |= {"validation_loss": loss_of_validation, **metrics}
        result.epochs.append(
            {
                "epoch": epoch,
                "step": step,
                "train_loss": total / len(training),
                "loss": loss_of_validation,
                **metrics,
            }
        )
        progress(
            f"epoch {epoch}/{values['num_train_epochs']}: train loss {total / len(training):.4f},"
            f" validation loss {loss_of_validation:.4f}, f1 {metrics['f1']:.4f},"
            f" accuracy {metrics['accuracy']:.4f}"
        )
        if epoch == values["num_train_epochs"]:
            break
        if should_stop(epoch, result.epochs[-1][objective]):
            result.status = "pruned"
            break
        if checkpoint is not None:
            checkpoint.save(
                parts,
                {
                    "epochs": result.epochs,
                    "history": result.history,
                    "probabilities": result.probabilities,
                },
            )
    return result
