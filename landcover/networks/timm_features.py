"""Feature maps of an image classifier from the timm library."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import timm
import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from timm.models.convnext import ConvNeXt
from timm.models.efficientnet import EfficientNet
from timm.models.swin_transformer_v2 import SwinTransformerV2
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from landcover.errors import InputError
from landcover.networks.efficientnet_names import timm_names
from landcover.networks.pretrained import load_strictly, read_tensors


@MODELS.register_module()
class TimmFeatures(BaseModule):
    """Feature maps of a timm model (SwinV2, ConvNeXt, ConvNeXtV2, EfficientNet) for UPerNet, for images of any size.

    Liu et al.: Swin Transformer V2, CVPR 2022, https://arxiv.org/abs/2111.09883. Liu et al.: A ConvNet for the 2020s,
    CVPR 2022, https://arxiv.org/abs/2201.03545. Woo et al.: ConvNeXt V2, CVPR 2023, https://arxiv.org/abs/2301.00808.
    Tan, Le: EfficientNet, ICML 2019, https://arxiv.org/abs/1905.11946.

    Args:
        model_name: architecture in timm, without the name of its weights, e.g. "convnextv2_base".
        in_channels: bands of the image.
        out_indices: maps to return, of strides 4, 8, 16 and 32; what only later ones need is not built.
        checkpoint: file of pretrained weights that `init_weights` loads; None keeps timm's random weights.
        drop_path_rate: probability with which the last block is skipped for an image; it grows linearly with depth.
        output_norm: normalise each returned map over its channels, as the UPerNets of Swin and ConvNeXt do.
        with_cp: recompute the blocks in the backward pass instead of keeping their activations.
        img_size: side of the training crops, for models with windows (SwinV2) only: a stage whose map is smaller than
            the window gets a smaller window. Other sizes are still accepted.
        window_size: side of the attention windows; None takes the model's own.
        architecture: further arguments of the timm model, such as `depths`, for sizes that have no name in timm.
        channels_last: keep maps and weights with the channels last in memory: results are equal but for rounding, and
            EfficientNets are faster on CPUs; SwinV2 and ConvNeXt compute with the channels last anyway.

    Shape:
        images (B, in_channels, H, W), float; sides of windowed models are multiples of 4; result: list of
        (B, C_i, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(
        self,
        model_name: str,
        in_channels: int = 3,
        out_indices: tuple[int, ...] = (0, 1, 2, 3),
        checkpoint: str | None = None,
        drop_path_rate: float = 0.0,
        output_norm: bool = False,
        with_cp: bool = False,
        img_size: int | None = None,
        window_size: int | None = None,
        architecture: Mapping[str, object] | None = None,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        options = {"img_size": img_size, "window_size": window_size}
        given: dict[str, object] = {name: value for name, value in options.items() if value is not None}
        given.update(architecture or {})
        if model_name.startswith("swin"):
            given["strict_img_size"] = False
        self.model = _create(model_name, in_channels, drop_path_rate, given)
        self._whole = list(self.model.state_dict())
        # EfficientNet's first maps have stride 2, which is not counted.
        counted = [index for index, info in enumerate(self.model.feature_info) if info["reduction"] >= 4]
        self.taken = [counted[index] for index in out_indices]
        self.model.prune_intermediate_layers(self.taken, prune_norm=True, prune_head=True)
        channels = [self.model.feature_info[index]["num_chs"] for index in self.taken]
        self.norms = nn.ModuleList(_ChannelNorm(count) if output_norm else nn.Identity() for count in channels)
        if with_cp:
            # timm's default is not re-entrant: several forward and backward passes per step, with the same dropout.
            self.model.set_grad_checkpointing()
            _count_repeated_statistics_once(self.model)
        self._memory_format = torch.channels_last if channels_last else torch.preserve_format
        self.model.to(memory_format=self._memory_format)

    def init_weights(self) -> None:
        """Loads the pretrained file if there is one; timm has drawn random weights already."""
        if self.checkpoint is None:
            return
        path = Path(self.checkpoint)
        tensors = read_tensors(path)
        if isinstance(self.model, EfficientNet):
            tensors = timm_names(tensors, self._whole)
        else:  # these modules of timm have a function that renames what older files call differently
            tensors = sys.modules[type(self.model).__module__].checkpoint_filter_fn(tensors, self.model)
        first_weight = f"{self.model.pretrained_cfg['first_conv']}.weight"
        load_strictly(self.model, tensors, first_weight, unused=("head.", "classifier.", *self._whole), path=path)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps of the stages `out_indices`, see the class."""
        maps = self.model.forward_intermediates(
            images.to(memory_format=self._memory_format),
            indices=self.taken,
            intermediates_only=True,
            output_fmt="NCHW",
        )
        return [norm(features) for norm, features in zip(self.norms, maps, strict=True)]


class _ChannelNorm(nn.LayerNorm):
    """Layer normalisation of a map (B, C, H, W) over C at each position."""

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _count_repeated_statistics_once(model: nn.Module) -> None:
    """Makes two updates of a block's batch-norm statistics by one batch what one is: blocks are computed twice a step.

    The share of the old statistics that an update keeps becomes its square root.
    """
    for name, module in model.named_modules():
        if name.startswith("blocks.") and isinstance(module, _BatchNorm):
            assert module.momentum is not None, "timm's norms have one"
            module.momentum = 1.0 - (1.0 - module.momentum) ** 0.5


def _create(
    model_name: str, in_channels: int, drop_path_rate: float, options: dict[str, object]
) -> ConvNeXt | SwinTransformerV2 | EfficientNet:
    """timm model without classifier and with random weights; `InputError` if timm does not take name or options."""
    if not timm.is_model(model_name):
        raise InputError(f"model_name: expected a model of timm {timm.__version__}, found {model_name!r}")
    try:
        return timm.create_model(
            model_name, pretrained=False, num_classes=0, in_chans=in_channels, drop_path_rate=drop_path_rate, **options
        )
    except TypeError as error:
        raise InputError(f"{model_name}: timm does not take these options: {error}") from error
