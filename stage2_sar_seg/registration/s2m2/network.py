"""The network of S2M2-SAR: similarities of a SAR patch and every place of an optical window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from landcover.errors import InputError
from stage2_sar_seg.registration.correlation import normalized_cross_correlation
from stage2_sar_seg.registration.s2m2.enhancement import CrossModalEnhancement, Enhanced
from stage2_sar_seg.registration.s2m2.residual_pyramid import ResidualPyramid


class Similarities(NamedTuple):
    """How similar the patch is to every place of the window, and the features that say so.

    Args:
        deep: (B, H - h + 1, W - w + 1) float32, of the deep features, upsampled from correlation coefficients.
        shallow: the same size, correlation coefficients in [-1, 1] of the shallow features.
        enhanced: what the enhancement made of deep SAR, deep optical, shallow SAR and shallow optical features.
    """

    deep: Tensor
    shallow: Tensor
    enhanced: tuple[Enhanced, ...]

    @property
    def product(self) -> Tensor:
        """(B, H - h + 1, W - w + 1), deep times shallow: where it is largest, the patch lies."""
        return self.deep * self.shallow


@MODELS.register_module()
class S2M2Network(nn.Module):
    """Siamese features on two levels, enhanced across modalities, and their normalised cross-correlation.

    Gai, Li 2025, https://arxiv.org/abs/2508.07812. Our choice: the SAR band stands three times where the optical image
    has its colours, so that all weights are shared and no colour is lost. The interpolation of deep similarities is
    cubic: a linear one has its peaks at multiples of the stride alone, and pulls those of the product there.

    Args:
        search: largest offset in training, pixels in every direction; for whoever uses the trained network.
        widths: see `ResidualPyramid`.
        blocks: likewise.
        shallow_channels: likewise.
        heads: of the attentions of the enhancement.
        groups: of the group norms.
        with_cp: see `ResidualPyramid`.

    Raises:
        InputError: widths that heads or groups do not divide, or a search that is none.
    """

    def __init__(
        self,
        search: int,
        widths: Sequence[int] = (64, 128, 256),
        blocks: int = 2,
        shallow_channels: int = 32,
        heads: int = 8,
        groups: int = 8,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        for width in (*widths, shallow_channels):
            if width % groups:
                raise InputError(
                    f"model.groups: expected a divisor of all widths, found {groups} with {width}; correct it"
                )
        self.search = search
        self.pyramid = ResidualPyramid(3, widths, blocks, shallow_channels, groups, with_cp)
        self.enhance_deep = CrossModalEnhancement(widths[-1], heads, groups)
        self.enhance_shallow = CrossModalEnhancement(shallow_channels, heads, groups)
        if search < 1:
            raise InputError(f"model.search: expected 1 pixel or more, found {search}; correct it")

    def forward(self, sar: Tensor, optical: Tensor) -> Similarities:
        """Similarities of patches and windows.

        Where a side is no multiple of the stride of the deep features, the last rows or columns of the patch do not
        count, and the window is extended by zeros, which stand for no data.

        Args:
            sar: (B, 1, h, w), normalised.
            optical: (B, 3, H, W), likewise, H >= h and W >= w.
        """
        rows, columns = (window - patch + 1 for window, patch in zip(optical.shape[2:], sar.shape[2:], strict=True))
        stride = self.pyramid.stride
        sar = sar[..., : sar.shape[2] - sar.shape[2] % stride, : sar.shape[3] - sar.shape[3] % stride]
        optical = pad(optical, (0, -optical.shape[3] % stride, 0, -optical.shape[2] % stride))
        deep_sar, shallow_sar = self.pyramid(sar.expand(-1, 3, -1, -1))
        deep_optical, shallow_optical = self.pyramid(optical)
        deep = self.enhance_deep(deep_sar, deep_optical)
        shallow = self.enhance_shallow(shallow_sar, shallow_optical)
        fine = normalized_cross_correlation(shallow[0].features, shallow[1].features)
        coarse = normalized_cross_correlation(deep[0].features, deep[1].features)
        coarse = upsampled(coarse, fine.shape[1], fine.shape[2])
        return Similarities(coarse[:, :rows, :columns], fine[:, :rows, :columns], (*deep, *shallow))


def upsampled(heatmap: Tensor, height: int, width: int) -> Tensor:
    """Similarities of all places, (B, height, width), from those of every so many places, by cubic interpolation.

    Corners lie on corners: place n of (B, h, w) is place n (height - 1) / (h - 1), and keeps its value there.
    """
    return interpolate(heatmap[:, None], size=(height, width), mode="bicubic", align_corners=True)[:, 0]
