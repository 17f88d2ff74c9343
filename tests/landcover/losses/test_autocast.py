"""Under bf16 autocast every loss is that of float32 on the same, rounded logits."""

import pytest
import torch
from torch import Tensor, nn

from landcover.losses.generalized_cross_entropy import GeneralizedCrossEntropy
from landcover.losses.lovasz import LovaszSoftmax
from landcover.losses.normalized_cross_entropy import NormalizedCrossEntropy
from landcover.losses.symmetric_cross_entropy import SymmetricCrossEntropy


def batch() -> tuple[Tensor, Tensor, Tensor]:
    """bf16 logits, labels with ignored pixels, and pixel weights."""
    generator = torch.Generator().manual_seed(0)
    logits = (3 * torch.randn(2, 8, 48, 40, generator=generator)).bfloat16()
    label = torch.randint(0, 8, (2, 48, 40), generator=generator)
    label[0, :5] = 255
    return logits, label, torch.rand(2, 48, 40, generator=generator)


@pytest.mark.parametrize(
    ("loss", "weighted"),
    [
        (SymmetricCrossEntropy(), False),
        (SymmetricCrossEntropy(alpha=1.0, beta=0.0), False),
        (SymmetricCrossEntropy(alpha=1.0, beta=0.0), True),  # the loss of mixed images
        (GeneralizedCrossEntropy(), False),
        (NormalizedCrossEntropy(), False),
        (LovaszSoftmax(), False),
    ],
    ids=["symmetric", "cross-entropy", "mixed", "generalized", "normalized", "lovasz"],
)
def test_loss_and_gradient_are_those_of_float32(loss: nn.Module, weighted: bool) -> None:
    rounded, label, weight = batch()
    values, gradients = [], []
    for dtype, autocast in ((torch.bfloat16, True), (torch.float32, False)):
        logits = rounded.to(dtype, copy=True).requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            value = loss(logits, label, weight=weight if weighted else None)
        assert value.dtype == torch.float32
        value.backward()
        values.append(value.item())
        assert logits.grad is not None
        gradients.append(logits.grad)
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    # The gradient arrives in the type of the logits: rounded once, to 8 bits.
    torch.testing.assert_close(gradients[0].float(), gradients[1], rtol=2**-8, atol=1e-12)
