"""Tokenised splits: made once per max_seq_length, kept flat, loaded without `datasets`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from scripts.study.errors import StudyError, out_of_memory
from scripts.study.files import write_bytes

# The label of an example of a test split without labels.
UNLABELLED = -1


@dataclass(frozen=True)
class Tokens:
    """One tokenised split of n examples.

    `input_ids` and `token_types` (None where the model has none) are flat; example i is
    `[offsets[i]:offsets[i + 1]]`. `labels` has shape (n,).
    """

    input_ids: np.ndarray
    token_types: np.ndarray | None
    offsets: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each example, shape (n,)."""
        return np.diff(self.offsets)


def tokenise(columns: Mapping[str, Any], tokenizer: Any, max_seq_length: int) -> Tokens:
    """Tokenise the texts of one split, cut to `max_seq_length` tokens (longest text first)."""
    texts = [list(columns[key]) for key in ("text_a", "text_b") if key in columns]
    encoded = tokenizer(*texts, truncation=True, max_length=max_seq_length)
    ids = encoded["input_ids"]
    offsets = np.cumsum([0, *map(len, ids)], dtype=np.int64)
    types = encoded.get("token_type_ids") if "token_type_ids" in encoded else None
    return Tokens(
        input_ids=np.fromiter((i for row in ids for i in row), np.int32, offsets[-1]),
        token_types=None
        if types is None
        else np.fromiter((i for row in types for i in row), np.uint8, offsets[-1]),
        offsets=offsets,
        labels=np.asarray(columns["label"], np.int64),
    )


def save_tokens(path: Path, splits: Mapping[str, Tokens], pad: int) -> None:
    """Write tokenised splits as one safetensors file; `pad` is the id that fills batches up."""
    arrays = {}
    for role, tokens in splits.items():
        for field in ("input_ids", "token_types", "offsets", "labels"):
            array = getattr(tokens, field)
            if array is not None:
                arrays[f"{role}.{field}"] = array
    write_bytes(path, save(arrays | {"pad": np.asarray([pad], np.int32)}))


def load_tokens(path: Path) -> tuple[dict[str, Tokens], int]:
    """Return the tokenised splits by role and the padding id; raise `StudyError` if damaged."""
    try:
        arrays = load_file(path)
        roles = sorted({name.partition(".")[0] for name in arrays} - {"pad"})
        splits = {
            role: Tokens(
                arrays[f"{role}.input_ids"],
                arrays.get(f"{role}.token_types"),
                arrays[f"{role}.offsets"],
                arrays[f"{role}.labels"],
            )
            for role in roles
        }
        return splits, int(arrays["pad"][0])
    except FileNotFoundError:
        raise StudyError(
            f"{path}: no such file; `snakemake -- {path}`, with the study's config, makes it again"
        ) from None
    except Exception as error:  # safetensors raises its own kinds, which it does not export
        if out_of_memory(error):
            raise
        raise StudyError(
            f"{path}: cannot be read ({error}); delete the file and run snakemake again"
        ) from None
