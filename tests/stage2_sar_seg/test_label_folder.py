from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from landcover.data_sets.dfc2025 import SarTile, dfc2025_tiles
from landcover.errors import InputError
from landcover.images.grid import Georeference, read_georeference
from landcover.images.raster import read_raster, write_raster
from landcover.run_files.manifest import OutputFolder
from stage2_sar_seg.label_folder import labelled_tiles, published_labels


@pytest.fixture
def tiles(demo_root: Path) -> list[SarTile]:
    return dfc2025_tiles(demo_root / "DFC2025Track1", "train")


def written(folder: Path, tiles: list[SarTile], scheme: str) -> Path:
    """Label files as a finished stage leaves them, on the grid of their images."""
    output = OutputFolder(folder, {"stage": "pseudo_labels", "scheme": scheme}, {})
    output.begin()
    for tile in tiles:
        shape = read_raster(tile.sar).pixels.shape
        write_raster(folder / f"{tile.name}.tif", np.ones(shape, np.uint8), read_georeference(tile.sar))
    output.finish(folder.glob("*.tif"))
    return folder


def test_tiles_get_the_label_files_of_their_name(tiles: list[SarTile], label_folder: Path) -> None:
    expected = [(tile.sar, label_folder / f"{tile.name}.tif") for tile in tiles]
    assert [(tile.image, tile.labels) for tile in labelled_tiles(tiles, label_folder)] == expected


def test_any_folder_of_label_files_will_do(tiles: list[SarTile], label_folder: Path) -> None:
    (label_folder / "manifest.json").unlink()
    assert [tile.labels for tile in labelled_tiles(tiles, label_folder)] == sorted(label_folder.glob("*.tif"))


def test_a_file_that_the_stage_did_not_write_is_no_label(tiles: list[SarTile], tmp_path: Path) -> None:
    folder = written(tmp_path / "labels", tiles[1:], "openearthmap")
    write_raster(folder / f"{tiles[0].name}.tif", np.ones((64, 64), np.uint8))
    with pytest.raises(InputError, match=rf"found none for 1 \({tiles[0].name}, ...\); run tools/20"):
        labelled_tiles(tiles, folder)


def test_labels_of_an_unfinished_stage_are_refused(tiles: list[SarTile], label_folder: Path) -> None:
    (label_folder / "manifest.json").rename(label_folder / "unfinished.json")
    with pytest.raises(InputError, match=r"expected label files of a finished stage, found unfinished\.json; run that"):
        labelled_tiles(tiles, label_folder)


def test_labels_of_another_class_scheme_are_refused(tiles: list[SarTile], tmp_path: Path) -> None:
    folder = written(tmp_path / "labels", tiles, "loveda")
    with pytest.raises(InputError, match="expected labels of the class scheme openearthmap, found loveda; choose"):
        labelled_tiles(tiles, folder)


def test_labels_of_other_tiles_are_refused_by_name(label_folder: Path) -> None:
    tiles = [SarTile(name, Path(f"{name}.tif"), None, None) for name in ("elsewhere_1", "elsewhere_2")]
    with pytest.raises(InputError, match=r"for each of 2 training tiles, found none for 2 \(elsewhere_1, ...\)"):
        labelled_tiles(tiles, label_folder)


def test_labels_of_other_tiles_are_refused_by_size(tiles: list[SarTile], label_folder: Path) -> None:
    path = label_folder / f"{tiles[2].name}.tif"
    write_raster(path, np.ones((64, 60), np.uint8))
    with pytest.raises(InputError, match=rf"{path}: expected the 64x64 pixels of {tiles[2].sar}, found 64x60; the"):
        labelled_tiles(tiles, label_folder)


def test_labels_of_other_tiles_are_refused_by_place(tiles: list[SarTile], tmp_path: Path) -> None:
    folder = written(tmp_path / "labels", tiles, "openearthmap")
    assert len(labelled_tiles(tiles, folder)) == len(tiles)
    path = folder / f"{tiles[1].name}.tif"
    write_raster(path, read_raster(path).pixels, read_georeference(tiles[0].sar))
    folder.joinpath("manifest.json").unlink()
    with pytest.raises(
        InputError,
        match=rf"{path}: expected the upper left corner x .* y .* of {tiles[1].sar}, found x .* y .*; the label file "
        "was made for another tile, run tools/20",
    ):
        labelled_tiles(tiles, folder)


@pytest.mark.parametrize(
    ("crs", "change", "message"),
    [
        ("EPSG:32654", Affine.translation(0, 64) @ Affine.scale(1, -1), "orientation north-up .*, found south-up"),
        ("EPSG:32654", Affine.scale(2), "pixel size 0.5 x 0.5 .*, found 1 x 1"),
        ("EPSG:32653", Affine.identity(), "coordinate system EPSG:32654 .*, found EPSG:32653"),
        ("EPSG:32654", Affine.translation(0.02, 0), "upper left corner .*, found"),
        ("EPSG:32654", Affine.translation(0.009, 0), None),
    ],
)
def test_labels_of_another_grid_are_refused_by_name(
    tiles: list[SarTile], label_folder: Path, crs: str, change: Affine, message: str | None
) -> None:
    path = label_folder / f"{tiles[1].name}.tif"
    with rasterio.open(tiles[1].sar) as image:
        transform = image.transform @ change
        assert image.crs == "EPSG:32654" and image.shape == (64, 64)
    with rasterio.open(path, "w", "GTiff", 64, 64, 1, crs, transform, np.uint8) as file:
        file.write(np.ones((1, 64, 64), np.uint8))
    if message is None:
        assert labelled_tiles(tiles, label_folder)[1].labels == path
        return
    with pytest.raises(InputError, match=rf"^{path}: expected the {message}"):
        labelled_tiles(tiles, label_folder)


def test_labels_without_a_place_are_taken_at_their_word(tiles: list[SarTile], tmp_path: Path) -> None:
    folder = written(tmp_path / "labels", tiles, "openearthmap")
    path = folder / f"{tiles[1].name}.tif"
    write_raster(path, read_raster(path).pixels, Georeference())
    folder.joinpath("manifest.json").unlink()
    assert labelled_tiles(tiles, folder)[1].labels == path


def test_published_labels_belong_to_their_tiles_and_must_be_there(tiles: list[SarTile]) -> None:
    assert [(tile.image, tile.labels) for tile in published_labels(tiles)] == [(t.sar, t.labels) for t in tiles]
    without = [*tiles[:-1], SarTile("last", tiles[-1].sar, None, None)]
    with pytest.raises(InputError, match="expected published labels in labels/, found none"):
        published_labels(without)


def test_published_labels_of_another_tile_are_not_said_to_be_made_by_a_stage(
    tiles: list[SarTile], tmp_path: Path
) -> None:
    folder = written(tmp_path / "labels", tiles, "openearthmap")
    folder.joinpath("manifest.json").unlink()
    write_raster(folder / f"{tiles[2].name}.tif", np.ones((64, 60), np.uint8))
    published = [SarTile(tile.name, tile.sar, None, folder / f"{tile.name}.tif") for tile in tiles]
    cure = "unpack the data set again, or set PUBLISHED_MODELS to nothing"
    with pytest.raises(InputError, match=f"found 64x60; the label file was made for another tile, {cure}$"):
        published_labels(published)
