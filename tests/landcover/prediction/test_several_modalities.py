"""Networks that read an optical and a SAR image: windows, views and whole scenes cut both alike."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from mmseg.registry import MODELS
from rasterio.transform import from_origin
from torch import Tensor, nn

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.networks.exported_network import ExportedNetwork
from landcover.networks.model_file import ModelInfo, load_model, save_model
from landcover.prediction.export import export_to_onnx
from landcover.prediction.scene import map_scene
from landcover.prediction.scene_models import SceneSettings
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities
from landcover.prediction.views import make_views
from landcover.processes.group import Processes

CPU = torch.device("cpu")
ALONE = Processes(0, 1, CPU)
PREPROCESSORS = {
    "optical": {"type": "SegDataPreProcessor", "mean": [100.0] * 3, "std": [50.0] * 3},
    "sar": {"type": "SarPreprocessor", "mean": [60.0], "std": [40.0]},
}

pytestmark = pytest.mark.usefixtures("registered")


class Stacked(nn.Module):
    """Gives a network of four bands the bands of both images one after the other."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        preprocessors = {"type": "MultimodalPreprocessor", "preprocessors": PREPROCESSORS}
        self.data_preprocessor = MODELS.build(preprocessors)

    def forward(self, images: dict[str, Tensor], mode: str) -> Tensor:
        return self.network(torch.cat([images["optical"], images["sar"]], dim=1), mode=mode)


