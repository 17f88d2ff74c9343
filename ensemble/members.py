"""Members of an ensemble: folders of score files that must fit together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ensemble.weights import Weights
from landcover.classes import SCHEMES, ClassScheme
from landcover.errors import InputError, shorten
from landcover.score_files.score_file import ScoreHeader, read_header


@dataclass(frozen=True)
class Member:
    """One model of an ensemble.

    Args:
        name: name of the model.
        folder: folder of its score files, `<tile>.tif`.
        weight: its share in the average relative to the other members, finite and > 0.
        class_weights: by class name, its share in the average of that class, in place of `weight`.
    """

    name: str
    folder: Path
    weight: float = 1.0
    class_weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for weight in (self.weight, *self.class_weights.values()):
            if not (math.isfinite(weight) and weight > 0):
                raise InputError(
                    f"member {self.name}: expected a weight > 0, found {weight}; "
                    "leave the member out to ignore its scores"
                )

    def score_file(self, tile: str) -> Path:
        """Path of the score file of one tile."""
        return self.folder / f"{tile}.tif"

    def tiles(self) -> list[str]:
        """Names of the tiles with a score file, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.tif") if not path.name.startswith("."))


def find_members(root: Path, names: Sequence[str] | None = None) -> list[Member]:
    """Members of weight 1, sorted by name: every subfolder of `root`, or those in `names` only.

    Raises:
        InputError: `root` or a named folder is missing, or `root` has no subfolder.
    """
    if not root.is_dir():
        raise InputError(
            f"{root}: expected a folder with one folder of score files per model, found none; predict first"
        )
    found = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not found:
        raise InputError(f"{root}: expected one folder of score files per model, found no folder; predict first")
    absent = sorted(set(names or ()) - set(found))
    if absent:
        raise InputError(f"{root}: no member {', '.join(absent)}; found {', '.join(found)}, name some of these")
    return [Member(name, root / name) for name in (found if names is None else sorted(set(names)))]


def parse_members(scores: Path, options: Sequence[str] | None) -> list[Member]:
    """Members of the folder `scores`, all of them or those of `NAME` and `NAME=WEIGHT` options."""
    if options is None:
        return find_members(scores)
    weights: dict[str, float] = {}
    for option in options:
        name, _, weight = option.partition("=")
        if name in weights:
            raise InputError(f"--member {option}: {name} is named twice; name each member once")
        try:
            weights[name] = float(weight) if "=" in option else 1.0
        except ValueError:
            raise InputError(
                f"--member {option}: expected NAME or NAME=WEIGHT with a number, found {weight!r}"
            ) from None
    return [replace(member, weight=weights[member.name]) for member in find_members(scores, list(weights))]


def add_class_weights(members: Sequence[Member], options: Sequence[str]) -> tuple[list[Member], dict[str, float]]:
    """Members with the weights of `MEMBER/CLASS=WEIGHT` options, and the weights of `CLASS=WEIGHT` options by class.

    Raises:
        InputError: an option is neither, or names a member that is not there.
    """
    of_member: dict[str, dict[str, float]] = {member.name: dict(member.class_weights) for member in members}
    of_class: dict[str, float] = {}
    for option in options:
        name, _, weight = option.rpartition("=")
        member, _, label = name.rpartition("/")
        if member and member not in of_member:
            raise InputError(f"--class-weight {option}: no member {member}; found {', '.join(of_member)}")
        try:
            (of_member[member] if member else of_class)[label] = float(weight)
        except ValueError:
            label = ""
        if not label:
            raise InputError(f"--class-weight {option}: expected CLASS=WEIGHT or MEMBER/CLASS=WEIGHT with a number")
    return [replace(member, class_weights=of_member[member.name]) for member in members], of_class


def weights_of(members: Sequence[Member], scheme: ClassScheme) -> Weights:
    """Weights of the members in their order; per class too if a member has `class_weights`.

    Raises:
        InputError: a class that `scheme` does not have.
    """
    if not any(member.class_weights for member in members):
        return [member.weight for member in members]
    for member in members:
        _check_names(member.class_weights, scheme, f"member {member.name}")
    return [[member.class_weights.get(label, member.weight) for label in scheme.classes] for member in members]


def class_factors(class_weights: Mapping[str, float], scheme: ClassScheme) -> list[float] | None:
    """Weight of every class of `scheme` in order, 1 by default; None if all are 1."""
    _check_names(class_weights, scheme, "class weights")
    return [class_weights.get(label, 1.0) for label in scheme.classes] if class_weights else None


