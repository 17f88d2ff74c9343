from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from sar_scenes import write_scene
from torch.utils.data import DataLoader, Dataset

from landcover.data_sets import stored_tiles
from landcover.data_sets.stored_tiles import StoredTiles, TrainingTile, fits
from landcover.data_sets.training_tiles import TrainingTiles
from landcover.images.modality import Image, ImageFile, main_file, read_image, read_whole
from landcover.images.raster import RasterInfo, read_info, write_raster
from landcover.images.segments import Area
from landcover.images.source import Bands

WINDOW = np.s_[3:9, 10:40]
TILE_BYTES = 2 * 64 * 64  # one band and indices


@pytest.fixture(autouse=True)
def one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tiles(tmp_path: Path) -> list[TrainingTile]:
    """Three SAR tiles of 64 x 64; the last one has a wedge without data."""
    rng = np.random.default_rng(0)
    listed = [TrainingTile(tmp_path / f"{number}.tif", tmp_path / f"{number}_labels.tif") for number in range(3)]
    for tile in listed:
        image = rng.integers(1, 256, (64, 64), np.uint8)
        if tile is listed[-1]:
            image[:20] = 0
        assert tile.labels is not None
        write_raster(main_file(tile.image), image)
        write_raster(tile.labels, rng.integers(0, 9, (64, 64), np.uint8))
    return listed


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Area | None]]:
    """Grows by name and window of every image that is read."""
    seen: list[tuple[str, Area | None]] = []

    def window(file: ImageFile, modality: str, area: Area, bands: Bands) -> Image:
        seen.append((main_file(file).name, area))
        return read_image(file, modality, area, bands)

    def whole(file: ImageFile, modality: str, bands: Bands, area: Area | None) -> tuple[Image, NDArray[np.bool_]]:
        seen.append((main_file(file).name, area))
        return read_whole(file, modality, bands, area=area)

    monkeypatch.setattr(stored_tiles, "read_image", window)
    monkeypatch.setattr(stored_tiles, "read_whole", whole)
    return seen


def stored(tiles: list[TrainingTile], budget: int, monkeypatch: pytest.MonkeyPatch) -> StoredTiles:
    monkeypatch.setattr(stored_tiles, "DECODED_BYTES", budget)
    return StoredTiles(tiles, "sar")


@pytest.mark.parametrize("budget", [0, 2**20])
def test_the_chosen_bands_are_read_at_once_and_again(tmp_path, monkeypatch, budget: int) -> None:
    pixels = np.random.default_rng(0).normal(-12, 4, (64, 64, 3)).astype(np.float32)
    pixels[5, 7, 1] = np.nan
    tile = TrainingTile(write_scene(tmp_path / "a.tif", pixels, ("VV", "VH", "HH")), tmp_path / "labels.tif")
    write_raster(tile.labels, np.ones((64, 64), np.uint8))
    monkeypatch.setattr(stored_tiles, "DECODED_BYTES", budget)
    for bands, expected in ((("HH", "VV"), [2, 0]), ((1,), 0)):
        tiles = StoredTiles([tile], "sar", bands)
        for _ in range(2):
            opened = tiles.open(0)
            np.testing.assert_array_equal(opened.image(WINDOW), pixels[..., expected][WINDOW])
            assert (opened.indices == 0).all()
    assert (StoredTiles([tile], "sar", ("VV", "VH")).open(0).indices != 0).sum() == 1  # VH has no data there


def test_a_set_that_fits_is_decoded_once(tiles, reads, monkeypatch) -> None:
    kept = stored(tiles, 3 * TILE_BYTES, monkeypatch)
    windows = [[kept.open(number).image(WINDOW) for number in range(3)] for _ in range(3)]
    assert reads == [("0.tif", None), ("1.tif", None), ("2.tif", None)]
    for again in windows[1:]:
        np.testing.assert_array_equal(again, windows[0])


def test_of_a_larger_set_nothing_stays_and_only_windows_are_read_again(tiles, reads, monkeypatch) -> None:
    kept, larger = stored(tiles, 3 * TILE_BYTES, monkeypatch), stored(tiles, 3 * TILE_BYTES - 1, monkeypatch)
    expected = [kept.open(number) for number in range(3)]
    reads.clear()
    for _ in range(3):
        for number, tile in enumerate(expected):
            opened = larger.open(number)
            np.testing.assert_array_equal(opened.indices, tile.indices)
            np.testing.assert_array_equal(opened.image(WINDOW), tile.image(WINDOW))
    assert larger._decoded == {}
    names = [f"{n}.tif" for n in range(3)]
    assert reads == [(name, area) for area in (None, WINDOW, WINDOW) for name in names]
    assert (larger.open(2).indices[:20] == 255).all()


def test_an_image_is_read_whole_again_if_its_mask_is_too_large_to_remember(tiles, reads, monkeypatch) -> None:
    monkeypatch.setattr(stored_tiles, "MASK_BYTES", 0)
    larger = stored(tiles, 0, monkeypatch)
    for _ in range(2):
        assert (larger.open(2).indices[:20] == 255).all()
        larger.open(0).image(WINDOW)
    assert reads == [("2.tif", None), ("0.tif", None), ("2.tif", None), ("0.tif", WINDOW)]


