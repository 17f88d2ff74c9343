from __future__ import annotations

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.models.decode_heads import SegformerHead
from mmseg.structures import SegDataSample
from torch import Tensor

from landcover.networks.segformer_head import FastSegformerHead
from landcover.registry import register_all

VOID = 7
SIZES = {"in_channels": [4, 6], "in_index": [0, 1], "channels": 8, "num_classes": 5, "ignore_index": VOID}
CROSS_ENTROPY = {"type": "SymmetricCrossEntropy", "alpha": 2.0, "beta": 1.0}
HARD_PIXELS = {"type": "OHEMPixelSampler", "thresh": 0.3, "min_kept": 20}
SEVERAL = [CROSS_ENTROPY, {"type": "LovaszSoftmax"}, {"type": "LovaszSoftmax", "loss_weight": 0.5}]


def samples() -> list[SegDataSample]:
    labels = torch.randint(0, 5, (2, 1, 21, 30), generator=torch.Generator().manual_seed(0))
    labels[0, 0, :6] = VOID
    return [SegDataSample(gt_sem_seg=PixelData(data=each)) for each in labels]


def coarse_logits(dtype: torch.dtype, memory_format: torch.memory_format = torch.contiguous_format) -> Tensor:
    logits = torch.randn(2, 5, 7, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return logits.to(dtype).contiguous(memory_format=memory_format).requires_grad_()


def losses_and_gradient(head: SegformerHead, logits: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    losses = head.loss_by_feat(logits, samples())
    (gradient,) = torch.autograd.grad(sum(value for name, value in losses.items() if "loss" in name), logits)
    return losses, gradient


@pytest.mark.parametrize(
    "options",
    [{"loss_decode": CROSS_ENTROPY}, {"loss_decode": SEVERAL}, {"loss_decode": CROSS_ENTROPY, "sampler": HARD_PIXELS}],
    ids=["one loss", "three losses of two names", "hard pixels only"],
)
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.filterwarnings("ignore:When align_corners=True")
def test_losses_are_those_of_mmseg_without_its_accuracy(
    options: dict[str, object], align_corners: bool, memory_format: torch.memory_format
) -> None:
    register_all()
    heads = [kind(**SIZES, align_corners=align_corners, **options) for kind in (FastSegformerHead, SegformerHead)]
    logits = coarse_logits(torch.float64, memory_format)
    (losses, gradient), (expected, expected_gradient) = (losses_and_gradient(head, logits) for head in heads)
    assert list(expected) == [*losses, "acc_seg"]
    for name, value in losses.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, expected_gradient, rtol=0, atol=1e-12)


def test_logits_in_bf16_are_resized_in_float32() -> None:
    register_all()
    head = FastSegformerHead(**SIZES, loss_decode=SEVERAL)
    exact = coarse_logits(torch.bfloat16).detach().double().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        losses, gradient = losses_and_gradient(head, coarse_logits(torch.bfloat16))
    expected, expected_gradient = losses_and_gradient(head, exact)
    for name, value in losses.items():
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(expected[name].item(), rel=1e-5)
    assert gradient.dtype == torch.bfloat16
    torch.testing.assert_close(gradient.double(), expected_gradient, rtol=0.005, atol=1e-6)
