"""Command line: weights of the members that explain manual labels best.

    python -m ensemble.fit_weights --scores runs/dfc2025/scores/val --truth data/val/labels --out weights.json
    python -m ensemble --scores runs/dfc2025/scores/test --weights weights.json --out maps

The weights minimise the cross-entropy of the labels under the average of the members (`ensemble.pool`). The labelled
tiles are split in two at random: one half fits, the other compares the mIoU of these weights with that of equal ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.members import Member, check_classes, check_members, parse_members
from ensemble.no_data import scored_no_data
from ensemble.pool import minimise_cross_entropy
from ensemble.scoring import score_ensemble
from ensemble.tile_sums import code_tables, common_log_range
from ensemble.weight_file import WeightFile
from ensemble.weights import Average
from landcover.classes import VOID, ClassScheme
from landcover.classes.arguments import add_class_arguments, class_scheme
from landcover.errors import InputError, command
from landcover.images.label_file import read_labels
from landcover.images.listing import LABEL_SUFFIXES, files_by_stem
from landcover.run_files.writable import check_file
from landcover.score_files.score_file import read_header, read_scores

DECIMALS = 3
"""Weights are written in thousandths; a member below half of one is left out."""


@dataclass(frozen=True)
class Fit:
    """Weights fitted on one half of the labelled tiles and compared with equal ones on the other.

    Args:
        weights: by member, of sum 1; members left out are missing.
        fitted_miou: on the other half, 0..1.
        equal_miou: that of equal weights.
        fitted_on: names of the tiles that were fitted on.
        checked_on: names of the others.
    """

    weights: Mapping[str, float]
    fitted_miou: float
    equal_miou: float
    fitted_on: Sequence[str]
    checked_on: Sequence[str]

    @property
    def worse(self) -> bool:
        """Whether equal weights are better on the tiles that were not fitted on."""
        return self.fitted_miou < self.equal_miou


def fit_weights(
    members: Sequence[Member],
    truth: Mapping[str, Path],
    average: Average,
    scheme: ClassScheme,
    rng: np.random.Generator,
    pixels: int = 100_000,
) -> Fit:
    """Fits weights on a random half of the labelled tiles.

    Args:
        members: their own weights are not used.
        truth: manual label file of each tile; tiles without scores and scores without truth are left out.
        average: what will be averaged.
        scheme: class scheme of scores and labels.
        rng: draws the halves, then the pixels.
        pixels: labelled pixels to fit on, the same number from each tile.

    Raises:
        InputError: fewer than two tiles have labels, or the tiles fitted on have no labelled pixel.
    """
    tiles = [tile for tile in check_members(members) if tile in truth]
    if len(tiles) < 2:
        raise InputError(
            f"expected at least 2 tiles with manual labels to fit and check weights, found {len(tiles)}; --truth must "
            "hold labels of the tiles in --scores, named alike"
        )
    order = [tiles[index] for index in rng.permutation(len(tiles))]
    halves = sorted(order[: len(order) // 2]), sorted(order[len(order) // 2 :])
    per_tile = max(1, pixels // len(halves[0]))
    drawn = [_draw(members, tile, truth[tile], average, scheme, per_tile, rng) for tile in halves[0]]
    scores, classes = (np.concatenate(parts, axis=-1) for parts in zip(*drawn, strict=True))
    if classes.size == 0:
        raise InputError(
            f"{truth[halves[0][0]]}: expected labelled pixels to fit on, found only void (0); try another --seed"
        )
    found = np.round(minimise_cross_entropy(scores, classes, average), DECIMALS)
    weights = {member.name: float(weight) for member, weight in zip(members, found, strict=True) if weight > 0}
    fitted = [replace(member, weight=weights[member.name]) for member in members if member.name in weights]
    check = {tile: truth[tile] for tile in halves[1]}
    mious = [
        float(score_ensemble(chosen, check, average, scheme, "held-out tiles")["miou"])
        for chosen in (fitted, [replace(member, weight=1.0) for member in members])
    ]
    return Fit(weights, mious[0], mious[1], *halves)


def _draw(
    members: Sequence[Member],
    tile: str,
    truth: Path,
    average: Average,
    scheme: ClassScheme,
    pixels: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Scores (M, C, N), see `cross_entropy`, and classes (N,) of at most `pixels` random pixels of a tile.

    Drawn are those that have a label, and data.
    """
    labels = read_labels(truth, scheme)
    headers = [read_header(member.score_file(tile)) for member in members]
    if labels.shape != (headers[0].height, headers[0].width):
        raise InputError(
            f"{truth}: expected {headers[0].height}x{headers[0].width} pixels as the scores of {tile}, "
            f"found {labels.shape[0]}x{labels.shape[1]}; score only tiles of the same size"
        )
    no_data = scored_no_data([member.score_file(tile) for member in members])
    counts = labels != VOID
    labelled = np.flatnonzero(counts if no_data is None else counts & ~no_data)
    drawn = rng.choice(labelled, min(pixels, labelled.size), replace=False)
    scores = np.empty((len(members), scheme.num_classes, drawn.size))
    for member, table, out in zip(members, code_tables(headers, average), scores, strict=True):
        codes = read_scores(member.score_file(tile))[1].reshape(scheme.num_classes, -1)[:, drawn]
        out[:] = _scores(codes if table is None else table[codes], average, common_log_range(headers))
    return scores, labels.ravel()[drawn].astype(np.intp) - 1


