"""Dropout from fast random bits: as often as asked for, the mean kept, the seed obeyed."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import dropout as functional

from scripts.training.dropout import FastDropout, dropout


def drawn(seed: int, p: float, shape: tuple[int, ...] = (400, 500)) -> torch.Tensor:
    with FastDropout(seed):
        return functional(torch.ones(shape), p)


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])
def test_the_share_of_dropped_units_is_p(p: float) -> None:
    result = drawn(1, p)
    share = (result == 0).double().mean().item()
    assert abs(share - p) < 5 * (p * (1 - p) / result.numel()) ** 0.5
    # What stays is scaled up, so that the mean is kept.
    assert result.max().item() == pytest.approx(1 / (1 - p), rel=1e-4)
    assert abs(result.double().mean().item() - 1) < 5 * (p / (1 - p) / result.numel()) ** 0.5


def test_neighbouring_units_are_independent() -> None:
    dropped = (drawn(3, 0.5, (1_000_000,)) == 0).double() - 0.5
    for distance in range(1, 9):
        correlation = (dropped[:-distance] * dropped[distance:]).mean().item() / 0.25
        assert abs(correlation) < 5 / 1_000_000**0.5


def test_the_same_seed_drops_the_same_units() -> None:
    torch.manual_seed(1)
    one = drawn(7, 0.3)
    torch.manual_seed(2)
    assert torch.equal(one, drawn(7, 0.3))
    assert not torch.equal(one, drawn(8, 0.3))


def test_two_calls_drop_different_units() -> None:
    x = torch.ones(1000)
    with FastDropout(1):
        assert not torch.equal(functional(x, 0.5), functional(x, 0.5))


def test_a_context_entered_again_goes_on() -> None:
    x, context = torch.ones(1000), FastDropout(1)
    with context:
        first = functional(x, 0.5)
    with context:
        second = functional(x, 0.5)
    with FastDropout(1):
        assert torch.equal(first, functional(x, 0.5))
        assert torch.equal(second, functional(x, 0.5))


def test_modules_and_gradients() -> None:
    layer = nn.Dropout(0.4)
    x = torch.full((100, 10), 2.0, requires_grad=True)
    with FastDropout(5):
        y = layer(x)
    y.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(y.detach(), x.detach() * x.grad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_its_numbers_are_those_of_mask_and_scale_one_after_the_other(dtype: torch.dtype) -> None:
    x = torch.randn(64, 33, generator=torch.manual_seed(1)).to(dtype).t().requires_grad_()
    gradient = torch.randn(x.shape, generator=torch.manual_seed(2)).to(dtype)
    raw = torch.from_numpy(np.random.SFC64(9).random_raw(x.numel() // 4)).view(torch.int16)
    kept = (raw.view(x.shape) >= round(0.3 * 2**16) - 2**15).to(dtype)
    scale = 2**16 / (2**16 - round(0.3 * 2**16))
    with FastDropout(9):
        y = functional(x, 0.3)
    y.backward(gradient)
    assert torch.equal(y, x * kept * scale)
    assert x.grad is not None
    assert torch.equal(x.grad, gradient * kept * scale)
    assert y.dtype == x.grad.dtype == dtype


def test_in_evaluation_nothing_is_dropped() -> None:
    x = torch.randn(10)
    with FastDropout(5):
        assert torch.equal(nn.Dropout(0.4).eval()(x), x)
        assert torch.equal(functional(x, 0.0), x)
        assert torch.equal(functional(x, 1.0), torch.zeros(10))


@given(p=st.floats(0.0, 1.0), size=st.integers(0, 33))
@settings(deadline=None, max_examples=50)
def test_any_probability_and_size(p: float, size: int) -> None:
    x = torch.ones(size, 3)
    with FastDropout(1):
        result = functional(x, p)
    assert result.shape == x.shape
    assert torch.isfinite(result).all()


def test_bf16_stays_bf16() -> None:
    with FastDropout(1):
        assert functional(torch.ones(8, dtype=torch.bfloat16), 0.5).dtype == torch.bfloat16


def test_a_gpu_keeps_its_own() -> None:
    assert not isinstance(dropout(torch.device("cuda"), 1), FastDropout)
    assert isinstance(dropout(torch.device("cpu"), 1), FastDropout)
