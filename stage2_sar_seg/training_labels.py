"""What every training tile is learned from: a manual label, a label of LABELS such as a pseudo-label, or nothing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.dfc2025 import SarTile, Split, dfc2025_tiles
from landcover.data_sets.labelled_share import labelled_names
from landcover.data_sets.training_tiles import TrainingTile
from landcover.errors import InputError, shorten
from landcover.labels.label_set import LabelSet, label_files
from stage2_sar_seg.label_folder import labelled_tiles

OF_MANUAL = "set MANUAL_LABELS to label files of training tiles, named as these"

SAR_ONLY: tuple[Split, ...] = ("val", "test")


@dataclass(frozen=True)
class TrainingLabels:
    """Label files of training tiles.

    Args:
        tiles: SAR image of every training tile, with its label file if it has one.
        manual: positions of the tiles whose label file is manual.
        strangers: names of manual label files that are of no training tile.
    """

    tiles: Sequence[TrainingTile]
    manual: frozenset[int] = frozenset()
    strangers: Sequence[str] = ()

    def notes(self) -> list[str]:
        """How many labels are of which kind, and what is left out; nothing without manual labels."""
        if not self.manual:
            return []
        others = sum(tile.labels is not None for tile in self.tiles) - len(self.manual)
        rest = len(self.tiles) - len(self.manual) - others
        parts = (f"{len(self.manual)} of {len(self.tiles)} tiles manual", others and f"{others} pseudo-labels")
        left_out = (
            f"warning: MANUAL_LABELS: {len(self.strangers)} label files are of no training tile and left out: "
            f"{shorten(self.strangers)}"
        )
        kinds = ", ".join(part for part in (*parts, rest and f"{rest} without") if part)
        return [*([left_out] if self.strangers else []), f"labels: {kinds}"]

    def labelled(self, positions: Sequence[int]) -> list[int]:
        """Those of `positions` that have a label file."""
        return [position for position in positions if self.tiles[position].labels is not None]

    def files(self) -> dict[Path, list[Path]]:
        """All label files by their folder."""
        folders: dict[Path, list[Path]] = {}
        for tile in self.tiles:
            if tile.labels is not None:
                folders.setdefault(tile.labels.parent, []).append(tile.labels)
        return folders

    def manual_files(self, positions: Sequence[int]) -> list[Path]:
        """Manual label files of the tiles at `positions`."""
        return [path for n in positions if n in self.manual and (path := self.tiles[n].labels) is not None]


def add_label_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--labels`, `--manual-labels` and `--labelled-tiles`."""
    parser.add_argument("--labels", type=Path, help="folder of label files named as the training tiles")
    parser.add_argument("--manual-labels", type=Path, help="folder of manual label files of some of these tiles")
    parser.add_argument(
        "--labelled-tiles", default="1", metavar="SHARE", help="of the manual labels that count, or a file of names"
    )


def chosen_labels(
    arguments: argparse.Namespace, tiles: Sequence[SarTile], scheme: ClassScheme = OPEN_EARTH_MAP
) -> TrainingLabels:
    """The label files that the arguments name.

    Args:
        arguments: of `add_label_arguments`, with `dfc_root` and `seed`.
        tiles: training tiles.
        scheme: classes of the label files.

    Raises:
        InputError: neither labels nor manual labels are named, or one of them does not fit the tiles.
    """
    if arguments.manual_labels is None:
        if arguments.labels is None:
            raise InputError("LABELS=none: expected MANUAL_LABELS to train on, found none; set one of them")
        return TrainingLabels(labelled_tiles(tiles, arguments.labels, scheme))
    which = arguments.labelled_tiles
    sar_only = {
        tile.name: split
        for split in SAR_ONLY
        if Path(which).is_file() and (arguments.dfc_root / split).is_dir()
        for tile in dfc2025_tiles(arguments.dfc_root, split)
    }
    found = LabelSet("manual labels", label_files(arguments.manual_labels, OF_MANUAL, scheme), scheme)
    manual = _of_training_tiles(found, tiles, arguments.manual_labels)
    names = labelled_names(which, {tile.name: tile.sar for tile in tiles}, manual.files, arguments.seed, sar_only)
    strangers = sorted(set(found.files) - set(manual.files))
    return replace(with_manual_labels(tiles, manual.only(names), arguments.labels), strangers=strangers)


def with_manual_labels(tiles: Sequence[SarTile], manual: LabelSet, others: Path | None) -> TrainingLabels:
    """Tiles with their manual labels, and those without with label files of a folder.

    Args:
        tiles: training tiles.
        manual: labels of some or all of them.
        others: folder of label files of the rest, None for no labels there.

    Raises:
        InputError: a label file does not lie on the SAR image of its tile, or `others` lacks one.
    """
    scheme = manual.scheme
    by_hand = [tile for tile in tiles if tile.name in manual.files]
    rest = [tile for tile in tiles if tile.name not in manual.files]
    found = dict(zip(by_hand, labelled_tiles(by_hand, manual.folder, scheme, OF_MANUAL), strict=True))
    if others is not None:
        found |= dict(zip(rest, labelled_tiles(rest, others, scheme), strict=True))
    positions = frozenset(position for position, tile in enumerate(tiles) if tile.name in manual.files)
    return TrainingLabels([found.get(tile) or TrainingTile(tile.sar) for tile in tiles], positions)


def check_split(training: int, held_out: int, wanted: int) -> None:
    """Refuses a split by `HOLD_OUT` that leaves one side without labels.

    Args:
        training: number of labelled tiles to train on.
        held_out: number of labelled tiles among those held out.
        wanted: number of tiles held out.

    Raises:
        InputError: one of the sides has no label.
    """
    if not training or (wanted and not held_out):
        side = "held-out tiles" if training else "tiles to train on"
        raise InputError(
            f"HOLD_OUT: expected labels of some of the {side}, found none; leave HOLD_OUT out, take another "
            "SEED, or set LABELS to a folder of label files"
        )


def _of_training_tiles(found: LabelSet, tiles: Sequence[SarTile], folder: Path) -> LabelSet:
    """Those of the manual labels that are of training tiles.

    Raises:
        InputError: there are none.
    """
    manual = found.only(tile.name for tile in tiles)
    if not manual.files:
        named = f"{shorten(sorted(found.files))} alone" if found.files else "none"
        raise InputError(
            f"{folder}: expected label files of some of {len(tiles)} training tiles ({tiles[0].name}, ...), found "
            f"{named}; {OF_MANUAL}"
        )
    return manual
