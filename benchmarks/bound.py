"""How much faster the machine lets Snaketune be at most: the time of its matrix products alone.

Their operations are counted by torch's `FlopCounterMode`, their rate is measured on products of
the model's largest matrix, forwards and backwards, on as many processes as train at once.
"""

import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import torch
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoTokenizer, PreTrainedModel

from benchmarks.settings import MAX_SEQ_LENGTH, Settings
from scripts.study.hyperparameters import defaults
from scripts.training.batches import shuffled
from scripts.training.model import build, device
from scripts.training.tokens import tokenise

# Operations are a polynomial of second degree in the length: attention's scores are its square.
_LENGTHS = (16, 32, 64)
_MEASURED_S = 4.0
_PATIENCE_S = 300.0


def operations(model: PreTrainedModel) -> np.polynomial.Polynomial:
    """Return the operations of one example's matrix products as a polynomial of its length."""
    counted = []
    for length in _LENGTHS:
        ids = torch.ones(1, length, dtype=torch.long, device=model.device)
        with FlopCounterMode(display=False) as counter:
            model(input_ids=ids, attention_mask=ids).logits.sum().backward()
        counted.append(counter.get_total_flops())
    return np.polynomial.Polynomial.fit(_LENGTHS, counted, deg=2)


def of_a_step(
    work: np.polynomial.Polynomial, lengths: np.ndarray, batch_size: int, seed: int
) -> float:
    """Return the mean operations of a step of an epoch as Snaketune makes its batches."""
    batches = shuffled(lengths, batch_size, np.random.default_rng(seed))
    return float(np.mean([len(one) * work(lengths[one].max()) for one in batches]))


def _rate(index: int, shape: Sequence[int], dtype: torch.dtype, turn: Barrier) -> float:
    """Return operations a second of a linear layer's three products, on one thread or one GPU.

    `shape` is tokens, inputs and outputs; `index` tells which of several GPUs. The clock runs when
    all are at `turn`.
    """
    torch.set_num_threads(1)
    where = device()
    if where.type == "cuda":
        where = torch.device("cuda", index % torch.cuda.device_count())
    tokens, inputs, outputs = shape
    layer = torch.randn(outputs, inputs, device=where).to(dtype)
    given = torch.randn(tokens, inputs, device=where).to(dtype)
    gradient = torch.randn(tokens, outputs, device=where).to(dtype)
    timer = Timer(
        "given @ layer.t(); gradient @ layer; gradient.t() @ given",
        globals={"layer": layer, "given": given, "gradient": gradient},
    )
    turn.wait()
    seconds = timer.blocked_autorange(min_run_time=_MEASURED_S).median
    return 3 * 2 * tokens * inputs * outputs / seconds


def rate(shape: Sequence[int], dtype: torch.dtype, at_once: int) -> float:
    """Return the mean of the rates of `at_once` processes that compute at the same time."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(at_once, context) as pool:
        # One that fails before it must not keep the others for ever.
        turn = manager.Barrier(at_once, timeout=_PATIENCE_S)
        tasks = [pool.submit(_rate, index, shape, dtype, turn) for index in range(at_once)]
        return float(np.mean([task.result() for task in tasks]))


def bound(settings: Settings, precision: str, at_once: int) -> dict[str, float]:
    """Return what the products of Snaketune's training take at least, on this machine.

    `operations`, floating-point ones, of a step's products, forwards and backwards; `rate`, of such
    operations a second, of each of the trainings at once; `seconds_a_step`, the quotient.

    Args:
        settings: model, data and batch size; its first `examples` examples are counted.
        precision: number format of the products, `bf16` or `fp32`.
        at_once: how many trainings run at the same time.
    """
    model = build(Path(settings.model), ["0", "1"], defaults(), settings.seed)
    largest = max(
        (one for one in model.modules() if isinstance(one, torch.nn.Linear)),
        key=lambda one: one.weight.numel(),
    )
    lengths = _lengths(settings)
    work = of_a_step(operations(model), lengths, settings.batch_size, settings.seed)
    tokens = round(float(lengths.mean()) * settings.batch_size)
    shape = (tokens, largest.in_features, largest.out_features)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    each = rate(shape, dtype, at_once)
    return {"operations": work, "rate": each, "seconds_a_step": work / each}


def _lengths(settings: Settings) -> np.ndarray:
    """Return the tokens of each of the first training examples, shape (examples,)."""
    with open(settings.train, encoding="utf-8") as stream:
        rows: list[dict[str, Any]] = [
            json.loads(line) for _, line in zip(range(settings.examples), stream, strict=False)
        ]
    columns = {
        "text_a": [row["sentence1"] for row in rows],
        "text_b": [row["sentence2"] for row in rows],
        "label": [0] * len(rows),
    }
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    return tokenise(columns, tokenizer, MAX_SEQ_LENGTH).lengths
