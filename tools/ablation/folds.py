"""Target tiles with their truth in the layout of OpenEarthMap, in halves: data of the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from landcover.data_sets.dfc2025 import dfc2025_tiles, truth_labels
from landcover.data_sets.open_earth_map import LabelledTile, open_earth_map_tiles
from landcover.run_files.atomic import write_text

FOLDS = 2


def fold_root(folder: Path, fold: int) -> Path:
    """OpenEarthMap folder of one fold."""
    return folder / f"fold_{fold}"


def tiles_of_fold(tiles: Sequence[str], fold: int) -> tuple[str, ...]:
    """Every `FOLDS`-th tile."""
    return tuple(tiles[fold::FOLDS])


def write_folds(data: Path, folder: Path) -> None:
    """Links the target train tiles of every fold and their truth, and as validation tiles those of the source.

    Args:
        data: folder of the demo scenes.
        folder: receives `fold_<n>/{train.txt,val.txt,<region>/{images,labels}/}`.
    """
    truth = truth_labels(data / "truth", "train")
    target = [
        LabelledTile(tile.name, tile.optical, truth[tile.name])
        for tile in dfc2025_tiles(data / "DFC2025Track1", "train")
        if tile.optical
    ]
    held_out, _ = open_earth_map_tiles(data / "OpenEarthMap", ["val"])
    for fold in range(FOLDS):
        root = fold_root(folder, fold)
        _link(root, target[fold::FOLDS], "train")
        _link(root, held_out, "val")


def _link(root: Path, tiles: Sequence[LabelledTile], split: str) -> None:
    for tile in tiles:
        region = root / tile.name.rpartition("_")[0]
        for kind, path in (("images", tile.image), ("labels", tile.labels)):
            link = region / kind / f"{tile.name}.tif"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(path.resolve())
    write_text(root / f"{split}.txt", "".join(f"{tile.name}.tif\n" for tile in tiles))
