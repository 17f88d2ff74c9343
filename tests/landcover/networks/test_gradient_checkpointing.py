"""`with_cp` of every backbone: the same training step from less memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from landcover.networks.mix_transformer import FastMixVisionTransformer
from landcover.networks.timm_features import TimmFeatures

DROPOUT = {"attn_drop_rate": 0.1, "proj_drop_rate": 0.1}
SWIN = {"embed_dim": 24, "depths": (2, 2, 2, 2), "num_heads": (1, 2, 4, 8), **DROPOUT}

Backbone = Callable[..., nn.Module]


def timm_features(name: str, **options: Any) -> Backbone:
    def build(with_cp: bool) -> nn.Module:
        return TimmFeatures(name, in_channels=1, drop_path_rate=0.5, output_norm=True, with_cp=with_cp, **options)

    return build


def mix_transformer(with_cp: bool) -> nn.Module:
    rates = {"drop_rate": 0.1, "attn_drop_rate": 0.1, "drop_path_rate": 0.5}
    return FastMixVisionTransformer(in_channels=1, embed_dims=8, num_layers=(2, 2, 2, 2), with_cp=with_cp, **rates)


every_backbone = pytest.mark.parametrize(
    "build",
    [
        mix_transformer,
        timm_features("swinv2_tiny_window8_256", img_size=64, architecture=SWIN),
        timm_features("convnext_atto"),
        timm_features("convnextv2_atto"),
        timm_features("efficientnet_lite0"),
    ],
    ids=["mix_transformer", "swinv2", "convnext", "convnextv2", "efficientnet"],
)


def pair(build: Backbone) -> tuple[nn.Module, nn.Module]:
    """One backbone twice, both in training: keeping its activations, and recomputing them."""
    torch.manual_seed(0)
    keeping, recomputing = build(with_cp=False), build(with_cp=True)
    for parameter in keeping.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)  # SwinV2's blocks start as zeros
    recomputing.load_state_dict(keeping.state_dict())
    return keeping.train(), recomputing.train()


def kept_bytes(backbone: nn.Module, images: Tensor) -> int:
    """What the graph of a forward pass keeps for the backward pass, parameters left out."""
    kept = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = backbone(images)
    parameters = {parameter.untyped_storage().data_ptr() for parameter in backbone.parameters()}
    assert outputs[0].requires_grad
    return sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in parameters)


@every_backbone
def test_outputs_gradients_and_draws_of_two_backward_passes_stay(build: Backbone) -> None:
    images = torch.randn(2, 1, 64, 64)
    results = []
    for backbone in pair(build):
        torch.manual_seed(1)
        first, second = backbone(images), backbone(0.5 * images)
        torch.stack([output.square().mean() for output in first]).sum().backward()
        third = backbone(0.2 * images)
        torch.stack([output.pow(3).mean() for output in (*second, *third)]).sum().backward()
        gradients = [parameter.grad for parameter in backbone.parameters()]
        assert all(gradient is not None for gradient in gradients)
        results.append([*first, *second, *third, *gradients, torch.get_rng_state()])
    for value, expected in zip(*results, strict=True):
        torch.testing.assert_close(value, expected)


@every_backbone
def test_the_tested_backbones_draw(build: Backbone) -> None:
    backbone, images = pair(build)[1], torch.randn(2, 1, 64, 64)
    assert not torch.equal(backbone(images)[-1], backbone(images)[-1])


@every_backbone
def test_the_graph_keeps_less_than_half(build: Backbone) -> None:
    keeping, recomputing = pair(build)
    images = torch.randn(2, 1, 64, 64)
    assert kept_bytes(recomputing, images) < 0.5 * kept_bytes(keeping, images)


@every_backbone
def test_it_predicts_alike_without_gradients(build: Backbone) -> None:
    keeping, recomputing = pair(build)
    images = torch.randn(2, 1, 96, 64)
    with torch.inference_mode():
        expected, outputs = keeping.eval()(images), recomputing.eval()(images)
    for output, value in zip(outputs, expected, strict=True):
        torch.testing.assert_close(output, value)


def test_batch_norm_statistics_of_steps_stay() -> None:
    keeping, recomputing = pair(timm_features("efficientnet_lite0"))
    for seed in (1, 2):
        images = torch.randn(2, 1, 64, 64)
        for backbone in (keeping, recomputing):
            torch.manual_seed(seed)
            torch.stack([output.square().mean() for output in backbone(images)]).sum().backward()
    found, expected = recomputing.state_dict(), keeping.state_dict()
    statistics = [name for name in expected if "running" in name]
    assert len(statistics) == 96
    for name in statistics:
        torch.testing.assert_close(found[name], expected[name])
