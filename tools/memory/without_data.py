"""Networks and operations without numbers: shapes and types alone, in no memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from landcover.networks import losses_only, mix_transformer

FLOAT32_ON_GPUS = (F.layer_norm, F.normalize, F.softmax, torch.softmax, Tensor.softmax)
"""What autocast runs in float32 on GPUs, but not on CPUs."""

aten = torch.ops.aten


@contextmanager
def without_data() -> Iterator[None]:
    """Operations find out shapes and types of their results, nothing else.

    Tensors pretend to be on the CPU, because torch's backward pass for CUDA asks the driver; bf16 is where it is on
    CUDA. A module from `built_on_meta` must be given to `placed` first.
    """
    # On CPUs alone, attention in bf16 writes its weights, and logits are resized in two steps.
    attention = mock.patch.object(mix_transformer, "attend", _attend)
    resize = mock.patch.object(losses_only, "resize_planes", _resize_planes)
    with attention, resize, FakeTensorMode(allow_non_fake_inputs=True), _AnswersWithoutData(), _AsOnGpus():
        yield


def built_on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    """The module that `build` makes, in training, with weights that have no memory."""
    with _EmptyOnMeta():
        return build().train()


def placed(module: nn.Module) -> nn.Module:
    """The module with all its weights and buffers on the device that `without_data` pretends."""
    for part in module.modules():
        for name, weight in part.named_parameters(recurse=False):
            setattr(part, name, nn.Parameter(_placed(weight), requires_grad=weight.requires_grad))
        for name, buffer in part.named_buffers(recurse=False):
            setattr(part, name, _placed(buffer))
    return module


def _placed(value: Tensor) -> Tensor:
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype)


class _EmptyOnMeta(TorchFunctionMode):
    """`torch.empty`, of which weights are made, has no memory; all else, such as drop rates by depth, is computed."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # torch's signature
        return func(*args, **{**(kwargs or {}), "device": "meta"} if func is torch.empty else kwargs or {})


class _AnswersWithoutData(TorchDispatchMode):
    """Answers questions about values, so that code that depends on them goes on.

    `Tensor.item` gives 0: no augmentation is drawn for a mix (what it takes is gone before the student looks), not all
    pixels have a label (for the Lovasz loss the larger case). `bincount` gives as many bins as it was asked for, and
    a mask selects everything.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # torch's signature
        kwargs = kwargs or {}
        if func is aten._local_scalar_dense.default:
            return 0.0 if args[0].dtype.is_floating_point else 0
        if func is aten.bincount.default:
            return torch.empty(kwargs.get("minlength", args[2] if len(args) > 2 else 0), dtype=torch.int64)
        if func is aten.index.Tensor:
            args = (args[0], [part for index in args[1] for part in _without_masks(index)])
        return func(*args, **kwargs)


def _without_masks(index: Tensor | None) -> list[Tensor | None]:
    """The indices that stand for one: a mask means positions along each of its dimensions."""
    if index is None or index.dtype != torch.bool:
        return [index]
    return [torch.empty(index.numel(), dtype=torch.int64) for _ in index.shape]


class _AsOnGpus(TorchFunctionMode):
    """Functions that work in another precision on CPUs, or not at all, do what they do on GPUs."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # torch's signature
        kwargs = kwargs or {}
        if func is F.batch_norm and args[0].numel() == args[0].shape[1]:
            # A single image, pooled to one value per channel: together, GPUs have more of them.
            kwargs = {**kwargs, "training": False}
        if func in FLOAT32_ON_GPUS and torch.is_autocast_enabled("cpu"):
            args = tuple(value.float() if isinstance(value, Tensor) else value for value in args)
        return func(*args, **kwargs)


def _attend(query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)


def _resize_planes(maps: Tensor, size: torch.Size, align_corners: bool) -> Tensor:
    return F.interpolate(maps.contiguous(), size, mode="bilinear", align_corners=align_corners)
