"""Score files of all members to the submission of a run: average, no-data, label PNGs, zip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.average import average_labels, conversion_notes
from ensemble.class_shares import ClassShares, share_lines, shares_of
from ensemble.members import Member, check_members, class_factors, weights_of
from ensemble.no_data import scored_no_data
from ensemble.submission import pack, remove_other_pngs, write_label_png, zeros_warning
from ensemble.weights import Average
from landcover.classes import OPEN_EARTH_MAP, VOID, ClassScheme
from landcover.classes.counts import label_counts
from landcover.data_sets.dfc2025 import SarTile
from landcover.errors import InputError, shorten
from landcover.images.raster import read_info, read_raster
from landcover.processes.cores import usable_cores
from landcover.processes.progress import track

ZIP_NAME = "submission.zip"


def make_submission(
    members: Sequence[Member],
    tiles: Sequence[SarTile],
    run_dir: Path,
    average: Average,
    class_weights: Mapping[str, float] | None = None,
    scheme: ClassScheme = OPEN_EARTH_MAP,
    training: ClassShares | None = None,
) -> Path:
    """Writes `<run_dir>/submission/<tile>.png` and `<run_dir>/submission.zip`, and prints the share of every class.

    Prints before it which members' scores are converted, see `conversion_notes`.

    Pixels without data get label 0, all others the best class of the average. A class of which less than a tenth
    of its share in the training labels is left gets a warning.

    Args:
        members: models with score files of all `tiles`.
        tiles: the test tiles.
        run_dir: folder of the run; PNGs of other tiles in its submission folder are removed.
        average: what is averaged, see `average_tile`.
        class_weights: factors by class name, 1 by default, see `ensemble.weights`.
        scheme: class scheme of score files and submission.
        training: shares of the labels that the models learned from, None if they are not known.

    Returns:
        Path of the zip, checked by `check_submission`.
    """
    _check_tiles(check_members(members), tiles)
    for note in conversion_notes(members, tiles[0].name, average):
        print(note)
    folder = run_dir / "submission"
    folder.mkdir(parents=True, exist_ok=True)
    remove_other_pngs(folder, {tile.name for tile in tiles})
    label = partial(tile_labels, members, average=average, class_weights=class_weights, scheme=scheme)
    write = partial(_write_tile, folder=folder, label=label, scheme=scheme)
    counts = np.zeros(scheme.num_classes + 1, dtype=np.int64)
    # Decompression, most of the work, runs outside Python's lock.
    with ThreadPoolExecutor(usable_cores()) as pool:
        for tile_counts in track(pool.map(write, tiles), "average", len(tiles)):
            counts += tile_counts
    zip_path = run_dir / ZIP_NAME
    pack(folder, tiles, zip_path, scheme)
    for warning in zeros_warning(counts, zip_path):
        print(f"warning: {warning}")
    print("\n".join(share_lines(shares_of(counts), training, scheme)))
    return zip_path


def tile_labels(
    members: Sequence[Member],
    tile: SarTile,
    average: Average,
    class_weights: Mapping[str, float] | None = None,
    scheme: ClassScheme = OPEN_EARTH_MAP,
) -> NDArray[np.uint8]:
    """Label map (H, W), uint8, of one tile: the best class of the average, 0 where an image of a member has no data."""
    paths = [member.score_file(tile.name) for member in members]
    weights, factors = weights_of(members, scheme), class_factors(class_weights or {}, scheme)
    labels = average_labels(paths, weights, average, scheme, factors)
    sar = read_info(tile.sar)
    if (sar.height, sar.width) != labels.shape:
        raise InputError(
            f"{paths[0]}: expected {sar.height}x{sar.width} pixels as {tile.sar}, "
            f"found {labels.shape[0]}x{labels.shape[1]}; predict this tile again"
        )
    no_data = scored_no_data(paths)
    if no_data is None:  # files of an earlier release; of all bands, whichever a model reads
        no_data = read_raster(tile.sar, measured=True).no_data()
    labels[no_data] = VOID
    return labels


def _write_tile(
    tile: SarTile, folder: Path, label: Callable[[SarTile], NDArray[np.uint8]], scheme: ClassScheme
) -> NDArray[np.int64]:
    labels = label(tile)
    write_label_png(folder / f"{tile.name}.png", labels, scheme)
    return label_counts(labels, scheme)


def _check_tiles(scored: Sequence[str], tiles: Sequence[SarTile]) -> None:
    """Score files of further tiles are allowed; they are not part of the submission."""
    if not tiles:
        raise InputError("expected test tiles for the submission, found none; set DFC_ROOT to the folder of the data")
    missing = sorted({tile.name for tile in tiles} - set(scored))
    if missing:
        raise InputError(
            f"expected score files of {len(tiles)} test tiles, {len(missing)} missing in every member: "
            f"{shorten(missing)}; predict these tiles"
        )
