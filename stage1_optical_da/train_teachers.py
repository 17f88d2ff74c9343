"""Trains the optical teachers of a profile: labelled OpenEarthMap tiles, unlabelled OpenEarthMap-SAR optical images."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmengine import Config, ConfigDict

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.classes.arguments import class_scheme
from landcover.data_sets.class_statistics import STATISTICS_NAME, warn_of_shifted_labels
from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.data_sets.open_earth_map import LabelledTile, open_earth_map_tiles
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import command
from landcover.images.modality import main_file
from landcover.processes.group import start_processes
from landcover.registry import register_all
from landcover.run_files.digest_cache import keep_digests
from landcover.run_files.manifest import digest_all
from landcover.training.arguments import add_training_arguments, chosen_models
from landcover.training.config import load_config, network_to_train, pretrained_input
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


@command
def main() -> None:
    """Trains every config, in turn or `--jobs` at a time; finished ones are skipped, interrupted ones continued."""
    parser = argparse.ArgumentParser(prog="python -m stage1_optical_da.train_teachers", description=__doc__)
    add_training_arguments(parser)
    parser.add_argument("--oem-root", required=True, type=Path, help="OpenEarthMap folder")
    parser.add_argument("--source-splits", nargs="+", default=["train"], help="OpenEarthMap lists to train on")
    arguments = parser.parse_args()

    scheme = class_scheme(arguments)
    register_all()
    processes = start_processes()
    check_jobs(arguments.jobs, processes)
    keep_digests(arguments.run_dir)
    paths = chosen_models({path.stem: path for path in arguments.configs}, arguments.only, "TEACHERS")
    configs = {name: load_config(path, arguments.option, stage=1, scheme=scheme) for name, path in paths.items()}
    networks = {
        name: network_to_train(config, arguments.pretrained_dir, arguments.fetch_pretrained)
        for name, config in configs.items()
    }
    source, _ = open_earth_map_tiles(arguments.oem_root, arguments.source_splits)
    held_out, _ = open_earth_map_tiles(arguments.oem_root, ["val"])
    if processes.first and not arguments.one_of_many:
        warn_of_shifted_labels([tile.labels for tile in source], scheme, f"{arguments.oem_root}: label files")
    target = [TrainingTile(tile.optical) for tile in dfc2025_tiles(arguments.dfc_root, "train") if tile.optical]
    trainings = [
        teacher_training(
            name,
            config,
            networks[name],
            source,
            held_out,
            target,
            arguments.run_dir / "teachers" / name,
            arguments.seed,
            arguments.run_dir / STATISTICS_NAME,
            scheme,
        )
        for name, config in configs.items()
    ]
    train_all(trainings, processes, arguments.jobs, "stage1_optical_da.train_teachers")


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
    known = {tile.name for tile in source}
    seen = " (part of the training)" if any(tile.name in known for tile in held_out) else ""
    return Training(
        name=name,
        stage="teacher",
        modality="optical",
        config=config,
        trained={**config.self_training, "student": network},
        exported=teacher_of,
        dataset=pairs,
        validation=ValidationTiles(
            [TrainingTile(t.image, t.labels) for t in held_out], f"OpenEarthMap val{seen}", scheme=scheme
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
    )


if __name__ == "__main__":
    main()
