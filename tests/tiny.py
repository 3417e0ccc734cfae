"""A study so small that a whole one runs within a test: a two-layer model, a few dozen examples."""

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORDS = "the a red blue green cat dog bird sees hears likes follows big small old young".split()


def make_model(folder: Path) -> str:
    """Write a randomly initialised BERT of 2 layers, 32 wide; return its weights' sha256."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = BertTokenizer(vocab={word: index for index, word in enumerate(vocabulary)})
    tokenizer.save_pretrained(folder)
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def make_data(folder: Path, sizes: dict[str, int]) -> None:
    """Write JSON Lines of sentence pairs; label 1 where both sentences have the same words."""
    rng = random.Random("tiny")
    folder.mkdir(parents=True, exist_ok=True)
    for split, size in sizes.items():
        lines = []
        for index in range(size):
            first = rng.sample(WORDS, 4)
            second = rng.sample(first, 4) if index % 3 else rng.sample(WORDS, 4)
            label = int(sorted(first) == sorted(second))
            row = {"sentence1": " ".join(first), "sentence2": " ".join(second), "label": label}
            lines.append(json.dumps(row))
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def varied(
    levels: int, names: Sequence[str] = ("weight_decay", "dropout")
) -> dict[str, dict[str, Any]]:
    """Return hyperparameters to vary, each with a grid of so many levels: many runs."""
    baselines = {"weight_decay": 0.01, "dropout": 0.1, "attention_dropout": 0.1}
    return {
        name: {
            "baseline": baselines[name],
            "screen": [0.0],
            "grid": [round(0.3 * (level + 1) / (levels + 1), 6) for level in range(levels)],
            "search": {"low": 0.0, "high": 0.4},
        }
        for name in names
    }


def make_study(folder: Path, **changes: Any) -> Path:
    """Write model, data and config of a small study into `folder`; return the config's path.

    `changes` replaces top-level blocks of the config. 9 runs by hand, 4 Optuna
    trials, 4 runs of confirmation.
    """
    sha256 = make_model(folder / "tiny-model")
    make_data(folder / "tiny-data", {"train": 48, "validation": 24, "test": 24})
    config: dict[str, Any] = {
        "study": "tiny",
        "seed": 7,
        "model": {"path": "tiny-model", "sha256": sha256},
        "dataset": {
            "path": "json",
            "data_files": {
                split: f"tiny-data/{split}.jsonl" for split in ("train", "validation", "test")
            },
        },
        "hyperparameters": {
            "learning_rate": {
                "baseline": 0.001,
                "screen": [0.0001, 0.01],
                "grid": [0.001, 0.01],
                "search": {"low": 0.0001, "high": 0.05, "log": True},
            },
            "train_batch_size": {
                "baseline": 16,
                "screen": [8],
                "grid": [8, 16],
                "search": {"choices": [4, 8, 16]},
            },
            "num_train_epochs": {"baseline": 2},
            "max_seq_length": {"baseline": 16},
        },
        "baseline": {"seeds": 2},
        "rank": {"top": 2},
        "refine": {"configurations": [{"learning_rate": 0.005, "train_batch_size": 8}]},
        "optuna": {"trials": 4, "batch_size": 2, "warm_start": ["baseline", "screen", "grid"]},
        "confirm": {"configurations": 1, "seeds": 2},
    }
    path = folder / "tiny.yaml"
    path.write_text(json.dumps({**config, **changes}, indent=1), encoding="utf-8")
    return path
