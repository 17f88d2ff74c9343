import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from landcover.networks.timm_features import TimmFeatures

WRAPPER = {
    "type": "OptimWrapper",
    "optimizer": {"type": "AdamW", "lr": 0.5, "weight_decay": 0.01, "betas": (0.8, 0.9)},
    "constructor": "SegmentorOptimizer",
    "paramwise_cfg": {"head_lr_mult": 10.0},
}


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.conv = nn.Conv2d(1, 2, 1)
        self.backbone.norm = nn.LayerNorm(2)
        self.backbone.relative_position_bias_table = nn.Parameter(torch.zeros(3))
        self.backbone.cpb_mlp = nn.Linear(2, 1)
        self.backbone.logit_scale = nn.Parameter(torch.zeros(1))
        self.decode_head = nn.Module()
        self.decode_head.conv = nn.Conv2d(2, 8, 1)
        self.decode_head.norm = nn.BatchNorm2d(8)
        self.decode_head.shared = self.backbone.conv
        self.teacher = nn.Linear(1, 1).requires_grad_(False)


def groups_of(model, wrapper=WRAPPER):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        (group["lr"], group["weight_decay"]): sorted(names[id(parameter)] for parameter in group["params"])
        for group in build_optim_wrapper(model, wrapper).optimizer.param_groups
    }


def test_heads_learn_faster_and_norms_and_positions_do_not_decay(registered):
    assert groups_of(Network()) == {
        (0.5, 0.01): ["backbone.conv.bias", "backbone.conv.weight"],
        (0.5, 0.0): [
            "backbone.cpb_mlp.bias",
            "backbone.cpb_mlp.weight",
            "backbone.logit_scale",
            "backbone.norm.bias",
            "backbone.norm.weight",
            "backbone.relative_position_bias_table",
        ],
        (5.0, 0.01): ["decode_head.conv.bias", "decode_head.conv.weight"],
        (5.0, 0.0): ["decode_head.norm.bias", "decode_head.norm.weight"],
    }


def test_norms_of_an_efficientnet_do_not_decay(registered):
    model = nn.Module()
    model.backbone = TimmFeatures("efficientnet_lite0", out_indices=(0,))
    groups = groups_of(model)
    assert {key: len(names) for key, names in groups.items()} == {(0.5, 0.01): 9, (0.5, 0.0): 18}
    assert all(".conv" in name for name in groups[0.5, 0.01]) and all(".bn" in name for name in groups[0.5, 0.0])


def test_a_wrapped_student_is_split_alike(registered):
    outer = nn.Module()
    outer.student = Network()
    assert {key: len(names) for key, names in groups_of(outer).items()} == {
        (0.5, 0.01): 2, (0.5, 0.0): 6, (5.0, 0.01): 2, (5.0, 0.0): 2,
    }  # fmt: skip


def test_the_optimizer_keeps_its_other_settings(registered):
    optimizer = build_optim_wrapper(Network(), WRAPPER).optimizer
    assert isinstance(optimizer, torch.optim.AdamW)
    assert {group["betas"] for group in optimizer.param_groups} == {(0.8, 0.9)}


def test_a_step_changes_what_learns_alone(registered):
    model = Network()
    wrapper = build_optim_wrapper(model, WRAPPER)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    wrapper.update_params(sum(parameter.sum() for parameter in model.parameters()))
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved == before.keys() - {"teacher.weight", "teacher.bias"}


def test_the_config_is_not_changed(registered):
    wrapper = {**WRAPPER, "optimizer": dict(WRAPPER["optimizer"])}
    groups_of(Network(), wrapper)
    assert wrapper == WRAPPER


@pytest.mark.parametrize("missing", ["lr", "type"])
def test_an_optimizer_without_what_it_needs_is_refused(registered, missing):
    optimizer = {key: value for key, value in WRAPPER["optimizer"].items() if key != missing}
    with pytest.raises(KeyError, match=missing):
        build_optim_wrapper(Network(), {**WRAPPER, "optimizer": optimizer})
