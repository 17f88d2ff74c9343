import pytest
import torch
from torch.nn import functional as F

from landcover.networks.linear import grouped_linear, linear, pointwise


@pytest.mark.parametrize("shape", [(2, 48, 6), (1, 7, 6), (3, 5, 6)], ids=str)  # 16 divides the first one's tokens
@pytest.mark.parametrize("with_bias", [True, False])
def test_linear_is_torchs(shape: tuple[int, ...], with_bias: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    tokens, weight, bias = (torch.randn(size, generator=generator) for size in (shape, (4, 6), (4,)))
    chosen = bias if with_bias else None
    expected = F.linear(tokens, weight, chosen)
    torch.testing.assert_close(linear(tokens, weight, chosen), expected)
    turned = tokens.transpose(0, 1).contiguous().transpose(0, 1)  # not contiguous
    torch.testing.assert_close(linear(turned, weight, chosen), expected)


@pytest.mark.parametrize("shape", [(2, 48, 6), (1, 7, 6)], ids=str)
def test_groups_are_linear_layers_beside_each_other(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    tokens, weight, bias = (torch.randn(size, generator=generator) for size in (shape, (12, 2), (12,)))
    parts = zip(tokens.split(2, dim=-1), weight.split(4), bias.split(4), strict=True)
    expected = torch.cat([F.linear(*part) for part in parts], dim=-1)
    torch.testing.assert_close(grouped_linear(tokens, weight, bias, groups=3), expected)


@pytest.mark.parametrize("memory", [torch.channels_last, torch.contiguous_format], ids=str)
@pytest.mark.parametrize("shape", [(2, 6, 4, 8), (1, 6, 3, 5)], ids=str)
def test_pointwise_is_torchs_convolution_with_its_gradient(memory: torch.memory_format, shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(shape, generator=generator).contiguous(memory_format=memory).requires_grad_()
    weight = torch.randn((4, 6, 1, 1), generator=generator, requires_grad=True)
    bias = torch.randn(4, generator=generator, requires_grad=True)
    found, expected = pointwise(features, weight, bias), F.conv2d(features, weight, bias)
    torch.testing.assert_close(found, expected)
    shares = torch.randn(found.shape, generator=generator)
    for ours, theirs in zip(
        torch.autograd.grad((found * shares).sum(), [features, weight, bias]),
        torch.autograd.grad((expected * shares).sum(), [features, weight, bias]),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_autocast_keeps_its_type() -> None:
    features = torch.randn(1, 6, 4, 8).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        assert pointwise(features, torch.randn(4, 6, 1, 1), None).dtype == torch.bfloat16
