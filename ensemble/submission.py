"""The contest submission: one label PNG per test tile in a flat zip, checked before it gets its name.

Rules of the IEEE GRSS Data Fusion Contest 2025, Track 1: `<stem>.png`, one band, uint8 class values, the size of the
SAR tile, every test tile once, no folder inside the zip. To check any zip:

    python -m ensemble.submission submission.zip --dfc-root DFC2025Track1
"""

from __future__ import annotations

import argparse
import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shlex import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ensemble.submission_names import check_names
from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.classes.arguments import add_class_arguments, class_scheme
from landcover.classes.counts import label_counts
from landcover.data_sets.dfc2025 import SarTile, dfc2025_tiles
from landcover.errors import InputError, command
from landcover.images.label_file import label_png
from landcover.images.raster import read_info
from landcover.processes.cores import usable_cores
from landcover.run_files.atomic import atomic_path

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

MOSTLY = 0.5
"""Share of zeros from which a submission is warned of: they are misses where there is a label."""

COLOUR_TYPES = {0: "one band", 2: "RGB", 3: "palette", 4: "one band with alpha", 6: "RGB with alpha"}
"""Colour types of the PNG specification (W3C, section 11.2.1)."""


def write_label_png(path: Path, labels: NDArray[np.uint8], scheme: ClassScheme = OPEN_EARTH_MAP) -> None:
    """Writes a (H, W) uint8 label map, values 0..C, as a one-band PNG, atomically; same labels, same bytes."""
    scheme.check(labels, path)
    with atomic_path(path) as temporary:
        temporary.write_bytes(label_png(labels, scheme))


