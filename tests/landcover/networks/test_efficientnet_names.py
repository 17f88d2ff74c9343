"""Renaming of EfficientNet's tensors, on the file of weights that a package brings."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch

from landcover.errors import InputError
from landcover.networks.efficientnet_names import timm_names
from landcover.networks.packaged_weights import PackagedWeights
from landcover.networks.pretrained import EFFICIENTNET_LITE0, EFFICIENTNET_LITE1, read_tensors
from landcover.networks.timm_features import TimmFeatures

NAME = "efficientnet_lite0"


def test_blocks_are_counted_by_stage_and_parts_are_called_as_in_timm() -> None:
    one = torch.ones(1)
    model = ["conv_stem.weight", "blocks.0.0.conv_dw.weight", "blocks.1.0.conv_pw.weight", "blocks.1.1.bn3.bias"]
    old = {
        "_conv_stem.weight": "conv_stem.weight",
        "_bn0.running_mean": "bn1.running_mean",
        "_blocks.0._depthwise_conv.weight": "blocks.0.0.conv_dw.weight",
        "_blocks.0._bn1.bias": "blocks.0.0.bn1.bias",
        "_blocks.0._project_conv.weight": "blocks.0.0.conv_pw.weight",
        "_blocks.0._bn2.weight": "blocks.0.0.bn2.weight",
        "_blocks.1._expand_conv.weight": "blocks.1.0.conv_pw.weight",
        "_blocks.1._bn0.num_batches_tracked": "blocks.1.0.bn1.num_batches_tracked",
        "_blocks.2._expand_conv.weight": "blocks.1.1.conv_pw.weight",
        "_blocks.2._depthwise_conv.weight": "blocks.1.1.conv_dw.weight",
        "_blocks.2._bn1.weight": "blocks.1.1.bn2.weight",
        "_blocks.2._project_conv.weight": "blocks.1.1.conv_pwl.weight",
        "_blocks.2._bn2.running_var": "blocks.1.1.bn3.running_var",
        "_bn1.bias": "bn2.bias",
        "_fc.weight": "classifier.weight",
        "_blocks.3._bn2.bias": "_blocks.3._bn2.bias",  # no such block
        "_blocks.2._se.bias": "_blocks.2._se.bias",  # no such part
        "stem.weight": "stem.weight",
    }
    assert list(timm_names(dict.fromkeys(old, one), model)) == list(old.values())
    assert list(timm_names(dict.fromkeys(model, one), model)) == model


@pytest.mark.parametrize(("weights", "count"), [(EFFICIENTNET_LITE0, 247), (EFFICIENTNET_LITE1, 322)])
def test_the_file_has_every_name_and_shape_of_timms_model_and_no_other(weights: PackagedWeights, count: int) -> None:
    expected = timm.create_model(weights.name).state_dict()
    tensors = timm_names(read_tensors(weights.find()), expected)
    assert {name: tensor.shape for name, tensor in tensors.items()} == {n: t.shape for n, t in expected.items()}
    assert len([name for name in tensors if "num_batches" not in name]) == count


@pytest.mark.parametrize("model_name", [NAME, "tf_efficientnet_lite0"])
def test_loaded_weights_are_those_of_the_file_in_its_order(model_name: str) -> None:
    path = EFFICIENTNET_LITE0.find()
    backbone = TimmFeatures(model_name, checkpoint=str(path), channels_last=True)
    backbone.init_weights()
    loaded = list(backbone.model.state_dict().values())
    published = read_tensors(path)
    whole = [tensor for name, tensor in published.items() if not name.startswith(("_conv_head", "_bn1", "_fc"))]
    assert len(loaded) == len(whole) == 288
    assert all(torch.equal(*pair) for pair in zip(loaded, whole, strict=True))
    by_name = {"conv_stem.weight": "_conv_stem.weight", "blocks.6.0.bn3.running_var": "_blocks.15._bn2.running_var",
               "blocks.1.0.conv_pw.weight": "_blocks.1._expand_conv.weight"}  # fmt: skip
    for name, old in by_name.items():
        assert torch.equal(backbone.model.state_dict()[name], published[old])


@pytest.mark.parametrize("change", ["a stage of another model", "a tensor less", "a tensor more", "another model"])
def test_a_wrong_file_is_refused(tmp_path: Path, change: str) -> None:
    tensors = read_tensors(EFFICIENTNET_LITE0.find())
    expected = r"1 tensors \(blocks\.3\.0\.bn1\.bias, \.\.\.\) missing and 0 tensors not in"
    if change == "a stage of another model":
        tensors["_blocks.5._bn0.bias"] = torch.ones(12)
        expected = r"blocks\.3\.0\.bn1\.bias has shape \(12,\), the model needs \(240,\)"
    elif change == "a tensor less":
        del tensors["_blocks.5._bn0.bias"]
    elif change == "a tensor more":
        tensors["_blocks.16._bn0.bias"] = torch.ones(240)
        expected = r"0 tensors missing and 1 tensors \(_blocks\.16\._bn0\.bias, \.\.\.\) not in"
    else:
        tensors = timm.create_model("efficientnet_lite1").state_dict()
        expected = "0 tensors missing and .* not in the model"
    torch.save(tensors, tmp_path / "wrong.pth")
    backbone = TimmFeatures(NAME, checkpoint=str(tmp_path / "wrong.pth"))
    before = backbone.model.conv_stem.weight.clone()
    with pytest.raises(InputError, match=rf"wrong\.pth: weights of another model: {expected}"):
        backbone.init_weights()
    assert torch.equal(backbone.model.conv_stem.weight, before)
