import torch

from stage1_optical_da.prototype_alignment.projection import Projection


def test_vectors_have_length_one_in_float32_whatever_the_features() -> None:
    projection = Projection(16, 8)
    features = 100 * torch.randn(5, 16, generator=torch.Generator().manual_seed(0)) + 7
    with torch.autocast("cpu", torch.bfloat16):
        vectors = projection(features.bfloat16())
    assert vectors.dtype == torch.float32 and vectors.shape == (5, 8)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(5))


def test_a_fixed_projection_gives_the_same_and_gradients_to_the_features_alone() -> None:
    projection = Projection(16, 8)
    features = torch.randn(5, 16, generator=torch.Generator().manual_seed(0), requires_grad=True)
    fixed = projection.fixed(features)
    assert torch.equal(fixed, projection(features))
    fixed[:, 0].sum().backward()
    assert features.grad is not None and features.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in projection.parameters())