def remove_other_pngs(folder: Path, names: Collection[str]) -> None:
    """Removes the PNG files of `folder` whose tile is not in `names`, left there by a run for other tiles."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() == ".png" and (path.stem not in names or path.suffix != ".png"):
            path.unlink()


def pack(folder: Path, tiles: Sequence[SarTile], zip_path: Path, scheme: ClassScheme = OPEN_EARTH_MAP) -> None:
    """Packs `<folder>/<tile>.png` of every tile into `zip_path`, which appears only after `check_submission` passed.

    Neither time nor owner is stored: the same label maps give the same bytes.

    Raises:
        InputError: a label PNG is missing or the submission breaks a rule; an earlier `zip_path` is left as it was.
    """
    with atomic_path(zip_path) as temporary:
        # PNGs are compressed already.
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(tile.name for tile in tiles):
                archive.writestr(_entry(f"{name}.png"), _read_png(folder / f"{name}.png"))
        _check(temporary, tiles, scheme, shown=zip_path)


def check_submission(zip_path: Path, sar_tiles: Sequence[SarTile], scheme: ClassScheme = OPEN_EARTH_MAP) -> list[str]:
    """Checks a zip, ours or any other, against the rules of the contest and the test tiles.

    Args:
        zip_path: the submission.
        sar_tiles: the test tiles; only headers of their SAR images are read.
        scheme: class scheme; the values 0..C are allowed.

    Returns:
        What is allowed but hardly meant: maps that are mostly zeros, or whose classes seem to be numbered from 0.

    Raises:
        InputError: the first rule that is broken, and the file in the zip that breaks it.
    """
    counts = _check(zip_path, sar_tiles, scheme, shown=zip_path)
    if counts[0] and not counts[-1] and counts[1:].any():
        return [
            f"{zip_path}: {counts[0] / counts.sum():.1%} of the pixels are 0 and none is {scheme.num_classes} "
            f"({scheme.classes[-1]}); were the classes numbered from 0? They are 1..{scheme.num_classes}, 0 is no data"
        ]
    return zeros_warning(counts, zip_path)


def zeros_warning(counts: NDArray[np.int64], shown: Path) -> list[str]:
    """A line if more than `MOSTLY` of the pixels are 0.

    Args:
        counts: pixels per value 0..C.
        shown: the submission.
    """
    zeros = counts[0] / max(1, counts.sum())
    told = (
        f"{shown}: {zeros:.1%} of the pixels are 0, a miss where there is a label; only pixels without data should be"
    )
    return [told] if zeros > MOSTLY else []


@command
def main() -> None:
    """Says that the zip follows the rules, or which one it breaks."""
    parser = argparse.ArgumentParser(prog="python -m ensemble.submission", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("zip", type=Path, help="the submission")
    parser.add_argument("--dfc-root", required=True, type=Path, help="DFC2025 Track 1 folder with the test tiles")
    add_class_arguments(parser)
    arguments = parser.parse_args()
    tiles = dfc2025_tiles(arguments.dfc_root, "test")
    for warning in check_submission(arguments.zip, tiles, class_scheme(arguments)):
        print(f"warning: {warning}", file=sys.stderr)
    print(f"{arguments.zip}: label PNGs of all {len(tiles)} test tiles, ready to upload")


def _check(file: Path, tiles: Sequence[SarTile], scheme: ClassScheme, shown: Path) -> NDArray[np.int64]:
    """Pixels per value of `file`, which breaks no rule; messages call it `shown`."""
    if file.is_dir():
        raise InputError(
            f"{shown}: expected a zip of label PNGs, found a folder; zip the files in it: "
            f"cd {quote(str(shown))} && zip ../flat.zip *.png"
        )
    if not file.is_file():
        raise InputError(f"{shown}: expected a zip of label PNGs, found no file; make the submission first")
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:  # what zipfile raises on damaged files
        raise InputError(f"{shown}: expected a zip, found something else ({error}); make it again") from error
    with archive:
        check_names(archive.namelist(), [f"{tile.name}.png" for tile in tiles], shown)

        def checked(tile: SarTile) -> NDArray[np.int64]:
            return _check_png(_read_member(archive, f"{tile.name}.png", shown), tile, scheme, shown)

        counts = np.zeros(scheme.num_classes + 1, np.int64)
        with ThreadPoolExecutor(usable_cores()) as pool:
            for own in pool.map(checked, sorted(tiles, key=lambda tile: tile.name)):
                counts += own
    return counts


def _check_png(content: bytes, tile: SarTile, scheme: ClassScheme, shown: Path) -> NDArray[np.int64]:
    """Pixels per value 0..C of one label PNG."""
    where = Path(f"{shown}: {tile.name}.png")
    width, height = _check_header(content, where)
    sar = read_info(tile.sar)
    if (height, width) != (sar.height, sar.width):
        raise InputError(
            f"{where}: expected {sar.height}x{sar.width} pixels as {tile.sar}, found {height}x{width}; "
            "predict this tile at its own size"
        )
    _check_chunks(content, where)
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            labels = np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on damaged files
        raise InputError(f"{where}: not readable as PNG ({error}); make the submission again") from error
    scheme.check(labels, where)
    return label_counts(labels, scheme)


def _check_header(content: bytes, where: Path) -> tuple[int, int]:
    """(width, height) of a PNG of one 8-bit band. Pillow would show 2 and 4 bits as 8: the header itself is read."""
    if not content.startswith(PNG_SIGNATURE) or len(content) < 33:
        raise InputError(f"{where}: expected a PNG, found another format; write the label map as PNG")
    width, height, bits, colours = struct.unpack(">IIBB", content[16:26])
    if (bits, colours) != (8, 0):
        found = COLOUR_TYPES.get(colours, f"colour type {colours}")
        cure = "write class values, not colours, as uint8"
        if found == "palette":  # convert("L") would make grey values of its colours
            cure += "; if its indices are the class values: Image.fromarray(np.array(Image.open(png))).save(png)"
        raise InputError(f"{where}: expected a PNG of one band of 8 bits, found {found} of {bits} bits; {cure}")
    return width, height


def _check_chunks(content: bytes, where: Path) -> None:
    """Every chunk to the last must be whole and have its checksum: Pillow reads on where libpng refuses the file."""
    start, kind = len(PNG_SIGNATURE), b""
    while kind != b"IEND":
        (length,) = struct.unpack(">I", content[start : start + 4].ljust(4, b"\xff"))
        kind, end = content[start + 4 : start + 8], start + length + 12
        if end > len(content):
            raise InputError(f"{where}: not readable as PNG (cut off); make the submission again")
        if zlib.crc32(content[start + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            raise InputError(f"{where}: not readable as PNG (wrong checksum); make the submission again")
        start = end


def _read_member(archive: zipfile.ZipFile, name: str, shown: Path) -> bytes:
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{shown}: {name}: not readable in the zip ({error}); make the zip again") from error


def _read_png(path: Path) -> bytes:
    if not path.is_file():
        raise InputError(f"{path}: expected a label PNG, found none; average this tile first")
    return path.read_bytes()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # Unix on every system, so that the bytes are the same
    entry.external_attr = 0o100644 << 16
    return entry


if __name__ == "__main__":
    main()
