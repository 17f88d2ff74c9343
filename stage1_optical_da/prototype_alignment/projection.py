"""The space in which pixels are compared."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Projection(nn.Module):
    """Unit vectors of features: layer norm, one linear layer, L2 norm.

    The layer is linear, so that what is near here is near in the features, from the random start on: random projections
    keep distances.

    Args:
        channels: D of the features.
        width: d of the vectors.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.linear = nn.Linear(channels, width)

    def forward(self, features: Tensor) -> Tensor:
        """Vectors (N, d) float32 of length 1 of features (N, D) of any float type."""
        with torch.autocast(features.device.type, enabled=False):
            return F.normalize(self.linear(self.norm(features.float())), dim=1)

    def fixed(self, features: Tensor) -> Tensor:
        """The same, with a graph to the features and none to the parameters."""
        weights = {name: parameter.detach() for name, parameter in self.named_parameters()}
        return torch.func.functional_call(self, weights, (features,))
