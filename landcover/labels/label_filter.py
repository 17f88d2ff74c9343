"""The frame of stages that read a folder of label files and write another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from mmengine.registry import Registry
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.classes.scheme_file import manifest_input
from landcover.data_sets.dfc2025 import SarTile
from landcover.errors import InputError, shorten
from landcover.images.grid import read_georeference
from landcover.images.label_file import write_labels
from landcover.labels.label_set import QUALITY_NAME, LabelSet
from landcover.labels.quality import References, folder_quality, read_quality
from landcover.processes.group import Processes
from landcover.processes.shared_work import on_demand
from landcover.run_files.atomic import write_json
from landcover.run_files.filling import filling
from landcover.run_files.manifest import OutputFolder

LABEL_FILTERS = Registry("label filter")
"""Methods that change label files, by the name that a profile gives. A method is built with `material`."""


@dataclass(frozen=True)
class FilterMaterial:
    """What a filter may look at beside the labels.

    Args:
        tiles: training tiles.
        scores: folders of score files of these tiles, by the name of the teacher; there may be none.
        seed: of everything random.
        processes: this process and its device; tiles are shared out before a filter sees them.
        scheme: the classes.
        sar_scores: folder with a folder of score files of these tiles per SAR model of an earlier round, if there is.
        labels: those before, of all tiles with an optical image, for what a filter must know of all of them; None where
            they are read one by one alone.
    """

    tiles: Sequence[SarTile]
    scores: Mapping[str, Path]
    seed: int
    processes: Processes
    scheme: ClassScheme = OPEN_EARTH_MAP
    sar_scores: Path | None = None
    labels: LabelSet | None = None


class LabelFilter(Protocol):
    """Changes the label map of one tile after the other; registered with `LABEL_FILTERS`.

    Further arguments of its constructor, with defaults, are what a user may set.
    """

    def settings(self) -> Mapping[str, Any]:
        """What decides over the result beside the inputs, as JSON values for the manifest."""

    def inputs(self) -> Mapping[str, str]:
        """Digests of what is read beside the labels, by a readable name."""

    def apply(self, tile: str, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The changed label map.

        Args:
            tile: name of the tile.
            labels: uint8 (H, W), 0 = unknown; left as it is.

        Returns:
            uint8 (H, W), 0 = unknown. It depends on the tile alone, not on those before.
        """


def build_filter(method: str, material: FilterMaterial, variable: str, **settings: object) -> LabelFilter:
    """The filter registered as `method`.

    Args:
        method: its name.
        material: see `FilterMaterial`.
        variable: of the profile that names the method, for the message.
        settings: further arguments of its constructor.

    Raises:
        InputError: there is none of that name, or it does not take these settings.
    """
    found = LABEL_FILTERS.get(method)
    if found is None:
        known = ", ".join(["none", *sorted(LABEL_FILTERS.module_dict)])
        raise InputError(
            f"{variable}: expected one of {known}, found {method!r}; correct it, or name the Python module that "
            "registers it in PLUGINS"
        )
    taken = [name for name in signature(found).parameters if name != "material"]
    unknown = sorted(set(settings) - set(taken))
    if unknown:
        expected = f"settings of {method} ({', '.join(taken)})" if taken else f"none, as {method} has no settings"
        raise InputError(f"{variable}_OPTIONS: expected {expected}, found {shorten(unknown)}; correct it")
    # Not `build`, which looks for mmseg's registry of filters first and warns that there is none.
    built: LabelFilter = found(material=material, **settings)
    return built


def filter_labels(
    method: str,
    changes: LabelFilter,
    before: LabelSet,
    images: Mapping[str, Path],
    folder: Path,
    references: References,
    processes: Processes,
    further: Callable[[], Iterable[Path]] = tuple,
) -> bool:
    """Writes `<tile>.tif` for every image, `quality.json` and the manifest; False if all was there.

    A killed call is continued: label files that are there stay. Labels that are there get a new `quality.json` alone
    where the references have changed.

    Args:
        method: name of the filter, for the manifest and the table.
        changes: the filter.
        before: labels of all tiles, at the sizes of the images.
        images: by tile name; label files get their name and georeferencing.
        folder: receives the files.
        references: what the labels are compared with, beside those before.
        processes: those that share the tiles.
        further: writes what else belongs into the folder when all its label files are there, in the first process, and
            gives the paths. May be called again for a folder that has them.

    Raises:
        InputError: labels are missing or of another size, the folder holds something else, or the filter returns what
            is no label map of the tile.
    """
    against = References((*references.against, before), references.truth)
    against.check(images)
    output = OutputFolder(
        folder,
        made_by={"stage": "label_filter", "method": method, "scheme": before.scheme.name, **changes.settings()},
        inputs=lambda: {
            "labels": before.only(sorted(images)).digest(),
            **changes.inputs(),
            **manifest_input(before.scheme),
        },
    )
    files = {name: folder / f"{name}.tif" for name in sorted(images)}

    def up_to_date() -> bool:
        return bool(read_quality(folder).get("compared_with") == against.digests(files))

    with filling(output, processes, up_to_date) as state:
        if state.nothing_to_do:
            return False
        waiting = processes.unfinished(list(files), lambda name: files[name].exists())
        for name in on_demand(waiting, f"{method}: labels", len(files), processes):
            labels = _changed(changes, method, name, before, files[name])
            write_labels(files[name], labels, before.scheme, read_georeference(images[name]))
        processes.barrier()
        after = LabelSet(f"{before.name} after {method}", files, before.scheme)
        quality = folder_quality(after, against, processes)
        truth_before = None
        if references.truth:
            truth_before = folder_quality(before.only(files), References((), references.truth), processes)["truth"]
        if processes.first:
            compared = {"truth_before": truth_before, "compared_with": against.digests(files)}
            write_json(folder / QUALITY_NAME, {**quality, **compared})
            state.files = [*files.values(), folder / QUALITY_NAME, *further()]
    return not state.complete


def _changed(changes: LabelFilter, method: str, tile: str, before: LabelSet, file: Path) -> NDArray[np.uint8]:
    """What the filter makes of a tile, checked before it goes to `file`."""
    unchanged = before.read(tile)
    labels = changes.apply(tile, unchanged)
    before.scheme.check(labels, file)
    if labels.shape != unchanged.shape:
        raise InputError(
            f"{file}: expected {unchanged.shape[0]}x{unchanged.shape[1]} pixels from {method} as before, "
            f"found {labels.shape[0]}x{labels.shape[1]}; correct the method"
        )
    return labels
