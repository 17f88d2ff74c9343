"""Writes a trained model as an ONNX file that other programs run, and says how far it is from the trained one."""

from __future__ import annotations

import argparse
from pathlib import Path

from landcover.errors import command
from landcover.networks.exported_file import SUFFIX
from landcover.networks.model_file import read_model_info
from landcover.prediction.export import CHECKED, export_to_onnx
from landcover.prediction.image_folders import image_folders
from landcover.registry import register_all


@command
def main() -> None:
    """Prints where the file is."""
    parser = argparse.ArgumentParser(prog="python -m tools.export_model", description=__doc__)
    parser.add_argument("model", type=Path, help="model file of a training (model.pth)")
    parser.add_argument("--out", type=Path, help="file to write (.onnx); beside the model if left out")
    parser.add_argument("--window", type=int, help="side of its windows, pixels; that of the training if left out")
    parser.add_argument(
        "--images",
        nargs="+",
        metavar="[MODALITY=]FOLDER",
        help=f"check it on the first {CHECKED} images of a folder; on noise if left out",
    )
    arguments = parser.parse_args()

    register_all()
    out = arguments.out or arguments.model.with_suffix(SUFFIX)
    modality = read_model_info(arguments.model).modality
    images = [*image_folders(arguments.images, modality).values()] if arguments.images else []
    difference = export_to_onnx(arguments.model, out, arguments.window, images)
    if difference is None:
        print(f"is there: {out}")
        return
    on = f"{min(len(images), CHECKED)} images" if images else "noise"
    print(f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB; probabilities differ by at most {difference:.1e} on {on}")


if __name__ == "__main__":
    main()
