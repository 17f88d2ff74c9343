from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine, from_origin
from sar_scenes import write_scene

from landcover.classes.scheme_file import find_scheme
from landcover.data_check.check import check_tiles
from landcover.data_sets.dfc2025 import SarTile
from landcover.data_sets.open_earth_map import LabelledTile
from landcover.errors import InputError
from landcover.images.grid import Georeference
from landcover.images.raster import write_raster

GEOREFERENCE = Georeference(((33550, 12, 3, (0.5, 0.5, 0.0)), (33922, 12, 6, (0.0, 0.0, 0.0, 1.0, 2.0, 0.0))))
NO_GEOREFERENCE = Georeference()
RGB = np.full((40, 50, 3), 90, dtype=np.uint8)
LABELS = np.repeat(np.array([[0], [1], [2], [8]], dtype=np.uint8), 500, axis=1).reshape(40, 50)
SAR = np.arange(1, 2001, dtype=np.uint16).reshape(40, 50)


def labelled(root: Path, name: str, image: NDArray[np.uint8], labels: NDArray[np.uint8]) -> LabelledTile:
    tile = LabelledTile(name, root / "images" / f"{name}.tif", root / "labels" / f"{name}.tif")
    write_raster(tile.image, image)
    write_raster(tile.labels, labels)
    return tile


def sar_tile(
    root: Path,
    name: str,
    sar: NDArray[np.generic],
    optical: NDArray[np.uint8] | None = None,
    labels: NDArray[np.uint8] | None = None,
    georeference: Georeference = NO_GEOREFERENCE,
) -> SarTile:
    paths = {kind: root / kind / f"{name}.tif" for kind in ("sar", "optical", "labels")}
    write_raster(paths["sar"], sar, georeference)
    if optical is not None:
        write_raster(paths["optical"], optical)
    if labels is not None:
        write_raster(paths["labels"], labels)
    return SarTile(
        name, paths["sar"], None if optical is None else paths["optical"], None if labels is None else paths["labels"]
    )


def test_good_tiles_give_statistics_and_no_problem(tmp_path: Path) -> None:
    tiles = [labelled(tmp_path, "a_1", RGB, LABELS), labelled(tmp_path, "a_2", RGB[:20, :30], LABELS[:20, :30])]
    report = check_tiles(tiles, "OpenEarthMap", quiet=True)
    assert (report.problems, report.warnings, report.sar) == ((), (), ())
    assert (report.tiles, report.label_files, report.without_georeference) == (2, 2, 2)
    assert (report.heights, report.widths) == ((20, 40), (30, 50))
    # rows 0-9 unknown, 10-19 bareland, 20-29 rangeland, 30-39 building; the second tile is rows 0-19
    assert report.class_shares["unknown"] == report.class_shares["bareland"] == 800 / 2600
    assert report.class_shares["rangeland"] == report.class_shares["building"] == 500 / 2600
    assert report.class_shares["tree"] == 0
    report.raise_if_problems()


def test_every_problem_is_collected_in_the_order_of_the_tiles(tmp_path: Path) -> None:
    tiles = [
        labelled(tmp_path, "a_1", RGB, LABELS[:39]),
        labelled(tmp_path, "a_2", RGB, LABELS + np.uint8(1)),
        labelled(tmp_path, "a_3", RGB[..., 0], LABELS),
        labelled(tmp_path, "a_4", RGB, LABELS),
        labelled(tmp_path, "a_5", RGB, LABELS),
    ]
    tiles[3].image.write_bytes(tiles[3].image.read_bytes()[:200])
    report = check_tiles(tiles, "OpenEarthMap", quiet=True)
    assert len(report.problems) == 4
    assert "labels/a_1.tif: expected the 40x50 pixels of" in report.problems[0]
    assert "found 39x50" in report.problems[0]
    assert "labels/a_2.tif: expected label values 0..8" in report.problems[1]
    assert "images/a_3.tif: expected an optical image of 3 bands (RGB), found 1" in report.problems[2]
    assert "images/a_4.tif: not readable" in report.problems[3]
    assert all("\n" not in line for line in report.problems)
    with pytest.raises(InputError, match=r"^4 problems in the data \(OpenEarthMap\): .*labels/a_1\.tif.*listed above$"):
        report.raise_if_problems()
    assert [line for line in report.lines() if "problem: " in line] == [
        f"  problem: {line}" for line in report.problems
    ]


def test_unreadable_tiles_alone_still_give_a_report(tmp_path: Path) -> None:
    nowhere = LabelledTile("a_1", tmp_path / "a_1.tif", tmp_path / "b_1.tif")
    report = check_tiles([nowhere], "OpenEarthMap", quiet=True)
    assert len(report.problems) == 2
    assert (report.heights, report.class_shares) == ((0, 0), {})
    assert report.lines()[0] == "OpenEarthMap"


def test_labels_without_a_class_are_a_warning(tmp_path: Path) -> None:
    report = check_tiles([labelled(tmp_path, "a_1", RGB, np.zeros_like(LABELS))], "OpenEarthMap", quiet=True)
    assert report.problems == ()
    assert "labels/a_1.tif: every pixel is unknown" in report.warnings[0]