def test_of_an_image_without_labels_only_the_pixels_with_data_are_covered(tmp_path) -> None:
    rgba = np.full((4, 40, 50), 90, np.uint8)
    rgba[3, :, 20:] = 0
    with rasterio.open(
        tmp_path / "a.tif", "w", "GTiff", 50, 40, 4, dtype="uint8", photometric="RGB", alpha="YES"
    ) as file:
        file.write(rgba)
    black = np.full((40, 50, 3), 90, np.uint8)
    black[:, :30] = 0
    write_raster(tmp_path / "b.tif", black)
    kept = StoredTiles([TrainingTile(tmp_path / "a.tif"), TrainingTile(tmp_path / "b.tif")], "optical")
    covered = [kept.open(number).indices == 0 for number in range(2)]
    assert covered[0][:, :20].all() and not covered[0][:, 20:].any()
    assert covered[1][:, 30:].all() and not covered[1][:, :30].any()
    assert (kept.open(0).indices[:, 20:] == 255).all()


class Kept(Dataset[int]):
    """How many tiles its process keeps, after it has loaded all of them."""

    def __init__(self, kept: StoredTiles) -> None:
        self.kept = kept

    def __len__(self) -> int:
        return 4

    def __getitem__(self, number: int) -> int:
        for tile in range(3):
            self.kept.open(tile)
        return len(self.kept._decoded)


@pytest.mark.parametrize(("copies", "kept"), [(0, 3), (1, 3), (2, 0)])
def test_every_loader_process_counts(tiles, monkeypatch, copies, kept) -> None:
    data_set = Kept(stored(tiles, 2 * 3 * TILE_BYTES - 1, monkeypatch))
    assert list(DataLoader(data_set, batch_size=None, num_workers=copies)) == [kept] * 4


@pytest.mark.parametrize(
    ("name", "trainings", "kept"), [("LOCAL_WORLD_SIZE", 2, 3), ("LOCAL_WORLD_SIZE", 3, 0), ("WORLD_SIZE", 3, 0)]
)
def test_every_training_process_of_the_machine_counts(tiles, monkeypatch, name, trainings, kept) -> None:
    monkeypatch.setenv(name, str(trainings))
    assert Kept(stored(tiles, 2 * 3 * TILE_BYTES, monkeypatch))[0] == kept


def test_headers_are_read_until_the_limit_is_exceeded(tiles, monkeypatch) -> None:
    seen: list[Path] = []

    def recorded(path: Path) -> RasterInfo:
        seen.append(path)
        return read_info(path)

    monkeypatch.setattr(stored_tiles, "read_info", recorded)
    assert fits(tiles, 3 * TILE_BYTES) and len(seen) == 3
    assert not fits(tiles, TILE_BYTES) and len(seen) == 5


def test_all_images_of_a_tile_and_the_size_of_their_numbers_count(tmp_path) -> None:
    write_raster(tmp_path / "optical.tif", np.zeros((10, 20, 3), np.uint8))
    write_raster(tmp_path / "sar.tif", np.zeros((10, 20), np.float32))
    tile = TrainingTile({"optical": tmp_path / "optical.tif", "sar": tmp_path / "sar.tif"})
    assert fits([tile], 200 * (3 + 4 + 1))
    assert not fits([tile], 200 * (3 + 4 + 1) - 1)


def test_a_sample_is_the_same_however_its_tile_is_held(tiles, monkeypatch) -> None:
    samples = []
    for budget in (0, 3 * TILE_BYTES):
        monkeypatch.setattr(stored_tiles, "DECODED_BYTES", budget)
        data_set = TrainingTiles(tiles, "sar", 32, seed=4)
        samples.append([data_set.sample(ordinal) for ordinal in range(12)])
    for first, second in zip(*samples, strict=True):
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_array_equal(first.indices, second.indices)


@pytest.mark.parametrize("budget", [0, 2**20])
def test_a_window_of_an_image_is_a_tile_of_its_own(tiles, monkeypatch, budget: int) -> None:
    area = np.s_[16:61, 5:60]
    whole = stored(tiles, 2**20, monkeypatch).open(0)
    windows = stored([TrainingTile(tiles[0].image, tiles[0].labels, area)], budget, monkeypatch)
    for _ in range(2):
        opened = windows.open(0)
        np.testing.assert_array_equal(opened.indices, whole.indices[area])
        np.testing.assert_array_equal(opened.image(WINDOW), whole.image(area)[WINDOW])


def test_a_window_takes_the_memory_of_its_pixels(tiles: list[TrainingTile]) -> None:
    window = TrainingTile(tiles[0].image, tiles[0].labels, np.s_[10:20, 4:10])
    assert [fits([window], limit) for limit in (119, 120)] == [False, True]
