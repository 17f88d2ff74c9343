"""Attention between all pixels of two maps, in memory and time that grow with the pixels and not with their square."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import elu

from landcover.errors import InputError


class LinearAttention(nn.Module):
    r"""What every pixel of one map takes from all pixels of another, or of its own.

    In every head, with :math:`\varphi(x) = \mathrm{elu}(x) + 1`, queries :math:`q`, keys :math:`k`, values :math:`v`,

    .. math:: a_i = \frac{\varphi(q_i)^T \sum_j \varphi(k_j) v_j^T}{\varphi(q_i)^T \sum_j \varphi(k_j)},

    an average of values with positive weights; the sums over :math:`j` are made once for all :math:`i`. A linear layer
    then mixes the heads.

    Katharopoulos, Vyas, Pappas, Fleuret: Transformers are RNNs, ICML 2020, https://arxiv.org/abs/2006.16236. Values are
    projected once, from the source.

    Args:
        channels: of both maps and of the result.
        heads: a divisor of `channels`.

    Shape:
        features (B, C, h, w), source (B, C, H, W), of any sizes; result (B, C, h, w).
    """

    def __init__(self, channels: int, heads: int = 8) -> None:
        super().__init__()
        if channels % heads:
            raise InputError(f"heads: expected a divisor of the {channels} channels, found {heads}; correct the config")
        self.heads = heads
        self.query, self.key, self.value, self.mix = (nn.Conv2d(channels, channels, 1, bias=False) for _ in range(4))

    def forward(self, features: Tensor, source: Tensor) -> Tensor:
        """Attention of `features` to `source`."""
        queries = elu(self._split(self.query(features))) + 1
        keys, values = elu(self._split(self.key(source))) + 1, self._split(self.value(source))
        # Means over the pixels, not sums: the same quotient, and no number grows with the image.
        context = keys @ values.transpose(2, 3) / keys.shape[3]
        weight = (queries * keys.mean(dim=3, keepdim=True)).sum(dim=2, keepdim=True)
        taken = context.transpose(2, 3) @ queries / weight
        mixed: Tensor = self.mix(taken.reshape(features.shape))
        return mixed

    def _split(self, maps: Tensor) -> Tensor:
        """(B, heads, channels of a head, pixels) of (B, C, H, W)."""
        return torch.unflatten(maps.flatten(2), 1, (self.heads, -1))