def test_sar_statistics_are_those_of_all_pixels(tmp_path: Path) -> None:
    tiles = [
        sar_tile(tmp_path, "a", SAR, RGB, LABELS, GEOREFERENCE),
        sar_tile(tmp_path, "b", SAR + np.uint16(2000), RGB, LABELS),
    ]
    report = check_tiles(tiles, "train", quiet=True)
    assert report.problems == ()
    (band,) = report.sar
    values = np.arange(1, 4001, dtype=np.float64)
    assert band.mean == pytest.approx(values.mean())
    assert band.std == pytest.approx(values.std())
    assert band.percentiles == {1: pytest.approx(40.99), 50: 2000.5, 99: pytest.approx(3960.01)}
    assert band.no_data_share == 0
    assert (report.label_files, report.without_georeference) == (2, 1)


def test_no_data_is_left_out_of_sar_statistics(tmp_path: Path) -> None:
    sar = np.full((100, 100), 7, dtype=np.uint8)
    sar[:25] = 0
    sar[60, 60] = 0
    report = check_tiles([sar_tile(tmp_path, "a", sar)], "DFC2025", quiet=True)
    (band,) = report.sar
    assert band.no_data_share == 0.25
    assert band.mean == pytest.approx(7 * 7499 / 7500)


def test_sample_of_a_large_tile_covers_all_columns(tmp_path: Path) -> None:
    sar = np.broadcast_to(np.arange(1, 1025, dtype=np.float32), (1024, 1024)).copy()
    report = check_tiles([sar_tile(tmp_path, "a", sar)], "DFC2025", quiet=True)
    (band,) = report.sar
    assert band.percentiles[50] == pytest.approx(512.5, abs=2)
    assert band.percentiles[1] == pytest.approx(11, abs=2)


def stacked(path: Path, *bands: NDArray[np.generic], descriptions: tuple[str, ...] = ()) -> SarTile:
    write_scene(path, np.stack(bands, axis=-1), descriptions)
    return SarTile(path.stem, path, None, None)


def test_every_band_of_a_sar_tile_has_its_statistics(tmp_path: Path) -> None:
    first, second = SAR.astype(np.float32) - 3000, SAR.astype(np.float32) * 2
    second[:, :5] = np.nan
    tiles = [stacked(tmp_path / f"{name}.tif", first, second, descriptions=("VV", "")) for name in "ab"]
    report = check_tiles(tiles, "train", quiet=True)
    assert (report.problems, report.warnings) == ((), ())
    vv, other = report.sar
    assert (vv.band, other.band, vv.dtype) == ("VV", "2", "float32")
    assert vv.no_data_share == other.no_data_share == pytest.approx(0.1)
    valid = SAR[:, 5:].astype(np.float64)
    assert (vv.mean, other.mean) == (pytest.approx(valid.mean() - 3000), pytest.approx(2 * valid.mean()))
    assert (vv.std, other.std) == (pytest.approx(valid.std()), pytest.approx(2 * valid.std()))
    assert other.percentiles == {percent: pytest.approx(2 * value + 6000) for percent, value in vv.percentiles.items()}


@pytest.mark.parametrize("count", [3, 4])
def test_a_colour_image_among_sar_tiles_is_refused(tmp_path: Path, count: int) -> None:
    report = check_tiles([stacked(tmp_path / "a.tif", *[RGB[..., 0]] * count)], "train", quiet=True)
    (problem,) = report.problems
    assert "a.tif: expected a SAR image of one band, found 3; this looks like an optical" in problem
    assert check_tiles([stacked(tmp_path / "b.tif", *[SAR] * count)], "train", quiet=True).problems == ()
    assert check_tiles([stacked(tmp_path / "c.tif", *[RGB[..., 0]] * 2)], "train", quiet=True).problems == ()


def test_tiles_of_different_bands_are_a_warning(tmp_path: Path) -> None:
    tiles = [sar_tile(tmp_path, "a", SAR), stacked(tmp_path / "b.tif", SAR, SAR, descriptions=("VV", "VH"))]
    report = check_tiles(tiles, "train", quiet=True)
    assert (report.problems, report.sar) == ((), ())
    assert report.warnings == (
        "train: SAR tiles differ in bands (VV, VH or one); choose one that all have with sar.band",
    )


def test_tile_without_data_is_a_warning(tmp_path: Path) -> None:
    report = check_tiles([sar_tile(tmp_path, "a", np.zeros((50, 50), np.uint8))], "DFC2025", quiet=True)
    assert report.problems == ()
    assert report.sar == ()
    assert "sar/a.tif: no pixel with data" in report.warnings[0]
    report.raise_if_problems()


def test_sar_and_its_partners_must_have_one_size(tmp_path: Path) -> None:
    report = check_tiles([sar_tile(tmp_path, "a", SAR, RGB[:30], LABELS[:, :49])], "DFC2025", quiet=True)
    assert ["optical/a.tif" in report.problems[0], "labels/a.tif" in report.problems[1]] == [True, True]
    assert "found 30x50" in report.problems[0]
    assert "found 40x49" in report.problems[1]


