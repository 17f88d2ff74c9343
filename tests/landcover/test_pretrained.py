from pathlib import Path

import mmseg
import pytest
import timm
import torch

from landcover.backbones.mix_transformer import FastMixVisionTransformer
from landcover.errors import InputError
from landcover.pretrained import PRETRAINED_WEIGHTS, find_weights, load_strictly, read_tensors

SIZES = {"embed_dims": 8, "num_layers": (1, 1, 1, 1), "num_heads": (1, 2, 5, 8), "drop_path_rate": 0.0}


def test_mit_files_are_those_of_the_installed_configs() -> None:
    folder = Path(mmseg.__file__).parent / ".mim" / "configs" / "segformer"
    text = "".join(path.read_text() for path in sorted(folder.glob("*.py")))
    urls = [weights.url for name, weights in PRETRAINED_WEIGHTS.items() if name.startswith("mit_")]
    assert len(urls) == 6
    assert [url for url in urls if f"'{url}'" not in text] == []


def test_timm_files_and_licences_are_those_timm_knows() -> None:
    entries = {name: weights for name, weights in PRETRAINED_WEIGHTS.items() if "." in name}
    assert len(entries) == 5
    for name, weights in entries.items():
        published = timm.get_pretrained_cfg(name)
        assert weights.licence.lower() == published.license
        assert weights.url == f"https://huggingface.co/{published.hf_hub_id}/resolve/main/model.safetensors"


def test_finds_the_file_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "mit_b3_20220624-13b1141c.pth").touch()
    assert find_weights("mit_b3", tmp_path) == tmp_path / "mit_b3_20220624-13b1141c.pth"


def test_missing_file_says_where_to_get_it_and_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find_weights("convnextv2_base.fcmae_ft_in22k_in1k_384", tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert "https://huggingface.co/timm/convnextv2_base.fcmae_ft_in22k_in1k_384/resolve/main/" in message
    assert f"save it as {tmp_path / 'convnextv2_base.fcmae_ft_in22k_in1k_384.safetensors'}" in message
    assert "CC-BY-NC-4.0" in message
    assert "PRETRAINED=0" in message


def test_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected one of mit_b0, mit_b1, .*, found 'mit_b6'"):
        find_weights("mit_b6", tmp_path)


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"state_dict": state, "meta": {}}])
def test_one_band_backbone_answers_grey_images_like_the_published_one(tmp_path: Path, wrap: object) -> None:
    published = FastMixVisionTransformer(**SIZES).eval()
    published.init_weights()
    assert callable(wrap)
    torch.save(wrap({**published.state_dict(), "head.weight": torch.zeros(2, 64)}), tmp_path / "mit.pth")
    backbone = FastMixVisionTransformer(in_channels=1, checkpoint=str(tmp_path / "mit.pth"), **SIZES).eval()
    backbone.init_weights()
    grey = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    for value, expected in zip(backbone(grey), published(grey.expand(-1, 3, -1, -1)), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


def test_names_missing_or_left_over_are_refused() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1))
    tensors = {"0.weight": torch.ones(2, 3, 1, 1), "1.weight": torch.ones(1), "head.bias": torch.ones(1)}
    before = module[0].weight.clone()
    with pytest.raises(
        InputError, match=r"w\.pth: .* 1 tensors \(0\.bias, \.\.\.\) missing and 1 tensors \(1\.weight, \.\.\.\) not in"
    ):
        load_strictly(module, tensors, "0.weight", ("head.",), Path("w.pth"))
    assert torch.equal(module[0].weight, before)


def test_wrong_shape_is_refused_with_both_shapes() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 2, 1))
    tensors = {"0.weight": torch.ones(2, 3, 1, 1), "0.bias": torch.ones(2)}
    with pytest.raises(InputError, match=r"0\.weight has shape \(2, 3, 1, 1\), the model needs \(2, 2, 1, 1\)"):
        load_strictly(module, tensors, "0.weight", (), Path("w.pth"))


def test_first_convolution_is_summed_over_rgb_and_inputs_stay() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1))
    tensors = {"0.weight": torch.tensor([1.0, 2.0, 4.0]).reshape(1, 3, 1, 1), "0.bias": torch.tensor([5.0])}
    load_strictly(module, tensors, "0.weight", (), Path("w.pth"))
    assert module[0].weight.item() == 7.0
    assert tensors["0.weight"].shape == (1, 3, 1, 1)


def test_damaged_and_missing_files_are_named(tmp_path: Path) -> None:
    for name in ("a.pth", "a.safetensors"):
        (tmp_path / name).write_bytes(b"<html>not found</html>")
        with pytest.raises(InputError, match=rf"{name}: not a readable file of weights \(.+\); get it again"):
            read_tensors(tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InputError, match="expected a dictionary of tensors by parameter name, found list"):
        read_tensors(tmp_path / "list.pth")
    with pytest.raises(InputError, match=r"none\.pth: pretrained weights are not there"):
        read_tensors(tmp_path / "none.pth")
