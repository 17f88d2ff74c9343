"""Label files for SAR tiles, checked before anything is trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.dfc2025 import SarTile
from landcover.data_sets.training_tiles import TrainingTile
from landcover.errors import InputError
from landcover.images.same_grid import check_same_grid
from landcover.labels.label_set import label_files

CURE = "run tools/20_write_pseudo_labels.sh to 22 for these tiles, or set LABELS to a folder made for them"

OF_PUBLISHED = "unpack the data set again, or set PUBLISHED_MODELS to nothing"


def labelled_tiles(
    tiles: Sequence[SarTile], folder: Path, scheme: ClassScheme = OPEN_EARTH_MAP, cure: str = CURE
) -> list[TrainingTile]:
    """SAR tiles with the label files of the same name in `folder`.

    A folder that a stage has written must be complete and of our class scheme; any other folder of label files will do
    as well. Label files must lie on the grid of their SAR image.

    Args:
        tiles: SAR tiles.
        folder: of label files.
        scheme: their classes.
        cure: what the user can do if they are not made for these tiles, for the message.

    Raises:
        InputError: the folder is missing, unfinished, of another class scheme or made for other tiles or grids.
    """
    files = label_files(folder, cure, scheme)
    missing = [tile.name for tile in tiles if tile.name not in files]
    if missing:
        raise InputError(
            f"{folder}: expected a label file for each of {len(tiles)} training tiles, found none for {len(missing)} "
            f"({missing[0]}, ...); {cure}"
        )
    labelled = [TrainingTile(tile.sar, files[tile.name]) for tile in tiles]
    other_tile = f"the label file was made for another tile, {cure}"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda tile: check_same_grid(files[tile.name], tile.sar, otherwise=other_tile), tiles))
    return labelled


def published_labels(tiles: Sequence[SarTile], scheme: ClassScheme = OPEN_EARTH_MAP) -> list[TrainingTile]:
    """SAR tiles with the published label files.

    Raises:
        InputError: the data set has none, or one of them does not fit its tile.
    """
    folders = [tile.labels.parent for tile in tiles if tile.labels is not None]
    if len(folders) < len(tiles):
        raise InputError(
            f"{tiles[0].sar.parent.parent}: expected published labels in labels/, found none; {OF_PUBLISHED}"
        )
    return labelled_tiles(tiles, folders[0], scheme, OF_PUBLISHED)
