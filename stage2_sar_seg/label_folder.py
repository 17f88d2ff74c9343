"""Label files for SAR tiles, checked before anything is trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from landcover.data_sets.dfc2025 import SarTile
from landcover.data_sets.training_tiles import TrainingTile
from landcover.errors import InputError
from landcover.images.grid import Georeference, read_georeference
from landcover.images.modality import main_file
from landcover.images.raster import read_info
from landcover.labels.label_set import label_files

PIXEL_SCALE, TIE_POINT = 33550, 33922
"""GeoTIFF tags of a grid without rotation (OGC GeoTIFF 1.1): metres per pixel, and a pixel with its place."""

CURE = "run tools/20_write_pseudo_labels.sh for these tiles, or set LABELS to a folder made for them"


def labelled_tiles(tiles: Sequence[SarTile], folder: Path) -> list[TrainingTile]:
    """SAR tiles with the label files of the same name in `folder`.

    A folder that a stage has written must be complete and of our class scheme; any other folder of label files will do
    as well. Label files must have the size of their SAR image and, where both are georeferenced, its place.

    Raises:
        InputError: the folder is missing, unfinished, of another class scheme or made for other tiles.
    """
    files = label_files(folder, CURE)
    missing = [tile.name for tile in tiles if tile.name not in files]
    if missing:
        raise InputError(
            f"{folder}: expected a label file for each of {len(tiles)} training tiles, found none for {len(missing)} "
            f"({missing[0]}, ...); {CURE}"
        )
    labelled = [TrainingTile(tile.sar, files[tile.name]) for tile in tiles]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_check_grid, labelled))
    return labelled


def published_labels(tiles: Sequence[SarTile]) -> list[TrainingTile]:
    """SAR tiles with the published label files.

    Raises:
        InputError: the data set has none, or one of them does not fit its tile.
    """
    folders = [tile.labels.parent for tile in tiles if tile.labels is not None]
    if len(folders) < len(tiles):
        raise InputError(
            f"{tiles[0].sar.parent.parent}: expected published labels in labels/, found none; "
            "set PUBLISHED_MODELS to nothing"
        )
    return labelled_tiles(tiles, folders[0])


def _check_grid(tile: TrainingTile) -> None:
    """Raises `InputError` if the label file has another size or place than its image."""
    assert tile.labels is not None, "it is labelled"
    image_file = main_file(tile.image)
    image, labels = read_info(image_file), read_info(tile.labels)
    if (labels.height, labels.width) != (image.height, image.width):
        raise InputError(
            f"{tile.labels}: expected the {image.height}x{image.width} pixels of {image_file}, found "
            f"{labels.height}x{labels.width}; the label file was made for another tile, {CURE}"
        )
    if tile.labels.suffix.lower() == ".png":
        return
    place, labelled_place = (_origin(read_georeference(path)) for path in (image_file, tile.labels))
    if place is None or labelled_place is None:
        return
    # Half a pixel: what programs differ by in the last digits, or in what they call a pixel's place.
    if any(abs(a - b) > size / 2 for a, b, size in zip(place[:2], labelled_place[:2], place[2:], strict=True)):
        raise InputError(
            f"{tile.labels}: expected the place of {image_file}, x {place[0]:.8g} y {place[1]:.8g}, found "
            f"x {labelled_place[0]:.8g} y {labelled_place[1]:.8g}; the label file was made for another tile, {CURE}"
        )


def _origin(georeference: Georeference) -> tuple[float, float, float, float] | None:
    """Place (x, y) of the upper left corner and size (x, y) of a pixel; None for grids that these tags do not tell."""
    values = {code: value for code, _, _, value in georeference.tags}
    if PIXEL_SCALE not in values or TIE_POINT not in values:
        return None
    (width, height, *_), (column, row, _, x, y, *_) = values[PIXEL_SCALE], values[TIE_POINT]
    return x - column * width, y + row * height, width, height
