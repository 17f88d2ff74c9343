import torch

from stage1_optical_da.prototype_alignment.forward_alignment import distances_to_mixtures
from stage1_optical_da.prototype_alignment.gaussian_mixtures import component_log_densities

MEANS = torch.tensor([[[0.0, 0.0], [2.0, 0.0]], [[0.0, 3.0], [3.0, 3.0]]])
VARIANCES = torch.tensor([[[0.1, 0.2], [0.1, 0.1]], [[0.3, 0.1], [0.2, 0.2]]])


def test_the_gradient_is_that_of_the_log_likelihood_of_the_mixture() -> None:
    # With responsibilities fixed at their values, the M-step's bound touches the likelihood: gradients are equal.
    pixels = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), requires_grad=True)
    labels = torch.tensor([0, 1, 0, 1, 1, 0])
    distances_to_mixtures(pixels, labels, MEANS, VARIANCES).sum().backward()
    other = pixels.detach().clone().requires_grad_()
    densities = component_log_densities(other[:, None], MEANS[labels], VARIANCES[labels])
    (-densities.logsumexp(-1).sum() / 2).backward()  # per axis, of two
    torch.testing.assert_close(pixels.grad, other.grad)


def test_pixels_distributed_as_their_components_have_a_half_on_average_and_far_ones_more() -> None:
    generator = torch.Generator().manual_seed(0)
    own = MEANS[0, 1] + VARIANCES[0, 1].sqrt() * torch.randn(5000, 2, generator=generator)
    labels = torch.zeros(5000, dtype=torch.int64)
    assert abs(distances_to_mixtures(own, labels, MEANS, VARIANCES).mean().item() - 0.5) < 0.02
    assert distances_to_mixtures(own, labels + 1, MEANS, VARIANCES).mean() > 10


def test_steps_down_the_gradient_end_at_the_nearest_component_of_the_class() -> None:
    pixels = torch.tensor([[1.6, 0.5], [0.2, -0.5]])
    for _ in range(300):
        pixels = pixels.detach().requires_grad_()
        distances_to_mixtures(pixels, torch.tensor([0, 0]), MEANS, VARIANCES).sum().backward()
        assert pixels.grad is not None
        pixels = pixels - 0.05 * pixels.grad
    torch.testing.assert_close(pixels.detach(), torch.tensor([[2.0, 0.0], [0.0, 0.0]]), rtol=0, atol=0.02)


def test_prototypes_get_no_gradient() -> None:
    means, variances = MEANS.clone().requires_grad_(), VARIANCES.clone().requires_grad_()
    pixels = torch.ones(1, 2, requires_grad=True)
    distances_to_mixtures(pixels, torch.tensor([0]), means.detach(), variances.detach()).sum().backward()
    assert pixels.grad is not None and pixels.grad.abs().sum() > 0
    assert means.grad is None and variances.grad is None
