import pytest
import torch
from mmseg.models.decode_heads import SegformerHead
from torch import Tensor

from landcover.networks.segformer_head import FastSegformerHead

OPTIONS = {"in_channels": [4, 6, 8, 10], "in_index": [0, 1, 2, 3], "channels": 12, "num_classes": 5}


def feature_maps() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, 4, 16, 24), (2, 6, 8, 12), (2, 8, 4, 6), (2, 10, 2, 3)]
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def fast_and_reference(**options: object) -> tuple[FastSegformerHead, SegformerHead]:
    """Both heads in float64 with the same random parameters, none of them 0 or 1."""
    reference = SegformerHead(**OPTIONS, **options).double()
    generator = torch.Generator().manual_seed(1)
    for parameter in reference.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    fast = FastSegformerHead(**OPTIONS, **options).double()
    fast.load_state_dict(reference.state_dict())
    return fast, reference


def outputs_and_gradients(head: torch.nn.Module) -> tuple[Tensor, list[Tensor]]:
    maps = [features.requires_grad_() for features in feature_maps()]
    logits = head(maps)
    coefficients = torch.randn(logits.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return logits, list(torch.autograd.grad((logits * coefficients).sum(), [*maps, *head.parameters()]))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("norm_cfg", [{"type": "BN"}, None], ids=["batch norm", "bias"])
@pytest.mark.parametrize("resize", [{}, {"align_corners": True}, {"interpolate_mode": "bicubic"}], ids=str)
@pytest.mark.filterwarnings("ignore:When align_corners=True")
def test_equals_mmseg_in_logits_gradients_and_statistics(
    training: bool, norm_cfg: dict[str, str] | None, resize: dict[str, object]
) -> None:
    fast, reference = fast_and_reference(norm_cfg=norm_cfg, dropout_ratio=0.0, **resize)
    logits, gradients = outputs_and_gradients(fast.train(training))
    expected_logits, expected_gradients = outputs_and_gradients(reference.train(training))
    assert logits.shape == (2, 5, 16, 24)
    for value, expected in zip([logits, *gradients], [expected_logits, *expected_gradients], strict=True):
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-9 * max(1.0, expected.abs().max().item()))
    for value, expected in zip(fast.buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "norm_cfg", [{"type": "BN"}, {"type": "GN", "num_groups": 3}, None], ids=["batch norm", "group norm", "bias"]
)
def test_folded_batch_norms_give_the_same_logits(norm_cfg: dict[str, str] | None) -> None:
    fast, reference = fast_and_reference(norm_cfg=norm_cfg)
    generator = torch.Generator().manual_seed(3)
    for name, buffer in reference.named_buffers():
        if name.endswith(("mean", "var")):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    fast.load_state_dict(reference.state_dict())
    with torch.no_grad():
        logits, expected = fast.eval()(feature_maps()), reference.eval()(feature_maps())
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-9 * expected.abs().max().item())
    assert all(torch.equal(value, reference.state_dict()[name]) for name, value in fast.state_dict().items())


def test_dropout_acts_in_training_only() -> None:
    fast, _ = fast_and_reference(norm_cfg={"type": "BN"}, dropout_ratio=0.5)
    torch.manual_seed(0)
    assert (fast.train()(feature_maps()) - fast(feature_maps())).abs().max() > 0.1
    assert torch.equal(fast.eval()(feature_maps()), fast(feature_maps()))


def test_channels_last_maps_give_the_same_logits() -> None:
    fast, _ = fast_and_reference(norm_cfg={"type": "BN"})
    maps = [features.contiguous(memory_format=torch.channels_last) for features in feature_maps()]
    torch.testing.assert_close(fast.eval()(maps), fast(feature_maps()))
