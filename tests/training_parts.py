"""Small models, tokens and hyperparameters that the tests of training share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification as Classifier
from transformers import (
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    PreTrainedConfig,
    RobertaConfig,
)
from transformers.utils import logging

from scripts.study.files import write_json
from scripts.study.hyperparameters import Value, defaults
from scripts.training.tokens import Tokens, save_tokens
from scripts.training.weights import weights_sha256

VOCABULARY = 30
POSITIONS = 66
ARCHITECTURES = ("bert", "distilbert", "roberta", "electra")


def config(architecture: str) -> PreTrainedConfig:
    """Return the config of a two-layer model, 16 wide, with 66 positions."""
    if architecture == "distilbert":
        return DistilBertConfig(
            vocab_size=VOCABULARY,
            dim=16,
            n_layers=2,
            n_heads=2,
            hidden_dim=32,
            max_position_embeddings=POSITIONS,
        )
    kinds = {"bert": BertConfig, "roberta": RobertaConfig, "electra": ElectraConfig}
    extra = {"embedding_size": 16} if architecture == "electra" else {}
    return kinds[architecture](
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=POSITIONS,
        **extra,
    )


def write_model(folder: Path, architecture: str = "bert") -> Path:
    """Write a model of random weights, without a tokenizer; return its folder."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(0)
    Classifier.from_config(config(architecture)).save_pretrained(folder)
    return folder


def values(**changes: Value) -> dict[str, Any]:
    """Return hyperparameters for a short training without dropout, with `changes`."""
    short: dict[str, Value] = {
        "learning_rate": 1e-3,
        "train_batch_size": 8,
        "num_train_epochs": 1,
        "dropout": 0.0,
        "attention_dropout": 0.0,
    }
    return {**defaults(), **short, **changes}


def random_tokens(examples: int, seed: int = 0, classes: int = 2, longest: int = 12) -> Tokens:
    """Return examples of 3 to `longest` tokens; the first token tells the class, mostly."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=examples)
    lengths = rng.integers(3, longest + 1, size=examples)
    rows = [rng.integers(5 + classes, VOCABULARY, size=length) for length in lengths]
    for row, label in zip(rows, labels, strict=True):
        row[0] = 5 + label
    return Tokens(
        input_ids=np.concatenate(rows).astype(np.int32),
        token_types=None,
        offsets=np.cumsum([0, *lengths], dtype=np.int64),
        labels=labels.astype(np.int64),
    )


def write_inputs(
    folder: Path,
    model: Path,
    splits: Mapping[str, Tokens],
    length: int,
    labels: Sequence[str] = ("no", "yes"),
    pad: int = 0,
) -> None:
    """Write into `folder` what a training reads beside its run.json, for the model in `model`."""
    save_tokens(folder / f"tokens/{length}.safetensors", splits, pad)
    write_json(folder / "info.json", {"fingerprint": "0" * 64, "labels": list(labels)})
    facts = {"path": str(model), "revision": None, "sha256": weights_sha256(model)}
    write_json(folder / "model.json", facts)


def train_options(inputs: Path, run: Path, **changes: object) -> list[str]:
    """Return the options of scripts.train for the run in the folder `run`, with `changes`."""
    chosen = {
        "run": run / "run.json",
        "tokens": inputs / "tokens",
        "model": inputs / "model.json",
        "info": inputs / "info.json",
        "metric": "f1",
        "precision": "fp32",
        "output": run,
        **changes,
    }
    return [word for name, value in chosen.items() for word in (f"--{name}", str(value))]


def same(one: Tokens, other: Tokens) -> bool:
    """Tell whether two tokenised splits hold the same arrays of the same types."""
    fields = ("input_ids", "token_types", "offsets", "labels")
    pairs = [(getattr(one, field), getattr(other, field)) for field in fields]
    return all(
        (a is None and b is None)
        or (a is not None and b is not None and a.dtype == b.dtype and np.array_equal(a, b))
        for a, b in pairs
    )
