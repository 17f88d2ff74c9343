from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from landcover.errors import InputError
from landcover.networks.pretrained import EFFICIENTNET_LITE0
from landcover.networks.timm_features import TimmFeatures

CONVNEXT, SWIN, LITE = "convnextv2_atto", "swinv2_tiny_window8_256", "efficientnet_lite0"


def images(channels: int, height: int, width: int) -> torch.Tensor:
    return torch.randn(2, channels, height, width, generator=torch.Generator().manual_seed(0))


def test_convnext_maps_equal_those_of_timm() -> None:
    backbone = TimmFeatures(CONVNEXT).eval()
    reference = timm.create_model(CONVNEXT, features_only=True).eval()
    state = {name.replace("stages.", "stages_"): value for name, value in backbone.model.state_dict().items()}
    reference.load_state_dict({name.replace("stem.", "stem_"): value for name, value in state.items()})
    outputs, expected = backbone(images(3, 64, 96)), reference(images(3, 64, 96))
    assert [tuple(output.shape) for output in outputs] == [
        (2, 40, 16, 24),
        (2, 80, 8, 12),
        (2, 160, 4, 6),
        (2, 320, 2, 3),
    ]
    for output, value in zip(outputs, expected, strict=True):
        torch.testing.assert_close(output, value)


def test_swin_of_any_size_equals_the_strict_model_at_its_own() -> None:
    backbone = TimmFeatures(SWIN, img_size=128).eval()
    strict = timm.create_model(SWIN, num_classes=0, img_size=128).eval()
    strict.load_state_dict(backbone.model.state_dict(), strict=False)
    expected = strict.forward_intermediates(images(3, 128, 128), intermediates_only=True)
    for output, value in zip(backbone(images(3, 128, 128)), expected, strict=True):
        torch.testing.assert_close(output, value)
    shapes = [tuple(output.shape) for output in backbone(images(3, 100, 164))]
    assert shapes == [(2, 96, 25, 41), (2, 192, 13, 21), (2, 384, 7, 11), (2, 768, 4, 6)]


def test_efficientnet_maps_of_strides_4_to_32_equal_those_of_timm() -> None:
    backbone = TimmFeatures(LITE).eval()
    reference = timm.create_model(LITE, features_only=True, out_indices=(1, 2, 3, 4)).eval()
    reference.load_state_dict(backbone.model.state_dict())
    outputs = backbone(images(3, 100, 128))
    assert [tuple(output.shape) for output in outputs] == [
        (2, 24, 25, 32),
        (2, 40, 13, 16),
        (2, 112, 7, 8),
        (2, 320, 4, 4),
    ]
    for output, value in zip(outputs, reference(images(3, 100, 128)), strict=True):
        torch.testing.assert_close(output, value)
    fewer = TimmFeatures(LITE, out_indices=(0, 2)).eval()
    fewer.model.load_state_dict(backbone.model.state_dict(), strict=False)
    assert len(fewer.model.blocks) == 5
    for output, value in zip(fewer(images(3, 100, 128)), (outputs[0], outputs[2]), strict=True):
        torch.testing.assert_close(output, value)


@pytest.mark.parametrize(("name", "options"), [(CONVNEXT, {}), (SWIN, {"img_size": 64}), (LITE, {})])
@pytest.mark.parametrize("bands", [1, 3])
def test_channels_last_in_memory_gives_the_same_maps_and_gradients(
    name: str, options: dict[str, int], bands: int
) -> None:
    plain = TimmFeatures(name, in_channels=bands, output_norm=True, **options)
    last = TimmFeatures(name, in_channels=bands, output_norm=True, channels_last=True, **options)
    last.load_state_dict(plain.state_dict())
    weights = [parameter for parameter in last.parameters() if parameter.dim() == 4]
    assert len(weights) and all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
    found = []
    for backbone in (plain.double(), last.double()):  # in float32, norms of four pixels make much of rounding
        maps = backbone(images(bands, 64, 64).double())
        sum(output.square().mean() for output in maps).backward()
        found.append([*maps, *(parameter.grad for parameter in backbone.parameters())])
    for value, expected in zip(*found, strict=True):
        torch.testing.assert_close(value, expected)


def test_imagenet_weights_answer_a_normalised_image_unlike_random_ones() -> None:
    last = []
    for checkpoint in (None, str(EFFICIENTNET_LITE0.find())):
        torch.manual_seed(0)
        backbone = TimmFeatures(LITE, checkpoint=checkpoint).eval()
        backbone.init_weights()
        last.append(backbone(images(3, 64, 64))[-1])
    assert torch.isfinite(last[1]).all()
    assert (last[1] - last[0]).norm() > 0.5 * last[1].norm() > 0


