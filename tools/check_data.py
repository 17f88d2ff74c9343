"""Checks both data sets file by file: pairs, sizes, bands, types, label values; prints what is in them."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path

from landcover.classes.arguments import add_class_arguments, class_scheme
from landcover.classes.scheme_file import CLASSES_INPUT, manifest_input
from landcover.data_check.check import check_tiles
from landcover.data_check.report import different_sar
from landcover.data_sets.dfc2025 import SarTile, Split, dfc2025_tiles
from landcover.data_sets.open_earth_map import open_earth_map_tiles
from landcover.errors import command
from landcover.run_files.atomic import write_json
from landcover.run_files.digest_cache import keep_digests
from landcover.run_files.manifest import FINISHED, UNFINISHED, OutputFolder, digest_all, read_manifest

SPLITS: tuple[Split, ...] = ("train", "val", "test")


@command
def main() -> None:
    """Prints a table per data set and stops with an error if any file can not be used."""
    parser = argparse.ArgumentParser(prog="python -m tools.check_data", description=__doc__)
    parser.add_argument("--oem-root", required=True, type=Path, help="OpenEarthMap folder")
    parser.add_argument("--dfc-root", required=True, type=Path, help="DFC2025 Track 1 folder")
    parser.add_argument("--run-dir", required=True, type=Path, help="receives data_check/report.json")
    add_class_arguments(parser)
    arguments = parser.parse_args()

    scheme = class_scheme(arguments)
    keep_digests(arguments.run_dir)
    source, missing = open_earth_map_tiles(arguments.oem_root, ["train", "val"])
    target = {split: dfc2025_tiles(arguments.dfc_root, split) for split in SPLITS if _needed(arguments.dfc_root, split)}
    files = [path for tile in source for path in (tile.image, tile.labels)]
    files += [path for tiles in target.values() for tile in tiles for path in _files(tile)]
    output = OutputFolder(
        arguments.run_dir / "data_check",
        {"stage": "check_data"},
        {"files": digest_all(files), **manifest_input(scheme)},
    )
    _forget_other_labels(output.folder, manifest_input(scheme))
    report_path = output.folder / "report.json"
    if output.begin():
        print(f"is there: {report_path}; {len(files)} files are unchanged since they were checked")
        return
    reports = [check_tiles(source, "OpenEarthMap train and val", scheme)]
    reports += [check_tiles(tiles, f"DFC2025 Track 1 {split}", scheme) for split, tiles in target.items()]
    for report in reports:
        print("\n".join(report.lines()))
    if missing:
        print(f"{len(missing)} OpenEarthMap tiles are listed but not there (xBD images come apart), e.g. {missing[0]}")
    for line in different_sar(reports):
        print(f"  warning: {line}")
    if any(report.problems for report in reports):
        output.release()  # corrected data, and labels read in another way, are other inputs
    for report in reports:
        report.raise_if_problems()
    write_json(report_path, [report.to_json() for report in reports])
    output.finish([report_path])
    print(f"wrote {report_path}: {len(files)} files can be used")


def _forget_other_labels(folder: Path, classes: Mapping[str, str]) -> None:
    """Removes a report on labels as read in another way: nothing was made from it, and it may say what to set."""
    for path in (folder / FINISHED, folder / UNFINISHED):
        if path.exists() and read_manifest(path)["inputs"].get(CLASSES_INPUT) != classes.get(CLASSES_INPUT):
            shutil.rmtree(folder)
            return


def _needed(root: Path, split: Split) -> bool:
    """Whether a split must be checked: `val` may be absent."""
    return split != "val" or (root / split).is_dir()


def _files(tile: SarTile) -> list[Path]:
    return [path for path in (tile.sar, tile.optical, tile.labels) if path is not None]


if __name__ == "__main__":
    main()
