"""Parameter groups of segmentors: heads learn faster than backbones, norms and positions do not decay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, OPTIMIZERS
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm)

POSITION_NAMES = ("relative_position", "cpb_mlp", "logit_scale", "pos_embed")
"""Parts of the names of position parameters (SwinV2's continuous position bias and attention temperature)."""


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class SegmentorOptimizer:
    """Builds an optimizer wrapper with at most four groups: backbone or head, with or without weight decay.

    mmengine's constructor makes a group per parameter, which keeps fused updates from fusing, and lets a parameter
    follow one rule only, so that the norms of a head with its own learning rate would decay. Parameters without
    gradient (a frozen teacher) are left out.

    Args:
        optim_wrapper_cfg: config of the wrapper with its `optimizer`.
        paramwise_cfg: `head_lr_mult`, the factor on the learning rate of every parameter outside the backbone.
    """

    def __init__(self, optim_wrapper_cfg: Mapping[str, Any], paramwise_cfg: Mapping[str, float]) -> None:
        self._wrapper, self._head_lr_mult = dict(optim_wrapper_cfg), paramwise_cfg["head_lr_mult"]
        self._optimizer = dict(self._wrapper.pop("optimizer"))

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """The wrapper for `model`."""
        groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
        for name, parameter, in_norm in _parameters(model):
            decays = not in_norm and not any(part in name for part in POSITION_NAMES)
            groups.setdefault(("backbone." in name, decays), []).append(parameter)
        lr, decay = self._optimizer["lr"], self._optimizer.get("weight_decay", 0.0)
        self._optimizer["params"] = [
            {
                "params": parameters,
                "lr": lr * (1.0 if backbone else self._head_lr_mult),
                "weight_decay": decay if decays else 0.0,
            }
            for (backbone, decays), parameters in sorted(groups.items(), reverse=True)
        ]
        wrapper = {"type": "OptimWrapper", **self._wrapper}
        return OPTIM_WRAPPERS.build(wrapper, default_args={"optimizer": OPTIMIZERS.build(self._optimizer)})


def _parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter, bool]]:
    """Name, parameter and whether a norm owns it, of everything that learns; shared parameters once."""
    seen: set[int] = set()
    for prefix, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad and id(parameter) not in seen:
                seen.add(id(parameter))
                yield f"{prefix}.{name}", parameter, isinstance(module, NORMS)
