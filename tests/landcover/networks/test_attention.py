from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from landcover.networks import attention
from landcover.networks.attention import LARGEST, attend


def queries_keys_values(size: float) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 3, length, 16, generator=generator) for length in (200, 40, 40))
    return [part.bfloat16() for part in (size * query, key, value)]


def two_products(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    weights: Tensor = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    return weights.softmax(-1) @ value


def with_gradients(form: Callable[..., Tensor], parts: list[Tensor]) -> tuple[Tensor, ...]:
    inputs = [part.clone().requires_grad_() for part in parts]
    result = form(*inputs)
    slopes = torch.randn(result.shape, generator=torch.Generator().manual_seed(1))
    return result, *torch.autograd.grad(result, inputs, slopes.to(result.dtype))


@pytest.mark.parametrize("size", [0.1, 1.0, 4.0, 40.0])  # the last one's scores have to be shifted
def test_in_bf16_is_as_exact_as_two_products_with_a_softmax_between_them(size: float) -> None:
    parts = queries_keys_values(size)
    truths = with_gradients(two_products, [part.double() for part in parts])
    found, plain = (with_gradients(form, parts) for form in (partial(attend, dropout=0.0), two_products))
    for value, other, truth in zip(found, plain, truths, strict=True):
        assert value.dtype == torch.bfloat16
        error, others_error = ((each.double() - truth).norm() / truth.norm() for each in (value, other))
        assert error < 1.2 * others_error + 0.003  # both round to 8 bits, each at other places


def test_sizes_tested_lie_on_both_sides_of_the_shift() -> None:
    largest = [
        (size, (query @ key.transpose(-2, -1)).abs().max().item() / 16**0.5)
        for size, query, key in ((size, *queries_keys_values(size)[:2]) for size in (4.0, 40.0))
    ]
    assert largest[0][1] < LARGEST < largest[1][1]


def test_scores_that_overflow_without_a_shift_give_numbers() -> None:
    query, key, value = (torch.full((1, 1, 2, 4), number).bfloat16() for number in (100.0, 100.0, 3.0))
    assert torch.equal(attend(query, key, value, 0.0), value)
    # The second key is far from the query, the first one gets all the weight; both results stay finite.
    apart = torch.stack([key[0, 0, 0], -key[0, 0, 0]])[None, None]
    assert torch.equal(attend(query, apart, torch.tensor([[[[1.0] * 4, [2.0] * 4]]]).bfloat16(), 0.0), value / 3)


def test_with_dropout_or_in_float64_it_is_torchs() -> None:
    parts = queries_keys_values(1.0)
    exact = [part.double() for part in parts]
    assert torch.equal(attend(*exact, 0.0), F.scaled_dot_product_attention(*exact))
    torch.manual_seed(0)
    found = attend(*parts, 0.5)
    torch.manual_seed(0)
    assert torch.equal(found, F.scaled_dot_product_attention(*parts, dropout_p=0.5))


@pytest.mark.parametrize("length", [200, 208], ids=["no multiple of 16", "multiple of 16"])
@pytest.mark.parametrize("size", [1.0, 40.0])
def test_in_float32_is_that_of_float64_up_to_rounding(
    length: int, size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "ROWS", 64)  # less than the queries, and no divisor of their number
    generator = torch.Generator().manual_seed(0)
    tokens = [torch.randn(2, rows, 3, 16, generator=generator) for rows in (length, 40, 40)]
    parts = [factor * part.transpose(1, 2) for part, factor in zip(tokens, (size, 1.0, 1.0), strict=True)]
    truth = two_products(*(part.double() for part in parts))
    for learning in (False, True):
        with torch.set_grad_enabled(learning):
            found = attend(*parts, 0.0)
        assert (found.double() - truth).abs().max() < 1e-5 * truth.abs().max()


def test_not_a_number_stays_one() -> None:
    query, key, value = queries_keys_values(1.0)
    query[0, 0, 0, 0] = torch.nan
    result = attend(query, key, value, 0.0)
    assert result[0, 0, 0].isnan().all()
    assert not result[0, 0, 1:].isnan().any()