def test_packaged_weights_answer_grey_images_alike_with_any_number_of_bands() -> None:
    grey, results = images(1, 64, 64), []
    for bands in (1, 2, 3):
        backbone = TimmFeatures(LITE, in_channels=bands, checkpoint=str(EFFICIENTNET_LITE0.find()), channels_last=True)
        backbone.init_weights()
        assert backbone.model.conv_stem.weight.shape == (32, bands, 3, 3)
        results.append(backbone.eval()(grey.expand(-1, bands, -1, -1)))
    for one, two, three in zip(*results, strict=True):
        torch.testing.assert_close(one, three, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(two, three, rtol=1e-4, atol=1e-4)


def test_output_norm_normalises_over_channels() -> None:
    backbone = TimmFeatures(CONVNEXT, out_indices=(1, 2), output_norm=True)
    outputs = backbone(images(3, 64, 64))
    assert [output.shape[1] for output in outputs] == [80, 160]
    for output in outputs:
        torch.testing.assert_close(output.mean(dim=1), torch.zeros_like(output[:, 0]), rtol=0, atol=1e-5)
        torch.testing.assert_close(output.var(dim=1, correction=0), torch.ones_like(output[:, 0]), rtol=0, atol=1e-2)


@pytest.mark.parametrize(("name", "options"), [(CONVNEXT, {}), (SWIN, {"img_size": 64})])
def test_pretrained_weights_answer_grey_images_alike_with_any_number_of_bands(
    tmp_path: Path, name: str, options: dict[str, int]
) -> None:
    published = timm.create_model(name, num_classes=7).eval()
    save_file(published.state_dict(), tmp_path / "weights.safetensors")
    grey = images(1, 64, 64)
    results = []
    for bands in (1, 2, 3):
        backbone = TimmFeatures(name, in_channels=bands, checkpoint=str(tmp_path / "weights.safetensors"), **options)
        before = [parameter.data_ptr() for parameter in backbone.parameters()]
        backbone.init_weights()
        assert [parameter.data_ptr() for parameter in backbone.parameters()] == before
        results.append(backbone.eval()(grey.expand(-1, bands, -1, -1)))
    for one, two, three in zip(*results, strict=True):
        torch.testing.assert_close(one, three, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(two, three, rtol=1e-4, atol=1e-4)
    resized = published if not options else timm.create_model(name, num_classes=7, **options).eval()
    resized.load_state_dict(published.state_dict(), strict=False)
    expected = resized.forward_intermediates(grey.expand(-1, 3, -1, -1), indices=4, intermediates_only=True)
    torch.testing.assert_close(results[1][-1], expected[-1])


def test_file_of_all_stages_fits_a_model_of_fewer(tmp_path: Path) -> None:
    published = timm.create_model(CONVNEXT)
    save_file(published.state_dict(), tmp_path / "weights.safetensors")
    backbone = TimmFeatures(CONVNEXT, out_indices=(0, 1), checkpoint=str(tmp_path / "weights.safetensors"))
    backbone.init_weights()
    assert torch.equal(backbone.model.stages[1].blocks[0].conv_dw.weight, published.stages[1].blocks[0].conv_dw.weight)
    backbone = TimmFeatures(LITE, out_indices=(0, 1), checkpoint=str(EFFICIENTNET_LITE0.find()))
    backbone.init_weights()
    published = torch.load(EFFICIENTNET_LITE0.find(), weights_only=True)
    assert torch.equal(backbone.model.blocks[2][1].conv_dw.weight, published["_blocks.4._depthwise_conv.weight"])


def test_file_of_another_model_is_named(tmp_path: Path) -> None:
    save_file(timm.create_model("convnextv2_femto").state_dict(), tmp_path / "femto.safetensors")
    backbone = TimmFeatures(CONVNEXT, checkpoint=str(tmp_path / "femto.safetensors"))
    with pytest.raises(InputError, match=r"femto\.safetensors: weights of another model: .* has shape"):
        backbone.init_weights()


def test_mistaken_names_and_options_are_named() -> None:
    with pytest.raises(InputError, match=r"expected a model of timm .*, found 'convnextv3'"):
        TimmFeatures("convnextv3")
    with pytest.raises(InputError, match=r"timm does not take these options: .*img_size"):
        TimmFeatures(CONVNEXT, img_size=64)
