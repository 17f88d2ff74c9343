"""Attention in the form that is fastest where it runs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from landcover.networks.linear import ONEDNN_BATCH, grouped_linear

LARGEST = 60.0
"""Scores up to it, and down to its negative, are exponentiated as they are: bf16 has the range of float32, to 2^128 or
e^88, which leaves room for sums over keys."""

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
        # What is learned needs gradients; what is compiled or exported has no numbers to look at, and known operators.
        predicting = not (torch.is_grad_enabled() or torch.compiler.is_compiling())
        if query.dtype == torch.bfloat16:
            return _by_two_products(query, key, value, predicting)
        if query.dtype == torch.float32 and predicting and query.shape[2] % ONEDNN_BATCH == 0:
            return torch.stack([_by_convolutions(*image) for image in zip(query, key, value, strict=True)])
    return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)


def _by_two_products(query: Tensor, key: Tensor, value: Tensor, predicting: bool) -> Tensor:
    """Attention in bf16: half the time of torch's fused kernel for CPUs.

    In prediction weights are not divided by their sums, but the result, which is much smaller, as in Dao, Fu, Ermon,
    Rudra, Re: FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness, NeurIPS 2022,
    https://arxiv.org/abs/2205.14135. Ours: no maximum is subtracted where the lengths of queries and keys tell that
    none is needed.
    """
    with torch.autocast("cpu", enabled=False):
        scaled = _scaled(query)
        weights = scaled @ key.mT
        if predicting and _largest_score(scaled, key) <= LARGEST:
            sums = weights.exp_().sum(-1, keepdim=True)
            return (weights @ value).div_(sums)
        return weights.softmax(-1) @ value


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


def _scaled(query: Tensor) -> Tensor:
    return query * query.shape[-1] ** -0.5


def _largest_score(query: Tensor, key: Tensor) -> float:
    """No score is larger in size: the product of the largest lengths."""
    lengths = [part.square().sum(-1).amax().item() for part in (query, key)]
    return float((lengths[0] * lengths[1]) ** 0.5)
