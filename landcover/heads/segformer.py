"""SegFormer's decode head with its largest convolution where the maps are small."""

from __future__ import annotations

from collections.abc import Sequence

from mmseg.models.decode_heads import SegformerHead
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F

from landcover.heads.losses_only import LossesOnly


@MODELS.register_module()
class FastSegformerHead(LossesOnly, SegformerHead):
    r"""mmseg's `SegformerHead`: same options, parameters, names and results, several times less arithmetic.

    The head fuses S resized maps :math:`R(f_i)` by a 1x1 convolution :math:`W = [W_1 ... W_S]` of their concatenation.
    A 1x1 convolution commutes with a linear resize, hence

    .. math:: W [R(f_1), ..., R(f_S)] = \sum_i R(W_i f_i),

    and the convolutions of the coarse maps run before the resize, on 1/4, 1/16 and 1/64 of the pixels.

    Xie, Wang, Yu, Anandkumar, Alvarez, Luo: SegFormer: Simple and Efficient Design for Semantic Segmentation with
    Transformers, NeurIPS 2021, https://arxiv.org/abs/2105.15203.

    Shape:
        inputs: maps (B, in_channels[i], H_i, W_i), the first one largest; result: logits (B, num_classes, H_0, W_0).
    """

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Logits of the maps chosen by `in_index`, see the class."""
        maps = self._transform_inputs(inputs)
        size = maps[0].shape[2:]
        weights = self.fusion_conv.conv.weight.split(self.channels, dim=1)
        bias = self.fusion_conv.conv.bias
        fused = None
        for features, convolution, weight in zip(maps, self.convs, weights, strict=True):
            part = F.conv2d(convolution(features), weight, bias)
            bias = None  # once only
            if part.shape[2:] != size:
                align = None if self.interpolate_mode == "nearest" else self.align_corners
                part = F.interpolate(part, size=size, mode=self.interpolate_mode, align_corners=align)
            fused = part if fused is None else fused.add_(part)
        if self.fusion_conv.with_norm:
            fused = self.fusion_conv.norm(fused)
        return self.cls_seg(self.fusion_conv.activate(fused))