def _scores(codes: NDArray[np.uint8], average: Average, log_range: float) -> NDArray[np.float64]:
    if average == "logits":
        return log_range * (codes / 255 - 1)
    # Code 0 stands for anything below half a step: a quarter of one keeps the logarithm finite.
    probabilities = np.maximum(codes, 0.25)
    return np.asarray(probabilities / probabilities.sum(axis=0))


@command
def main() -> None:
    """Fits weights as the command line says, tells what they are worth, and writes them."""
    options = _options()
    if not options.truth.is_dir():
        raise InputError(f"--truth {options.truth}: expected a folder of manual labels, found none; check the path")
    check_file(options.out, "--out")
    members = parse_members(options.scores, options.member)
    truth = files_by_stem(options.truth, LABEL_SUFFIXES)
    first = members[0].score_file(check_members(members)[0])
    rng = np.random.default_rng(options.seed)
    scheme = class_scheme(options)
    check_classes(first, read_header(first), scheme)
    fit = fit_weights(members, truth, options.average, scheme, rng, options.pixels)
    left_out = [member.name for member in members if member.name not in fit.weights]
    print("\n".join(f"{name}  {weight:.{DECIMALS}f}" for name, weight in fit.weights.items()))
    if left_out:
        print(f"left out: {', '.join(left_out)}")
    print(
        f"fitted on {len(fit.fitted_on)} tiles; mIoU of the other {len(fit.checked_on)}: "
        f"{100 * fit.fitted_miou:.1f} with these weights, {100 * fit.equal_miou:.1f} with equal ones"
    )
    equal = fit.worse and not options.force
    if equal:
        print("worse than equal weights, which are written instead; --force writes the fitted ones")
    report = {
        "seed": options.seed,
        "fitted_on": list(fit.fitted_on),
        "checked_on": list(fit.checked_on),
        "fitted_weights": dict(fit.weights),
        "fitted_miou": fit.fitted_miou,
        "equal_miou": fit.equal_miou,
        "written": "equal" if equal else "fitted",
    }
    weights = {member.name: 1.0 for member in members} if equal else fit.weights
    WeightFile(options.average, weights, report=report).write(options.out)
    print(f"wrote {options.out}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ensemble.fit_weights", description="Fits weights of an ensemble to manual labels."
    )
    parser.add_argument("--scores", type=Path, required=True, help="folder with one folder of score files per model")
    parser.add_argument("--truth", type=Path, required=True, help="folder of manual labels, <tile>.tif or <tile>.png")
    parser.add_argument("--member", action="append", metavar="NAME", help="only these models (repeat it)")
    parser.add_argument("--average", choices=["logits", "probabilities"], default="logits", help="what is averaged")
    parser.add_argument("--seed", type=int, default=0, help="of the halves and the pixels")
    parser.add_argument("--pixels", type=int, default=100_000, help="labelled pixels to fit on")
    parser.add_argument("--force", action="store_true", help="write fitted weights even if equal ones are better")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of weights")
    add_class_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
