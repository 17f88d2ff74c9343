"""What only one modality shows is taken out of features, and what both show is put in."""

from __future__ import annotations

from typing import NamedTuple

from mmcv.cnn import ConvModule
from torch import Tensor, nn

from stage2_sar_seg.registration.s2m2.linear_attention import LinearAttention

SCALES = (1, 3, 5)
"""Sides of the kernels of the multi-scale convolution."""


class Enhanced(NamedTuple):
    """Features of one modality, and the two parts that were told apart.

    Args:
        features: (B, C, H, W), what is matched.
        specific: (B, C, H, W), what only this modality shows.
        shared: (B, C, H, W), what it has in common with the other one.
    """

    features: Tensor
    specific: Tensor
    shared: Tensor


class CrossModalEnhancement(nn.Module):
    """Enhances features of SAR and optical images of one level, each by itself and by the other.

    With `F` of one modality and `G` of the other: `convolution(scales(F - specific(F)) + shared(F, G))`. `specific` is
    linear self-attention with weights of its own for each modality, `shared` linear cross-attention with the same
    weights in both directions, `scales` the sum of convolutions of sides 1, 3 and 5. The forward pass is the same in
    training and in use.

    Gai, Li 2025, section on cross-modal feature enhancement. Our choice: each convolution of `scales` has a group norm
    and a ReLU behind it, since their sum would be one of side 5 otherwise, and both attentions look at the features as
    they come.

    Args:
        channels: of the features.
        heads: of the attentions.
        groups: of the group norms.
    """

    def __init__(self, channels: int, heads: int = 8, groups: int = 8) -> None:
        super().__init__()
        norm = {"type": "GN", "num_groups": groups}
        self.specific_sar, self.specific_optical = LinearAttention(channels, heads), LinearAttention(channels, heads)
        self.shared = LinearAttention(channels, heads)
        self.scales = nn.ModuleList(
            ConvModule(channels, channels, side, padding=side // 2, norm_cfg=norm) for side in SCALES
        )
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, sar: Tensor, optical: Tensor) -> tuple[Enhanced, Enhanced]:
        """SAR and optical features, enhanced.

        Args:
            sar: (B, C, h, w).
            optical: (B, C, H, W), of any other size.
        """
        return (
            self._enhanced(sar, optical, self.specific_sar(sar, sar)),
            self._enhanced(optical, sar, self.specific_optical(optical, optical)),
        )

    def _enhanced(self, features: Tensor, other: Tensor, specific: Tensor) -> Enhanced:
        shared = self.shared(features, other)
        left = features - specific
        several = sum(scale(left) for scale in self.scales)
        return Enhanced(self.convolution(several + shared), specific, shared)