class FourBands(nn.Module):
    """The same network for one image of four bands."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.data_preprocessor = nn.Module()
        self.data_preprocessor.register_buffer("mean", torch.tensor([100.0, 100.0, 100.0, 60.0]).reshape(4, 1, 1))
        self.data_preprocessor.register_buffer("std", torch.tensor([50.0, 50.0, 50.0, 40.0]).reshape(4, 1, 1))
        self.near, self.far = nn.Conv2d(4, 6, 7, stride=4, padding=3), nn.Conv2d(6, 8, 5, padding=2)

    def forward(self, images: Tensor, mode: str) -> Tensor:
        assert mode == "tensor"
        return self.far(self.near(images).tanh())


def image(height: int, width: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "optical": rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        "sar": rng.integers(1, 256, (height, width), dtype=np.uint8),
    }


@pytest.mark.parametrize("batch", [1, 5])
def test_two_images_are_predicted_as_one_image_of_their_bands(batch: int) -> None:
    views = make_views([0.75, 1.0], ["none", "horizontal", "both"])
    settings = SlidingWindow(64, 40, views, weighting="cosine", batch=batch)
    four, both = FourBands().eval(), image(90, 140)
    stacked = np.concatenate([both["optical"], both["sar"][..., None]], axis=-1)
    expected = predict_probabilities(four, stacked, settings, CPU)
    found = predict_probabilities(Stacked(four).eval(), both, settings, CPU)
    assert found.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@MODELS.register_module()
class Concatenated(nn.Module):
    """Encoder of both images."""

    def __init__(self, in_channels: dict[str, int]) -> None:
        super().__init__()
        self.project = nn.Conv2d(sum(in_channels.values()), 8, 4, stride=4)

    def forward(self, images: dict[str, Tensor]) -> tuple[Tensor]:
        return (self.project(torch.cat([images["optical"], images["sar"]], dim=1)),)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    network = {
        "type": "EncoderDecoder",
        "data_preprocessor": {"type": "MultimodalPreprocessor", "preprocessors": PREPROCESSORS},
        "backbone": {"type": "Concatenated", "in_channels": {"optical": 3, "sar": 1}},
        "decode_head": {
            "type": "FCNHead", "in_channels": 8, "in_index": 0, "channels": 8, "num_convs": 0, "concat_input": False,
            "num_classes": 8, "align_corners": False, "norm_cfg": {"type": "BN"},
        },
    }  # fmt: skip
    torch.manual_seed(0)
    model = MODELS.build(network)
    nn.init.normal_(model.decode_head.conv_seg.weight, std=2.0)
    path = tmp_path / "both" / "model.pth"
    save_model(path, ModelInfo("both", "optical+sar", OPEN_EARTH_MAP, 32), network, model.state_dict())
    return path


def write_scenes(folder: Path, place: tuple[float, float] = (3e5, 4e6), height: int = 70) -> tuple[Path, Path]:
    """A SAR scene and the optical one beside it, which lies at `place`."""
    both = image(height, 90)
    sar = {"driver": "GTiff", "count": 1, "height": 70, "width": 90, "dtype": "uint8", "crs": "EPSG:32654"}
    with rasterio.open(folder / "sar.tif", "w", **sar, transform=from_origin(3e5, 4e6, 0.5, 0.5)) as file:
        file.write(both["sar"][:70], 1)
    optical = {**sar, "count": 3, "height": height}
    with rasterio.open(folder / "rgb.tif", "w", **optical, transform=from_origin(*place, 0.5, 0.5)) as file:
        file.write(both["optical"].transpose(2, 0, 1))
    return folder / "sar.tif", folder / "rgb.tif"


def test_a_scene_is_mapped_from_both_images(tmp_path: Path, model_file: Path) -> None:
    sar, rgb = write_scenes(tmp_path)
    out = tmp_path / "map.tif"
    assert map_scene(sar, [model_file], out, SceneSettings(), ALONE, optical_path=rgb)
    with rasterio.open(out) as file:
        labels, crs = file.read(1), file.crs
    assert labels.shape == (70, 90) and crs == "EPSG:32654" and len(np.unique(labels)) > 2 and labels.min() > 0
    assert not map_scene(sar, [model_file], out, SceneSettings(), ALONE, optical_path=rgb)
    with rasterio.open(rgb, "r+") as file:
        file.write(255 - file.read())
    other = tmp_path / "other.tif"
    map_scene(sar, [model_file], other, SceneSettings(), ALONE, optical_path=rgb)
    with rasterio.open(other) as file:
        assert (file.read(1) != labels).mean() > 0.1
    with pytest.raises(InputError, match=r"map.tif: expected no file, or a map of the same inputs.*optical differs"):
        map_scene(sar, [model_file], out, SceneSettings(), ALONE, optical_path=rgb)


def test_a_model_of_both_images_is_exported_with_two_inputs(
    exported_pair: tuple[Path, Path], tmp_path: Path, model_file: Path
) -> None:
    exported = tmp_path / "both.onnx"
    difference = export_to_onnx(
        model_file, exported, images=[dict(zip(("sar", "optical"), write_scenes(tmp_path), strict=True))]
    )
    assert difference is not None and difference < 1e-5
    images = {"optical": torch.randn(1, 3, 32, 32), "sar": torch.randn(1, 1, 32, 32)}
    with torch.no_grad():
        expected = load_model(model_file, CPU)[0](images, mode="tensor")
    assert torch.allclose(ExportedNetwork(exported)(images), expected, atol=1e-4)


def test_a_fourth_band_of_the_optical_scene_does_not_count(tmp_path: Path, model_file: Path) -> None:
    sar, rgb = write_scenes(tmp_path)
    with rasterio.open(rgb) as file, rasterio.open(tmp_path / "rgba.tif", "w", **{**file.profile, "count": 4}) as wide:
        wide.write(np.concatenate([file.read(), np.full((1, 70, 90), 7, np.uint8)]))
    maps = []
    for path in (rgb, tmp_path / "rgba.tif"):
        map_scene(sar, [model_file], tmp_path / "map.tif", SceneSettings(), ALONE, optical_path=path)
        maps.append((tmp_path / "map.tif").rename(tmp_path / f"{path.stem}_map.tif"))
    labels, same = (rasterio.open(path).read(1) for path in maps)
    np.testing.assert_array_equal(labels, same)


def test_a_scene_without_its_optical_image_or_with_another_one_is_refused(tmp_path: Path, model_file: Path) -> None:
    sar, rgb = write_scenes(tmp_path)
    cases = [
        (None, r"model.pth: expected the optical image of the scene for a model of optical\+sar, found none; pass"),
        (sar, r"sar.tif: expected an optical image of 3 bands of uint8, found 1 of uint8"),
        (tmp_path / "no.tif", r"no.tif: expected an image file, found none"),
    ]
    for optical, message in cases:
        with pytest.raises(InputError, match=message):
            map_scene(sar, [model_file], tmp_path / "m.tif", SceneSettings(), ALONE, optical_path=optical)
    for place, height, difference in [
        ((3e5 + 10, 4e6), 70, "upper left corner x 300000 y 4000000 of .*, found x 300010 y 4000000; "),
        ((3e5, 4e6), 80, "70x90 pixels of .*, found 80x90; put in its place .* rio warp .* --resampling bilinear$"),
    ]:
        write_scenes(tmp_path, place, height)
        with pytest.raises(InputError, match=rf"^{rgb}: expected the {difference}"):
            map_scene(sar, [model_file], tmp_path / "m.tif", SceneSettings(), ALONE, optical_path=rgb)
    assert not (tmp_path / "m.tif").exists()
