"""Every example once an epoch, the same order for the same seed, little padding."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.training.batches import GROUP, GROUPS, by_length, collate, shuffled
from scripts.training.tokens import Tokens
from tests.training_parts import random_tokens

CPU = torch.device("cpu")


def padding(lengths: np.ndarray, batches: list[np.ndarray]) -> float:
    """Return the share of padding in all tokens of `batches`."""
    filled = sum(len(batch) * lengths[batch].max() for batch in batches)
    return float(1 - lengths.sum() / filled)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(3, 60), min_size=1, max_size=300), st.integers(1, 70), st.integers(0))
def test_every_example_is_in_exactly_one_batch(lengths: list[int], size: int, seed: int) -> None:
    array = np.array(lengths)
    rng = np.random.default_rng(seed)
    for batches in (shuffled(array, size, rng), shuffled(array, size, rng), by_length(array, size)):
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
        full = [batch for batch in batches if len(batch) == size]
        assert len(batches) == -(-len(lengths) // size)
        assert len(full) == len(lengths) // size


def test_the_seed_alone_decides_the_order() -> None:
    lengths = np.random.default_rng(0).integers(5, 60, size=200)
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    first, again = shuffled(lengths, 16, one), shuffled(lengths, 16, other)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]
    # The second epoch has other batches, and another seed has others from the start.
    second = shuffled(lengths, 16, one)
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in second}
    different = shuffled(lengths, 16, np.random.default_rng(2))
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in different}


def test_batches_hold_little_padding_and_come_in_mixed_lengths() -> None:
    rng = np.random.default_rng(0)
    # Pairs of sentences like MRPC's: 53 tokens in the mean.
    lengths = rng.normal(53, 13, size=3668).clip(12, 100).astype(int)
    batches = shuffled(lengths, 32, rng)
    order = rng.permutation(len(lengths))
    at_random = [order[i : i + 32] for i in range(0, len(order), 32)]
    assert padding(lengths, batches) < 0.04 < 0.25 < padding(lengths, at_random)
    # Sorted by length an epoch would begin with all long ones: batches are shuffled as well.
    means = [lengths[batch].mean() for batch in batches]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3
    # With batches of 16 a group is at its largest.
    assert len(lengths) // (16 * GROUPS) > GROUP
    assert padding(lengths, shuffled(lengths, 16, rng)) < 0.03


@pytest.mark.parametrize("size", [8, 16, 32, 64])
@pytest.mark.parametrize("count", [320, 3668])
def test_an_example_meets_others_in_the_next_epoch(count: int, size: int) -> None:
    """Sorted by length as a whole, a small data set would have the same batches every epoch."""
    lengths = np.random.default_rng(1).normal(53, 13, size=count).clip(12, 100).astype(int)
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        met: list[dict[int, set[int]]] = []
        for _ in range(2):
            batches = [set(batch.tolist()) for batch in shuffled(lengths, size, rng)]
            met.append({one: batch - {one} for batch in batches for one in batch})
        again = [len(met[0][one] & met[1][one]) / len(met[0][one]) for one in range(count)]
        assert np.mean(again) < 0.25


def test_groups_are_as_large_as_in_the_sampler_of_transformers() -> None:
    from transformers.trainer_pt_utils import get_length_grouped_indices

    lengths = np.random.default_rng(1).normal(53, 13, size=1000).clip(12, 100).astype(int)
    theirs = get_length_grouped_indices(lengths.tolist(), 16)
    # A group begins where lengths rise again.
    rises = 1 + np.count_nonzero(np.diff(lengths[theirs]) > 0)
    ours = np.concatenate(shuffled_in_order(lengths, 16))
    assert 1 + np.count_nonzero(np.diff(lengths[ours]) > 0) == pytest.approx(rises, abs=1)


def shuffled_in_order(lengths: np.ndarray, size: int) -> list[np.ndarray]:
    """Return batches in the order in which they are made, before they are shuffled."""

    class InOrder:
        def __init__(self) -> None:
            self.rng = np.random.default_rng(3)

        def permutation(self, count: int) -> np.ndarray:
            return self.rng.permutation(count) if count == len(lengths) else np.arange(count)

    return shuffled(lengths, size, InOrder())  # type: ignore[arg-type]


def test_evaluation_begins_with_the_longest() -> None:
    lengths = np.array([3, 9, 5, 9, 1])
    assert [batch.tolist() for batch in by_length(lengths, 2)] == [[1, 3], [2, 0], [4]]


def test_collate_pads_to_the_longest_of_the_batch() -> None:
    tokens = Tokens(
        input_ids=np.array([5, 6, 7, 8, 9, 5], np.int32),
        token_types=np.array([0, 1, 0, 0, 1, 0], np.uint8),
        offsets=np.array([0, 2, 5, 6]),
        labels=np.array([1, 0, 2]),
    )
    batch = collate(tokens, np.array([1, 0]), 29, CPU)
    assert batch["input_ids"].tolist() == [[7, 8, 9], [5, 6, 29]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch["token_type_ids"].tolist() == [[0, 0, 1], [0, 1, 0]]
    assert batch["labels"].tolist() == [0, 1]
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}
    alone = collate(tokens, np.array([2]), 29, CPU)
    assert alone["input_ids"].tolist() == [[5]]


def test_a_model_without_token_types_gets_none() -> None:
    batch = collate(random_tokens(4), np.arange(4), 0, CPU)
    assert batch.keys() == {"input_ids", "attention_mask", "labels"}
