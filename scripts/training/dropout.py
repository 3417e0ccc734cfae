"""Dropout on CPUs from fast random bits.

torch draws a CPU's dropout masks one element at a time, on one thread. A threshold on 16 random
bits an element does the same in a fraction of that time: NumPy compares faster than torch, and mask
and scale are multiplied by in one go.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

LEVELS = 2**16


class FastDropout(TorchFunctionMode):
    """Within this context `torch.nn.functional.dropout` draws from a generator of its own.

    That is what modules and transformers' eager attention call. A unit is dropped with the
    probability rounded to a multiple of 1/65,536, and the others are scaled up by just as much, so
    that the mean is exact. The same seed drops the same units, whatever torch's own generator did.

    Example: `with FastDropout(seed=42): logits = model(**batch).logits`
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        # Small, fast, and of a period that no training comes near (Doty-Humphrey, PractRand).
        self.bits = np.random.SFC64(seed)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is torch.nn.functional.dropout:
            return self.dropout(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def dropout(
        self, input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> torch.Tensor:
        """Return `input` with elements dropped; the arguments are those of torch's function.

        The result is never `input` itself, whatever `inplace` says, unless nothing is dropped.
        """
        dropped, count = round(p * LEVELS), input.numel()
        if not training or dropped == 0 or count == 0:
            return input
        if dropped == LEVELS:
            return input * 0.0
        raw = self.bits.random_raw(-(-count // 4)).view(np.int16)[:count]
        kept = torch.from_numpy((raw >= dropped - LEVELS // 2).view(np.int8)).view(input.shape)
        dropped_out: torch.Tensor = _Masked.apply(
            input, kept.to(input.dtype), LEVELS / (LEVELS - dropped)
        )
        return dropped_out


class _Masked(torch.autograd.Function):
    """`input * mask * scale`, and the same of the gradient, each rounded once."""

    @staticmethod
    def forward(
        context: Any, input: torch.Tensor, mask: torch.Tensor, scale: float
    ) -> torch.Tensor:
        context.save_for_backward(mask)
        context.scale = scale
        return _product(input, mask, scale)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (mask,) = context.saved_tensors
        return _product(gradients[0], mask, context.scale), None, None


def _product(values: torch.Tensor, mask: torch.Tensor, scale: float) -> torch.Tensor:
    return torch.addcmul(values.new_zeros(()), values, mask, value=scale)


def dropout(device: torch.device, seed: int) -> AbstractContextManager[object]:
    """Return the context in which a model on `device` trains: a GPU's own dropout is fast."""
    return FastDropout(seed) if device.type == "cpu" else nullcontext()