def put(path: Path, pixels: NDArray[np.uint8], transform: Affine, crs: str = "EPSG:32654") -> None:
    bands = pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None]
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", "GTiff", 50, 40, len(bands), crs, transform, pixels.dtype) as file:
        file.write(bands)


PLACE = from_origin(300_000, 3_900_000, 0.5, 0.5)
OTHER_GRIDS = {
    "orientation north-up": (Affine(0.5, 0, 300_000, 0, 0.5, 3_899_980), "EPSG:32654", r"south-up \(rows mirrored\)"),
    "pixel size 0.5 x 0.5": (from_origin(300_000, 3_900_000, 1, 1), "EPSG:32654", "1 x 1"),
    "coordinate system EPSG:32654": (PLACE, "EPSG:32653", "EPSG:32653"),
    "rotation 0 degrees": (PLACE @ Affine.rotation(-10), "EPSG:32654", "10 degrees"),
    "upper left corner x 300000 y 3900000": (from_origin(302_304, 39e5, 0.5, 0.5), "EPSG:32654", "x 302304 y 3900000"),
}


@pytest.mark.parametrize("kind", ["optical", "labels"])
@pytest.mark.parametrize("expected", OTHER_GRIDS)
def test_sar_and_its_partners_must_lie_on_one_grid(tmp_path: Path, kind: str, expected: str) -> None:
    tile = sar_tile(tmp_path, "a", SAR, RGB, LABELS)
    assert tile.optical is not None and tile.labels is not None
    put(tile.sar, SAR.astype(np.uint8), PLACE)
    put(tile.optical, RGB, PLACE)
    put(tile.labels, LABELS, PLACE @ Affine.translation(0.009, 0))
    assert check_tiles([tile], "DFC2025", quiet=True).problems == ()
    transform, crs, found = OTHER_GRIDS[expected]
    put(tmp_path / kind / "a.tif", RGB if kind == "optical" else LABELS, transform, crs)
    (problem,) = check_tiles([tile], "DFC2025", quiet=True).problems
    start = rf"{tmp_path / kind / 'a.tif'}: expected the {expected} of {tile.sar}, found {found}; "
    assert re.match(start, problem) and "--like" in problem
    if expected.startswith("pixel size"):
        assert ("--resampling bilinear" in problem) == (kind == "optical")


def test_labels_must_lie_on_the_grid_of_their_optical_image(tmp_path: Path) -> None:
    tile = labelled(tmp_path, "a_1", RGB, LABELS)
    put(tile.image, RGB, PLACE)
    assert check_tiles([tile], "OpenEarthMap", quiet=True).problems == ()  # the labels tell no place
    put(tile.labels, LABELS, PLACE, "EPSG:32653")
    report = check_tiles([tile], "OpenEarthMap", quiet=True)
    assert len(report.problems) == 1 and report.label_files == 1
    start = f"{tile.labels}: expected the coordinate system EPSG:32654 of {tile.image}, found EPSG:32653; "
    assert report.problems[0].startswith(start)


def test_swapped_folders_and_mixed_types_are_problems(tmp_path: Path) -> None:
    swapped = sar_tile(tmp_path / "swapped", "a", RGB)
    report = check_tiles([swapped], "DFC2025", quiet=True)
    assert "expected a SAR image of one band, found 3" in report.problems[0]
    mixed = [sar_tile(tmp_path, "a", SAR), sar_tile(tmp_path, "b", SAR.astype(np.float32))]
    report = check_tiles(mixed, "val", quiet=True)
    assert report.problems == ("val: expected SAR tiles of one type, found float32 and uint16; convert them to one",)
    with pytest.raises(InputError, match=r"^1 problem in the data \(val\): val: expected"):
        report.raise_if_problems()


def test_report_does_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    tiles = [sar_tile(tmp_path, name, SAR, RGB, LABELS) for name in "abcde"]
    report = check_tiles(tiles, "train", workers=1, quiet=True)
    assert report.tiles == 5
    assert report == check_tiles(tiles, "train", workers=4, quiet=True)


def test_labels_that_count_from_0_are_a_warning(tmp_path: Path) -> None:
    zero_based = np.where(LABELS == 8, 3, LABELS).astype(np.uint8)
    report = check_tiles([labelled(tmp_path, "a_1", RGB, zero_based)], "OpenEarthMap", quiet=True)
    (warning,) = report.warnings
    assert warning.startswith("OpenEarthMap: labels: no pixel is building (8), and 25.0% are 0, unknown; if the class")
    assert 'LABEL_VALUES="+1"' in warning
    shifted = find_scheme("openearthmap", "+1")
    report = check_tiles([labelled(tmp_path, "a_1", RGB, zero_based)], "OpenEarthMap", shifted, quiet=True)
    assert (report.warnings, report.class_shares["unknown"], report.class_shares["bareland"]) == ((), 0, 0.25)