def check_members(members: Sequence[Member]) -> list[str]:
    """Names of the tiles, sorted, after checking that all members have the same ones, on the same grid and classes.

    Only headers are read. The encodings of two members may differ, the average converts them; within a member, all
    files are of one model and encoding.

    Raises:
        InputError: no member, a name twice, a tile that some members lack, files of different size, class scheme or
            class count, or a member whose files differ in model or encoding.
    """
    if not members:
        raise InputError("an ensemble needs at least one member, found none")
    names = [member.name for member in members]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"member {', '.join(twice)} is named twice; name each member once, with a weight to count more"
        )
    tiles = _common_tiles(members)
    first: list[ScoreHeader] = []
    for tile in tiles:
        headers = check_headers([member.score_file(tile) for member in members])
        first = first or headers
        for member, header, expected in zip(members, headers, first, strict=True):
            if _origin(header) != _origin(expected):
                raise InputError(
                    f"{member.score_file(tile)}: expected scores of {_origin(expected)} as the other files of this "
                    f"member, found {_origin(header)}; predict all tiles with one model"
                )
    return tiles


def check_headers(paths: Sequence[Path]) -> list[ScoreHeader]:
    """Headers of the score files of one tile, in order.

    Raises:
        InputError: they differ in size, class scheme or class count; the message names two files that do.
    """
    headers = [read_header(path) for path in paths]
    check_grids(paths, headers)
    return headers


def check_grids(paths: Sequence[Path], headers: Sequence[ScoreHeader]) -> None:
    """Raises `InputError` unless the score files at `paths` have the same size, class scheme and class count."""
    expected = _grid(headers[0])
    for path, header in zip(paths, headers, strict=True):
        if _grid(header) != expected:
            raise InputError(
                f"{path}: expected {expected} as in {paths[0]}, found {_grid(header)}; "
                "predict both with the same data and class scheme"
            )
        if header.class_scheme != headers[0].class_scheme:
            raise InputError(
                f"{path}: expected scores of the same classes as {paths[0]}, found another class scheme "
                f"{header.scheme}; predict both with one"
            )


def scheme_of(path: Path, header: ScoreHeader) -> ClassScheme:
    """Class scheme of the score file at `path`; `InputError` if it is unknown or has another number of classes."""
    if header.class_scheme is None:
        raise InputError(f"{path}: unknown class scheme {header.scheme!r}; known are {', '.join(sorted(SCHEMES))}")
    check_classes(path, header, header.class_scheme)
    return header.class_scheme


def check_classes(path: Path, header: ScoreHeader, scheme: ClassScheme) -> None:
    """Raises `InputError` unless the score file at `path` holds the classes of `scheme`."""
    if header.class_scheme != scheme or header.classes != scheme.num_classes:
        raise InputError(
            f"{path}: expected scores of the {scheme.num_classes} classes of scheme {scheme.name}, "
            f"found {header.classes} of scheme {header.scheme}; predict with the scheme of this run, or name theirs in "
            "CLASSES (--classes)"
        )


def _common_tiles(members: Sequence[Member]) -> list[str]:
    tiles = {member.name: member.tiles() for member in members}
    union = sorted(set().union(*tiles.values()))
    if not union:
        raise InputError(f"{members[0].folder}: expected score files <tile>.tif, found none; predict first")
    lacking = {name: sorted(set(union) - set(own)) for name, own in tiles.items()}
    gaps = [f"{name} lacks {len(absent)} ({shorten(absent)})" for name, absent in lacking.items() if absent]
    if gaps:
        raise InputError(
            f"{members[0].folder.parent}: expected the same {len(union)} tiles from every member, found that "
            f"{'; '.join(gaps)}; finish the prediction of these members or leave them out"
        )
    return union


def _grid(header: ScoreHeader) -> str:
    return f"{header.height}x{header.width} pixels, {header.classes} classes of scheme {header.scheme}"


def _origin(header: ScoreHeader) -> str:
    return f"model {header.model}, {header.encoding} codes of range {header.log_range:g}"


def _check_names(names: Mapping[str, float], scheme: ClassScheme, where: str) -> None:
    unknown = sorted(set(names) - set(scheme.classes))
    if unknown:
        raise InputError(
            f"{where}: no class {', '.join(unknown)} in scheme {scheme.name}; it has {', '.join(scheme.classes)}"
        )
