import math

import pytest
import torch
from scipy.spatial.distance import jensenshannon

from stage2_sar_seg.multimodal.complementary import complementary_loss, complementary_weights, discrepancy, entropy


def log_probabilities(*pixels: list[float]) -> torch.Tensor:
    """(1, C, 1, N) float64 of probabilities of N pixels."""
    return torch.tensor(pixels, dtype=torch.float64).log().T[None, :, None]


SURE, UNSURE, EVEN = [0.9, 0.05, 0.05], [0.3, 0.4, 0.3], [1 / 3, 1 / 3, 1 / 3]


def test_the_discrepancy_is_the_jensen_shannon_divergence_over_log_2() -> None:
    torch.manual_seed(0)
    first, second = (torch.randn(2, 5, 3, 4, dtype=torch.float64).log_softmax(1) for _ in range(2))
    distance = jensenshannon(first.exp().numpy(), second.exp().numpy(), axis=1, base=2)
    torch.testing.assert_close(discrepancy(first, second), torch.from_numpy(distance**2))
    torch.testing.assert_close(discrepancy(first, first), torch.zeros(2, 3, 4, dtype=torch.float64))


def test_predictions_of_classes_that_exclude_each_other_have_a_discrepancy_of_1() -> None:
    first = torch.tensor([200.0, 0.0, 0.0])[None, :, None, None].log_softmax(1)
    second = torch.tensor([0.0, 200.0, 0.0])[None, :, None, None].log_softmax(1)
    assert discrepancy(first, second).item() == pytest.approx(1.0)


def test_only_where_the_teacher_is_surer_something_is_learned() -> None:
    teacher, learner = log_probabilities(SURE, UNSURE, SURE), log_probabilities(UNSURE, SURE, SURE)
    weights = complementary_weights(teacher, learner)[0, 0].tolist()
    assert weights[0] == pytest.approx(discrepancy(teacher, learner)[0, 0, 0].item()) and weights[0] > 0.2
    assert weights[1:] == [0.0, 0.0]


def test_entropy_is_that_of_the_probabilities() -> None:
    found = entropy(log_probabilities(EVEN, [0.5, 0.25, 0.25]))[0, 0].tolist()
    assert found == pytest.approx([math.log(3), 1.5 * math.log(2)])


def test_the_loss_is_the_weighted_divergence_per_valid_pixel() -> None:
    teacher, learner = log_probabilities(SURE, SURE, UNSURE, SURE), log_probabilities(EVEN, UNSURE, EVEN, EVEN)
    valid = torch.tensor([[[True, True, True, False]]])
    expected = 0.0
    for pixel in range(3):
        p, q = teacher[0, :, 0, pixel].exp(), learner[0, :, 0, pixel].exp()
        middle = (p + q) / 2
        divergence = ((p * (p / middle).log()).sum() + (q * (q / middle).log()).sum()) / 2 / math.log(2)
        expected += float(divergence * (p * (p / q).log()).sum()) / 3
    assert complementary_loss(teacher, learner, valid).item() == pytest.approx(expected)


def test_the_teacher_gets_no_gradient_and_the_learner_one_towards_it() -> None:
    logits = [torch.randn(1, 3, 4, 4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    teacher, learner = ((3 - 2 * n) * value for n, value in enumerate(logits))
    complementary_loss(teacher.log_softmax(1), learner.log_softmax(1), torch.ones(1, 4, 4, dtype=torch.bool)).backward()
    assert logits[0].grad is None
    assert logits[1].grad is not None and logits[1].grad.abs().sum() > 0


def test_a_batch_without_a_valid_pixel_teaches_nothing_and_has_a_graph() -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = complementary_loss(torch.randn(1, 3, 4, 4).log_softmax(1), logits.log_softmax(1), torch.zeros(1, 4, 4) > 0)
    loss.backward()
    assert loss.item() == 0.0 and logits.grad is not None and not logits.grad.any()
