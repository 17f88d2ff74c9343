"""Deep and shallow features of an image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mmcv.cnn import ConvModule
from mmseg.models.backbones.resnet import BasicBlock
from mmseg.models.utils import ResLayer
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu


class ResidualPyramid(nn.Module):
    """Residual network with group norms whose first convolution keeps the size, and a pyramid back to full size.

    Gai, Li 2025: residual network and feature pyramid with group norms and no first downsampling, 256 deep and 32
    shallow channels. Our choice: the first three stages of ResNet-18 without its pooling (He, Zhang, Ren, Sun, CVPR
    2016, https://arxiv.org/abs/1512.03385), so that deep features have a quarter of the side, and the pyramid of Lin et
    al., CVPR 2017, https://arxiv.org/abs/1612.03144, which narrows towards the full size.

    Args:
        in_channels: bands of the image.
        widths: channels of the stages; the first has the size of the image, each further one half the size.
        blocks: residual blocks of a stage.
        shallow_channels: of the shallow features; the deep ones have the last of `widths`.
        groups: of the group norms.
        with_cp: whether activations of the blocks are computed again in the backward pass, which saves memory.

    Shape:
        image (B, in_channels, H, W), of sides that are multiples of `stride`; deep features (B, widths[-1], H / stride,
        W / stride), shallow ones (B, shallow_channels, H, W).
    """

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        blocks: int,
        shallow_channels: int,
        groups: int,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        norm = {"type": "GN", "num_groups": groups}
        self.stem = ConvModule(in_channels, widths[0], 7, padding=3, norm_cfg=norm)
        self.stages = nn.ModuleList(
            ResLayer(
                BasicBlock, widths[max(0, n - 1)], width, blocks, 1 if n == 0 else 2, norm_cfg=norm, with_cp=with_cp
            )
            for n, width in enumerate(widths)
        )
        levels = (shallow_channels, *widths[1:])
        self.laterals = nn.ModuleList(nn.Conv2d(*pair, 1) for pair in zip(widths, levels, strict=True))
        self.narrow = nn.ModuleList(
            ConvModule(deeper, level, 3, padding=1, norm_cfg=norm) for level, deeper in pairwise(levels)
        )
        self.smooth = nn.Conv2d(shallow_channels, shallow_channels, 3, padding=1)

    @property
    def stride(self) -> int:
        """Side of the image as a multiple of that of the deep features."""
        return 2 ** (len(self.stages) - 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Deep and shallow features."""
        maps = [self.stem(image)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        *laterals, deep = (lateral(level) for lateral, level in zip(self.laterals, maps[1:], strict=True))
        features = deep
        for lateral, narrow in zip(reversed(laterals), reversed(self.narrow), strict=True):
            features = lateral + interpolate(narrow(features), scale_factor=2.0, mode="bilinear", align_corners=False)
        return deep, self.smooth(relu(features))
