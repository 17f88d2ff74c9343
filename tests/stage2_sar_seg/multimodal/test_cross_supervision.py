from typing import Any

import pytest
import torch

from landcover.errors import InputError
from stage2_sar_seg.multimodal.cross_supervision import CrossSupervision, confident_labels, cross_loss


def predictions(*shape: int) -> torch.Tensor:
    torch.manual_seed(0)
    return (2 * torch.randn(*shape)).log_softmax(1)


def test_without_reassignment_the_best_class_of_sure_valid_pixels_counts() -> None:
    probabilities = torch.tensor([[0.95, 0.05], [0.2, 0.8], [0.05, 0.95], [0.97, 0.03]]).T[None, :, None]
    valid = torch.tensor([[[True, True, True, False]]])
    found = CrossSupervision(1.0, reassign=False, confidence=0.9).labels(
        probabilities.log(), valid, torch.ones(2), progress=0.1
    )
    assert found[0, :, 0].T.tolist() == [[1, 0], [0, 0], [0, 1], [0, 0]]
    assert torch.equal(found, confident_labels(probabilities.log(), valid, 0.9))


def test_the_labelled_share_of_the_valid_pixels_is_the_progress() -> None:
    valid = torch.ones(3, 8, 8, dtype=torch.bool)
    valid[0] = False
    cross = CrossSupervision(1.0)
    for progress in (0.25, 0.5, 1.0):
        labels = cross.labels(predictions(3, 4, 8, 8), valid, cross.bounds([0.25] * 4), progress)
        assert labels.shape == (3, 4, 8, 8) and not labels[0].any()
        assert labels.sum().item() == pytest.approx(progress * 128, rel=1e-3)


def test_no_class_gets_more_of_a_batch_than_its_bound() -> None:
    valid = torch.ones(2, 8, 8, dtype=torch.bool)
    log_probabilities = (predictions(2, 4, 8, 8) + torch.tensor([4.0, 0, 0, 0])[:, None, None]).log_softmax(1)
    cross = CrossSupervision(1.0, sharpness=10.0, slack=2.0, smoothing=0.0)
    bounds = cross.bounds([0.1, 0.3, 0.3, 0.3])
    assert bounds.tolist() == pytest.approx([0.2, 0.6, 0.6, 0.6])
    shares = cross.labels(log_probabilities, valid, bounds, 1.0).sum((0, 2, 3)) / valid.sum()
    assert 0.18 < shares[0].item() <= 0.2 + 1e-3 and bool((shares <= bounds + 1e-3).all())
    assert log_probabilities.exp()[:, 0].mean() > 0.7


def test_a_region_is_of_one_image() -> None:
    """Of images whose height no cell divides, each gets what it gets in the batch, whatever lies below it."""
    log_probabilities, valid = predictions(2, 3, 6, 8), torch.ones(2, 6, 8, dtype=torch.bool)
    cross = CrossSupervision(1.0, region_weight=1.0)
    labels = cross.labels(log_probabilities, valid, torch.ones(3), 1.0)
    cells = labels[:, :, :4, :4]
    assert torch.equal(cells, cells[:, :, :1, :1].expand_as(cells))
    below = labels[:, :, 4:, :4]  # two rows are left for the second row of cells
    assert torch.equal(below, below[:, :, :1, :1].expand_as(below))
    assert not torch.allclose(below[0, :, 0, 0], labels[1, :, 0, 0])


def test_sharper_labels_are_nearer_to_the_best_class() -> None:
    valid, log_probabilities = torch.ones(1, 8, 8, dtype=torch.bool), predictions(1, 4, 8, 8)
    best = log_probabilities.argmax(1, keepdim=True)
    shares = []
    for sharpness in (1.0, 4.0, 16.0):
        cross = CrossSupervision(1.0, sharpness=sharpness, region_weight=0.0)
        shares.append(cross.labels(log_probabilities, valid, torch.ones(4), 1.0).gather(1, best).mean().item())
    assert shares[0] < shares[1] < shares[2] and shares[2] > 0.9


def test_labels_that_some_classes_lack_leave_them_room_by_smoothing() -> None:
    bounds = CrossSupervision(1.0, slack=1.5, smoothing=0.2).bounds([1.0, 0.0])
    assert bounds.tolist() == pytest.approx([1.0, 0.15])
    assert CrossSupervision(1.0, slack=1.0, smoothing=0.0).bounds([1.0, 0.0]).tolist() == [1.0, 0.0]


def test_the_loss_is_the_cross_entropy_per_valid_pixel_without_a_gradient_to_the_labels() -> None:
    learner = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    teacher = torch.rand(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    valid = torch.rand(2, 4, 4) > 0.3
    labels = teacher * valid[:, None]
    loss = cross_loss(labels, learner.log_softmax(1), valid)
    expected = -sum(
        float((labels[b, :, r, c] * learner[b, :, r, c].softmax(0).log()).sum().detach())
        for b in range(2)
        for r in range(4)
        for c in range(4)
    )
    assert loss.item() == pytest.approx(expected / int(valid.sum()))
    loss.backward()
    assert teacher.grad is None and learner.grad is not None


def test_a_batch_without_a_valid_pixel_teaches_nothing() -> None:
    learner, valid = torch.randn(1, 3, 4, 4, requires_grad=True), torch.zeros(1, 4, 4, dtype=torch.bool)
    cross = CrossSupervision(1.0)
    labels = cross.labels(predictions(1, 3, 4, 4), valid, cross.bounds([0.5, 0.5, 0.0]), 0.5)
    loss = cross_loss(labels, learner.log_softmax(1), valid)
    loss.backward()
    assert loss.item() == 0.0 and not labels.any() and learner.grad is not None and not learner.grad.any()


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("weight", -1.0, "a number of at least 0"),
        ("confidence", 1.5, "0 to 1"),
        ("sharpness", 0.0, "a number above 0"),
        ("slack", 0.5, "a number of at least 1"),
        ("smoothing", -0.1, "0 to 1"),
        ("cell", 0, "a whole number of at least 1"),
        ("region_weight", 2.0, "0 to 1"),
    ],
)
def test_numbers_out_of_range_are_refused_by_their_key(key: str, value: Any, expected: str) -> None:
    with pytest.raises(InputError, match=f"multimodal.cross.{key}: expected {expected}, found {value!r}; correct"):
        CrossSupervision(**{"weight": 1.0, key: value})
