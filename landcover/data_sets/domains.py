"""Labelled optical data sets as source or target of an adaptation, by the names that profiles have for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.isprs import POTSDAM, VAIHINGEN, isprs_tiles
from landcover.data_sets.loveda import Landscape, loveda_tiles
from landcover.data_sets.open_earth_map import LabelledTile
from landcover.errors import InputError

SOURCE, TARGET = "openearthmap", "dfc2025"
"""What source and target are where a profile names no other; they have readers of their own."""


@dataclass(frozen=True)
class Domain:
    """One data set, or the part of one, that is a domain of a published benchmark.

    Args:
        data_set: what source and target must have in common.
        schemes: names of the class schemes that read its label files, the usual one first.
        reader: labelled tiles of a folder and a split, which are its first arguments.
        splits: those that there are.
        adapted: the split whose images are adapted to, without a look at their labels, where it is the target.
        scored: the split on whose labels the target is scored.
    """

    data_set: str
    schemes: tuple[str, ...]
    reader: Callable[..., list[LabelledTile]]
    splits: tuple[str, ...]
    adapted: str
    scored: str

    def tiles(self, root: Path, splits: tuple[str, ...]) -> list[LabelledTile]:
        """Labelled tiles of some splits.

        Raises:
            InputError: there is no such split, or `root` does not hold what it needs.
        """
        unknown = [split for split in splits if split not in self.splits]
        if unknown:
            raise InputError(
                f"SOURCE_SPLITS: expected {' or '.join(self.splits)} for {self.data_set}, found {unknown[0]!r}; "
                "correct it"
            )
        return [tile for split in dict.fromkeys(splits) for tile in self.reader(root, split)]


def _loveda(landscape: Landscape) -> Domain:
    return Domain("loveda", ("loveda",), partial(loveda_tiles, landscape=landscape), ("train", "val"), "val", "val")


def _isprs(**which: Any) -> Domain:
    schemes = ("isprs_six", "isprs")
    return Domain("isprs", schemes, partial(isprs_tiles, **which), ("train", "test"), "train", "test")


DOMAINS: Mapping[str, Domain] = {
    "loveda-rural": _loveda("rural"),
    "loveda-urban": _loveda("urban"),
    "potsdam-irrg": _isprs(city=POTSDAM, bands="irrg"),
    "potsdam-rgb": _isprs(city=POTSDAM, bands="rgb"),
    "vaihingen-irrg": _isprs(city=VAIHINGEN, bands="irrg"),
}


def find_domain(name: str, usual: str, variable: str, scheme: ClassScheme) -> Domain | None:
    """The domain that a profile names; None for the usual data set, which is no domain of a benchmark.

    Args:
        name: value of the variable.
        usual: `SOURCE` or `TARGET`.
        variable: `SOURCE_DATA` or `TARGET_DATA`, for messages.
        scheme: classes of the run.

    Raises:
        InputError: there is none of that name, or the scheme would take its label files for OpenEarthMap's.
    """
    if name == usual:
        return None
    if name not in DOMAINS:
        raise InputError(f"{variable}: expected one of {', '.join((usual, *DOMAINS))}, found {name!r}; correct it")
    domain = DOMAINS[name]
    if scheme.identity() == OPEN_EARTH_MAP.identity():
        raise InputError(
            f"CLASSES: expected {' or '.join(domain.schemes)} for {variable}={name}, found {scheme.name}; "
            f"set CLASSES={domain.schemes[0]}"
        )
    return domain


def check_pair(source: str, target: str) -> None:
    """Raises `InputError` unless labels of both, by their names in profiles, tell the same classes."""
    data_sets = [DOMAINS[name].data_set if name in DOMAINS else "" for name in (source, target)]
    if data_sets[0] != data_sets[1]:
        alike = [name for name in DOMAINS if DOMAINS[name].data_set == data_sets[0] and name != source] or [TARGET]
        raise InputError(
            f"TARGET_DATA: expected {' or '.join(alike)} beside SOURCE_DATA={source}, whose classes it has, found "
            f"{target}; correct one of them"
        )
