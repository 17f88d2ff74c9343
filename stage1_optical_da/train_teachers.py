"""Trains the optical teachers of a profile: labelled source tiles, unlabelled images of a target.

They are OpenEarthMap and the optical images of OpenEarthMap-SAR, or two domains of a benchmark.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine import Config, ConfigDict

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.classes.arguments import class_scheme
from landcover.data_sets.class_statistics import STATISTICS_NAME, warn_of_shifted_labels
from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.data_sets.domains import DOMAINS, SOURCE, TARGET, check_pair, find_domain
from landcover.data_sets.open_earth_map import LabelledTile, open_earth_map_tiles
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import command
from landcover.images.modality import main_file
from landcover.model_cards.origins import Origins, own_weights
from landcover.processes.group import start_processes
from landcover.registry import register_all
from landcover.run_files.digest_cache import keep_digests
from landcover.run_files.manifest import digest_all
from landcover.training.arguments import add_training_arguments, as_asked, chosen_models
from landcover.training.config import load_config, network_to_train, pretrained_input
from landcover.training.tracking.trackers import check_tracker
from landcover.training.train_all import check_jobs, train_all
from landcover.training.training import Training
from landcover.training.validation_hook import ValidationTiles
from stage1_optical_da import distributed_self_training, resolution_alignment
from stage1_optical_da.prototype_alignment import gaussian_prototype_alignment
from stage1_optical_da.self_training import teacher_of
from stage1_optical_da.source_target_pairs import SourceTargetPairs
from stage1_optical_da.target_statistics import target_evaluation
from stage1_optical_da.teacher_hook import TeacherHook

# Imported for their registered classes.
assert all((distributed_self_training, gaussian_prototype_alignment, resolution_alignment))

MODULE = "stage1_optical_da.train_teachers"


@command
def main() -> None:
    """Trains every config, in turn or `--jobs` at a time; finished ones are skipped, interrupted ones continued."""
    parser = argparse.ArgumentParser(prog="python -m stage1_optical_da.train_teachers", description=__doc__)
    add_training_arguments(parser)
    parser.add_argument("--oem-root", required=True, type=Path, help="OpenEarthMap folder")
    parser.add_argument("--source-splits", nargs="+", default=["train"], help="splits of the source to train on")
    known = ", ".join(DOMAINS)
    parser.add_argument("--source-data", default=SOURCE, help=f"what --oem-root holds: {SOURCE}, {known}")
    parser.add_argument("--target-data", default=TARGET, help=f"what --dfc-root holds: {TARGET}, {known}")
    arguments = parser.parse_args()

    scheme = class_scheme(arguments)
    register_all()
    processes = start_processes()
    check_jobs(arguments.jobs, processes)
    check_tracker(arguments.tracker)
    keep_digests(arguments.run_dir)
    paths = chosen_models({path.stem: path for path in arguments.configs}, arguments.only, "TEACHERS")
    configs = {name: load_config(path, arguments.option, stage=1, scheme=scheme) for name, path in paths.items()}
    networks = {
        name: network_to_train(config, arguments.pretrained_dir, arguments.fetch_pretrained)
        for name, config in configs.items()
    }
    tiles = _tiles(arguments, scheme)
    if processes.first and not arguments.one_of_many:
        warn_of_shifted_labels([tile.labels for tile in tiles.source], scheme, f"{arguments.oem_root}: label files")
    trainings = [
        teacher_training(
            name,
            config,
            networks[name],
            tiles.source,
            tiles.held_out,
            tiles.target,
            arguments.run_dir / "teachers" / name,
            arguments.seed,
            arguments.run_dir / STATISTICS_NAME,
            scheme,
            tiles.held_out_name,
        )
        for name, config in configs.items()
    ]
    train_all(as_asked(trainings, arguments, MODULE), processes, arguments.jobs, MODULE)


@dataclass(frozen=True)
class _Tiles:
    """What teachers learn from, are scored on and adapt to; and what the second one is, in a few words."""

    source: Sequence[LabelledTile]
    held_out: Sequence[LabelledTile]
    target: Sequence[TrainingTile]
    held_out_name: str


def _tiles(arguments: argparse.Namespace, scheme: ClassScheme) -> _Tiles:
    """Of a benchmark, scores are those of the target, as its papers have them; labels of it choose nothing."""
    source = find_domain(arguments.source_data, SOURCE, "SOURCE_DATA", scheme)
    target = find_domain(arguments.target_data, TARGET, "TARGET_DATA", scheme)
    check_pair(arguments.source_data, arguments.target_data)
    if source is None or target is None:
        labelled, _ = open_earth_map_tiles(arguments.oem_root, arguments.source_splits)
        held_out, _ = open_earth_map_tiles(arguments.oem_root, ["val"])
        optical = [TrainingTile(tile.optical) for tile in dfc2025_tiles(arguments.dfc_root, "train") if tile.optical]
        return _Tiles(labelled, held_out, optical, "OpenEarthMap val")
    return _Tiles(
        source.tiles(arguments.oem_root, tuple(arguments.source_splits)),
        target.tiles(arguments.dfc_root, (target.scored,)),
        [TrainingTile(tile.image) for tile in target.tiles(arguments.dfc_root, (target.adapted,))],
        f"{arguments.target_data} {target.scored}",
    )


def teacher_training(
    name: str,
    config: Config,
    network: ConfigDict,
    source: Sequence[LabelledTile],
    held_out: Sequence[LabelledTile],
    target: Sequence[TrainingTile],
    folder: Path,
    seed: int,
    statistics: Path | None = None,
    scheme: ClassScheme = OPEN_EARTH_MAP,
    held_out_name: str = "OpenEarthMap val",
) -> Training:
    """What `train_model` needs to train one teacher.

    Args:
        name: the teacher's name.
        config: with `self_training`, see `configs/_base_/uda`.
        network: the student, with its pretrained weights.
        source: labelled optical tiles to train on.
        held_out: labelled optical tiles to score on.
        target: unlabelled optical tiles.
        folder: the teacher's folder.
        seed: of everything random.
        statistics: keeps the class counts of the source, which teachers with `rare_classes` share; see `class_counts`.
        scheme: classes of the labels.
        held_out_name: what `held_out` is, in a few words.
    """
    labelled = [TrainingTile(tile.image, tile.labels) for tile in source]
    data = config.train_dataloader.dataset
    alignment = {"type": "ResolutionAlignment", **data.resolution_alignment}
    aligned = {**data.source, "augmentations": [*data.source.augmentations, alignment]}
    pairs = SourceTargetPairs(
        TrainingTiles(
            labelled, "optical", config.crop_size, seed=seed, statistics=statistics, scheme=scheme, **aligned
        ),
        # Another stream, so that tile n of both sets does not get the same crop and flips.
        TrainingTiles(target, "optical", config.crop_size, seed=seed + 1, **data.target),
    )
    known = {tile.image for tile in source}
    seen = " (part of the training)" if any(tile.image in known for tile in held_out) else ""
    return Training(
        name=name,
        stage="teacher",
        modality="optical",
        config=config,
        trained={**config.self_training, "student": network},
        exported=teacher_of,
        dataset=pairs,
        validation=ValidationTiles(
            [TrainingTile(t.image, t.labels) for t in held_out], f"{held_out_name}{seen}", scheme=scheme
        ),
        inputs=lambda: {
            "source": digest_all([path for tile in source for path in (tile.image, tile.labels)]),
            "target": digest_all([main_file(tile.image) for tile in target]),
            **pretrained_input(network),
        },
        folder=folder,
        seed=seed,
        hooks=[TeacherHook()],
        further_evaluations=[target_evaluation(pairs.target.tiles, config.crop_size)],
        wrapper="DistributedSelfTraining",
        scheme=scheme,
        origins=Origins(weights=own_weights(name, config.pretrained), labels="of the source images"),
    )


if __name__ == "__main__":
    main()
