"""The last layer for the first token alone, which is all that the classifier looks at.

The classification head reads the first token that the last layer returns. What that layer computes
of the others after its attention is never used, nor is where they attend to: predictions and
gradients are the same without it. In an encoder of 6 layers it is a sixth of all matrix products,
and an eighth with another attention than the eager one, which stays whole.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softmax
from transformers import PreTrainedModel


@dataclass(frozen=True)
class Names:
    """Where an architecture has what is cut down, as paths in a layer and in its attention.

    Attributes:
        layers: the list of layers, in the encoder.
        attention: the module that every token passes together with the others.
        after: the first module behind it; from there on each token goes its own way.
        projections: the linear layers of queries, keys and values.
        output: the one behind them, where it is part of the attention.
    """

    layers: str = "encoder.layer"
    attention: str = "attention.self"
    after: str = "attention.output"
    projections: tuple[str, str, str] = ("query", "key", "value")
    output: str | None = None


# Encoders whose head reads the first token only.
KNOWN = {
    "bert": Names(),
    "roberta": Names(),
    "xlm-roberta": Names(),
    "camembert": Names(),
    "electra": Names(),
    "distilbert": Names(
        layers="transformer.layer",
        attention="attention",
        after="sa_layer_norm",
        projections=("q_lin", "k_lin", "v_lin"),
        output="out_lin",
    ),
}


def only_first_token(model: PreTrainedModel) -> bool:
    """Let the last layer of `model` go on with the first token alone, in place.

    Returns whether the model is one of those known to allow it; others stay as they are. Weights
    keep their names.
    """
    names = KNOWN.get(model.config.model_type)
    # A layer that goes over the tokens in pieces counts them.
    pieces = getattr(model.config, "chunk_size_feed_forward", None)
    if names is None or pieces:
        return False
    path = f"{names.layers}.{model.config.num_hidden_layers - 1}"
    last = model.base_model.get_submodule(path)
    last.get_submodule(names.after).register_forward_pre_hook(_first_token)
    # Another attention than the eager one, as on GPUs, is a kernel of its own, with its own masks.
    if model.config._attn_implementation == "eager":
        last.set_submodule(
            names.attention, FirstTokenAttention(last.get_submodule(names.attention), names)
        )
    return True


def _first_token(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Cut every input, of shape (batch, tokens, width), down to its first token."""
    return tuple(tensor[:, :1] for tensor in inputs)


class FirstTokenAttention(nn.Module):
    """The first token's attention to all tokens, by the weights of `attention`.

    With one query, keys and values need not be computed. What a query q makes of the key Kx + b
    is (qK)x + qb, and the mean of the values Vx + b is V of the mean of x, plus b: K and V meet one
    vector a head instead of every token.
    """

    def __init__(self, attention: Any, names: Names) -> None:
        super().__init__()
        for name, child in attention.named_children():
            self.add_module(name, child)
        self.names = names
        self.size = attention.attention_head_size
        self.scaling = attention.scaling
        self.train(attention.training)

    def forward(
        self, hidden_states: Tensor, attention_mask: Tensor | None = None, **_: Any
    ) -> tuple[Tensor, None]:
        """Return what the first token gets, shape (batch, 1, width), and no weights.

        Args:
            hidden_states: of all tokens, shape (batch, tokens, width).
            attention_mask: added to the scores, shape (batch, 1, tokens or 1, tokens).
        """
        query, key, value = map(self._linear, self.names.projections)
        heads = (-1, self.size)
        # einsum's letters: batch, head, token, size of a head, width.
        queries = (query(hidden_states[:, 0]) * self.scaling).unflatten(1, heads)
        tokens = hidden_states.to(queries.dtype)
        asked = torch.einsum("bhs,hsw->bhw", queries, key.weight.unflatten(0, heads))
        shift = torch.einsum("bhs,hs->bh", queries, key.bias.unflatten(0, heads))
        scores = torch.einsum("bhw,btw->bht", asked, tokens) + shift[..., None]
        if attention_mask is not None:
            scores = scores + attention_mask[:, :, 0]
        weights = self.get_submodule("dropout")(softmax(scores, dim=-1))
        means = torch.einsum("bht,btw->bhw", weights, tokens)
        values = torch.einsum("bhw,hsw->bhs", means, value.weight.unflatten(0, heads))
        # Weights of which some were dropped do not add up to 1.
        values = values + weights.sum(dim=-1, keepdim=True) * value.bias.unflatten(0, heads)
        got = values.flatten(1)[:, None]
        return (self._linear(self.names.output)(got) if self.names.output else got), None

    def _linear(self, name: str) -> nn.Linear:
        found = self.get_submodule(name)
        assert isinstance(found, nn.Linear)
        return found
