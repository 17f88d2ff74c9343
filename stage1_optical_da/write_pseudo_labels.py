"""Writes pseudo-label files: the class with the highest mean probability of all teachers and test-time views."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ensemble.average import average_labels
from ensemble.members import Member, check_members
from ensemble.scoring import score_labels, score_members
from landcover.atomic import write_json
from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.dfc2025 import SarTile, dfc2025_tiles, truth_labels
from landcover.errors import command
from landcover.manifest import OutputFolder, digest
from landcover.prediction.arguments import add_view_arguments, prediction_settings
from landcover.prediction.write_scores import write_score_folder
from landcover.processes import start_processes
from landcover.progress import track
from landcover.raster import read_georeference, write_raster
from landcover.registry import register_all
from landcover.training.train_model import MODEL_NAME

METRICS_NAME = "metrics.json"


@command
def main() -> None:
    """Scores of every teacher, then the labels, then what they are worth where that can be told."""
    parser = argparse.ArgumentParser(prog="python -m stage1_optical_da.write_pseudo_labels", description=__doc__)
    parser.add_argument("teachers", nargs="+", help="names of teachers in <run-dir>/teachers")
    parser.add_argument("--dfc-root", required=True, type=Path, help="DFC2025 Track 1 folder")
    parser.add_argument("--truth-root", type=Path, help="folder with train/labels, manual labels for scoring alone")
    parser.add_argument("--run-dir", required=True, type=Path, help="receives scores/teachers/ and pseudo_labels/")
    add_view_arguments(parser)
    arguments = parser.parse_args()

    register_all()
    processes = start_processes()
    tiles = dfc2025_tiles(arguments.dfc_root, "train")
    images = {tile.name: tile.optical for tile in tiles if tile.optical}
    scores = arguments.run_dir / "scores" / "teachers"
    # Teachers are averaged as probabilities, the mean softmax of the recipe.
    settings = prediction_settings(arguments, encoding="probability")
    for name in arguments.teachers:
        write_score_folder(arguments.run_dir / "teachers" / name / MODEL_NAME, images, scores / name, settings, processes)
    if processes.first:
        members = [Member(name, scores / name) for name in arguments.teachers]
        folder = arguments.run_dir / "pseudo_labels"
        written = write_label_folder(members, images, folder, tiles, train_truth(arguments.dfc_root, arguments.truth_root))
        print(f"{'wrote' if written else 'is there:'} {len(images)} label files in {folder}", flush=True)
    processes.barrier()


def write_label_folder(
    members: Sequence[Member],
    images: Mapping[str, Path],
    folder: Path,
    tiles: Sequence[SarTile],
    truth: Mapping[str, Path],
) -> bool:
    """Writes the label file of every image, `metrics.json` and the manifest; False if all that was there.

    Args:
        members: teachers with score files of all images.
        images: optical image by name; the label file gets its name and georeferencing.
        folder: where the label files go.
        tiles: tiles with the published labels, for comparison.
        truth: manual labels by name, if there are any; used for scores alone.
    """
    names = check_members(members)
    output = OutputFolder(
        folder,
        made_by={"stage": "pseudo_labels", "average": "probabilities", "scheme": OPEN_EARTH_MAP.name},
        inputs={
            **{f"scores of {member.name}": digest(member.folder / "manifest.json") for member in members},
            **({"truth": str(len(truth))} if truth else {}),
        },
    )
    if output.begin():
        return False
    files = {name: folder / f"{name}.tif" for name in names}
    waiting = [name for name in names if not files[name].exists()]
    for name in track(waiting, "pseudo-labels", len(names), start=len(names) - len(waiting)):
        paths = [member.score_file(name) for member in members]
        labels = average_labels(paths, [member.weight for member in members], "probabilities", OPEN_EARTH_MAP)
        write_raster(files[name], labels, read_georeference(images[name]))
    write_json(folder / METRICS_NAME, _metrics(members, files, tiles, truth))
    output.finish([*files.values(), folder / METRICS_NAME])
    return True


def train_truth(dfc_root: Path, truth_root: Path | None) -> dict[str, Path]:
    """Manual labels of the training tiles by name; those in the data set itself are the published pseudo-labels."""
    if truth_root is None or truth_root.resolve() == dfc_root.resolve():
        return {}
    return truth_labels(truth_root, "train")


def _metrics(
    members: Sequence[Member], files: Mapping[str, Path], tiles: Sequence[SarTile], truth: Mapping[str, Path]
) -> dict[str, Any]:
    """Scores of teachers, pseudo-labels and published labels against the truth, or else agreement with the latter."""
    published = {tile.name: tile.labels for tile in tiles if tile.labels}
    if truth:
        told = "manual labels of the train tiles"
        metrics = {
            "teachers": score_members(members, truth, OPEN_EARTH_MAP, told),
            "pseudo_labels": score_labels(files, truth, OPEN_EARTH_MAP, told),
        }
        if published:
            metrics["published_labels"] = score_labels(published, truth, OPEN_EARTH_MAP, told)
        return metrics
    if not published:
        return {}
    told = "published pseudo-labels of the train tiles (agreement, not accuracy)"
    return {
        "teachers": score_members(members, published, OPEN_EARTH_MAP, told),
        "pseudo_labels": score_labels(files, published, OPEN_EARTH_MAP, told),
    }


if __name__ == "__main__":
    main()
