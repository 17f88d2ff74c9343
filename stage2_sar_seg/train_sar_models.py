"""Trains the SAR models of a profile on label files."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path

from mmengine import Config, ConfigDict

from landcover.data_sets.dfc2025 import SarTile, dfc2025_tiles, truth_labels
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import InputError, command
from landcover.manifest import digest_all, read_manifest
from landcover.model_file import MODEL_NAME
from landcover.processes import start_processes
from landcover.registry import register_all
from landcover.training.arguments import add_training_arguments
from landcover.training.band_statistics import band_statistics
from landcover.training.config import load_config, network_to_train
from landcover.training.train_model import train_model
from landcover.training.training import Training
from landcover.training.validation_hook import ValidationTiles

PUBLISHED = "published"


@command
def main() -> None:
    """Trains every config in turn; finished ones are skipped, interrupted ones continued."""
    parser = argparse.ArgumentParser(prog="python -m stage2_sar_seg.train_sar_models", description=__doc__)
    add_training_arguments(parser)
    parser.add_argument(
        "--published",
        nargs="*",
        type=Path,
        default=[],
        metavar="CONFIG",
        help="configs to train on the published labels too, for comparison",
    )
    parser.add_argument("--labels", required=True, type=Path, help="folder of label files, one per training tile")
    parser.add_argument("--truth-root", type=Path, help="folder with val/labels for scores during training")
    arguments = parser.parse_args()

    register_all()
    processes = start_processes()
    jobs = [(path.stem, path, False) for path in arguments.configs]
    jobs += [(f"{path.stem}_{PUBLISHED}", path, True) for path in arguments.published]
    configs = {name: load_config(path, arguments.option, needed="losses") for name, path, _ in jobs}
    tiles = dfc2025_tiles(arguments.dfc_root, "train")
    statistics = band_statistics([tile.sar for tile in tiles])
    configs = {name: sar_config(config, *statistics) for name, config in configs.items()}
    networks = {name: network_to_train(config, arguments.pretrained_dir) for name, config in configs.items()}
    validation = _validation_tiles(arguments.dfc_root, arguments.truth_root)
    for name, _, published in jobs:
        labelled = published_labels(tiles) if published else pseudo_labels(tiles, arguments.labels)
        folder = arguments.run_dir / "sar_models" / name
        training = sar_training(name, configs[name], networks[name], labelled, validation, folder, arguments.seed)
        trained = train_model(training, processes)
        if processes.first:
            print(f"{'wrote' if trained else 'is there:'} {training.folder / MODEL_NAME}", flush=True)


def sar_config(config: Config, mean: float, std: float) -> Config:
    """A copy of `config` whose network normalises with these statistics and whose heads have `config.losses`.

    Auxiliary heads keep their factor: the loss weight that their own config gives.
    """
    changed = copy.deepcopy(config)
    model = changed.model
    model.data_preprocessor.update(mean=[mean], std=[std])
    model.decode_head.loss_decode = config.losses
    if "auxiliary_head" in model:
        factor = model.auxiliary_head.loss_decode[0].loss_weight
        model.auxiliary_head.loss_decode = [
            {**loss, "loss_weight": loss.get("loss_weight", 1.0) * factor} for loss in config.losses
        ]
    return changed


def pseudo_labels(tiles: Sequence[SarTile], folder: Path) -> list[TrainingTile]:
    """Training tiles with the label file of the same name in `folder`, which a finished stage has written.

    Raises:
        InputError: the folder is not complete, or has no label for a tile.
    """
    rows = {row["name"] for row in read_manifest(folder / "manifest.json")["files"]}
    missing = [tile.name for tile in tiles if f"{tile.name}.tif" not in rows]
    if missing:
        raise InputError(
            f"{folder}: expected a label file for each of {len(tiles)} training tiles, found none for {len(missing)} "
            f"({missing[0]}, ...); the labels were made for other tiles, run tools/20_write_pseudo_labels.sh for these"
        )
    return [TrainingTile(tile.sar, folder / f"{tile.name}.tif") for tile in tiles]


def published_labels(tiles: Sequence[SarTile]) -> list[TrainingTile]:
    """Training tiles with the published label files.

    Raises:
        InputError: the data set has none.
    """
    if any(tile.labels is None for tile in tiles):
        raise InputError(
            f"{tiles[0].sar.parent.parent}: expected published labels in labels/, found none; "
            "set PUBLISHED_MODELS to nothing"
        )
    return [TrainingTile(tile.sar, tile.labels) for tile in tiles]


def sar_training(
    name: str,
    config: Config,
    network: ConfigDict,
    labelled: Sequence[TrainingTile],
    validation: ValidationTiles | None,
    folder: Path,
    seed: int,
) -> Training:
    """What `train_model` needs to train one SAR model.

    Args:
        name: the model's name.
        config: see `landcover.training.config`.
        network: `config.model` with its pretrained weights.
        labelled: SAR tiles with label files.
        validation: tiles to score on, if labels exist.
        folder: the model's folder.
        seed: of everything random.
    """
    return Training(
        name=name,
        stage="sar_model",
        modality="sar",
        config=config,
        trained=network,
        exported=lambda model: model,
        dataset=TrainingTiles(labelled, "sar", config.crop_size, seed=seed, **config.train_dataloader.dataset),
        validation=validation,
        inputs={
            "images": digest_all([tile.image for tile in labelled]),
            "labels": digest_all([tile.labels for tile in labelled if tile.labels]),
        },
        folder=folder,
        seed=seed,
    )


def _validation_tiles(dfc_root: Path, truth_root: Path | None) -> ValidationTiles | None:
    labels = truth_labels(truth_root or dfc_root, "val")
    if not labels:
        return None
    tiles = [TrainingTile(t.sar, labels[t.name]) for t in dfc2025_tiles(dfc_root, "val") if t.name in labels]
    return ValidationTiles(tiles, "val labels") if tiles else None


if __name__ == "__main__":
    main()
