"""Score files of one model for a folder of images, with given test-time views: a job of a study."""

from __future__ import annotations

import argparse
from pathlib import Path

from landcover.errors import command
from landcover.images.listing import image_files
from landcover.prediction.arguments import add_view_arguments, prediction_settings
from landcover.prediction.write_scores import write_score_folder
from landcover.processes.group import start_processes
from landcover.registry import register_all
from landcover.run_files.writable import check_folder


@command
def main() -> None:
    """Predicts every image that has no score file yet."""
    parser = argparse.ArgumentParser(prog="python -m tools.ablation.predict", description=__doc__)
    parser.add_argument("--model", required=True, type=Path, help="model file")
    parser.add_argument("--images", required=True, type=Path, help="folder of .tif or .tiff images")
    parser.add_argument("--out", required=True, type=Path, help="folder of score files")
    add_view_arguments(parser)
    arguments = parser.parse_args()

    check_folder(arguments.out, "--out")
    register_all()
    images = image_files(arguments.images, "images")
    # The mean softmax of the recipe, as pseudo-labels are made.
    settings = prediction_settings(arguments, encoding="probability")
    write_score_folder(arguments.model, images, arguments.out, settings, start_processes())


if __name__ == "__main__":
    main()
