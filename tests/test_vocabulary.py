"""Embeddings without the rows that the data never uses: every prediction stays the same."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from scripts.study.hyperparameters import HYPERPARAMETERS, defaults
from scripts.training.loop import predict, train
from scripts.training.tokens import Tokens
from scripts.training.vocabulary import WHOLE, restore, shrink, used_ids


def model_of(kind: str, pad: int) -> Any:
    """Return a random two-layer classifier of 50 words whose padding is `pad`."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.for_model(
        kind,
        vocab_size=50,
        hidden_size=16,
        dim=16,
        embedding_size=16,
        num_hidden_layers=2,
        n_layers=2,
        num_attention_heads=2,
        n_heads=2,
        intermediate_size=32,
        hidden_dim=32,
        max_position_embeddings=40,
        pad_token_id=pad,
    )
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_config(config)


def tokens_of(size: int, seed: int) -> Tokens:
    """Return examples of 3 to 9 tokens out of every third word from 3 on."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 10, size)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = rng.choice(np.arange(3, 50, 3), offsets[-1]).astype(np.int32)
    return Tokens(ids, None, offsets, rng.integers(0, 2, size))


@pytest.mark.parametrize(("kind", "pad"), [("bert", 0), ("distilbert", 0), ("roberta", 1)])
def test_training_is_the_same_with_fewer_rows(kind: str, pad: int) -> None:
    values = {**defaults(), "num_train_epochs": 2, "train_batch_size": 8, "learning_rate": 1e-3}
    values |= {"weight_decay": 0.1}
    results = []
    for small in (False, True):
        model = model_of(kind, pad)
        splits = {"train": tokens_of(24, 1), "validation": tokens_of(12, 2)}
        if small:
            splits, used = shrink(model, splits, pad)
            assert model.get_input_embeddings().num_embeddings == len(used) < 50
        results.append(
            train(
                model,
                splits,
                pad,
                values,
                seed=3,
                precision="fp32",
                eval_batch_size=8,
                objective="f1",
                should_stop=lambda epoch, value: False,
                progress=lambda line: None,
            )
        )
    whole, shrunk = results
    assert whole.probabilities is not None
    assert shrunk.probabilities is not None
    np.testing.assert_allclose(shrunk.probabilities, whole.probabilities, atol=1e-5)


def test_predictions_do_not_change_at_all() -> None:
    model = model_of("bert", 0)
    tokens = tokens_of(12, 5)
    before, _ = predict(model, tokens, 0, 4, "fp32")
    splits, _ = shrink(model, {"validation": tokens}, 0)
    after, _ = predict(model, splits["validation"], 0, 4, "fp32")
    assert np.array_equal(before, after)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (
            "mbart",
            {"scale_embedding": True, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1},
        ),
        ("ibert", {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2}),
        ("canine", {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2}),
    ],
)
def test_embeddings_that_are_more_than_their_rows_stay(kind: str, settings: dict[str, Any]) -> None:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.for_model(kind, vocab_size=50, pad_token_id=1, **settings)
    model = AutoModelForSequenceClassification.from_config(config)
    tokens = tokens_of(4, 0)
    splits, used = shrink(model, {"train": tokens}, 1)
    assert used is None
    assert splits == {"train": tokens}


def test_a_token_that_a_model_looks_for_by_its_number_keeps_it() -> None:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = AutoConfig.for_model(
        "esm",
        **sizes,
        vocab_size=50,
        intermediate_size=32,
        pad_token_id=1,
        mask_token_id=5,
        token_dropout=True,  # of its own: it looks for masks
    )
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config)
    # Without the ids below the mask's, 12 would be called 5.
    tokens = tokens_of(12, 5)
    before, _ = predict(model, tokens, 1, 4, "fp32")
    splits, used = shrink(model, {"validation": tokens}, 1)
    assert used is not None
    assert len(used) < 50
    after, _ = predict(model, splits["validation"], 1, 4, "fp32")
    assert np.array_equal(before, after)


def test_ids_up_to_the_padding_keep_their_numbers() -> None:
    tokens = replace(tokens_of(4, 0), input_ids=np.full(99, 7, np.int32))
    assert used_ids({"train": tokens}, 1).tolist() == [0, 1, 7]


@pytest.mark.parametrize("optim", HYPERPARAMETERS["optim"].choices)
def test_rows_that_were_left_out_come_back_as_if_they_had_been_there(optim: str) -> None:
    values = {**defaults(), "num_train_epochs": 2, "train_batch_size": 8, "learning_rate": 1e-2}
    values |= {"weight_decay": 0.1, "optim": optim, "warmup_steps": 2}
    models = []
    for small in (False, optim not in WHOLE):
        model = model_of("bert", 0)
        splits, used = {"train": tokens_of(24, 1), "validation": tokens_of(12, 2)}, None
        whole = model.get_input_embeddings()
        if small:
            splits, used = shrink(model, splits, 0)
        result = train(
            model,
            splits,
            0,
            values,
            seed=3,
            precision="fp32",
            eval_batch_size=8,
            objective="f1",
            should_stop=lambda epoch, score: False,
            progress=lambda line: None,
        )
        if used is not None:
            restore(model, whole, used, values, [row["learning_rate"] for row in result.history])
        models.append(model.state_dict())
    one, other = models
    assert one.keys() == other.keys()
    for name, weights in one.items():
        torch.testing.assert_close(other[name], weights, rtol=1e-6, atol=1e-7)
