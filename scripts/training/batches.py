"""Batches of examples of similar length: little padding, the same order for the same seed."""

from collections.abc import Iterator

import numpy as np
import torch

from scripts.training.tokens import Tokens

# Examples are shuffled, then sorted by length within groups of this many batches: enough of a
# choice that a batch is nearly free of padding.
GROUP = 50
# There are at least so many groups, if there are as many batches: in a single one an example would
# meet the same others epoch after epoch, whatever the seed, which are those of its length.
GROUPS = 4


def shuffled(lengths: np.ndarray, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return one epoch's batches as arrays of example indices; every example once.

    The method is that of transformers' `LengthGroupedSampler`, but batches are shuffled as well.
    """
    order = rng.permutation(len(lengths))
    batches: list[np.ndarray] = []
    size = batch_size * max(1, min(len(order) // (batch_size * GROUPS), GROUP))
    for start in range(0, len(order), size):
        group = order[start : start + size]
        group = group[np.argsort(-lengths[group], kind="stable")]
        batches += [group[i : i + batch_size] for i in range(0, len(group), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def by_length(lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Return batches in order of length, longest first: for evaluation, where order is free."""
    order = np.argsort(-lengths, kind="stable")
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def collate(
    tokens: Tokens, indices: np.ndarray, pad: int, device: torch.device
) -> dict[str, torch.Tensor]:
    """Return the model's inputs and `labels` for the examples at `indices`.

    `input_ids`, `attention_mask` and `token_type_ids` have shape (batch, longest of the batch).
    """
    longest = int(tokens.lengths[indices].max())
    shape = (len(indices), longest)
    ids = np.full(shape, pad, np.int64)
    mask = np.zeros(shape, np.int64)
    types = None if tokens.token_types is None else np.zeros(shape, np.int64)
    for row, index in enumerate(indices):
        where = slice(tokens.offsets[index], tokens.offsets[index + 1])
        length = where.stop - where.start
        ids[row, :length] = tokens.input_ids[where]
        mask[row, :length] = 1
        if types is not None and tokens.token_types is not None:
            types[row, :length] = tokens.token_types[where]
    arrays = {"input_ids": ids, "attention_mask": mask, "labels": tokens.labels[indices]}
    if types is not None:
        arrays["token_type_ids"] = types
    return dict(_on(device, arrays))


def _on(device: torch.device, arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, torch.Tensor]]:
    for name, array in arrays.items():
        tensor = torch.from_numpy(array)
        if device.type == "cuda":
            # From pinned memory the host goes on to the next tensor while this one is copied.
            tensor = tensor.pin_memory().to(device, non_blocking=True)
        yield name, tensor
