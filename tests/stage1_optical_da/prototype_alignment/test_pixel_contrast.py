import math

import pytest
import torch
import torch.nn.functional as F

from stage1_optical_da.prototype_alignment.pixel_contrast import pixel_contrast

VOID = 255


def test_the_loss_is_that_of_its_equation_in_float64() -> None:
    generator = torch.Generator().manual_seed(0)
    anchors, keys = (F.normalize(torch.randn(n, 5, generator=generator, dtype=torch.float64), dim=1) for n in (6, 20))
    labels, key_labels = (torch.randint(0, 3, (n,), generator=generator) for n in (6, 20))
    labels[5], key_labels[:4] = VOID, VOID
    found = pixel_contrast(anchors, labels, keys, key_labels, 0.1)
    for number in range(5):
        similar = [float(anchors[number] @ key) / 0.1 for key in keys]
        known = [k for k in range(20) if key_labels[k] != VOID]
        negatives = sum(math.exp(similar[k]) for k in known if key_labels[k] != labels[number])
        positives = [similar[k] for k in known if key_labels[k] == labels[number]]
        expected = sum(-math.log(math.exp(s) / (math.exp(s) + negatives)) for s in positives) / len(positives)
        assert found[number].item() == pytest.approx(expected, rel=1e-9)
    assert found[5] == 0


@pytest.mark.parametrize("key_labels", [[0, 0, 0], [1, 1, 1], [VOID, VOID, VOID]])
def test_without_positives_or_negatives_the_loss_is_zero_with_a_gradient_that_is(key_labels: list[int]) -> None:
    anchors = F.normalize(torch.ones(2, 4), dim=1).requires_grad_()
    keys = F.normalize(torch.eye(3, 4), dim=1)
    losses = pixel_contrast(anchors, torch.tensor([0, VOID]), keys, torch.tensor(key_labels), 0.1)
    losses.sum().backward()
    assert losses.tolist() == [0, 0]
    assert anchors.grad is not None and anchors.grad.abs().sum() == 0


def test_a_step_down_the_gradient_brings_classes_together_and_others_apart() -> None:
    anchors = F.normalize(torch.tensor([[1.0, 1.0], [1.0, 1.2]]), dim=1).requires_grad_()
    keys, key_labels = torch.eye(2), torch.tensor([0, 1])
    pixel_contrast(anchors, torch.tensor([0, 1]), keys, key_labels, 0.5).sum().backward()
    moved = F.normalize(anchors.detach() - 0.1 * anchors.grad, dim=1)
    before, after = anchors.detach() @ keys.T, moved @ keys.T
    assert after[0, 0] > before[0, 0] and after[0, 1] < before[0, 1]
    assert after[1, 1] > before[1, 1] and after[1, 0] < before[1, 0]
