"""Files and folders that a user names, told apart from addresses that only a browser or GDAL understands."""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote

from landcover.errors import InputError

ADDRESS = re.compile(r"(\w[\w+.-]+:/+|/vsi\w+[/?])")
"""How addresses begin: https://, s3://; /vsizip/, /vsicurl/ and the other virtual file systems of GDAL."""

SUBDATASET = re.compile(r"[A-Z][A-Z0-9_]+:.+")
"""An image inside another, as GDAL names it: SENTINEL1_CALIB:SIGMA0:..., NETCDF:file.nc:band."""

COPY = "python -c \"import sys; from rasterio.shutil import copy; copy(*sys.argv[1:], driver='GTiff')\""
"""Command that copies an image with all that belongs to it; its arguments are source and target."""

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


def at_home(text: str) -> str:
    """A path, also of NAME=FOLDER, with ~ replaced: the shell does not where a variable is set inside of quotes."""
    name, equals, folder = text.partition("=")
    if text == "~" or text.startswith("~/"):
        return f"{Path.home()}{text[1:]}"
    return f"{name}={at_home(folder)}" if equals else text


def local_path(text: str, name: str) -> Path:
    """The path that a text names, whether something is there or not.

    An address is refused: what lies behind it can change, be slow or fail at any time in hours of work, and its digest
    could not be told. `Path` would make one slash of two and find nothing.

    Args:
        text: as the user gave it.
        name: option or variable, for the message.

    Raises:
        InputError: an address.
    """
    if ADDRESS.match(text):
        raise InputError(
            f"{name} {text}: expected a path on this machine, found an address; download or unpack what is there, and "
            "give its path"
        )
    return Path(text)


def local_image(text: str, name: str) -> Path:
    """The path of an image, if it can be one.

    Args:
        text: as the user gave it.
        name: option, for the message.

    Raises:
        InputError: an address, an image inside another, a folder, an archive or a link to nothing.
    """
    path = local_path(text, name)
    if path.is_symlink() and not path.exists():
        raise InputError(
            f"{name} {text}: expected an image file, found a link to {path.readlink()}, which is not there; make that "
            "file available again (is its disk mounted?)"
        )
    if path.is_dir():
        inside = sorted(file for file in path.glob("measurement/*.tif*") if not file.name.startswith("."))
        cure = f"give one of its images, such as {inside[0]}" if inside else "give one image file in it"
        raise InputError(f"{name} {text}: expected an image file, found a folder; {cure}")
    if path.suffix.lower() in ARCHIVES and path.is_file():
        raise InputError(
            f"{name} {text}: expected an image file, found an archive; unpack it, and give the image in it"
        )
    if SUBDATASET.fullmatch(text) and not path.exists():
        raise InputError(
            f"{name} {text}: expected an image file, found the name of an image inside another; write it to a file, as "
            f"with {COPY} {quote(text)} image.tif, and give that"
        )
    return path
