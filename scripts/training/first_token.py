"""The last layer for the first token alone, which is all that the classifier looks at.

Behind the attention of the last layer every token goes its own way, and the classification head
reads the first one. What the layer computes of the others after that is never used: predictions
and gradients are the same without it. In an encoder of 6 layers it is an eighth of all matrix
products.
"""

import torch
from transformers import PreTrainedModel

# Encoders whose head reads the first token only, with the last module of the attention: from there
# on a token meets no other.
LAST_OF_ATTENTION = {
    "bert": "encoder.layer.{last}.attention.output",
    "roberta": "encoder.layer.{last}.attention.output",
    "xlm-roberta": "encoder.layer.{last}.attention.output",
    "camembert": "encoder.layer.{last}.attention.output",
    "electra": "encoder.layer.{last}.attention.output",
    "distilbert": "transformer.layer.{last}.sa_layer_norm",
}


def only_first_token(model: PreTrainedModel) -> bool:
    """Let the last layer of `model` go on with the first token alone, in place.

    Returns whether the model is one of those known to allow it; others stay as they are.
    """
    path = LAST_OF_ATTENTION.get(model.config.model_type)
    # A layer that goes over the tokens in pieces counts them.
    pieces = getattr(model.config, "chunk_size_feed_forward", None)
    if path is None or pieces:
        return False
    module = model.base_model.get_submodule(path.format(last=model.config.num_hidden_layers - 1))
    module.register_forward_pre_hook(_first_token)
    return True


def _first_token(
    module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]
) -> tuple[torch.Tensor, ...]:
    """Cut every input, of shape (batch, tokens, width), down to its first token."""
    return tuple(tensor[:, :1] for tensor in inputs)
