import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from stage1_optical_da.prototype_alignment.gaussian_mixtures import (
    GaussianMixtures,
    class_log_likelihoods,
    component_log_densities,
    mixture_log_likelihoods,
)


def test_densities_are_those_of_scipy() -> None:
    generator = torch.Generator().manual_seed(0)
    pixels, means = torch.randn(7, 3, generator=generator), torch.randn(2, 3, generator=generator)
    variances = 0.1 + torch.rand(2, 3, generator=generator)
    expected = np.stack(
        [
            multivariate_normal(mean.double().numpy(), np.diag(variance.double().numpy())).logpdf(
                pixels.double().numpy()
            )
            for mean, variance in zip(means, variances, strict=True)
        ],
        axis=1,
    )
    np.testing.assert_allclose(component_log_densities(pixels, means, variances).numpy(), expected, rtol=1e-4)
    likelihoods = mixture_log_likelihoods(pixels, means, variances)
    np.testing.assert_allclose(likelihoods.numpy(), logsumexp(expected, axis=1) - np.log(2), rtol=1e-4)


def test_classes_are_rows_of_a_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    pixels, means = torch.randn(4, 7, 3, generator=generator), torch.randn(4, 2, 3, generator=generator)
    together = mixture_log_likelihoods(pixels, means, torch.full_like(means, 0.2))
    for number in range(4):
        alone = mixture_log_likelihoods(pixels[number], means[number], torch.full((2, 3), 0.2))
        torch.testing.assert_close(together[number], alone)


def test_two_products_give_the_likelihoods_in_all_classes() -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = F.normalize(torch.randn(50, 64, generator=generator), dim=1)
    means = F.normalize(torch.randn(8, 5, 64, generator=generator), dim=2)
    variances = 0.001 + 0.02 * torch.rand(8, 5, 64, generator=generator) ** 4  # some at the floor
    values = (value.double() for value in (pixels.expand(8, -1, -1), means, variances))
    expected = mixture_log_likelihoods(*values).T.float()  # -11,000 to -1,000
    with torch.autocast("cpu", torch.bfloat16):
        found = class_log_likelihoods(pixels, means, variances)
    assert found.shape == (50, 8) and found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-2)


def test_mixtures_are_state_and_nothing_that_learns() -> None:
    mixtures = GaussianMixtures(4, 3, 2)
    assert not list(mixtures.parameters())
    assert {name: tuple(value.shape) for name, value in mixtures.state_dict().items()} == {
        "means": (4, 3, 2), "variances": (4, 3, 2), "fitted": (4,), "updates": (),
    }  # fmt: skip
