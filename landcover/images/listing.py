"""Images of a folder: the one listing that all commands use."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from landcover.errors import InputError, shorten

IMAGE_SUFFIXES = (".tif", ".tiff")
LABEL_SUFFIXES = (*IMAGE_SUFFIXES, ".png")
"""Of label files, and of optical images where these are pictures."""


def files_by_stem(folder: Path, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> dict[str, Path]:
    """Files of `folder` with one of `suffixes` (in any case), by stem, sorted by stem.

    Hidden files are left out, among them the `._name.tif` that macOS leaves in unpacked archives.

    Raises:
        InputError: no such folder, a link to a file that is not there, or two files of one stem.
    """
    files: dict[str, Path] = {}
    for path in _entries(folder):
        if path.name.startswith(".") or path.suffix.lower() not in suffixes or path.is_dir():
            continue
        if not path.exists():  # skipped, its tile would be missing without a word
            raise InputError(
                f"{path}: expected a file, found a link to {path.readlink()}, which is not there; make that file "
                "available again (is its disk mounted?) or remove the link"
            )
        if path.stem in files:
            raise InputError(
                f"{path}: expected one file per tile, found also {files[path.stem].name}; keep one of them here"
            )
        files[path.stem] = path
    return dict(sorted(files.items()))


def image_files(
    folder: Path, what: str, cure: str = "check the path", suffixes: tuple[str, ...] = IMAGE_SUFFIXES
) -> dict[str, Path]:
    """`files_by_stem` of a folder that must hold images.

    Args:
        folder: where they are.
        what: what they are, for the message.
        cure: what the user can do where there are none.
        suffixes: of their names.

    Raises:
        InputError: as `files_by_stem`, or there are none.
    """
    files = files_by_stem(folder, suffixes)
    if not files:
        kinds = " or ".join([", ".join(suffixes[:-1]), suffixes[-1]])
        raise InputError(f"{folder}: expected {what} ({kinds}), found {_kinds(folder)}; {cure}")
    return files


def letters(name: str) -> str:
    """What names have in common that differ in upper and lower case alone, or in how accents are encoded.

    macOS writes a letter and its accent as two characters where lists and other systems have one.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def spelt_otherwise(stem: str, stems: Iterable[str]) -> str | None:
    """The one of `stems` that is likely meant by `stem`: of the same letters, or with more behind them (`_label`)."""
    wanted = letters(stem)
    more = {other: letters(other).removeprefix(wanted) for other in sorted(stems, key=len)}
    same = [other for other, rest in more.items() if not rest]
    longer = [other for other, rest in more.items() if letters(other) != rest and not rest[:1].isalnum()]
    return next(iter([*same, *longer]), None)


def in_any_case(folder: Path, name: str) -> Path:
    """The entry of `folder` that is called `name`, or of the same `letters`; `folder/name` without one."""
    if not (folder / name).exists() and folder.is_dir():
        alike = [path for path in _entries(folder) if letters(path.name) == letters(name)]
        if len(alike) == 1:
            return alike[0]
    return folder / name


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        raise InputError(f"{folder}: expected a folder of images, found none; check the path") from None
    except NotADirectoryError:
        raise InputError(
            f"{folder}: expected a folder of images, found a file; name the folder that it is in"
        ) from None


def _kinds(folder: Path) -> str:
    """What a folder without images holds."""
    counts = Counter(path.suffix.lower() or "no suffix" for path in _entries(folder) if path.name[0] != ".")
    return f"files of other kinds ({shorten(sorted(counts))})" if counts else "none"
