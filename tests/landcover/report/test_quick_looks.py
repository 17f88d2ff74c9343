import numpy as np
import pytest

from landcover.classes import OPEN_EARTH_MAP
from landcover.images.no_data import Raster
from landcover.report.pictures import CORRECT, ERROR_COLOURS, WRONG
from landcover.report.quick_looks import (
    CONTACT_WIDTH,
    GAP,
    LEGEND_SIDE,
    LINE,
    THUMB_SIDE,
    VIEW_SIDE,
    TileView,
    cell_corner,
    confidence_colours,
    contact_sheet,
    tile_sheet,
)

HEIGHT, WIDTH = 6, 4


def palette(label: int) -> tuple[int, ...]:
    return (0, 0, 0) if label == 0 else OPEN_EARTH_MAP.palette[label - 1]


def tiny(truth: bool = True, name: str = "T_1") -> TileView:
    labels = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 9
    confidence = np.linspace(0, 1, labels.size, dtype=np.float32).reshape(labels.shape)
    sar = np.full(labels.shape, 50, np.uint8)
    sar[0, 1] = 200
    return TileView(name, Raster(sar), labels, confidence, labels[::-1].copy() if truth else None)


def pixel(sheet: np.ndarray, index: int, columns: int, row: int, column: int, view: tuple[int, int]) -> tuple[int, ...]:
    """Colour in the middle of a pixel of a view of the tiny tile, which is shown with `view` pixels (height, width)."""
    left, top = cell_corner(index, columns, np.empty((*view, 3), np.uint8))
    factor = view[0] // HEIGHT
    return tuple(sheet[top + row * factor + factor // 2, left + column * factor + factor // 2].tolist())


SHOWN = (HEIGHT * (VIEW_SIDE // HEIGHT), WIDTH * (VIEW_SIDE // HEIGHT))


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 1), (1, 3), (2, 0), (5, 2)])
def test_colours_in_the_sheet_are_those_of_the_palette(row: int, column: int) -> None:
    view = tiny()
    sheet = tile_sheet(view, OPEN_EARTH_MAP)
    label, true = view.labels[row, column], view.truth[row, column]
    assert pixel(sheet, 1, 3, row, column, SHOWN) == palette(label)
    assert pixel(sheet, 2, 3, row, column, SHOWN) == palette(true)
    kind = 0 if true == 0 else CORRECT if true == label else WRONG
    assert pixel(sheet, 4, 3, row, column, SHOWN) == tuple(ERROR_COLOURS[kind])
    sure = confidence_colours(view.confidence)[row, column]
    assert pixel(sheet, 3, 3, row, column, SHOWN) == ((0, 0, 0) if label == 0 else tuple(sure))


def test_sar_is_grey_and_stretched() -> None:
    sheet = tile_sheet(tiny(), OPEN_EARTH_MAP)
    assert pixel(sheet, 0, 3, 0, 1, SHOWN) == (255, 255, 255)
    assert pixel(sheet, 0, 3, 3, 3, SHOWN) == (1, 1, 1)


def test_without_a_truth_there_are_three_views() -> None:
    view = tiny(truth=False)
    sheet = tile_sheet(view, OPEN_EARTH_MAP)
    assert pixel(sheet, 1, 2, 1, 3, SHOWN) == palette(7)
    assert pixel(sheet, 2, 2, 1, 3, SHOWN) == tuple(confidence_colours(view.confidence)[1, 3])
    assert sheet.shape[1] == 3 * GAP + 2 * max(SHOWN[1], LEGEND_SIDE)


def test_the_legend_has_a_swatch_of_every_class() -> None:
    sheet = tile_sheet(tiny(), OPEN_EARTH_MAP)
    left, top = cell_corner(5, 3, np.empty((*SHOWN, 3), np.uint8))
    for label in range(9):
        assert tuple(sheet[top + (label + 1) * LINE + 9, left + 9]) == palette(label)


@pytest.mark.parametrize("size", [(1024, 1024), (2000, 700), (300, 1100)])
def test_the_views_of_a_large_tile_are_bounded(size: tuple[int, int]) -> None:
    labels = np.full(size, 5, np.uint8)
    view = TileView("T", Raster(np.full(size, 7.0, np.float32)), labels, np.ones(size, np.float32), labels)
    sheet = tile_sheet(view, OPEN_EARTH_MAP)
    assert sheet.dtype == np.uint8
    assert max(sheet.shape[:2]) <= 3 * (VIEW_SIDE + 2 * GAP + LINE)
    scale = VIEW_SIDE / max(size)
    area = round(size[0] * scale) * round(size[1] * scale)
    assert np.count_nonzero((sheet == palette(5)).all(axis=2)) in range(2 * area, 2 * area + 20 * 20)


def test_large_maps_keep_exact_class_colours() -> None:
    labels = np.random.default_rng(0).integers(1, 9, (1100, 900), dtype=np.uint8)
    sheet = tile_sheet(TileView("T", Raster(labels), labels, np.ones(labels.shape, np.float32)), OPEN_EARTH_MAP)
    shown = (VIEW_SIDE, round(900 * VIEW_SIDE / 1100))
    left, top = cell_corner(1, 2, np.empty((*shown, 3), np.uint8))
    found = np.unique(sheet[top : top + shown[0], left : left + shown[1]].reshape(-1, 3), axis=0)
    assert sorted(map(tuple, found.tolist())) == sorted(OPEN_EARTH_MAP.palette)


def test_uncertainty_is_that_of_pixels_with_a_class() -> None:
    labels = np.array([[0, 1], [2, 3]], np.uint8)
    confidence = np.array([[0.0, 0.5], [0.75, 1.0]], np.float32)
    assert TileView("T", Raster(labels), labels, confidence).uncertainty == pytest.approx(0.25)
    assert TileView("T", Raster(labels), np.zeros_like(labels), confidence).uncertainty == 0.0


def test_confidence_runs_from_dark_to_bright() -> None:
    brightness = confidence_colours(np.linspace(0, 1, 50, dtype=np.float32)[None])[0].astype(float) @ (0.3, 0.59, 0.11)
    assert (np.diff(brightness) > 0).all()
    assert brightness[0] < 60 < 180 < brightness[-1]


def test_the_contact_sheet_has_a_cell_per_tile_in_the_given_order() -> None:
    def one(label: int) -> TileView:
        labels = np.full((20, 20), label, np.uint8)
        return TileView(f"T_{label}", Raster(labels), labels, np.ones(labels.shape, np.float32))

    sheet = contact_sheet(map(one, (3, 8, 5, 6)), OPEN_EARTH_MAP)
    rows = [sheet.shape[0] - GAP - THUMB_SIDE // 2 - step * (THUMB_SIDE + LINE + GAP) for step in (1, 0)]
    columns = [GAP + THUMB_SIDE + 4 + THUMB_SIDE // 2 + step * (CONTACT_WIDTH + GAP) for step in range(3)]
    found = [tuple(sheet[row, column].tolist()) for row in rows for column in columns]
    assert found[:4] == [palette(label) for label in (3, 8, 5, 6)]
    assert sheet.shape[1] == GAP + 3 * (CONTACT_WIDTH + GAP)


def test_the_contact_sheet_of_one_tile_is_narrow_and_of_none_is_only_a_heading() -> None:
    assert contact_sheet([tiny()], OPEN_EARTH_MAP).shape[1] == 2 * GAP + CONTACT_WIDTH
    assert contact_sheet([], OPEN_EARTH_MAP).shape[0] < THUMB_SIDE


def test_the_same_tile_gives_the_same_pixels() -> None:
    np.testing.assert_array_equal(tile_sheet(tiny(), OPEN_EARTH_MAP), tile_sheet(tiny(), OPEN_EARTH_MAP))
    assert (tile_sheet(tiny(), OPEN_EARTH_MAP) != tile_sheet(tiny(name="T_2"), OPEN_EARTH_MAP)).any()
