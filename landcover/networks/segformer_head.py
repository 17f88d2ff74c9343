"""SegFormer's decode head with its largest convolution where the maps are small."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads import SegformerHead
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from landcover.networks.linear import pointwise
from landcover.networks.losses_only import LossesOnly


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
        return self.cls_seg(self._forward_feature(inputs))

    def _forward_feature(self, inputs: Sequence[Tensor]) -> Tensor:
        """The fused map (B, channels, H_0, W_0), which is classified; under the name that mmseg's heads give it."""
        maps = self._transform_inputs(inputs)
        size = maps[0].shape[2:]
        # Where nothing is learned, batch norms are part of the convolutions before them.
        fold = not (self.training or torch.is_grad_enabled())
        weight, bias = _weights(self.fusion_conv, fold)
        fused: Tensor | None = None
        parts = zip(maps, self.convs, weight.split(self.channels, dim=1), strict=True)
        for features, convolution, part_weight in parts:
            projected = pointwise(features, *_weights(convolution, fold))
            part = pointwise(_normalised(projected, convolution, fold), part_weight, bias)
            bias = None  # once only
            if part.shape[2:] != size:
                align = None if self.interpolate_mode == "nearest" else self.align_corners
                part = F.interpolate(part, size=size, mode=self.interpolate_mode, align_corners=align)
            # Into the resized map: in place on a view of something else, autograd copies gradients four times.
            fused = part if fused is None else part.add_(fused)
        assert fused is not None, "a head without maps"
        return _normalised(fused, self.fusion_conv, fold)

    def cls_seg(self, features: Tensor) -> Tensor:
        """Logits of the fused map, with dropout in training."""
        kept = features if self.dropout is None else self.dropout(features)
        return pointwise(kept, self.conv_seg.weight, self.conv_seg.bias)


def _weights(module: ConvModule, fold: bool) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of a convolution, with the batch norm behind it if `fold`."""
    weight, bias = module.conv.weight, module.conv.bias
    if not (fold and _has_batch_norm(module)):
        return weight, bias
    norm = module.norm
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    shift = norm.bias - norm.running_mean * scale
    return weight * scale[:, None, None, None], shift if bias is None else shift + bias * scale


def _normalised(values: Tensor, module: ConvModule, folded: bool) -> Tensor:
    """What follows the convolution of `module`: its norm, unless that is folded, and activation."""
    if module.with_norm and not (folded and _has_batch_norm(module)):
        values = module.norm(values)
    return module.activate(values)


def _has_batch_norm(module: ConvModule) -> bool:
    return module.with_norm and isinstance(module.norm, _BatchNorm)
