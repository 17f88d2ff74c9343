"""Two branches that train together."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from landcover.errors import InputError
from landcover.networks.branch_mean import BRANCHES
from stage2_sar_seg.multimodal.multimodal_training import MultimodalTraining

MakeModel = Callable[..., MultimodalTraining]
MakeBatch = Callable[..., dict[str, Any]]
CROSS = {"weight": 0.5, "reassign": True, "cell": 2}
MASKED = {
    "probability": 1.0,
    "modalities": {"optical": {"ratio": 0.5, "patch": 16}, "sar": {"ratio": 0.25, "patch": 8}},
}
ALL_PARTS: dict[str, Any] = {"masking": MASKED, "fused_weight": 0.5, "complementary_weight": 0.5, "cross": CROSS}


def optimizer(model: nn.Module) -> OptimWrapper:
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return OptimWrapper(torch.optim.AdamW(learning, lr=1e-3))


def losses_of(model: MultimodalTraining, data: dict[str, Any]) -> dict[str, Tensor]:
    losses: dict[str, Tensor] = model(**model.data_preprocessor(data, True), mode="loss")
    return losses


def ignored(data: dict[str, Any], name: str) -> dict[str, Any]:
    """The batch of one modality, as a training of that alone has it."""
    changed: dict[str, Any] = copy.deepcopy(data[name])
    for sample in changed["data_samples"]:
        labels = sample.gt_sem_seg.data
        labels[labels == 254] = 255
    return changed


def test_without_weights_both_branches_train_as_they_do_by_themselves(make_model: MakeModel, batch: MakeBatch) -> None:
    model = make_model()
    alone = {name: copy.deepcopy(model.branches.branch(name)).train() for name in BRANCHES}
    wrapper, wrappers = optimizer(model), {name: optimizer(network) for name, network in alone.items()}
    for step in range(3):
        data = batch((True, False, True), seed=step)
        logged = model.train_step(copy.deepcopy(data), wrapper)
        assert set(logged) == {"loss"} | {
            f"{name}.{head}.loss_{loss}" for name in BRANCHES for head in ("decode", "auxiliary0")
            for loss in ("sce", "lovasz")
        }  # fmt: skip
        for name, network in alone.items():
            found = network.train_step(ignored(data, name), wrappers[name])
            assert logged[f"{name}.decode.loss_sce"].item() == found["decode.loss_sce"].item()
    for name, network in alone.items():
        together = model.branches.branch(name).state_dict()
        assert [key for key, value in network.state_dict().items() if not torch.equal(value, together[key])] == []


def test_all_parts_add_their_losses_and_every_parameter_gets_a_gradient(
    make_model: MakeModel, batch: MakeBatch
) -> None:
    model = make_model(**ALL_PARTS)
    losses = losses_of(model, batch((True, False, True)))
    added = {name for name in losses if ".decode." not in name and ".auxiliary" not in name}
    assert added == {
        "fused.loss_sce", "fused.loss_lovasz", "optical.loss_complementary", "sar.loss_complementary",
        "optical.loss_cross", "sar.loss_cross", "fused.loss_cross", "optical.labelled", "sar.labelled",
    }  # fmt: skip
    assert all(torch.isfinite(value) and value >= 0 for value in losses.values())
    model.parse_losses(losses)[0].backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def test_the_fused_prediction_has_the_losses_of_the_sar_model(make_model: MakeModel, batch: MakeBatch) -> None:
    model = make_model(fused_weight=2.0)
    data = model.data_preprocessor(batch(), True)
    losses = model(**data, mode="loss")
    logits = model(data["inputs"])
    expected = model.branches.sar.decode_head.loss_by_feat(logits, data["data_samples"]["sar"])
    # Batch norms have seen the batch twice, in training mode both times.
    torch.testing.assert_close(losses["fused.loss_sce"], 2 * expected["loss_sce"])
    torch.testing.assert_close(losses["fused.loss_lovasz"], 2 * expected["loss_lovasz"])


def test_a_branch_sees_what_is_hidden_of_the_other_and_0_where_something_is_hidden_of_it(
    make_model: MakeModel, batch: MakeBatch
) -> None:
    model = make_model(masking=MASKED)
    data = model.data_preprocessor(batch(), True)
    seen: dict[str, Tensor] = {}
    for name in BRANCHES:
        model.branches.branch(name).backbone.register_forward_pre_hook(
            lambda _, inputs, name=name: seen.update({name: inputs[0]})
        )
    model(**data, mode="loss")
    hidden = {name: (seen[name] != data["inputs"][name]).any(1) for name in BRANCHES}
    assert hidden["optical"].float().mean() > 0.4 and hidden["sar"].float().mean() > 0.2
    assert not (hidden["optical"] & hidden["sar"]).any()
    for name in BRANCHES:
        assert not seen[name].movedim(1, -1)[hidden[name]].any()
    assert (data["inputs"]["sar"] != 0).float().mean() > 0.9  # the batch itself stays


def test_a_sar_image_alone_is_labelled_by_its_branch_as_it_is_in_use(make_model: MakeModel, batch: MakeBatch) -> None:
    model = make_model(masking=MASKED, cross={"weight": 1.0, "reassign": False, "confidence": 0.0})
    norms = [module for module in model.branches.sar.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    data = batch((False, False))
    prepared = model.data_preprocessor(copy.deepcopy(data), True)
    tracked = [int(norm.num_batches_tracked) for norm in norms]
    losses = losses_of(model, data)
    assert norms and [int(norm.num_batches_tracked) for norm in norms] == [count + 1 for count in tracked]
    assert losses["sar.loss_cross"] > 0
    assert [losses[f"{name}.loss_cross"].item() for name in ("optical", "fused")] == [0.0, 0.0]
    assert all(module.training for module in model.branches.modules())
    losses["sar.loss_cross"].backward()
    whole = prepared["inputs"]["sar"].requires_grad_()
    assert whole.grad is None and model.branches.sar.decode_head.conv_seg.weight.grad.any()


def test_averages_teach_and_are_exported_where_they_are_asked_for(make_model: MakeModel, batch: MakeBatch) -> None:
    model = make_model(**ALL_PARTS, weight_ema=0.9, averaged_teachers=True)
    assert model.average is not None and model.exported is model.average
    before = {name: value.clone() for name, value in model.average.state_dict().items()}
    wrapper = optimizer(model)
    for step in range(2):
        model.train_step(batch((True, False), seed=step), wrapper)
        assert not model.average.training and model.branches.training
        same = [name for name, value in model.average.state_dict().items() if not torch.equal(value, before[name])]
        assert same == []  # the step itself leaves them
    model.update_average(0)
    moved = model.average.state_dict()
    assert all(torch.equal(value, moved[name]) for name, value in model.branches.state_dict().items())
    with torch.no_grad():  # other teachers, other losses, from the same student
        student = {name: value.clone() for name, value in model.branches.state_dict().items()}
        losses = losses_of(model, batch())
        model.average.sar.decode_head.conv_seg.bias[3] += 5.0
        model.branches.load_state_dict(student)
        changed = losses_of(model, batch())
    assert losses["optical.loss_cross"] != changed["optical.loss_cross"]
    assert losses["sar.loss_cross"] == changed["sar.loss_cross"]
    assert losses["sar.decode.loss_sce"] == changed["sar.decode.loss_sce"]


def test_without_averages_the_branches_are_exported_and_there_is_nothing_to_update(make_model: MakeModel) -> None:
    model = make_model()
    model.update_average(3)
    assert model.exported is model.branches and model.average is None
    assert {name.split(".")[0] for name in model.state_dict()} == {"branches"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fused_weight": -0.5}, r"multimodal.fused_weight: expected a number of at least 0, found -0.5; correct"),
        ({"weight_ema": 1.0}, r"weight_ema: expected None or a share in \[0, 1\), found 1.0; correct it"),
        ({"averaged_teachers": True}, r"multimodal.averaged_teachers: expected weight_ema with it, found None; set"),
    ],
)
def test_settings_that_do_not_fit_are_refused(make_model: MakeModel, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_model(**settings)


def test_branches_of_other_classes_are_refused(make_model: MakeModel, optical: dict[str, Any]) -> None:
    optical["decode_head"]["num_classes"] = 5
    with pytest.raises(InputError, match=r"multimodal.optical: expected a network of 8 classes .* found one of 5"):
        make_model(optical=optical)
