"""Writes pseudo-label files: the class with the highest mean probability of all teachers and test-time views."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from ensemble.average import average_labels
from ensemble.members import Member, check_members
from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.errors import command
from landcover.manifest import FINISHED, OutputFolder, digest
from landcover.model_file import MODEL_NAME
from landcover.prediction.arguments import add_view_arguments, prediction_settings
from landcover.prediction.write_scores import write_score_folder
from landcover.processes import start_processes
from landcover.progress import track
from landcover.raster import read_georeference, write_raster
from landcover.registry import register_all


@command
def main() -> None:
    """Scores of every teacher first, then the labels."""
    parser = argparse.ArgumentParser(prog="python -m stage1_optical_da.write_pseudo_labels", description=__doc__)
    parser.add_argument("teachers", nargs="+", help="names of teachers in <run-dir>/teachers")
    parser.add_argument("--dfc-root", required=True, type=Path, help="DFC2025 Track 1 folder")
    parser.add_argument("--run-dir", required=True, type=Path, help="receives scores/teachers/ and pseudo_labels/")
    add_view_arguments(parser)
    arguments = parser.parse_args()

    register_all()
    processes = start_processes()
    images = {tile.name: tile.optical for tile in dfc2025_tiles(arguments.dfc_root, "train") if tile.optical}
    scores = arguments.run_dir / "scores" / "teachers"
    # Teachers are averaged as probabilities, the mean softmax of the recipe.
    settings = prediction_settings(arguments, encoding="probability")
    for name in arguments.teachers:
        write_score_folder(
            arguments.run_dir / "teachers" / name / MODEL_NAME, images, scores / name, settings, processes
        )
    if processes.first:
        members = [Member(name, scores / name) for name in arguments.teachers]
        folder = arguments.run_dir / "pseudo_labels"
        written = write_label_folder(members, images, folder)
        print(f"{'wrote' if written else 'is there:'} {len(images)} label files in {folder}", flush=True)
    processes.barrier()


def write_label_folder(members: Sequence[Member], images: Mapping[str, Path], folder: Path) -> bool:
    """Writes the label file of every image, and the manifest; False if all that was there.

    Args:
        members: teachers with score files of all images.
        images: optical image by name; the label file gets its name and georeferencing.
        folder: where the label files go.
    """
    names = check_members(members)
    output = OutputFolder(
        folder,
        made_by={"stage": "pseudo_labels", "average": "probabilities", "scheme": OPEN_EARTH_MAP.name},
        inputs={f"scores of {member.name}": digest(member.folder / FINISHED) for member in members},
    )
    if output.begin():
        return False
    files = {name: folder / f"{name}.tif" for name in names}
    waiting = [name for name in names if not files[name].exists()]
    for name in track(waiting, "pseudo-labels", len(names), start=len(names) - len(waiting)):
        paths = [member.score_file(name) for member in members]
        labels = average_labels(paths, [member.weight for member in members], "probabilities", OPEN_EARTH_MAP)
        write_raster(files[name], labels, read_georeference(images[name]))
    output.finish(files.values())
    return True


if __name__ == "__main__":
    main()
