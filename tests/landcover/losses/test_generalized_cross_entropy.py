import math

import pytest
import torch
from torch import Tensor

from landcover.errors import InputError
from landcover.losses.generalized_cross_entropy import GeneralizedCrossEntropy
from landcover.losses.symmetric_cross_entropy import SymmetricCrossEntropy


def random_batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 4, 5, 6, generator=generator, dtype=torch.float64)
    return logits.requires_grad_(), torch.randint(0, 4, (2, 5, 6), generator=generator)


def test_known_value_of_two_pixels() -> None:
    logits = torch.tensor([[0.25, 0.64], [0.75, 0.36]], dtype=torch.float64).log().reshape(1, 2, 1, 2)
    loss = GeneralizedCrossEntropy(q=0.5)(logits, torch.zeros(1, 1, 2, dtype=torch.int64))
    assert loss.item() == pytest.approx(((1 - 0.5) / 0.5 + (1 - 0.8) / 0.5) / 2, rel=1e-12)


def test_lies_between_cross_entropy_and_half_the_absolute_error() -> None:
    logits, label = random_batch()
    cross_entropy = SymmetricCrossEntropy(alpha=1, beta=0)(logits, label).item()
    absolute_error = SymmetricCrossEntropy(alpha=0, beta=1, log_zero=-2)(logits, label).item()
    assert GeneralizedCrossEntropy(q=1e-9)(logits, label).item() == pytest.approx(cross_entropy, rel=1e-6)
    assert GeneralizedCrossEntropy(q=1.0)(logits, label).item() == pytest.approx(absolute_error / 2, rel=1e-12)
    assert absolute_error / 2 < GeneralizedCrossEntropy()(logits, label).item() < cross_entropy


def test_gradient_is_that_of_cross_entropy_times_a_power_of_the_probability() -> None:
    logits, label = random_batch()
    gradient = torch.autograd.grad(GeneralizedCrossEntropy(q=0.7)(logits, label), logits)[0]
    plain = torch.autograd.grad(SymmetricCrossEntropy(alpha=1, beta=0)(logits, label), logits)[0]
    probability = logits.softmax(1).gather(1, label[:, None])
    torch.testing.assert_close(gradient, plain * probability**0.7, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("q", [0.0, -0.5, 1.5, math.nan])
def test_mistaken_q_is_named(q: float) -> None:
    with pytest.raises(InputError, match=rf"loss_gce: expected q in \(0, 1\], found {q}; the paper's is 0.7"):
        GeneralizedCrossEntropy(q=q)
