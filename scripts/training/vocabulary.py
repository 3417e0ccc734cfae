"""Embeddings of the words that a data set uses, and no others.

Of 30,522 rows a small data set uses a few thousand. The others never meet a token: their gradient
is zero, no prediction depends on them, and yet the optimiser would walk over all of them at every
step. Without them every prediction is the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from scripts.training.optimisation import optimiser
from scripts.training.tokens import Tokens

# Adafactor keeps means over whole rows and columns of a matrix: there, unused rows do count.
WHOLE = ("adafactor",)


def used_ids(splits: Mapping[str, Tokens], last: int) -> np.ndarray:
    """Return the sorted ids that occur in any split, shape (used,), and all ids up to `last`.

    Those keep their numbers, by which models know some tokens: RoBERTa counts positions from what
    is not padding.
    """
    return np.unique(
        np.concatenate([np.arange(last + 1), *(tokens.input_ids for tokens in splits.values())])
    )


def embeddings(model: PreTrainedModel) -> torch.nn.Embedding | None:
    """Return the model's word embeddings; None where it has none, or some of a kind of its own.

    Those that scale or quantise what they hold are more than their rows.
    """
    try:
        found = model.get_input_embeddings()
    except NotImplementedError:  # a model of characters, such as CANINE
        return None
    return found if type(found) is torch.nn.Embedding else None


def shrink(
    model: PreTrainedModel, splits: Mapping[str, Tokens], pad: int
) -> tuple[dict[str, Tokens], np.ndarray | None]:
    """Leave only the used rows in the model's word embeddings, in place.

    Returns the splits with ids that fit, and the used ids: row i of the new embeddings was row
    `used[i]` of the old ones. None for those where the model stays whole (see `embeddings`).
    """
    old = embeddings(model)
    if old is None:
        return dict(splits), None
    # Row `padding_idx` gets no gradient: it must not become another word's. Some models look for
    # tokens by the numbers that their config has.
    known = [getattr(model.config, f"{name}_token_id", None) for name in ("mask", "eos")]
    numbers = [one for one in (old.padding_idx, *known) if isinstance(one, int)]
    # A config's default may be of a larger vocabulary.
    numbers = [one for one in numbers if one < old.num_embeddings]
    used = used_ids(splits, max([pad, *numbers]))
    new = torch.nn.Embedding(
        len(used), old.embedding_dim, padding_idx=old.padding_idx, device=old.weight.device
    )
    with torch.no_grad():
        new.weight.copy_(old.weight[torch.from_numpy(used).to(old.weight.device)])
    new.weight.requires_grad_(old.weight.requires_grad)
    model.set_input_embeddings(new)
    return {
        role: replace(tokens, input_ids=np.searchsorted(used, tokens.input_ids).astype(np.int32))
        for role, tokens in splits.items()
    }, used


def restore(
    model: PreTrainedModel,
    whole: torch.nn.Embedding,
    used: np.ndarray,
    values: Mapping[str, Any],
    rates: Iterable[float],
) -> None:
    """Put the rows that `shrink` left out back into the trained model's embeddings, in place.

    They come out as if they had been there: without a gradient an optimiser does to them what
    weight decay asks for, and nothing else.

    Args:
        model: the trained model with the embeddings that `shrink` left.
        whole: the embeddings before `shrink`.
        used: the ids that `shrink` returned.
        values: the run's hyperparameters.
        rates: the learning rate of each step that was done.
    """
    small = model.get_input_embeddings()
    where = torch.from_numpy(used).to(whole.weight.device)
    unused = torch.ones(whole.num_embeddings, dtype=torch.bool, device=whole.weight.device)
    unused[where] = False
    rows = torch.nn.Embedding.from_pretrained(whole.weight[unused].detach(), freeze=False)
    if values["weight_decay"] > 0 and whole.weight.requires_grad and len(rows.weight):
        optimizer = optimiser(rows, values)
        rows.weight.grad = torch.zeros_like(rows.weight)
        for rate in rates:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
    with torch.no_grad():
        whole.weight[unused] = rows.weight
        whole.weight[where] = small.weight
    model.set_input_embeddings(whole)
