"""Files of class schemes, `configs/classes/*.toml`."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

from landcover.classes.convention import Colour, Convention, FilesHold
from landcover.classes.scheme import MOST_CLASSES, ClassScheme
from landcover.errors import InputError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "configs" / "classes"
"""Schemes that are named without a path."""

DEFAULT = "openearthmap"

FREE_NUMBERS = (0, 255, *range(-1, -MOST_CLASSES - 1, -1))
"""The first one that is no class is unknown where a file does not say."""

CLASSES_INPUT = "class_scheme"
"""Name of what `manifest_input` gives."""

KEYS = ("files", "unknown", "tolerance", "classes")
CLASS_KEYS = ("name", "colour", "value", "score")


def find_scheme(named: str, label_values: str = "") -> ClassScheme:
    """The scheme that a profile names.

    Args:
        named: a path, from here or from the repository's root, or the name of a file in `configs/classes`.
        label_values: see `Convention.changed`.

    Raises:
        InputError: there is none, or it is not usable, or a word of `label_values` is none.
    """
    places = (Path(named), ROOT / named, FOLDER / f"{named}.toml")
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise InputError(f"CLASSES: expected a file, or one of {known}, found {named!r}; correct it")
    scheme = read_scheme(path)
    return replace(scheme, convention=scheme.convention.changed(label_values, scheme.num_classes))


def manifest_input(scheme: ClassScheme) -> dict[str, str]:
    """What a manifest says of the classes that something was made with, label conventions too: an entry of its inputs.

    The default scheme has none, as before there were others.
    """
    told = scheme.identity()
    return {} if told == OPEN_EARTH_MAP.identity() else {CLASSES_INPUT: hashlib.sha256(told.encode()).hexdigest()}


def read_scheme(path: Path) -> ClassScheme:
    """The class scheme of a TOML file, named as the file.

    `files` says what label files hold (`numbers`, `colours` or `one-hot`; numbers by default), `unknown` which numbers
    and colours are unknown pixels (0 and black by default; 255 where 0 is a class), `tolerance` how far each band of
    a colour in files may be off (0 by default), and a table `[[classes]]` per class its `name`, its `colour`, its
    `value` in files of numbers (1..C by default) and whether to `score` it.

    Raises:
        InputError: says what is wrong with it.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError(
            f"{path}: expected a class scheme in UTF-8, found another encoding; save it as UTF-8"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a usable class scheme ({error}); correct it") from None
    _check_keys(content, KEYS, str(path))
    tables = content.get("classes")
    if not isinstance(tables, list) or not 2 <= len(tables) <= MOST_CLASSES or not all(map(_is_table, tables)):
        found = len(tables) if isinstance(tables, list) else "none" if tables is None else "another entry of that name"
        raise InputError(f"{path}: expected 2 to {MOST_CLASSES} tables [[classes]], found {found}; correct it")
    for number, table in enumerate(tables, start=1):
        _check_keys(table, CLASS_KEYS, f"{path}, class {number}")
    names = tuple(_name(table, f"{path}, class {number}") for number, table in enumerate(tables, start=1))
    palette = tuple(
        _colour(table.get("colour"), f"{path}, class {name}") for table, name in zip(tables, names, strict=True)
    )
    values = tuple(table.get("value", number) for number, table in enumerate(tables, start=1))
    unscored = tuple(
        name for table, name in zip(tables, names, strict=True) if not _score(table, f"{path}, class {name}")
    )
    _check_unique(names, "names of classes", path)
    _check_unique(palette, "colours of classes", path)
    _check_unique(values, "values of classes", path)
    if len(unscored) == len(names):
        raise InputError(f"{path}: expected a class to score, found score = false for all; correct it")
    return ClassScheme(path.stem, names, palette, unscored, _convention(content, values, palette, path))


def _convention(
    content: Mapping[str, Any], values: tuple[int, ...], palette: tuple[Colour, ...], path: Path
) -> Convention:
    files = content.get("files", "numbers")
    if files not in get_args(FilesHold):
        raise InputError(f"{path}: files: expected {', '.join(get_args(FilesHold))}, found {files!r}; correct it")
    if not all(map(_is_number, values)):
        raise InputError(f"{path}: expected whole numbers as values of classes, found {list(values)}; correct it")
    listed = content.get("unknown", [])
    if not isinstance(listed, list):
        raise InputError(f"{path}: unknown: expected a list such as [0], found {listed!r}; correct it")
    numbers = tuple(item for item in listed if _is_number(item))
    colours = tuple(_colour(item, f"{path}, unknown") for item in listed if not _is_number(item))
    both = [item for item in (*numbers, *colours) if item in values or item in palette]
    if both:
        raise InputError(f"{path}: unknown: expected what is no class, found {both[0]}; correct it")
    colours = colours or tuple(black for black in ((0, 0, 0),) if black not in palette)
    return Convention(
        files,
        values if values != tuple(range(1, len(values) + 1)) else (),
        numbers or (next(number for number in FREE_NUMBERS if number not in values),),
        colours,
        tolerance=_tolerance(content.get("tolerance", 0), (*palette, *colours), path),
    )


def _tolerance(tolerance: object, colours: tuple[Colour, ...], path: Path) -> int:
    """Raises `InputError` unless no colour can be as near as that to two of `colours`."""
    distances = (max(abs(a - b) for a, b in zip(*pair, strict=True)) for pair in combinations(colours, 2))
    most = (min(distances) - 1) // 2
    if not isinstance(tolerance, int) or isinstance(tolerance, bool) or not 0 <= tolerance <= most:
        raise InputError(
            f"{path}: tolerance: expected a whole number from 0 to {most}, with which no colour is near to two of "
            f"these, found {tolerance!r}; correct it"
        )
    return tolerance


def _is_table(item: object) -> bool:
    return isinstance(item, dict)


def _is_number(item: object) -> bool:
    return isinstance(item, int) and not isinstance(item, bool)


def _check_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise InputError(f"{where}: unknown key {key!r}{hint}; known keys are {', '.join(known)}")


def _name(table: Mapping[str, Any], where: str) -> str:
    name = table.get("name")
    usable = isinstance(name, str) and re.fullmatch(r"[^\s=/,:](?:[^=/,:]*[^\s=/,:])?", name) and name.isprintable()
    if not usable or name == "unknown":
        raise InputError(f"{where}: expected a name without = / , : that is not unknown, found {name!r}; correct it")
    return str(name)


def _colour(text: object, where: str) -> Colour:
    if not isinstance(text, str) or not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        raise InputError(f'{where}: expected a colour such as "#0045FF", found {text!r}; correct it')
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def _score(table: Mapping[str, Any], where: str) -> bool:
    score = table.get("score", True)
    if not isinstance(score, bool):
        raise InputError(f"{where}: score: expected true or false, found {score!r}; correct it")
    return score


def _check_unique(items: tuple[object, ...], kind: str, path: Path) -> None:
    twice = [item for item in items if items.count(item) > 1]
    if twice:
        shown = "#{:02X}{:02X}{:02X}".format(*twice[0]) if isinstance(twice[0], tuple) else repr(twice[0])
        raise InputError(f"{path}: expected different {kind}, found {shown} twice; correct it")


OPEN_EARTH_MAP = read_scheme(FOLDER / f"{DEFAULT}.toml")
"""OpenEarthMap (Xia et al., WACV 2023, https://arxiv.org/abs/2210.10732), also used by OpenEarthMap-SAR."""

SCHEMES = {scheme.name: scheme for scheme in (OPEN_EARTH_MAP,)}
"""Schemes of score files and model files that carry no more than a name, by that name."""


def scheme_of_record(record: object, path: Path) -> ClassScheme:
    """The scheme that a file of ours carries: what `ClassScheme.record` gives, or, in old files, its name alone.

    Args:
        record: of the file.
        path: the file, for messages.

    Raises:
        InputError: no scheme of that name, or no such record.
    """
    if isinstance(record, str) and record in SCHEMES:
        return SCHEMES[record]
    if isinstance(record, Mapping):
        try:
            return ClassScheme.from_record(record)
        except (KeyError, TypeError, ValueError):
            pass
    raise InputError(
        f"{path}: expected the names and colours of classes, or one of {', '.join(SCHEMES)}, found {record!r}; "
        "make the file again"
    )
