from __future__ import annotations

import pytest
import torch
from mmengine.structures import BaseDataElement

from stage2_sar_seg.registration.s2m2.losses import heatmap_cross_entropy, position_distribution, pseudo_heatmap
from stage2_sar_seg.registration.s2m2.semi_supervised import SemiSupervisedMatching

NETWORK = {"type": "S2M2Network", "search": 4, "widths": [8, 8], "blocks": 1, "shallow_channels": 8}


def batch(*labelled: bool) -> dict:
    generator = torch.Generator().manual_seed(len(labelled))
    return {
        "inputs": {
            "sar": [torch.randn(1, 24, 24, generator=generator) for _ in labelled],
            "optical": [torch.randn(3, 32, 32, generator=generator) for _ in labelled],
        },
        "data_samples": [
            BaseDataElement(position=torch.tensor([2.5, 7.0]), labelled=torch.tensor(label)) for label in labelled
        ],
    }


@pytest.fixture
def model(registered: None) -> SemiSupervisedMatching:
    torch.manual_seed(0)
    return SemiSupervisedMatching(NETWORK, labelled_share=0.25)


def test_the_losses_are_those_of_the_paper(model: SemiSupervisedMatching) -> None:
    samples = batch(True, False, False, False)
    losses = model(**samples)
    assert sorted(losses) == ["loss_deep", "loss_dependence", "loss_pseudo", "loss_shallow"]
    found = model.network(*(torch.stack(samples["inputs"][name]) for name in ("sar", "optical")))
    target = position_distribution(torch.tensor([[2.5, 7.0]]), 9, 9)
    expected = {
        "loss_deep": heatmap_cross_entropy(found.deep[:1], target, 1 / 100).mean(),
        "loss_shallow": heatmap_cross_entropy(found.shallow[:1], target, 1 / 30).mean(),
        "loss_pseudo": heatmap_cross_entropy(
            found.shallow[1:], pseudo_heatmap(found.deep[1:], found.shallow[1:], 1 / 200), 1 / 80
        ).mean(),
    }
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)


def test_a_batch_that_is_shared_out_gives_the_same_mean(model: SemiSupervisedMatching) -> None:
    model.independence_weight = 0.0  # depends on drawn pixels
    samples = batch(True, False, False, False)
    parts = [
        {
            "inputs": {name: images[part] for name, images in samples["inputs"].items()},
            "data_samples": samples["data_samples"][part],
        }
        for part in (slice(0, 2), slice(2, 4))
    ]
    whole, halves = model(**samples), [model(**part) for part in parts]
    for name, value in whole.items():
        torch.testing.assert_close(value, (halves[0][name] + halves[1][name]) / 2)


def test_a_process_without_labelled_samples_has_a_gradient_for_every_weight(model: SemiSupervisedMatching) -> None:
    sum(model(**batch(False, False)).values()).backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


def test_the_position_of_an_unlabelled_pair_is_not_looked_at(model: SemiSupervisedMatching) -> None:
    model.independence_weight = 0.0
    samples = batch(True, False)
    before = model(**samples)
    samples["data_samples"][1].position = torch.tensor([0.0, 0.0])
    assert {name: value.item() for name, value in model(**samples).items()} == {
        name: value.item() for name, value in before.items()
    }


def test_unlabelled_pairs_wait_until_the_labelled_ones_have_taught_something(registered: None) -> None:
    torch.manual_seed(0)
    model = SemiSupervisedMatching(NETWORK, labelled_share=0.5, unlabelled_from=2)
    losses = [model(**batch(True, False)) for _ in range(4)]
    assert [loss["loss_pseudo"].item() > 0 for loss in losses] == [False, False, True, True]
    assert all(loss["loss_shallow"].item() > 0 for loss in losses)
    assert model.state_dict()["steps"] == 4


def test_without_unlabelled_pairs_and_independence_it_is_supervised(registered: None) -> None:
    torch.manual_seed(0)
    model = SemiSupervisedMatching(NETWORK, independence_weight=0.0)
    assert sorted(model(**batch(True, True))) == ["loss_deep", "loss_shallow"]


def test_bf16_changes_losses_by_no_more_than_rounding(model: SemiSupervisedMatching) -> None:
    model.independence_weight = 0.0
    samples = batch(True, False, False, False)
    expected = model(**samples)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model(**samples)
    for name, value in expected.items():
        assert found[name].dtype == torch.float32
        assert found[name].item() == pytest.approx(value.item(), rel=0.1) and found[name].item() != value.item()


def test_activations_that_are_computed_again_change_nothing(model: SemiSupervisedMatching) -> None:
    torch.manual_seed(0)
    frugal = SemiSupervisedMatching({**NETWORK, "with_cp": True}, labelled_share=0.25)
    gradients = []
    for one in (model, frugal):
        torch.manual_seed(0)
        sum(one(**batch(True, False)).values()).backward()
        gradients.append([weight.grad for weight in one.parameters()])
    for first, second in zip(*gradients, strict=True):
        torch.testing.assert_close(first, second)
