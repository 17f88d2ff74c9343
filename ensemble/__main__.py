"""Command line: averages score folders from anywhere into label maps.

    python -m ensemble --scores runs/dfc2025/scores --out maps --member segformer_b5=2 --member upernet_swinv2

Every subfolder of `--scores` (or those named by `--member`) holds the score files of one model, `<tile>.tif`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ensemble.average import Average, average_labels
from ensemble.members import Member, check_members, parse_members, scheme_of
from landcover.errors import InputError, command
from landcover.progress import track
from landcover.raster import read_georeference, write_raster
from landcover.score_file import read_header


def write_label_maps(members: Sequence[Member], out: Path, average: Average) -> list[Path]:
    """Writes the label map of the average as `<out>/<tile>.tif`, georeferenced as the scores, for every tile."""
    tiles = check_members(members)
    written = []
    for tile in track(tiles, "average", len(tiles)):
        paths = [member.score_file(tile) for member in members]
        scheme = scheme_of(paths[0], read_header(paths[0]))
        labels = average_labels(paths, [member.weight for member in members], average, scheme)
        written.append(out / f"{tile}.tif")
        write_raster(written[-1], labels, read_georeference(paths[0]))
    return written


@command
def main() -> None:
    """Averages as the command line says and prints how many maps it wrote."""
    parser = argparse.ArgumentParser(prog="python -m ensemble", description="Averages score files into label maps.")
    parser.add_argument("--scores", type=Path, required=True, help="folder with one folder of score files per model")
    parser.add_argument("--member", action="append", metavar="NAME[=WEIGHT]", help="only these models (repeat it)")
    parser.add_argument("--average", choices=["logits", "probabilities"], default="logits", help="what is averaged")
    parser.add_argument("--out", type=Path, required=True, help="folder for the label maps, <tile>.tif")
    options = parser.parse_args()
    out, scores = options.out.resolve(), options.scores.resolve()
    if out == scores or scores in out.parents:
        raise InputError(f"--out {options.out}: expected a folder outside --scores, or it would be taken for a member")
    members = parse_members(options.scores, options.member)
    written = write_label_maps(members, options.out, options.average)
    print(f"{len(written)} label maps of {len(members)} members in {options.out}")


if __name__ == "__main__":
    main()
