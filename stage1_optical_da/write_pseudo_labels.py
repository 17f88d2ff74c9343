"""Writes pseudo-label files: the class with the highest mean probability of all teachers and test-time views.

`agreement` among the teachers, and with further label sets, leaves pixels unknown on which they do not agree.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ensemble.average import average_with_members
from ensemble.members import Member, check_members
from landcover.classes import OPEN_EARTH_MAP, VOID, ClassScheme
from landcover.classes.arguments import add_class_arguments, class_scheme
from landcover.classes.scheme_file import manifest_input
from landcover.data_sets.dfc2025 import SarTile, dfc2025_tiles
from landcover.data_sets.domains import DOMAINS, TARGET, find_domain
from landcover.errors import InputError, command
from landcover.images.grid import read_georeference
from landcover.images.label_file import write_labels
from landcover.images.modality import read_whole
from landcover.labels.label_set import PUBLISHED, QUALITY_NAME, LabelSet, label_set, published_labels
from landcover.labels.quality import LabelCounts, References, agreement, read_quality
from landcover.metrics import ConfusionMatrix
from landcover.prediction.arguments import add_view_arguments, prediction_settings
from landcover.prediction.model_files import model_in
from landcover.prediction.write_scores import write_score_folder
from landcover.processes.group import Processes, start_processes
from landcover.processes.shared_work import results_of_all
from landcover.registry import register_all
from landcover.report.quality_table import quality_table
from landcover.run_files.atomic import write_json
from landcover.run_files.digest_cache import keep_digests
from landcover.run_files.filling import filling
from landcover.run_files.manifest import FINISHED, OutputFolder, digest
from stage1_optical_da.dropping import Dropping

LABEL_SETS = ("average", "agreement")


@command
def main() -> None:
    """Scores of every teacher first, then the labels, then the table of what they are worth."""
    parser = argparse.ArgumentParser(prog="python -m stage1_optical_da.write_pseudo_labels", description=__doc__)
    parser.add_argument("teachers", nargs="+", help="names of teachers in <run-dir>/teachers")
    parser.add_argument("--dfc-root", required=True, type=Path, help="DFC2025 Track 1 folder")
    parser.add_argument("--target-data", default=TARGET, help=f"what --dfc-root holds: {TARGET}, {', '.join(DOMAINS)}")
    parser.add_argument("--truth-root", type=Path, help="folder with train/labels of manual labels, to score against")
    parser.add_argument("--run-dir", required=True, type=Path, help="receives scores/teachers/ and pseudo_labels/")
    parser.add_argument("--label-set", default="average", help="average, or agreement of all teachers")
    parser.add_argument(
        "--agree-with",
        nargs="*",
        default=[],
        metavar="FOLDER",
        help=f"keep only pixels on which these label sets agree too: {PUBLISHED}, FOLDER or NAME=FOLDER",
    )
    add_class_arguments(parser)
    add_view_arguments(parser)
    arguments = parser.parse_args()

    scheme = class_scheme(arguments)
    register_all()
    processes = start_processes()
    keep_digests(arguments.run_dir)
    domain = find_domain(arguments.target_data, TARGET, "TARGET_DATA", scheme)
    tiles = [] if domain else dfc2025_tiles(arguments.dfc_root, "train")
    images = {tile.name: tile.optical for tile in tiles if tile.optical}
    folder = arguments.run_dir / "pseudo_labels"
    dropping = _dropping(arguments, tiles, folder, scheme)
    if domain:
        scored = domain.tiles(arguments.dfc_root, (domain.scored,))
        images = {tile.name: tile.image for tile in scored}
        told = f"labels of {len(scored)} {domain.scored} tiles of {arguments.target_data}"
        truth = LabelSet(told, {tile.name: tile.labels for tile in scored}, scheme)
        references = References(dropping.agree_with, truth)
    else:
        references = _references(dropping, tiles, arguments.truth_root or arguments.dfc_root, scheme)
    references.check(images)  # before hours of prediction
    scores = arguments.run_dir / "scores" / "teachers"
    # Teachers are averaged as probabilities, the mean softmax of the recipe.
    settings = prediction_settings(arguments, encoding="probability")
    for name in arguments.teachers:
        model = model_in(arguments.run_dir / "teachers" / name, settings.engine)
        write_score_folder(model, images, scores / name, settings, processes)
    members = [Member(name, scores / name) for name in arguments.teachers]
    written = write_label_folder(members, images, folder, processes, dropping, references, scheme)
    if processes.first:
        print(f"{'wrote' if written else 'is there:'} {len(images)} label files in {folder}")
        print(quality_table(read_quality(folder), scheme), flush=True)


def write_label_folder(
    members: Sequence[Member],
    images: Mapping[str, Path],
    folder: Path,
    processes: Processes,
    dropping: Dropping = Dropping(),  # noqa: B008  (immutable)
    references: References = References(),  # noqa: B008  (immutable)
    scheme: ClassScheme = OPEN_EARTH_MAP,
) -> bool:
    """Writes the label file of every image, `quality.json` and the manifest; False if all labels were there.

    A killed call is continued: label files that are there stay, only their scores are read once more for the quality.
    Labels that are there get a new `quality.json` alone where the references have changed.

    Args:
        members: teachers with score files of all images.
        images: optical image by name; the label file gets its name and georeferencing.
        folder: where the label files go.
        processes: those that share the tiles.
        dropping: which pixels become unknown; its label sets have all tiles at their sizes (`References.check`).
        references: what the labels are compared with.
        scheme: classes of scores and labels.
    """
    names = check_members(members)
    kept = [labels.only(names) for labels in dropping.agree_with]
    output = OutputFolder(
        folder,
        made_by={
            "stage": "pseudo_labels",
            "average": "probabilities",
            "scheme": scheme.name,
            "label_set": LABEL_SETS[dropping.teachers_differ],
            "agree_with": dropping.names(),
        },
        inputs=lambda: {
            **{f"scores of {member.name}": digest(member.folder / FINISHED) for member in members},
            **{f"labels of {labels.name}": labels.digest() for labels in kept},
            **manifest_input(scheme),
        },
    )
    files = {name: folder / f"{name}.tif" for name in names}

    def up_to_date() -> bool:
        return bool(read_quality(folder).get("compared_with") == references.digests(names))

    with filling(output, processes, up_to_date) as state:
        if state.nothing_to_do:
            return False
        if processes.first:
            (folder / QUALITY_NAME).unlink(missing_ok=True)  # unfinished again until the new one is there
        label_tile = partial(_label_tile, members, images, files, dropping, references, scheme)
        total = _TileCounts.of(scheme)
        for counts in results_of_all(label_tile, names, "pseudo-labels", processes):
            total.merge(counts)
        if processes.first:
            quality = {"tiles": len(names), **_quality(total, members, dropping, references)}
            write_json(folder / QUALITY_NAME, {**quality, "compared_with": references.digests(names)})
        state.files = [*files.values(), folder / QUALITY_NAME]
    return not state.complete


@dataclass(frozen=True)
class _TileCounts:
    """Counts of the label set as written, of the average before pixels were dropped, and between the teachers."""

    written: LabelCounts
    average: LabelCounts
    teachers: dict[tuple[int, int], ConfusionMatrix] = field(default_factory=dict)

    @staticmethod
    def of(scheme: ClassScheme) -> _TileCounts:
        """No tile yet."""
        return _TileCounts(LabelCounts(scheme), LabelCounts(scheme))

    def merge(self, other: _TileCounts) -> None:
        self.written.merge(other.written)
        self.average.merge(other.average)
        for pair, matrix in other.teachers.items():
            self.teachers.setdefault(pair, ConfusionMatrix(self.written.scheme)).merge(matrix)


def _label_tile(
    members: Sequence[Member],
    images: Mapping[str, Path],
    files: Mapping[str, Path],
    dropping: Dropping,
    references: References,
    scheme: ClassScheme,
    name: str,
) -> _TileCounts:
    """Writes the label file of one tile unless it is there, and counts it; unknown where the image has no data."""
    paths = [member.score_file(name) for member in members]
    tile = average_with_members(paths, [member.weight for member in members], scheme)
    no_data = read_whole(images[name], "optical")[1]
    tile.labels[no_data], tile.members[:, no_data] = VOID, VOID
    labels = dropping.apply(tile, name)
    if not files[name].exists():
        write_labels(files[name], labels, scheme, read_georeference(images[name]))

    against = {other.name: other.read(name) for other in references.against}
    truth = references.truth.read(name) if references.truth and name in references.truth.files else None
    counts = _TileCounts.of(scheme)
    counts.written.add(labels, against, truth, tile.confidence)
    if dropping:
        counts.average.add(tile.labels, against, truth, tile.confidence)
    for first, second in itertools.combinations(range(len(members)), 2):
        matrix = counts.teachers.setdefault((first, second), ConfusionMatrix(scheme))
        matrix.add(tile.members[first], tile.members[second])
    return counts


def _quality(
    total: _TileCounts, members: Sequence[Member], dropping: Dropping, references: References
) -> dict[str, Any]:
    """Content of `quality.json`: the set as written, and where pixels were dropped the average before that."""
    names = [member.name for member in members]
    told = references.truth.name if references.truth else ""
    kind = "agreement" if dropping.teachers_differ else "average"
    agreeing = f", where it agrees with {' and '.join(dropping.names())}" if dropping.agree_with else ""
    pixels = int(total.written.pixels.sum())
    return {
        "name": f"{kind} of {', '.join(names)}{agreeing}",
        **total.written.quality(told),
        "before_dropping": total.average.quality(told) if dropping else None,
        "between_teachers": {
            f"{names[first]} and {names[second]}": agreement(matrix, pixels)
            for (first, second), matrix in total.teachers.items()
        },
    }


def _dropping(arguments: argparse.Namespace, tiles: Sequence[SarTile], folder: Path, scheme: ClassScheme) -> Dropping:
    """What the command line says, checked as far as that goes without reading a label file."""
    if arguments.label_set not in LABEL_SETS:
        raise InputError(f"LABEL_SET: expected one of {', '.join(LABEL_SETS)}, found {arguments.label_set!r}")
    among_teachers = arguments.label_set == "agreement"
    if among_teachers and len(arguments.teachers) == 1 and not arguments.agree_with:
        raise InputError(
            "LABEL_SET=agreement: expected several teachers or label sets in AGREE_WITH, found one teacher alone, "
            "which always agrees with itself; add a teacher or a set, or use LABEL_SET=average"
        )
    agree_with = tuple(
        _published(arguments.dfc_root, tiles, scheme) if option == PUBLISHED else label_set(option, scheme)
        for option in arguments.agree_with
    )
    if any(labels.folder.resolve() == folder.resolve() for labels in agree_with):
        raise InputError(f"AGREE_WITH: expected label sets of another origin, found {folder}, which this stage writes")
    return Dropping(among_teachers, agree_with)


def _published(dfc_root: Path, tiles: Sequence[SarTile], scheme: ClassScheme) -> LabelSet:
    found = published_labels(tiles, scheme)
    if found is None:
        raise InputError(
            f"{dfc_root / 'train' / 'labels'}: expected published labels, found none; "
            f"leave {PUBLISHED} out of AGREE_WITH"
        )
    return found


def _references(dropping: Dropping, tiles: Sequence[SarTile], truth_root: Path, scheme: ClassScheme) -> References:
    """The published labels where there are any, the sets of `dropping`, and manual labels where there are any."""
    known = References.of_tiles(tiles, truth_root, scheme)
    further = tuple(labels for labels in known.against if labels.name not in dropping.names())
    return References((*further, *dropping.agree_with), known.truth)


if __name__ == "__main__":
    main()
