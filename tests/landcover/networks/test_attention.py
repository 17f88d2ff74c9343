import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from landcover.networks import attention
from landcover.networks.attention import LARGEST, _largest_score, attend


def queries_keys_values(size: float) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 3, length, 16, generator=generator) for length in (200, 40, 40))
    return [part.bfloat16() for part in (size * query, key, value)]


def two_products(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    weights: Tensor = (query * query.shape[-1] ** -0.5) @ key.mT
    return weights.softmax(-1) @ value


@pytest.mark.parametrize("size", [0.1, 1.0, 4.0, 40.0])  # the last one's scores have to be shifted
def test_prediction_in_bf16_is_as_exact_as_two_products_with_a_softmax_between_them(size: float) -> None:
    parts = queries_keys_values(size)
    truth = two_products(*(part.double() for part in parts))
    with torch.no_grad():
        found, plain = attend(*parts, 0.0), two_products(*parts)
    assert found.dtype == torch.bfloat16
    error, plain_error = ((each.double() - truth).norm() / truth.norm() for each in (found, plain))
    assert error < 1.2 * plain_error + 0.003  # both round to 8 bits, each at other places


def test_training_in_bf16_has_the_gradients_of_float64() -> None:
    parts = queries_keys_values(1.0)
    inputs = [part.clone().requires_grad_() for part in parts]
    exact = [part.double().requires_grad_() for part in parts]
    result, truth = attend(*inputs, 0.0), two_products(*exact)
    slopes = torch.randn(truth.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = torch.autograd.grad(truth, exact, slopes)
    for gradient, other in zip(torch.autograd.grad(result, inputs, slopes.bfloat16()), expected, strict=True):
        assert (gradient.double() - other).norm() < 0.02 * other.norm()


@pytest.mark.parametrize(("size", "shifted"), [(4.0, False), (40.0, True)])
def test_no_score_is_larger_than_the_one_by_which_a_shift_is_chosen(size: float, shifted: bool) -> None:
    query, key, _ = queries_keys_values(size)
    largest = (query.double() @ key.double().mT).abs().max().item()
    assert largest <= _largest_score(query, key) < 3 * largest
    assert (_largest_score(query * 16**-0.5, key) > LARGEST) == shifted


@torch.no_grad()
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


@torch.no_grad()
def test_not_a_number_stays_one() -> None:
    query, key, value = queries_keys_values(1.0)
    query[0, 0, 0, 0] = torch.nan
    result = attend(query, key, value, 0.0)
    assert result[0, 0, 0].isnan().all()
    assert not result[0, 0, 1:].isnan().any()
