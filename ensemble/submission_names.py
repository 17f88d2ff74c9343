"""Names in a submission: every test tile once as `<tile>.png`, and nothing else; what programs put in is told apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from shlex import quote

from landcover.errors import InputError, shorten

OF_MACOS = ("__MACOSX/*", "*.DS_Store", "._*", "*/._*")
"""Patterns of what the Finder of macOS adds to a zip."""


def check_names(found: Sequence[str], expected: Sequence[str], shown: Path) -> None:
    """Checks the names in a zip.

    Args:
        found: names of all entries.
        expected: `<tile>.png` of every test tile.
        shown: the zip, for the message.

    Raises:
        InputError: the first name that is wrong, or those that are missing.
    """
    if not found:
        raise InputError(f"{shown}: expected {len(expected)} label PNGs, found an empty zip; make it again")
    for name in sorted(found, key=lambda name: not _of_macos(name)):
        wrong = _wrong(name, found, expected, shown)
        if wrong:
            raise InputError(f"{shown}: {name}: {wrong}")
    missing = sorted(set(expected) - set(found))
    if missing:
        raise InputError(
            f"{shown}: expected {len(expected)} label PNGs, {len(missing)} missing: {shorten(missing)}; "
            "predict these tiles and make the zip again"
        )


def _wrong(name: str, found: Sequence[str], expected: Sequence[str], shown: Path) -> str | None:
    """What is wrong with one entry, and what to do; None if nothing is."""
    delete = f"zip -d {quote(str(shown))}"
    if _of_macos(name):
        patterns = " ".join(map(quote, OF_MACOS))
        return f"expected label PNGs alone, found what macOS adds to a zip; remove it with {delete} {patterns}"
    if name.endswith("/") and not any(other.startswith(name) and other != name for other in found):
        return f"expected a flat zip, found an empty folder; remove it with {delete} {quote(name)}"
    if "\\" in name:
        return (
            "expected a flat zip, found a folder, written with the backslash of Windows; make the zip again of the "
            "files in it, not of the folder"
        )
    if "/" in name:
        return (
            "expected a flat zip, found a folder; unpack it and zip the files, not their folder: "
            f"zip -j flat.zip {_files_in_folder(name, found)}"
        )
    if name in expected:
        count = found.count(name)
        return f"expected every tile once, found it {count} times; make the zip again" if count > 1 else None
    alike = [tile for tile in expected if tile.casefold() == name.casefold()]
    if alike:
        return f"expected {alike[0]}, spelt as the test tile and with a lower-case suffix; rename the file"
    if name.lower().endswith(".zip"):
        return "expected label PNGs, found a zip inside of the zip; unpack it, and give the inner one"
    if not name.endswith(".png"):
        return "expected only <tile>.png with a lower-case suffix; write label maps as PNG, remove other files"
    return "expected only tiles of the test set, found another; remove the file"


def _files_in_folder(name: str, found: Sequence[str]) -> str:
    """Words of the shell for the files in the folder of an entry, where programs unpack them."""
    files = [other for other in found if other.startswith(name) and not other.endswith("/")]
    parts = PurePosixPath(files[0] if files else name).parent.parts
    inside = [part for part in parts if part not in ("/", "..")]  # left out on unpacking
    return "/".join([*map(quote, inside), "*.png"])


def _of_macos(name: str) -> bool:
    last = PurePosixPath(name).name
    return name.startswith("__MACOSX/") or last == ".DS_Store" or last.startswith("._")
