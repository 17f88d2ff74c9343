"""Attention in the form that is fastest where it runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

LARGEST = 60.0
"""Scores up to it, and down to its negative, are exponentiated as they are: bf16 has the range of float32, to 2^128 or
e^88, which leaves room for sums over keys and for gradients."""


def attend(query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
    """Attention of (B, heads, N, C) queries to keys and values (B, heads, M, C): (B, heads, N, C).

    Args:
        query: any float type.
        key: likewise.
        value: likewise.
        dropout: probability with which a weight is 0.
    """
    if query.device.type != "cpu" or query.dtype != torch.bfloat16 or dropout:
        return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
    # torch's fused kernel for CPUs takes twice the time of two products in bf16 (and four fifths in float32).
    with torch.autocast("cpu", enabled=False):
        if torch.compiler.is_compiling():  # which could not look at the size of scores
            return (_scaled(query) @ key.transpose(-2, -1)).softmax(-1) @ value
        result: Tensor = _Attention.apply(query, key, value)
        return result


class _Attention(torch.autograd.Function):
    """Attention whose weights are divided by their sums in the result, which is much smaller than they are.

    As in Dao, Fu, Ermon, Rudra, Re: FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness,
    NeurIPS 2022, https://arxiv.org/abs/2205.14135, also that the backward pass of the softmax takes its sums from
    the result. Ours: no maximum is subtracted where lengths of queries and keys tell that none is needed.
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """See `attend`."""
        scaled = _scaled(query)
        weights = scaled @ key.transpose(-2, -1)
        if _largest_score(scaled, key) <= LARGEST:
            sums = weights.exp_().sum(-1, keepdim=True)
        else:
            weights = weights.softmax(-1)
            sums = torch.ones_like(weights[..., :1])
        result = (weights @ value).div_(sums)
        ctx.save_for_backward(scaled, key, value, weights, sums, result)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of query, key and value, each as a product with the shorter side first: that is faster."""
        scaled, key, value, weights, sums, result = ctx.saved_tensors
        share = gradients[0] / sums
        of_value = (share.transpose(-2, -1) @ weights).transpose(-2, -1)
        # One more column subtracts from every row of share @ value^T its mean under the weights.
        mean = (share * result).sum(-1, keepdim=True)
        slopes = torch.cat([share, -mean], -1) @ F.pad(value, (0, 1), value=1.0).transpose(-2, -1)
        slopes *= weights
        of_key = (scaled.transpose(-2, -1) @ slopes).transpose(-2, -1)
        return _scaled(slopes @ key), of_key, of_value


def _scaled(query: Tensor) -> Tensor:
    return query * query.shape[-1] ** -0.5


def _largest_score(query: Tensor, key: Tensor) -> float:
    """No score is larger in size: the product of the largest lengths."""
    lengths = [part.square().sum(-1).amax().item() for part in (query, key)]
    return float((lengths[0] * lengths[1]) ** 0.5)
