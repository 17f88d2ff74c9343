"""Text files with the name of a tile in every line."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from landcover.errors import InputError
from landcover.images.listing import IMAGE_SUFFIXES


def listed_names(path: Path) -> list[tuple[str, str]]:
    """Place, such as `train.txt, line 3`, and name of every line that is not empty, in order.

    Raises:
        InputError: the file is not UTF-8.
    """
    lines = enumerate(_text(path).splitlines(), start=1)
    return [(f"{path}, line {number}", name) for number, line in lines if (name := line.strip())]


def tile_name(file_name: str) -> str:
    """Name of a tile that is listed with or without the suffix of its image."""
    path = Path(file_name)
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else file_name


def _text(path: Path) -> str:
    """Text of a list, without its byte order mark."""
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        encoding, found = "UTF-16", "UTF-16, as `>` of Windows PowerShell writes it"
    else:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            encoding, found = "CP1252", "bytes of another encoding"
    file = quote(str(path))
    raise InputError(
        f"{path}: expected file names in UTF-8, found {found}; save it as UTF-8 in an editor, or with "
        f"iconv -f {encoding} -t UTF-8 {file} > list && mv list {file}"
    )
