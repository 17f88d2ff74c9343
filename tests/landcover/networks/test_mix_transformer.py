import copy

import pytest
import torch
from mmseg.models.backbones import MixVisionTransformer
from torch import Tensor

from landcover.networks.mix_transformer import FastMixVisionTransformer

SIZES = {"in_channels": 2, "embed_dims": 8, "num_layers": (2, 1, 2, 1), "num_heads": (1, 2, 5, 8)}


def fast_and_reference(**options: object) -> tuple[FastMixVisionTransformer, MixVisionTransformer]:
    """Both encoders in float64 with the same random parameters, none of them 0 or 1."""
    reference = MixVisionTransformer(**SIZES, **{**options, "with_cp": False}).double()
    generator = torch.Generator().manual_seed(0)
    for parameter in reference.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.3
    fast = FastMixVisionTransformer(**SIZES, **options).double()
    fast.load_state_dict(reference.state_dict())
    return fast, reference


def outputs_and_gradients(backbone: torch.nn.Module, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    images = images.clone().requires_grad_()
    outputs = list(backbone(images))
    generator = torch.Generator().manual_seed(1)
    total = sum(
        ((output * torch.randn(output.shape, generator=generator)).sum() for output in outputs), torch.zeros(())
    )
    return outputs, list(torch.autograd.grad(total, [images, *backbone.parameters()]))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("with_cp", [False, True])
@pytest.mark.parametrize("size", [(64, 96), (50, 71)])
def test_equals_mmseg_in_outputs_and_gradients(training: bool, with_cp: bool, size: tuple[int, int]) -> None:
    fast, reference = fast_and_reference(drop_path_rate=0.0, with_cp=with_cp)
    images = torch.randn(2, 2, *size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    outputs, gradients = outputs_and_gradients(fast.train(training), images)
    expected_outputs, expected_gradients = outputs_and_gradients(reference.train(training), images)
    assert len(outputs) == 4
    for value, expected in zip(outputs + gradients, expected_outputs + expected_gradients, strict=True):
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-9 * max(1.0, expected.abs().max().item()))


def test_in_bf16_outputs_and_gradients_are_those_of_float64_also_with_checkpoints() -> None:
    images = torch.randn(2, 2, 64, 96, generator=torch.Generator().manual_seed(2))
    exact, _ = fast_and_reference(drop_path_rate=0.0)
    outputs, gradients = outputs_and_gradients(exact, images.double())
    found = []
    for with_cp in (False, True):
        backbone = fast_and_reference(drop_path_rate=0.0, with_cp=with_cp)[0].float()
        with torch.autocast("cpu", torch.bfloat16):
            outputs_found, gradients_found = outputs_and_gradients(backbone, images)
        found.append(outputs_found + gradients_found)
    for value, recomputed, truth in zip(*found, outputs + gradients, strict=True):
        assert torch.equal(value, recomputed)
        assert (value.double() - truth).norm() < 0.1 * truth.norm()


def test_dropout_rates_change_nothing_in_evaluation() -> None:
    fast, reference = fast_and_reference(drop_rate=0.5, attn_drop_rate=0.5, drop_path_rate=0.5)
    images = torch.randn(1, 2, 64, 64, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    for value, expected in zip(fast.eval()(images), reference.eval()(images), strict=True):
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("rate", ["drop_rate", "attn_drop_rate", "drop_path_rate"])
def test_each_dropout_rate_acts_in_training(rate: str) -> None:
    fast, _ = fast_and_reference(**{"drop_path_rate": 0.0, rate: 0.5})
    images = torch.randn(1, 2, 64, 64, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    torch.manual_seed(0)
    first, second = fast.train()(images)[-1], fast(images)[-1]
    assert (first - second).abs().max() > 1e-3


def test_dropped_paths_leave_whole_images_unchanged() -> None:
    fast, _ = fast_and_reference(drop_path_rate=0.0)
    for block in (block for _, blocks, _ in fast.layers for block in blocks):
        block.attn.dropout_layer.drop_prob = block.ffn.dropout_layer.drop_prob = 1.0 - 1e-12
    images = torch.randn(2, 2, 64, 64, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    embed, _, norm = fast.layers[0]
    expected = norm(embed(images)[0]).transpose(1, 2).reshape(2, 8, 16, 16)
    torch.testing.assert_close(fast.train()(images)[0], expected)


def test_outputs_are_the_stages_asked_for_in_channels_last_memory() -> None:
    backbone = FastMixVisionTransformer(**SIZES, out_indices=(1, 3))
    outputs = backbone(torch.zeros(1, 2, 64, 96))
    assert [tuple(output.shape) for output in outputs] == [(1, 16, 8, 12), (1, 64, 2, 3)]
    assert all(output.is_contiguous(memory_format=torch.channels_last) for output in outputs)


def test_default_sizes_are_those_of_mit_b3() -> None:
    count = sum(parameter.numel() for parameter in FastMixVisionTransformer().parameters())
    assert count == pytest.approx(44.1e6, rel=2e-3)


def test_state_has_the_names_of_mmseg() -> None:
    fast, reference = FastMixVisionTransformer(**SIZES), MixVisionTransformer(**SIZES)
    assert list(fast.state_dict()) == list(reference.state_dict())


@pytest.mark.parametrize("size", [(64, 96), (50, 71)])
def test_float32_equals_float64_up_to_rounding(size: tuple[int, int]) -> None:
    fast, _ = fast_and_reference(drop_path_rate=0.0)
    images = torch.randn(2, 2, *size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    outputs, gradients = outputs_and_gradients(fast, images)
    single_outputs, single_gradients = outputs_and_gradients(copy.deepcopy(fast).float(), images.float())
    for value, expected in zip(single_outputs + single_gradients, outputs + gradients, strict=True):
        torch.testing.assert_close(value.double(), expected, rtol=0, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize("bands", [1, 2])
def test_first_convolution_gets_and_gives_channels_last_memory(bands: int) -> None:
    backbone = FastMixVisionTransformer(**{**SIZES, "in_channels": bands}).eval()
    seen: list[Tensor] = []
    backbone.layers[0][0].projection.register_forward_hook(
        lambda module, inputs, output: seen.extend([*inputs, output])
    )
    images = torch.randn(2, bands, 64, 96, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        backbone(images)
    assert torch.equal(seen[0], images)
    assert [part.stride()[1] for part in seen] == [1, 1]  # of one band, is_contiguous would be true of either memory
