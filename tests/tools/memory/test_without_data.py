import pytest
import torch
from mmseg.registry import MODELS
from tiny_networks import tiny_segformer
from torch.nn import functional as F

from landcover.losses.lovasz import LovaszSoftmax
from landcover.networks.timm_features import TimmFeatures
from tools.memory.without_data import built_on_meta, placed, without_data


def test_a_network_has_its_shapes_and_drop_rates_but_no_numbers(registered):
    config = tiny_segformer({"mean": [127.0] * 3, "std": [60.0] * 3}, backbone={"drop_path_rate": 0.3})
    real = MODELS.build(config)
    model = built_on_meta(lambda: MODELS.build(config))
    assert model.training and model.backbone.layers[0][0].projection.weight.device.type == "meta"
    rates = [stage[1][0].ffn.dropout_layer.drop_prob for stage in model.backbone.layers]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3])
    with without_data():
        placed(model)
        logits = model(torch.empty(2, 3, 64, 32), mode="tensor")
        assert (tuple(logits.shape), logits.device.type) == ((2, 8, 16, 8), "cpu")
    shapes = {name: (value.shape, value.dtype) for name, value in real.state_dict().items()}
    assert {name: (value.shape, value.dtype) for name, value in model.state_dict().items()} == shapes
    assert all(value.device.type == "cpu" for value in model.state_dict().values())


def test_frozen_weights_stay_frozen():
    model = built_on_meta(lambda: torch.nn.Linear(2, 3).requires_grad_(False))
    with without_data():
        assert [parameter.requires_grad for parameter in placed(model).parameters()] == [False, False]


def test_questions_about_values_have_an_answer():
    with without_data():
        values = torch.rand(4, 5)
        assert (values.sum().item(), int(values.long().max()), bool((values > 0).all())) == (0.0, 0, False)
        assert torch.bincount(torch.zeros(9, dtype=torch.int64), minlength=6).shape == (6,)
        assert values[values > 0.5].shape == (20,)
        assert values[:, values[0] > 0.5].shape == (4, 5)
        assert values[torch.zeros(3, dtype=torch.int64)].shape == (3, 5)


def test_a_lovasz_loss_has_a_gradient():
    with without_data():
        logits = torch.zeros(2, 8, 16, 16, requires_grad=True)
        LovaszSoftmax()(logits, torch.zeros(2, 16, 16, dtype=torch.int64)).backward()
        assert logits.grad is not None and logits.grad.shape == (2, 8, 16, 16)


def test_a_single_pooled_image_passes_a_batch_norm():
    norm = built_on_meta(lambda: torch.nn.BatchNorm2d(3))
    with without_data():
        result = placed(norm)(torch.empty(1, 3, 1, 1))
        assert result.shape == (1, 3, 1, 1) and result.requires_grad


def test_bf16_is_where_it_is_on_gpus():
    with without_data(), torch.autocast("cpu", dtype=torch.bfloat16):
        values = torch.empty(2, 4, 4) @ torch.empty(4, 4)
        assert values.dtype == torch.bfloat16
        assert F.layer_norm(values, (4,)).dtype == values.softmax(-1).dtype == torch.float32
        assert torch.relu(values).dtype == torch.bfloat16
    with without_data():
        assert F.layer_norm(torch.empty(2, 4, dtype=torch.bfloat16), (4,)).dtype == torch.bfloat16


def test_every_backbone_of_timm_is_built_without_memory():
    for name, options in (("swinv2_tiny_window8_256", {"img_size": 64}), ("convnextv2_atto", {})):
        model = built_on_meta(lambda name=name, options=options: TimmFeatures(name, output_norm=True, **options))
        with without_data():
            maps = placed(model)(torch.empty(1, 3, 64, 64))
        assert [tuple(features.shape[2:]) for features in maps] == [(16, 16), (8, 8), (4, 4), (2, 2)]
