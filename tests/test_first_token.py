"""The last layer for the first token alone: the same predictions and gradients."""

import pytest
import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from scripts.training.first_token import LAST_OF_ATTENTION, only_first_token
from tests import training_parts as parts

BATCH = {
    "input_ids": torch.randint(5, parts.VOCABULARY, (3, 9), generator=torch.manual_seed(1)),
    "attention_mask": torch.tensor([[1] * 9, [1] * 6 + [0] * 3, [1] * 2 + [0] * 7]),
}


def model(architecture: str) -> PreTrainedModel:
    torch.manual_seed(0)
    config = parts.config(architecture)
    return AutoModelForSequenceClassification.from_config(
        config, attn_implementation="eager"
    ).eval()


def outcome(model: PreTrainedModel) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    logits = model(**BATCH).logits
    logits.square().sum().backward()
    gradients = {n: w.grad for n, w in model.named_parameters() if w.grad is not None}
    return logits.detach(), gradients


@pytest.mark.parametrize("architecture", parts.ARCHITECTURES)
def test_predictions_and_gradients_are_the_same(architecture: str) -> None:
    whole, short = model(architecture), model(architecture)
    assert only_first_token(short)
    logits, gradients = outcome(whole)
    logits_short, gradients_short = outcome(short)
    torch.testing.assert_close(logits_short, logits)
    assert gradients_short.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradients_short[name], gradient, msg=name)


@pytest.mark.parametrize("architecture", parts.ARCHITECTURES)
def test_the_last_layer_goes_on_with_one_token(architecture: str) -> None:
    short = model(architecture)
    only_first_token(short)
    hidden = short.base_model(**BATCH)[0]
    assert hidden.shape[:2] == (3, 1)


def test_an_architecture_that_is_not_known_stays_whole() -> None:
    other = model("bert")
    other.config.model_type = "another"
    assert not only_first_token(other)
    assert other.base_model(**BATCH)[0].shape[:2] == (3, 9)


def test_a_layer_that_goes_over_the_tokens_in_pieces_stays_whole() -> None:
    other = model("bert")
    other.config.chunk_size_feed_forward = 3
    assert not only_first_token(other)


def test_every_known_architecture_is_one_of_transformers() -> None:
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as NAMES,
    )

    assert set(LAST_OF_ATTENTION) <= set(NAMES)
