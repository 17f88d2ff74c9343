from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import from_origin

from landcover.classes import OPEN_EARTH_MAP
from landcover.images.grid import Grid
from landcover.prediction.cloud_optimised import Blocks, Layer, label_layer, read_tag, write_cloud_optimised

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

TRANSFORM = from_origin(400000, 5000000, 0.5, 0.5)
UTM = CRS.from_epsg(32654)


def blocks_of(image: NDArray[np.uint8]) -> Blocks:
    def blocks() -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
        for top in range(0, image.shape[0], 300):
            for left in range(0, image.shape[1], 700):
                yield top, left, image[top : top + 300, left : left + 700]

    return blocks


def write(path: Path, image: NDArray[np.uint8], grid: Grid | None = None, layer: Layer | None = None) -> Path:
    layer = layer or label_layer(OPEN_EARTH_MAP, {"MADE": "here"})
    scratch = path.parent / "scratch"
    write_cloud_optimised(path, grid or Grid(*image.shape, UTM, TRANSFORM), layer, blocks_of(image), scratch)
    assert not scratch.exists()
    return path


def labels(height: int, width: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(0).integers(0, 9, (height // 50 + 1, width // 50 + 1), dtype=np.uint8)
    return np.kron(coarse, np.ones((50, 50), np.uint8))[:height, :width]


def test_a_label_map_is_cloud_optimised_with_colours_and_class_names(tmp_path: Path) -> None:
    image = labels(1300, 1501)
    path = write(tmp_path / "map.tif", image)
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(1), image)
        assert (file.crs, file.transform, file.nodata, file.dtypes) == (UTM, TRANSFORM, 0, ("uint8",))
        structure = file.tags(ns="IMAGE_STRUCTURE")
        assert (structure["LAYOUT"], structure["COMPRESSION"]) == ("COG", "DEFLATE")
        assert file.block_shapes == [(512, 512)]
        assert file.overviews(1) == [2, 4]
        colours = [(*colour, 255) for colour in OPEN_EARTH_MAP.palette]
        assert [file.colormap(1)[k] for k in range(9)] == [(0, 0, 0, 0), *colours]
        assert (file.tags()["MADE"], file.descriptions) == ("here", ("land cover",))
    rasterio.shutil.copy(path, tmp_path / "map.vrt", driver="VRT")
    categories = "".join(f"<Category>{name}</Category>" for name in ("no data", *OPEN_EARTH_MAP.classes))
    text = "".join(line.strip() for line in (tmp_path / "map.vrt").read_text().splitlines())
    assert f"<CategoryNames>{categories}</CategoryNames>" in text


def test_a_map_is_on_the_disk_before_it_has_its_name(tmp_path: Path, disk_events: list[tuple[str, str]]) -> None:
    write(tmp_path / "map.tif", labels(60, 60))
    assert disk_events[-3:] == [("content", "finished.tif"), ("name", "map.tif"), ("names in", tmp_path.name)]


def test_overviews_show_the_most_frequent_class_and_no_data_only_where_there_is_nothing_else(tmp_path: Path) -> None:
    image = np.full((1024, 1024), 3, np.uint8)
    image[0::4, 0::2] = 5  # one in eight
    image[:, 512:] = 0
    image[0::2, 512::2] = 7
    with rasterio.open(write(tmp_path / "map.tif", image), overview_level=0) as file:
        overview = file.read(1)
    assert overview.shape == (512, 512)
    assert (overview[:, :256] == 3).all() and (overview[:, 256:] == 7).all()


def test_a_confidence_map_has_means_in_its_overviews_and_no_classes(tmp_path: Path) -> None:
    image = np.full((1024, 1024), 40, np.uint8)
    image[::2] = 60
    path = write(tmp_path / "sure.tif", image, layer=Layer("confidence", 255, "average"))
    with rasterio.open(path, overview_level=0) as file:
        assert set(np.unique(file.read(1))) == {50}
        assert file.nodata == 255
    assert [item.name for item in tmp_path.iterdir()] == ["sure.tif"]


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (513, 512)])
def test_any_size_without_georeferencing(tmp_path: Path, shape: tuple[int, int]) -> None:
    image = labels(*shape)
    with rasterio.open(write(tmp_path / "map.tif", image, Grid(*shape))) as file:
        np.testing.assert_array_equal(file.read(1), image)
        assert file.crs is None and file.transform.is_identity
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_ground_control_points_are_kept(tmp_path: Path) -> None:
    corners = ((0, 0, 139, 36), (40, 0, 139, 35), (0, 30, 140, 36))
    points = [GroundControlPoint(row, column, x, y, 0) for row, column, x, y in corners]
    grid = Grid(40, 30, CRS.from_epsg(4326), control_points=points)
    with rasterio.open(write(tmp_path / "map.tif", labels(40, 30), grid)) as file:
        found, crs = file.gcps
    assert crs == CRS.from_epsg(4326)
    assert [(point.row, point.col, point.x, point.y) for point in found] == list(corners)


def test_the_same_pixels_give_the_same_bytes(tmp_path: Path) -> None:
    image = labels(700, 900)
    first, second = (write(tmp_path / name / "map.tif", image) for name in _made(tmp_path))
    assert first.read_bytes() == second.read_bytes()


def _made(folder: Path) -> Iterator[str]:
    for name in ("a", "b"):
        (folder / name).mkdir()
        yield name


def test_tags_are_read_back_and_other_files_have_none(tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("no image")
    path = write(tmp_path / "map.tif", labels(5, 5))
    assert read_tag(path, "MADE") == "here"
    assert read_tag(path, "OTHER") is None
    assert read_tag(tmp_path / "text.tif", "MADE") is None


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from landcover.classes import OPEN_EARTH_MAP
from landcover.prediction.cloud_optimised import label_layer, write_cloud_optimised
from landcover.images.grid import Grid
folder = Path(sys.argv[1])
noise = np.random.default_rng(0).integers(0, 9, (700, 700), dtype=np.uint8)
def write():
    layer = label_layer(OPEN_EARTH_MAP, {})
    write_cloud_optimised(folder / "map.tif", Grid(700, 700), layer, lambda: [(0, 0, noise)], folder / "scratch")
write()
size = (folder / "map.tif").stat().st_size
for path in folder.iterdir():
    path.unlink()
for limit in (size - 1, size // 2, 20_000, 100):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write()
        print("written", limit, "of", size)
    except OSError:
        print("refused", len(list(folder.iterdir())))
"""


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files takes the place of a full disk."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    call = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert call.stdout == "refused 0\n" * 4, call.stderr


def test_pixels_that_did_not_arrive_are_noticed(tmp_path: Path) -> None:
    image = labels(40, 40)
    changed = image.copy()
    changed[39, 39] ^= 1
    answers = iter([blocks_of(image)(), blocks_of(changed)()])
    with pytest.raises(OSError, match="not all pixels were written"):
        write_cloud_optimised(
            tmp_path / "map.tif", Grid(40, 40), Layer("x", 0, "mode"), lambda: next(answers), tmp_path / "scratch"
        )
    assert list(tmp_path.iterdir()) == []
