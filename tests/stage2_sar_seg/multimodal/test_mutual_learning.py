"""Predictions that learn from each other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from landcover.errors import InputError
from stage2_sar_seg.multimodal.complementary import complementary_loss
from stage2_sar_seg.multimodal.cross_supervision import confident_labels, cross_loss
from stage2_sar_seg.multimodal.mutual_learning import MutualLearning, Places, Predictions

CROSS = {"weight": 0.5, "reassign": False, "confidence": 0.5}
SHARES = [0.25, 0.25, 0.5]
ALL = torch.ones(2, 4, 4, dtype=torch.bool)
NONE = torch.zeros(2, 4, 4, dtype=torch.bool)
PAIRS = Places(ALL, NONE, [True, True])


def logits(seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return (3 * torch.randn(2, 3, 4, 4, generator=rng, dtype=torch.float64)).requires_grad_()


def of_two_branches() -> tuple[dict[str, Tensor], Predictions]:
    """Logits of both branches, and predictions of which each teaches as it is."""
    made = {"optical": logits(1), "sar": logits(2)}
    learners = {name: value.log_softmax(1) for name, value in made.items()}
    return made, Predictions(learners, {name: value.detach() for name, value in learners.items()}, None)


def learning(complementary_weight: float = 0.0, **cross: Any) -> MutualLearning:
    return MutualLearning(complementary_weight, {**CROSS, **cross}, SHARES)


def test_each_branch_learns_from_the_other() -> None:
    made, predictions = of_two_branches()
    losses = learning(2.0)(predictions, PAIRS, 0.5)
    optical, sar = (made[name].detach().log_softmax(1) for name in ("optical", "sar"))
    expected = {
        "optical.loss_complementary": 2 * complementary_loss(sar, optical, ALL),
        "sar.loss_complementary": 2 * complementary_loss(optical, sar, ALL),
        "optical.loss_cross": 0.5 * cross_loss(confident_labels(sar, ALL, 0.5), optical, ALL),
        "sar.loss_cross": 0.5 * cross_loss(confident_labels(optical, ALL, 0.5), sar, ALL),
    }
    for name, value in expected.items():
        torch.testing.assert_close(losses[name].detach(), value)
    labelled = [confident_labels(teacher, ALL, 0.5).sum() / 32 for teacher in (optical, sar)]
    torch.testing.assert_close([losses["optical.labelled"], losses["sar.labelled"]], labelled)


def test_the_fused_prediction_learns_the_mean_of_both_branches_labels() -> None:
    made, predictions = of_two_branches()
    losses = learning()(predictions, PAIRS, 0.5)
    labels = sum(confident_labels(value.detach().log_softmax(1), ALL, 0.5) for value in made.values()) / 2
    fused = ((made["optical"] + made["sar"]) / 2).log_softmax(1)
    torch.testing.assert_close(losses["fused.loss_cross"], 0.5 * cross_loss(labels, fused, ALL))


@pytest.mark.parametrize("learner", ["optical", "sar"])
@pytest.mark.parametrize("loss", ["loss_complementary", "loss_cross"])
def test_no_gradient_gets_to_the_side_that_teaches(learner: str, loss: str) -> None:
    made, predictions = of_two_branches()
    learning(1.0, reassign=True)(predictions, PAIRS, 0.5)[f"{learner}.{loss}"].backward()
    teacher = made["sar" if learner == "optical" else "optical"]
    learned = made[learner].grad
    assert teacher.grad is None
    assert learned is not None and learned.abs().sum() > 0


def test_a_sar_image_alone_learns_from_its_whole_view_and_the_other_predictions_nothing() -> None:
    made, predictions = of_two_branches()
    both, alone = ALL.clone(), NONE.clone()
    both[1], alone[1] = False, True
    whole = logits(3).detach().log_softmax(1)[:1]
    predictions = Predictions(predictions.learners, predictions.teachers, whole)
    losses = learning(1.0)(predictions, Places(both, alone, [True, False]), 0.5)
    labels = confident_labels(torch.cat([made["optical"].detach().log_softmax(1)[:1], whole]), ALL, 0.5)
    torch.testing.assert_close(
        losses["sar.loss_cross"], 0.5 * cross_loss(labels, made["sar"].log_softmax(1), ALL), check_dtype=False
    )
    for name, value in losses.items():
        if name.startswith(("optical.loss", "fused.loss")):
            value.backward(retain_graph=True)
    for value in made.values():
        assert value.grad is not None and value.grad[0].any() and not value.grad[1].any()


def test_a_part_of_weight_0_is_not_there() -> None:
    _, predictions = of_two_branches()
    assert {name.split("_")[-1] for name in learning(1.0, weight=0.0)(predictions, PAIRS, 0.5)} == {"complementary"}
    assert not any("complementary" in name for name in learning(0.0)(predictions, PAIRS, 0.5))
    neither = learning(0.0, weight=0.0)
    assert not neither.learns and neither(predictions, PAIRS, 0.5) == {}
    assert learning(0.1, weight=0.0).learns and learning(0.0).learns


def test_the_share_that_is_reassigned_grows_with_the_training() -> None:
    _, predictions = of_two_branches()
    found = [learning(reassign=True)(predictions, PAIRS, progress)["sar.labelled"].item() for progress in (0.25, 1.0)]
    assert found == pytest.approx([0.25, 1.0], abs=1e-3)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(InputError, match=r"multimodal.complementary_weight: expected a number of at least 0, found -1"):
        learning(-1)


def test_there_is_nothing_of_it_in_checkpoints() -> None:
    assert not list(learning().parameters()) and not learning().state_dict()
