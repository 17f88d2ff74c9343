from __future__ import annotations

import pytest
import torch
from torch import Tensor

from landcover.errors import InputError
from stage2_sar_seg.registration.s2m2.linear_attention import LinearAttention


def by_pairs_of_pixels(attention: LinearAttention, features: Tensor, source: Tensor) -> Tensor:
    """The same from the weight of every pixel of the source for every pixel, head by head."""
    results = []
    for query, key, value in zip(
        attention.query(features).chunk(attention.heads, 1),
        attention.key(source).chunk(attention.heads, 1),
        attention.value(source).chunk(attention.heads, 1),
        strict=True,
    ):
        phi = [torch.where(x > 0, x + 1, x.exp()).flatten(2) for x in (query, key)]
        weights = torch.einsum("bcn,bcm->bnm", *phi)
        weights = weights / weights.sum(dim=2, keepdim=True)
        results.append(torch.einsum("bnm,bcm->bcn", weights, value.flatten(2)).view_as(query))
    return attention.mix(torch.cat(results, dim=1))


def test_it_is_the_average_over_all_pixels_with_their_weights() -> None:
    torch.manual_seed(0)
    attention = LinearAttention(16, heads=8).double()
    features, source = torch.randn(2, 16, 5, 7).double(), torch.randn(2, 16, 6, 4).double()
    found = attention(features, source)
    assert found.shape == (2, 16, 5, 7)
    torch.testing.assert_close(found, by_pairs_of_pixels(attention, features, source), rtol=1e-10, atol=1e-12)


def test_values_are_projected_once() -> None:
    torch.manual_seed(0)
    attention = LinearAttention(8)
    same = torch.randn(1, 8, 1, 1).expand(1, 8, 4, 4)  # every average of equal values is that value
    expected = attention.mix(attention.value(same))
    torch.testing.assert_close(attention(torch.randn(1, 8, 4, 4), same), expected)


def test_heads_must_divide_the_channels() -> None:
    with pytest.raises(InputError, match="heads: expected a divisor of the 12 channels, found 8"):
        LinearAttention(12)
