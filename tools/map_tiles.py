"""Maps many images with one or several trained models, without score files: label maps of the models' average.

    python -m tools.map_tiles --images data/test/sar_images --out maps \
        --models runs/demo/sar_models/sar_upernet_efficientnet_lite{0,1}/model.pth

The maps are those that `python -m ensemble` makes of score files, which take some 4 MB per image and model, and are
needed to try other averages, weights and by-products. For one image of any size see `tools.map_scene`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ensemble.score_sum import ScoreSum
from ensemble.weights import Average, tile_weights
from landcover.classes import VOID
from landcover.errors import InputError, command
from landcover.images.grid import read_georeference
from landcover.images.label_file import write_labels
from landcover.images.modality import (
    Image,
    ImageFile,
    main_file,
    parts_of,
    read_whole,
    size_of,
)
from landcover.networks.model_file import ModelInfo
from landcover.prediction.arguments import add_view_arguments, prediction_settings
from landcover.prediction.image_check import ImageCheck
from landcover.prediction.image_folders import image_folders
from landcover.prediction.model_files import common_reading, load_any_model, read_any_info
from landcover.prediction.sliding_window import predict_probabilities
from landcover.prediction.write_scores import PredictionSettings
from landcover.processes.group import Processes, start_processes
from landcover.processes.shared_work import on_demand
from landcover.registry import register_all
from landcover.run_files.filling import filling
from landcover.run_files.manifest import OutputFolder, digest_all
from landcover.run_files.writable import check_folder


def map_tiles(
    images: Mapping[str, ImageFile],
    models: Sequence[Path],
    out: Path,
    settings: PredictionSettings,
    average: Average,
    processes: Processes,
) -> bool:
    """Writes `<out>/<stem>.tif`, uint8 (H, W), values 1..C, on the grid of every image; 0 where it has no data.

    Args:
        images: image files of the models' modality by stem.
        models: files of trained or exported models, of one modality and class scheme, each of weight 1.
        out: folder of the maps; finished ones of the same images, models and settings are kept.
        settings: views, stride, weighting, dtype and engine.
        average: what is averaged.
        processes: those that share the images.

    Returns:
        False if the folder was complete before.

    Raises:
        InputError: models that do not belong together, or an image that is not for them.
    """
    _check_models(models)
    reading = common_reading(models)
    output = OutputFolder(
        out,
        made_by={**settings.of_probabilities(), "stage": "maps", "average": average},
        inputs=lambda: {
            "models": digest_all(models),
            "images": digest_all(path for file in images.values() for path in parts_of(file)),
        },
    )
    with filling(output, processes) as folder:
        if folder.nothing_to_do:
            return False
        files = {stem: out / f"{stem}.tif" for stem in sorted(images)}
        waiting = processes.unfinished(list(files), lambda stem: files[stem].exists())
        loaded = [load_any_model(path, processes.device, settings.engine) for path in models]
        check = ImageCheck(processes)
        for stem in on_demand(waiting, "maps", len(files), processes):
            image, no_data = read_whole(images[stem], loaded[0][1].modality, *reading)
            for model, info in loaded:
                check.check(image, no_data, images[stem], model, info)
            labels = _labels(image, loaded, settings, average, processes.device)
            labels[no_data] = VOID
            write_labels(files[stem], labels, loaded[0][1].scheme, read_georeference(main_file(images[stem])))
        check.finish()
        folder.files = files.values()
    return True


def _labels(
    image: Image,
    models: Sequence[tuple[nn.Module, ModelInfo]],
    settings: PredictionSettings,
    average: Average,
    device: torch.device,
) -> NDArray[np.uint8]:
    """Label map of one image by the average of the models."""
    scheme = models[0][1].scheme
    total = ScoreSum(tile_weights([1.0] * len(models), scheme.num_classes, average), *size_of(image), average)
    for number, (model, info) in enumerate(models):
        window = settings.sliding_window(info.window)
        total.add(number, predict_probabilities(model, image, window, device).cpu().numpy())
    return total.labels(scheme)


@command
def main() -> None:
    """Prints where the maps are."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.map_tiles", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--images",
        required=True,
        nargs="+",
        metavar="[MODALITY=]FOLDER",
        help="folder of images (.tif, .tiff, optical ones also .png) of any size; for models of several modalities "
        "optical=FOLDER sar=FOLDER",
    )
    parser.add_argument("--models", required=True, nargs="+", type=Path, help="model files (.pth or .onnx) to average")
    parser.add_argument("--out", required=True, type=Path, help="folder for the maps")
    parser.add_argument("--average", choices=["logits", "probabilities"], default="logits", help="what is averaged")
    add_view_arguments(parser)
    arguments = parser.parse_args()

    check_folder(arguments.out, "--out")
    register_all()
    processes = start_processes()
    images = image_folders(arguments.images, read_any_info(arguments.models[0]).modality)
    settings = prediction_settings(arguments, "logit")
    written = map_tiles(images, arguments.models, arguments.out, settings, arguments.average, processes)
    if processes.first:
        print(f"{'wrote' if written else 'is there:'} {len(images)} maps in {arguments.out}", flush=True)


def _check_models(models: Sequence[Path]) -> None:
    first = read_any_info(models[0])
    for path in models[1:]:
        info = read_any_info(path)
        if (info.modality, info.scheme) != (first.modality, first.scheme):
            raise InputError(
                f"{path}: expected a model for {first.modality} images and classes {first.scheme.name} as {models[0]}, "
                f"found {info.modality} and {info.scheme.name}; pass models that belong together"
            )


if __name__ == "__main__":
    main()
