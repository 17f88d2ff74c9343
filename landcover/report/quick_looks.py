"""Pictures of mapped tiles for the eye: one sheet per tile, and one sheet of the least certain tiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from landcover.classes import VOID, ClassScheme
from landcover.images.no_data import Raster
from landcover.metrics import ConfusionMatrix
from landcover.report.pictures import (
    CORRECT,
    ERROR_COLOURS,
    WRONG,
    agreement,
    error_map,
    shrink_image,
    shrink_map,
    stretch_sar,
)

Picture = NDArray[np.uint8]  # RGB, (H, W, 3)

VIEW_SIDE = 512
"""Largest side of a view of a tile, pixels; smaller tiles are enlarged by a whole number."""

LEGEND_SIDE = 350
"""Smallest side of a cell, pixels: what the legend needs."""

GAP, LINE, HEAD = 16, 26, 44
"""Pixels between cells, from one line of text to the next, and of the heading of a sheet."""

THUMB_SIDE = 200
"""Largest side of a view in the sheet of uncertain tiles."""

CONTACT_COLUMNS = 3
"""Tiles beside each other in that sheet; each shows `THUMBS` views."""

THUMBS = 3

NAME_WIDTH = 124
"""Pixels from one class name to the next in its legend."""

CONTACT_WIDTH = THUMBS * (THUMB_SIDE + 4) - 4

BACKGROUND, INK, FRAME = (246, 246, 246), (20, 20, 20), (120, 120, 120)


@dataclass(frozen=True)
class TileView:
    """A mapped tile.

    Args:
        name: its name.
        sar: SAR image.
        labels: uint8 (H, W), 0 = no data, 1..C = classes.
        confidence: float32 (H, W), 0..1, mean probability of the most probable class.
        truth: manual labels, uint8 (H, W), 0 = unknown; None if there are none.
    """

    name: str
    sar: Raster
    labels: NDArray[np.uint8]
    confidence: NDArray[np.float32]
    truth: NDArray[np.uint8] | None = None

    @property
    def uncertainty(self) -> float:
        """1 - mean confidence of the pixels with a class, 0..1; 0 if there is none."""
        mapped = self.labels != VOID
        return float(1.0 - self.confidence[mapped].mean(dtype=np.float64)) if mapped.any() else 0.0


def tile_sheet(view: TileView, scheme: ClassScheme) -> Picture:
    """SAR, prediction, confidence and legend of one tile; with a truth, truth and differences too.

    Views are at most `VIEW_SIDE` pixels a side. They stand in reading order in cells of equal size, which begin at
    `cell_corner`: SAR, prediction, truth, confidence, differences, legend in three columns; without a truth SAR,
    prediction, confidence, legend in two.
    """
    views = _views(view, scheme, VIEW_SIDE)
    width, height = _cell_size(views["SAR"])
    columns = _columns(view)
    rows = -(-(len(views) + 1) // columns)
    sheet = Image.new("RGB", (GAP + columns * (width + GAP), HEAD + rows * (height + LINE + GAP)), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _text(draw, (GAP, 10), _heading(view), size=18)
    for index, (title, pixels) in enumerate(views.items()):
        left, top = cell_corner(index, columns, pixels)
        _text(draw, (left, top - LINE + 3), title)
        _paste(sheet, draw, pixels, left, top)
    left, top = cell_corner(len(views), columns, views["SAR"])
    _draw_legend(draw, view, scheme, left, top)
    return np.asarray(sheet)


def cell_corner(index: int, columns: int, view: Picture) -> tuple[int, int]:
    """Left and top pixel of view number `index` in a sheet of that many columns of views as large as `view`."""
    width, height = _cell_size(view)
    row, column = divmod(index, columns)
    return GAP + column * (width + GAP), HEAD + LINE + row * (height + LINE + GAP)


def contact_sheet(views: Iterable[TileView], scheme: ClassScheme) -> Picture:
    """SAR, prediction and confidence of each tile, in the given order by rows, with name and uncertainty."""
    cells = [_contact_cell(view, scheme) for view in views]
    columns = min(CONTACT_COLUMNS, max(len(cells), 1))
    width, height = GAP + columns * (CONTACT_WIDTH + GAP), THUMB_SIDE + LINE + GAP
    names = (width - GAP) // NAME_WIDTH
    top = HEAD + -(-(scheme.num_classes + 1) // names) * LINE + GAP // 2
    sheet = Image.new("RGB", (width, top + -(-len(cells) // columns) * height), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _text(draw, (GAP, 10), "Least certain first: SAR, prediction, confidence (blue 0, yellow 100 %)", size=18)
    for label, name in enumerate(("no data", *scheme.classes)):
        row, column = divmod(label, names)
        _named_swatch(draw, GAP + column * NAME_WIDTH, HEAD + row * LINE, name, _colour(scheme, label))
    for index, cell in enumerate(cells):
        row, column = divmod(index, columns)
        sheet.paste(cell, (GAP + column * (CONTACT_WIDTH + GAP), top + row * height))
    return np.asarray(sheet)


def confidence_colours(confidence: NDArray[np.float32], side: int = VIEW_SIDE) -> Picture:
    """Picture of at most `side` pixels a side, from dark blue (0) to yellow (1), even steps to the eye and in grey."""
    return _ramp()[shrink_image(np.rint(np.clip(confidence, 0.0, 1.0) * 255).astype(np.uint8), side)]


def _views(view: TileView, scheme: ClassScheme, side: int) -> dict[str, Picture]:
    """Pictures of at most `side` pixels a side by title, in the order of the sheet."""
    sar = cv2.cvtColor(shrink_image(stretch_sar(view.sar), side), cv2.COLOR_GRAY2RGB)
    labels = shrink_map(view.labels, side)
    views = {"SAR": sar, "prediction": scheme.to_colours(labels)}
    if view.truth is not None:
        views["truth"] = scheme.to_colours(shrink_map(view.truth, side))
    confidence = confidence_colours(view.confidence, side)
    views["confidence"] = np.where((labels == VOID)[..., None], np.uint8(0), confidence)
    if view.truth is not None:
        views["differences"] = ERROR_COLOURS[shrink_map(error_map(view.truth, view.labels), side)]
    factor = max(1, side // max(sar.shape[:2]))
    return {title: pixels.repeat(factor, axis=0).repeat(factor, axis=1) for title, pixels in views.items()}


def _columns(view: TileView) -> int:
    return 2 if view.truth is None else 3


def _cell_size(view: Picture) -> tuple[int, int]:
    """Width and height of a cell."""
    return max(view.shape[1], LEGEND_SIDE), max(view.shape[0], LEGEND_SIDE)


def _heading(view: TileView) -> str:
    height, width = view.labels.shape
    text = f"{view.name}   {width} x {height} pixels   mean confidence {1 - view.uncertainty:.1%}"
    right = None if view.truth is None else agreement(view.truth, view.labels)
    return text if right is None else f"{text}   {right:.1%} correct"


def _draw_legend(draw: ImageDraw.ImageDraw, view: TileView, scheme: ClassScheme, left: int, top: int) -> None:
    """Swatch, name and share of every class, with a truth its share there and its IoU; then the other colours."""
    columns = _legend_columns(view, scheme)
    for number, head in enumerate(columns):
        _text(draw, (left + 190 + 70 * number, top), head, anchor="ra")
    for label, name in enumerate(("no data", *scheme.classes)):
        line = top + (label + 1) * LINE
        _named_swatch(draw, left, line, name, _colour(scheme, label))
        for number, cells in enumerate(columns.values()):
            _text(draw, (left + 190 + 70 * number, line), cells[label], anchor="ra")
    below = top + (scheme.num_classes + 2) * LINE
    _draw_ramp(draw, left, below + 6)
    if view.truth is not None:
        for step, (name, kind) in enumerate((("correct", CORRECT), ("wrong", WRONG))):
            place = left + NAME_WIDTH * step, below + LINE + 12
            _named_swatch(draw, *place, name, ERROR_COLOURS[kind].tolist())


def _legend_columns(view: TileView, scheme: ClassScheme) -> dict[str, list[str]]:
    """Text per label, void first, by heading."""

    def shares(labels: NDArray[np.uint8]) -> list[str]:
        return [f"{n / labels.size:.1%}" for n in np.bincount(labels.ravel(), minlength=scheme.num_classes + 1)]

    if view.truth is None:
        return {"share": shares(view.labels)}
    matrix = ConfusionMatrix(scheme)
    matrix.add(view.truth, view.labels)
    iou = ["", *("-" if np.isnan(score) else f"{score:.1%}" for score in matrix.iou())]
    return {"share": shares(view.labels), "truth": shares(view.truth), "IoU": iou}


def _draw_ramp(draw: ImageDraw.ImageDraw, left: int, top: int) -> None:
    _text(draw, (left, top), "confidence 0")
    for step in range(0, 256, 2):
        draw.line([(left + 106 + step // 2, top), (left + 106 + step // 2, top + 16)], tuple(_ramp()[step].tolist()))
    _text(draw, (left + 242, top), "100 %")


def _contact_cell(view: TileView, scheme: ClassScheme) -> Image.Image:
    cell = Image.new("RGB", (CONTACT_WIDTH, THUMB_SIDE + LINE), BACKGROUND)
    draw = ImageDraw.Draw(cell)
    _text(draw, (0, 3), f"{view.name}   uncertainty {view.uncertainty:.1%}")
    views = _views(view, scheme, THUMB_SIDE)
    for number, title in enumerate(("SAR", "prediction", "confidence")):
        cell.paste(Image.fromarray(views[title]), (number * (THUMB_SIDE + 4), LINE))
    return cell


def _paste(sheet: Image.Image, draw: ImageDraw.ImageDraw, pixels: Picture, left: int, top: int) -> None:
    """The view inside a thin frame: roads are white, like paper."""
    height, width = pixels.shape[:2]
    draw.rectangle([left - 1, top - 1, left + width, top + height], outline=FRAME)
    sheet.paste(Image.fromarray(pixels), (left, top))


def _named_swatch(draw: ImageDraw.ImageDraw, left: int, top: int, name: str, colour: Sequence[int]) -> None:
    draw.rectangle([left, top + 1, left + 18, top + 17], fill=tuple(colour), outline=FRAME)
    _text(draw, (left + 26, top), name)


def _colour(scheme: ClassScheme, label: int) -> Sequence[int]:
    colours: list[int] = scheme.to_colours(np.array(label, dtype=np.uint8)).tolist()
    return colours


def _text(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int = 15, anchor: str | None = "la"
) -> None:
    draw.text(place, text, fill=INK, font=_font(size), anchor=anchor)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)  # comes with Pillow: the same on every machine


@cache
def _ramp() -> Picture:
    """256 colours, (256, 3)."""
    return np.ascontiguousarray(cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_VIRIDIS)[:, 0, ::-1])
