"""The SAR tiles on which studies of stage 2 score: those of the val and test splits of the demo scenes."""

from __future__ import annotations

from pathlib import Path

from landcover.data_sets.dfc2025 import Split, dfc2025_tiles, truth_labels

SPLITS: tuple[Split, ...] = ("val", "test")


def scored_truth(data: Path) -> dict[str, Path]:
    """Label file of every scored tile, on the grid of its SAR image.

    Args:
        data: folder of the demo scenes.
    """
    return {name: path for split in SPLITS for name, path in truth_labels(data / "truth", split).items()}


def link_scored_tiles(data: Path, folder: Path) -> None:
    """Links the SAR images of all scored tiles into one folder; may be repeated."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        for tile in dfc2025_tiles(data / "DFC2025Track1", split):
            link = folder / tile.sar.name
            link.unlink(missing_ok=True)
            link.symlink_to(tile.sar.resolve())
