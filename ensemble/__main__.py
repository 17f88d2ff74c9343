"""Command line: averages score folders from anywhere into label maps.

    python -m ensemble --scores runs/dfc2025/scores/test --out maps --member segformer_b5=2 --member upernet_swinv2
    python -m ensemble --scores runs/dfc2025/scores/test --out maps --weights weights.json --by-product entropy margin

Every subfolder of `--scores` (or those named by `--member` or `--weights`) holds the score files of one model,
`<tile>.tif`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ensemble.average import average_labels, conversion_notes
from ensemble.by_products import BY_PRODUCTS, ByProduct, as_bytes, average_with_by_products
from ensemble.members import (
    Member,
    add_class_weights,
    check_members,
    class_factors,
    scheme_of,
    weights_of,
)
from ensemble.no_data import scored_no_data
from ensemble.weight_file import choose_ensemble
from ensemble.weights import Average
from landcover.classes import VOID
from landcover.errors import InputError, command
from landcover.images.grid import read_georeference
from landcover.images.label_file import write_labels
from landcover.images.raster import write_raster
from landcover.processes.progress import track
from landcover.run_files.writable import check_folder
from landcover.score_files.score_file import read_header


def write_label_maps(
    members: Sequence[Member],
    out: Path,
    average: Average,
    class_weights: Mapping[str, float] | None = None,
    by_products: Sequence[ByProduct] = (),
    as_floats: bool = False,
) -> list[Path]:
    """Writes the label map of the average as `<out>/<tile>.tif`, georeferenced as the scores, for every tile.

    Labels are 0 where the image of a member has no data; by-products have no data there either, as a mask in their
    files says. Of score files that do not know, a warning tells.

    Args:
        members: of the ensemble.
        out: folder of the label maps.
        average: what is averaged.
        class_weights: factors by class name, 1 by default.
        by_products: written as `<out>/<by-product>/<tile>.tif`, see `average_with_by_products`.
        as_floats: write them as float32, 0..1, and not as uint8, round(255 value).

    Returns:
        Paths of the label maps.
    """
    tiles = check_members(members)
    written, unknown = [], 0
    for tile in track(tiles, "average", len(tiles)):
        paths = [member.score_file(tile) for member in members]
        scheme = scheme_of(paths[0], read_header(paths[0]))
        weights, factors = weights_of(members, scheme), class_factors(class_weights or {}, scheme)
        georeference, no_data = read_georeference(paths[0]), scored_no_data(paths)
        unknown += no_data is None
        if by_products:
            labels, maps = average_with_by_products(paths, weights, average, scheme, by_products, factors)
            for name, values in maps.items():
                pixels = values if as_floats else as_bytes(values)
                if no_data is not None:
                    pixels[no_data] = 0
                write_raster(out / name / f"{tile}.tif", pixels, georeference, missing=no_data)
        else:
            labels = average_labels(paths, weights, average, scheme, factors)
        if no_data is not None:
            labels[no_data] = VOID
        written.append(out / f"{tile}.tif")
        write_labels(written[-1], labels, scheme, georeference)
    if unknown:
        print(
            f"warning: score files of {unknown} of {len(tiles)} tiles do not tell where their images have no data, and "
            f"maps have classes there too; delete the folders in {members[0].folder.parent} and predict again",
            file=sys.stderr,
        )
    return written


@command
def main() -> None:
    """Averages as the command line says and prints what was converted and how many maps it wrote."""
    options = _options()
    out, scores = options.out.resolve(), options.scores.resolve()
    if out == scores or scores in out.parents:
        raise InputError(f"--out {options.out}: expected a folder outside --scores, or it would be taken for a member")
    check_folder(options.out, "--out")
    members, average, of_class = choose_ensemble(options.scores, options.member, options.weights, options.average)
    members, more = add_class_weights(members, options.class_weight)
    for note in conversion_notes(members, check_members(members)[0], average):
        print(note)
    written = write_label_maps(
        members, options.out, average, {**of_class, **more}, options.by_product, options.by_product_type == "float32"
    )
    print(f"{len(written)} label maps of {len(members)} members in {options.out}, mean of {average}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ensemble", description="Averages score files into label maps.")
    parser.add_argument("--scores", type=Path, required=True, help="folder with one folder of score files per model")
    parser.add_argument("--member", action="append", metavar="NAME[=WEIGHT]", help="only these models (repeat it)")
    parser.add_argument("--weights", type=Path, help="file of `python -m ensemble.fit_weights`, instead of --member")
    parser.add_argument(
        "--class-weight",
        action="append",
        default=[],
        metavar="[MEMBER/]CLASS=WEIGHT",
        help="factor of a class in the average, or weight of one member for one class (repeat it)",
    )
    parser.add_argument(
        "--average", choices=["logits", "probabilities"], help="what is averaged; default: as --weights, else logits"
    )
    parser.add_argument("--by-product", nargs="+", choices=BY_PRODUCTS, default=[], help="maps of how sure it is")
    parser.add_argument("--by-product-type", choices=["uint8", "float32"], default="uint8", help="255 or 1 is most")
    parser.add_argument("--out", type=Path, required=True, help="folder for the label maps, <tile>.tif")
    return parser.parse_args()


if __name__ == "__main__":
    main()
