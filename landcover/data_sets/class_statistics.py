"""How many pixels of every class each label file holds, counted once and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from mmengine.dist import broadcast_object_list, is_main_process
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.classes.convention import SETTING
from landcover.classes.counts import label_counts
from landcover.classes.scheme_file import CLASSES_INPUT, manifest_input
from landcover.images.label_file import label_mark, read_labels
from landcover.images.segments import Area
from landcover.processes.progress import track
from landcover.run_files.atomic import write_text
from landcover.run_files.manifest import digest_all

STATISTICS_NAME = "class_statistics.json"
"""Name of the file that keeps the counts, in the folder of a run."""

WINDOWS_INPUT = "windows"
"""Name of what these counts were made from where files were cut into windows."""

COMMON_SHARE = 0.01
"""Share of unknown pixels from which on they may be a class."""

FILES_LOOKED_AT = 32
"""Label files, some milliseconds each, that a stage looks at before it trains on thousands."""


def shifted_labels_warning(counts: NDArray[np.int64], scheme: ClassScheme, where: str) -> str | None:
    """A line if labels look as if their classes counted from 0: 0 is common, the last class nowhere.

    Or, with the setting that reads such labels, if the first class is nowhere because files declare 0 to be no data.

    Args:
        counts: int64 (C + 1,), pixels per label in files of other origin, void first.
        scheme: their classes.
        where: what was counted, for the line.

    Returns:
        None for other labels.
    """
    convention, share = scheme.convention, counts[0] / max(int(counts.sum()), 1)
    counts_from_1 = convention.files == "numbers" and not convention.values
    if not counts_from_1 or not counts[1:].any() or share < COMMON_SHARE:
        return None
    if convention.shift == 1 and not counts[1]:
        return (
            f"{where}: no pixel is {scheme.classes[0]}, 0 in these files, {share:.1%} are unknown; if files declare 0 "
            "to be no data where it is this class, take it out: rio edit-info --unset-nodata FILE"
        )
    if convention.shift or counts[-1]:
        return None
    return (
        f"{where}: no pixel is {scheme.classes[-1]} ({scheme.num_classes}), and {share:.1%} are 0, unknown; if the "
        f'classes are counted from 0 in these files, {SETTING}="{" ".join([*convention.words(), "+1"])}" reads them'
    )


def warn_of_shifted_labels(files: Sequence[Path], scheme: ClassScheme, where: str) -> None:
    """Prints `shifted_labels_warning` of a few of `files`, evenly spread; of our own files there is none."""
    looked_at = [path for path in files[:: -(-len(files) // FILES_LOOKED_AT)] if label_mark(path) is None]
    if not looked_at:
        return
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda path: label_counts(read_labels(path, scheme), scheme), looked_at))
    line = shifted_labels_warning(np.sum(counts, axis=0), scheme, f"{where} ({len(looked_at)} looked at)")
    if line:
        print(f"warning: {line}", flush=True)


def class_counts(
    files: Sequence[Path],
    cache: Path | None = None,
    scheme: ClassScheme = OPEN_EARTH_MAP,
    areas: Sequence[Area | None] = (),
) -> NDArray[np.int64]:
    """Pixels per label file and class: int64 (files, C), void left out.

    In a training of several processes the first one reads the files and tells the others, which must all ask.

    Args:
        files: label files.
        cache: file that keeps the counts; it is used if it was made from the same names and contents of label files
            and written anew if not, or if it is damaged. None keeps nothing.
        scheme: classes of the label files.
        areas: the window of each file that counts, None for all of it; empty for whole files.

    Raises:
        InputError: a label file is missing, damaged or of another scheme.
    """
    windows = areas or [None] * len(files)
    counts = [_first_counts(files, cache, scheme, windows) if is_main_process() else None]
    broadcast_object_list(counts)
    assert counts[0] is not None, "the first process has counted"
    return counts[0]


def _first_counts(
    files: Sequence[Path], cache: Path | None, scheme: ClassScheme, areas: Sequence[Area | None]
) -> NDArray[np.int64]:
    if cache is None:
        return _count(files, scheme, areas)
    made_from = {"scheme": scheme.name, "labels": digest_all(dict.fromkeys(files)), **manifest_input(scheme)}
    if any(areas):
        made_from[WINDOWS_INPUT] = hashlib.sha256(f"{[file.name for file in files]} {areas}".encode()).hexdigest()
    kept = _kept(cache, made_from, (len(files), scheme.num_classes))
    if kept is not None:
        return kept
    counts = _count(files, scheme, areas)
    write_text(cache, json.dumps({**made_from, "classes": scheme.classes, "counts": counts.tolist()}) + "\n")
    return counts


def _count(files: Sequence[Path], scheme: ClassScheme, areas: Sequence[Area | None]) -> NDArray[np.int64]:
    def count(path: Path, area: Area | None) -> NDArray[np.int64]:
        return label_counts(read_labels(path, scheme, area), scheme)[1:]

    with ThreadPoolExecutor(8) as pool:
        return np.stack(list(track(pool.map(count, files, areas), "counting classes", len(files))))


def _kept(cache: Path, made_from: dict[str, str], shape: tuple[int, int]) -> NDArray[np.int64] | None:
    """Counts of the file `cache`; None if there is none, it was made from other files, or it is damaged."""
    try:
        content = json.loads(cache.read_text(encoding="utf-8"))
        counts = np.array(content["counts"])
        same = all(content.get(key) == made_from.get(key) for key in ("scheme", "labels", CLASSES_INPUT, WINDOWS_INPUT))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    whole = counts.shape == shape and counts.dtype == np.int64 and (counts >= 0).all()
    return counts if same and whole else None
