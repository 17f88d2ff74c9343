import pytest
import torch
from torch import Tensor

from stage1_optical_da.prototype_alignment.class_posterior import mixed_log_probabilities


def scores(width: float = 3.0) -> tuple[Tensor, Tensor]:
    """Logits and log-likelihoods (2, 4, 3, 2)."""
    generator = torch.Generator().manual_seed(0)
    logits, likelihoods = width * torch.randn(2, 2, 4, 3, 2, generator=generator)
    return logits, likelihoods


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_probabilities_are_those_of_the_equation_in_float64(weight: float) -> None:
    logits, likelihoods = scores()
    fitted = torch.tensor([True, False, True, True])
    found = mixed_log_probabilities(logits, likelihoods, fitted, weight).exp().double()
    classifier, densities = logits.double().softmax(1), likelihoods.double().exp()
    expected = torch.empty_like(classifier)
    for image, row, column in torch.cartesian_prod(torch.arange(2), torch.arange(3), torch.arange(2)).tolist():
        p, n = classifier[image, :, row, column], densities[image, :, row, column]
        posterior = [n[c] / (n[0] + n[2] + n[3]) * (p[0] + p[2] + p[3]) if fitted[c] else p[c] for c in range(4)]
        expected[image, :, row, column] = (1 - weight) * p + weight * torch.stack(posterior)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(found.sum(1), torch.ones(2, 3, 2, dtype=torch.float64), rtol=0, atol=1e-6)


def test_without_mixtures_the_classifier_alone_has_a_say() -> None:
    logits, likelihoods = scores()
    found = mixed_log_probabilities(logits, likelihoods, torch.zeros(4, dtype=torch.bool), 0.7)
    torch.testing.assert_close(found, logits.log_softmax(1))


def test_pixels_far_from_all_mixtures_have_probabilities_too() -> None:
    logits, likelihoods = scores(width=1e4)
    fitted = torch.tensor([True, True, True, False])
    for weight in (0.5, 1.0):
        found = mixed_log_probabilities(logits, likelihoods - 1e6, fitted, weight)
        assert not found.isnan().any() and (found < 1e-6).all()
        torch.testing.assert_close(found.exp().sum(1), torch.ones(2, 3, 2))


def test_half_precision_logits_give_float32() -> None:
    logits, likelihoods = scores()
    found = mixed_log_probabilities(logits.bfloat16(), likelihoods, torch.ones(4, dtype=torch.bool), 0.5)
    expected = mixed_log_probabilities(logits.bfloat16().float(), likelihoods, torch.ones(4, dtype=torch.bool), 0.5)
    assert found.dtype == torch.float32 and torch.equal(found, expected)
