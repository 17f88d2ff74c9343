"""Maps a SAR scene of any size with one or several trained models: a georeferenced, cloud-optimised GeoTIFF."""

from __future__ import annotations

import argparse
from pathlib import Path

from landcover.errors import command
from landcover.places import local_image
from landcover.prediction.scene import map_scene
from landcover.prediction.scene_models import SceneSettings
from landcover.prediction.sliding_window import PREDICTION_DTYPES
from landcover.prediction.views import FLIPS
from landcover.processes.group import start_processes
from landcover.registry import register_all


@command
def main() -> None:
    """Prints where the map is."""
    parser = argparse.ArgumentParser(prog="python -m tools.map_scene", description=__doc__)
    parser.add_argument("--scene", required=True, help="SAR image of any size, on this machine")
    parser.add_argument("--optical", help="optical image on the same grid, for models that read both")
    parser.add_argument("--models", required=True, nargs="+", type=Path, help="model files (model.pth) to average")
    parser.add_argument("--out", required=True, type=Path, help="map to write (.tif); 0 is no data")
    parser.add_argument("--confidence", type=Path, help="second map to write (.tif): probability in percent")
    parser.add_argument("--flips", nargs="+", default=["none"], choices=FLIPS, help="flips of every window")
    parser.add_argument("--stride", type=float, default=0.5, help="step between windows as a share of the window")
    parser.add_argument("--dtype", default="fp32", choices=PREDICTION_DTYPES, help="in which the networks run")
    arguments = parser.parse_args()

    scene = local_image(arguments.scene, "--scene")
    optical = local_image(arguments.optical, "--optical") if arguments.optical else None
    register_all()
    processes = start_processes()
    settings = SceneSettings(tuple(arguments.flips), arguments.stride, arguments.dtype)
    written = map_scene(scene, arguments.models, arguments.out, settings, processes, arguments.confidence, optical)
    if processes.first:
        print(f"{'wrote' if written else 'is there:'} {arguments.out}", flush=True)


if __name__ == "__main__":
    main()
