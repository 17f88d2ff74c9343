"""Attention in the form that is fastest where it runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from landcover.networks.linear import ONEDNN_BATCH, grouped_linear

LARGEST = 60.0
"""Scores up to it, and down to its negative, are exponentiated as they are: bf16 has the range of float32, to 2^128 or
e^88, which leaves room for sums over keys and for gradients."""

ROWS = 4096
"""Queries whose weights are held at once in float32 on CPUs, a multiple of `ONEDNN_BATCH`. Fewer need less memory, but
threads wait for each other more often."""


def attend(query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
    """Attention of (B, heads, N, C) queries to keys and values (B, heads, M, C): (B, heads, N, C).

    Args:
        query: any float type.
        key: likewise.
        value: likewise.
        dropout: probability with which a weight is 0.
    """
    if query.device.type == "cpu" and not dropout:
        if query.dtype == torch.bfloat16:
            return _in_bf16(query, key, value)
        exported = torch.compiler.is_compiling()  # exported networks keep to the operator that others know
        learning = torch.is_grad_enabled()
        if query.dtype == torch.float32 and not learning and not exported and query.shape[2] % ONEDNN_BATCH == 0:
            return torch.stack([_by_convolutions(*image) for image in zip(query, key, value, strict=True)])
    return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)


def _in_bf16(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Two products and what lies between them: two fifths of the time of torch's fused kernel for CPUs."""
    with torch.autocast("cpu", enabled=False):
        if torch.compiler.is_compiling():  # compiled code can not look at the size of the scores
            return (_scaled(query) @ key.mT).softmax(-1) @ value
        result: Tensor = _Bf16Attention.apply(query, key, value)
        return result


def _by_convolutions(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention of one image, (heads, N, C), in float32: both products are convolutions with a group for each head.

    On AMD processors it takes four fifths of the time of torch's fused kernel, which asks MKL for its products. In
    training it would keep the weights, which the fused kernel computes again.
    """
    heads = len(query)
    tokens, keys, values = _scaled(query).transpose(0, 1).flatten(1), key.flatten(0, 1), value.mT.flatten(0, 1)
    results = []
    for rows in tokens.split(ROWS):
        scores = grouped_linear(rows[None], keys, None, heads).unflatten(-1, (heads, -1))
        results.append(grouped_linear(scores.softmax(-1).flatten(2), values, None, heads))
    return torch.cat(results, dim=1)[0].unflatten(-1, (heads, -1)).transpose(0, 1)


class _Bf16Attention(torch.autograd.Function):
    """Attention whose weights are divided by their sums in the result, which is much smaller than they are.

    That, and that the backward pass of the softmax takes its sums from the result, is from Dao, Fu, Ermon, Rudra, Re:
    FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness, NeurIPS 2022,
    https://arxiv.org/abs/2205.14135. Ours: no maximum is subtracted where the lengths of queries and keys tell that
    none is needed.
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """See `attend`."""
        scaled = _scaled(query)
        weights = scaled @ key.mT
        if _largest_score(scaled, key) <= LARGEST:
            sums = weights.exp_().sum(-1, keepdim=True)
        else:
            weights = weights.softmax(-1)
            sums = torch.ones_like(weights[..., :1])
        result = (weights @ value).div_(sums)
        ctx.save_for_backward(scaled, key, value, weights, sums, result)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of query, key and value, each as a product with the shorter side first: that is faster."""
        scaled, key, value, weights, sums, result = ctx.saved_tensors
        share = gradients[0] / sums
        of_value = (share.mT @ weights).mT
        # One more column subtracts from every row of share @ value^T its mean under the weights.
        mean = (share * result).sum(-1, keepdim=True)
        slopes = torch.cat([share, -mean], -1) @ F.pad(value, (0, 1), value=1.0).mT
        slopes *= weights
        of_key = (scaled.mT @ slopes).mT
        return _scaled(slopes @ key), of_key, of_value


def _scaled(query: Tensor) -> Tensor:
    return query * query.shape[-1] ** -0.5


def _largest_score(query: Tensor, key: Tensor) -> float:
    """No score is larger in size: the product of the largest lengths."""
    lengths = [part.square().sum(-1).amax().item() for part in (query, key)]
    return float((lengths[0] * lengths[1]) ** 0.5)
