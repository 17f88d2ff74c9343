"""Maps SAR scenes of any size with one or several trained models: georeferenced, cloud-optimised GeoTIFFs.

One scene (--scene): --out and --confidence are files. Many (--scenes): they are folders, and --optical is one; maps
that are there are left alone, scenes that can not be mapped are told at the end, and the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from landcover.errors import InputError, command, shorten
from landcover.networks.engines import ENGINES
from landcover.places import local_image, local_path
from landcover.prediction.many_scenes import Outcome, SceneFolders, map_scenes
from landcover.prediction.scene import map_scene
from landcover.prediction.scene_list import Share, listed_scenes
from landcover.prediction.scene_models import SceneSettings
from landcover.prediction.sliding_window import PREDICTION_DTYPES
from landcover.prediction.views import FLIPS
from landcover.processes.group import start_processes
from landcover.registry import register_all
from landcover.run_files.digest_cache import keep_digests
from landcover.run_files.writable import check_folder


@command
def main() -> None:
    """Prints where the maps are."""
    arguments = _arguments()
    settings = SceneSettings(tuple(arguments.flips), arguments.stride, arguments.dtype, arguments.engine)
    if arguments.scenes:
        _map_many(arguments, settings)
    else:
        _map_one(arguments, settings)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.map_scene", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--scene", help="SAR image of any size, on this machine")
    which.add_argument(
        "--scenes",
        nargs="+",
        help="SAR images, folders of them (.tif, .tiff), or lists (.txt) with a path in every line",
    )
    parser.add_argument("--share", help="NUMBER/COUNT: of the scenes, those of one of COUNT commands that share them")
    parser.add_argument("--optical", help="optical image on the same grid, for models that read both")
    parser.add_argument("--models", required=True, nargs="+", type=Path, help="model files (.pth or .onnx) to average")
    parser.add_argument("--out", required=True, type=Path, help="map to write (.tif); 0 is no data")
    parser.add_argument("--confidence", type=Path, help="second map to write (.tif): probability in percent")
    parser.add_argument("--flips", nargs="+", default=["none"], choices=FLIPS, help="flips of every window")
    parser.add_argument("--stride", type=float, default=0.5, help="step between windows as a share of the window")
    parser.add_argument("--dtype", default="fp32", choices=PREDICTION_DTYPES, help="in which the networks run")
    parser.add_argument("--engine", choices=ENGINES, help=f"what runs .onnx files: {ENGINES[0]} if left out")
    arguments = parser.parse_args()
    if arguments.share and arguments.scene:
        raise InputError("--share: expected --scenes to share out, found --scene; pass one or the other")
    return arguments


def _map_one(arguments: argparse.Namespace, settings: SceneSettings) -> None:
    scene = local_image(arguments.scene, "--scene")
    optical = local_image(arguments.optical, "--optical") if arguments.optical else None
    register_all()
    processes = start_processes()
    written = map_scene(scene, arguments.models, arguments.out, settings, processes, arguments.confidence, optical)
    if processes.first:
        print(f"{'wrote' if written else 'is there:'} {arguments.out}", flush=True)


def _map_many(arguments: argparse.Namespace, settings: SceneSettings) -> None:
    scenes = listed_scenes(arguments.scenes, Share.of(arguments.share) if arguments.share else Share())
    optical = local_path(arguments.optical, "--optical") if arguments.optical else None
    check_folder(arguments.out, "--out")
    register_all()
    processes = start_processes()
    keep_digests(arguments.out)
    folders = SceneFolders(arguments.out, arguments.confidence, optical)
    outcome = map_scenes(scenes, arguments.models, folders, settings, processes)
    if processes.first:
        _tell(outcome, arguments.out)
    if outcome.failed:
        sys.exit(1)


def _tell(outcome: Outcome, out: Path) -> None:
    counts = f"{len(outcome.written)} maps written, {len(outcome.there)} were there, {len(outcome.failed)} failed"
    print(f"{out}: {counts}", flush=True)
    for reason, names in outcome.reasons().items():
        print(f"error: not mapped: {shorten(names)}: {reason}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
