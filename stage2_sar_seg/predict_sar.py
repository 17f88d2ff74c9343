"""Writes score files of the SAR models for the test tiles and, where there are any, the val tiles; or as asked."""

from __future__ import annotations

import argparse
from pathlib import Path

from landcover.data_sets.dfc2025 import Split, dfc2025_tiles
from landcover.errors import command
from landcover.prediction.arguments import add_view_arguments, prediction_settings
from landcover.prediction.image_check import ImageCheck
from landcover.prediction.model_files import model_in, read_any_info
from landcover.prediction.write_scores import write_score_folder
from landcover.processes.group import start_processes
from landcover.registry import register_all
from landcover.run_files.digest_cache import keep_digests

SPLITS: tuple[Split, ...] = ("train", "val", "test")


@command
def main() -> None:
    """Predicts split by split, model by model; finished score files are skipped."""
    parser = argparse.ArgumentParser(prog="python -m stage2_sar_seg.predict_sar", description=__doc__)
    parser.add_argument("models", nargs="+", help="names of models in <run-dir>/sar_models")
    parser.add_argument("--dfc-root", required=True, type=Path, help="DFC2025 Track 1 folder")
    parser.add_argument("--run-dir", required=True, type=Path, help="receives scores/<split>/<name>/")
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=SPLITS[1:], help="whose tiles; val if there")
    add_view_arguments(parser)
    arguments = parser.parse_args()

    register_all()
    processes = start_processes()
    keep_digests(arguments.run_dir)
    settings, check = prediction_settings(arguments, encoding="logit"), ImageCheck(processes)
    for split in arguments.splits:
        if split == "val" and not (arguments.dfc_root / split).is_dir():
            continue
        tiles = dfc2025_tiles(arguments.dfc_root, split)
        for name in arguments.models:
            folder = arguments.run_dir / "scores" / split / name
            model = model_in(arguments.run_dir / "sar_models" / name, settings.engine)
            modality = read_any_info(model).modality
            images = {tile.name: tile.image(modality) for tile in tiles}
            written = write_score_folder(model, images, folder, settings, processes, check)
            if processes.first:
                print(f"{'wrote' if written else 'is there:'} {len(images)} score files in {folder}", flush=True)
    check.finish()


if __name__ == "__main__":
    main()
