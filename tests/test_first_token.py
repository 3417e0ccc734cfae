"""The last layer for the first token alone: the same predictions and gradients."""

from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from scripts.training.first_token import KNOWN, only_first_token
from tests import training_parts as parts

BATCH = {
    "input_ids": torch.randint(5, parts.VOCABULARY, (3, 9), generator=torch.manual_seed(1)),
    "attention_mask": torch.tensor([[1] * 9, [1] * 6 + [0] * 3, [1] * 2 + [0] * 7]),
}


class SameUnits(TorchFunctionMode):
    """Drops the first unit of every row, whatever the shape, so that two models drop the same."""

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is not torch.nn.functional.dropout:
            return func(*args, **(kwargs or {}))
        return self.dropout(*args, **(kwargs or {}))

    def dropout(
        self, input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> torch.Tensor:
        if not training:
            return input
        mask = torch.full_like(input, 1.5)
        mask[..., 0] = 0.0
        return input * mask


def model(architecture: str, attention: str = "eager") -> PreTrainedModel:
    torch.manual_seed(0)
    config = parts.config(architecture)
    made = AutoModelForSequenceClassification.from_config(config, attn_implementation=attention)
    for weight in made.parameters():
        # Biases are zeros at first, and weights so small that all examples get the same logits.
        torch.nn.init.normal_(weight, std=0.5)
    return made.double().eval()


def outcome(
    model: PreTrainedModel, batch: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    with SameUnits():
        logits = model(**batch).logits
    logits.square().sum().backward()
    gradients = {n: w.grad for n, w in model.named_parameters() if w.grad is not None}
    return logits.detach(), gradients


def same(
    whole: PreTrainedModel, short: PreTrainedModel, batch: dict[str, torch.Tensor] = BATCH
) -> None:
    assert only_first_token(short)
    logits, gradients = outcome(whole, batch)
    logits_short, gradients_short = outcome(short, batch)
    torch.testing.assert_close(logits_short, logits)
    assert gradients_short.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradients_short[name], gradient, msg=name)


@pytest.mark.parametrize("architecture", parts.ARCHITECTURES)
def test_predictions_and_gradients_are_the_same(architecture: str) -> None:
    same(model(architecture), model(architecture))


@pytest.mark.parametrize("architecture", parts.ARCHITECTURES)
def test_they_are_where_units_are_dropped(architecture: str) -> None:
    whole, short = model(architecture).train(), model(architecture).train()
    dropped, _ = outcome(whole, BATCH)
    assert not torch.allclose(dropped, outcome(whole.eval(), BATCH)[0])
    whole.zero_grad()
    same(whole.train(), short)


@pytest.mark.parametrize("architecture", parts.ARCHITECTURES)
def test_they_are_without_a_mask(architecture: str) -> None:
    batch = {"input_ids": BATCH["input_ids"]}
    same(model(architecture), model(architecture), batch)


@pytest.mark.parametrize("architecture", parts.ARCHITECTURES)
def test_they_are_with_a_fused_attention(architecture: str) -> None:
    same(model(architecture, "sdpa"), model(architecture, "sdpa"))


@pytest.mark.parametrize("architecture", parts.ARCHITECTURES)
def test_weights_keep_their_names(architecture: str) -> None:
    whole, short = model(architecture), model(architecture)
    only_first_token(short)
    assert short.state_dict().keys() == whole.state_dict().keys()


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

    assert set(KNOWN) <= set(NAMES)
