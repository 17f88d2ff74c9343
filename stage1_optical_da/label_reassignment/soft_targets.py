"""Soft targets: the assignment from which labels were reassigned, as a folder of score files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from landcover.classes.scheme_file import manifest_input
from landcover.images.grid import read_georeference
from landcover.labels.label_set import LabelSet
from landcover.processes.group import Processes
from landcover.processes.shared_work import on_demand
from landcover.run_files.filling import filling
from landcover.run_files.manifest import OutputFolder
from landcover.score_files.score_file import DEFAULT_LOG_RANGE, ScoreHeader, encode, write_scores
from stage1_optical_da.label_reassignment.transported_labels import TransportedLabels


def write_soft_targets(
    changes: TransportedLabels, before: LabelSet, images: Mapping[str, Path], folder: Path, processes: Processes
) -> bool:
    """Writes `<tile>.tif` for every image and the manifest; False if all was there. A killed call is continued.

    Codes are of probabilities: 255 is a pixel that belongs to one class alone. They sum to less where part of a pixel
    is allocated to no class, and are 0 where there is no data, as the mask says too.

    Args:
        changes: assigns pixels to classes.
        before: labels of all tiles.
        images: by tile name; score files get their name and georeferencing.
        folder: receives the files, named as a model.
        processes: those that share the tiles.

    Raises:
        InputError: the folder holds something else, or as `TransportedLabels.assignment`.
    """
    scheme = before.scheme
    output = OutputFolder(
        folder,
        made_by={"stage": "soft_targets", "scheme": scheme.name, **changes.settings()},
        inputs=lambda: {
            "labels": before.only(sorted(images)).digest(),
            **changes.inputs(),
            **manifest_input(scheme),
        },
    )
    files = {tile: folder / f"{tile}.tif" for tile in sorted(images)}
    with filling(output, processes) as state:
        if state.nothing_to_do:
            return False
        waiting = processes.unfinished(list(files), lambda tile: files[tile].exists())
        for tile in on_demand(waiting, "soft targets", len(files), processes):
            assigned, evidence = changes.assignment(tile, before.read(tile))
            height, width = evidence.no_data.shape
            header = ScoreHeader(
                folder.name, scheme.name, "probability", DEFAULT_LOG_RANGE, height, width, scheme.num_classes, scheme
            )
            codes = encode(assigned, "probability")
            write_scores(files[tile], codes, header, read_georeference(images[tile]), evidence.no_data)
        state.files = files.values()
    return True
