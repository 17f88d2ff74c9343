import math

import pytest
import torch

from landcover.losses.normalized_cross_entropy import NormalizedCrossEntropy


def test_known_value_of_two_pixels() -> None:
    logits = torch.tensor([[0.5, 0.125], [0.25, 0.125], [0.25, 0.75]], dtype=torch.float64).log().reshape(1, 3, 1, 2)
    loss = NormalizedCrossEntropy()(logits, torch.tensor([[[0, 1]]]))
    second = math.log(1 / 8) / (2 * math.log(1 / 8) + math.log(0.75))
    assert loss.item() == pytest.approx((1 / 5 + second) / 2, rel=1e-12)


def test_losses_of_all_labels_add_up_to_one() -> None:
    logits = 5 * torch.randn(1, 6, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    losses = [NormalizedCrossEntropy()(logits, torch.full((1, 3, 3), label)).item() for label in range(6)]
    assert sum(losses) == pytest.approx(1, rel=1e-12)
    assert min(losses) > 0


def test_equal_probabilities_give_one_over_the_number_of_classes() -> None:
    loss = NormalizedCrossEntropy()(torch.full((1, 8, 2, 2), 1e4), torch.zeros(1, 2, 2, dtype=torch.int64))
    assert loss.item() == pytest.approx(1 / 8, rel=1e-6)
