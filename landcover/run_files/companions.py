"""What belongs to an image but lies in other files: sources of a virtual raster, and sidecars that change its meaning.

A scene whose source, mask, place or no-data value has changed is another scene, though the file that names it has not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

AUXILIARY = ".aux.xml"
"""Suffix of the file in which GDAL keeps what a format can not hold, and what it has computed."""

STATISTICS = "STATISTICS_"
"""First letters of what is only computed: a GIS that has shown an image leaves it there."""

BEHIND_NAME = (".msk",)
BESIDE_NAME = (".wld", ".hdr", ".tab", ".rpb", "_rpc.txt")
"""Masks; place, header of raw data, rational polynomials. Overviews (.ovr) are copies."""

VIRTUAL, HEAD = b"<VRTDataset", 1024
"""How a virtual raster begins, behind a declaration of XML or not, and how far that is looked for, in bytes."""

OF_SOURCES = ("SourceFilename", "SourceDataset")
"""Elements of a virtual raster that name other images."""


@dataclass(frozen=True)
class Companions:
    """What counts beside the bytes of an image.

    Args:
        files: whose bytes count.
        texts: further content: of .aux.xml files without what is computed, and names of sources that are no files of
            this machine.
    """

    files: tuple[Path, ...] = ()
    texts: tuple[str, ...] = ()


def finder() -> Callable[[Path], Companions]:
    """Gives the companions of one file after the other; every folder is listed once."""
    listed = cache(_names)
    return lambda path: _companions(path, listed, frozenset())


def _companions(path: Path, listed: Callable[[Path], Mapping[str, str]], above: frozenset[Path]) -> Companions:
    names = listed(path.parent)
    ending = path.suffix.lower()
    world = (f".{ending[1]}{ending[-1]}w", f"{ending}w") if len(ending) > 2 else ()
    wanted = [path.name + suffix for suffix in BEHIND_NAME]
    wanted += [path.stem + suffix for suffix in (*world, *BESIDE_NAME)]
    files = [path.with_name(names[name.lower()]) for name in wanted if name.lower() in names]
    auxiliary = names.get(f"{path.name}{AUXILIARY}".lower())
    texts = [_meaning(path.with_name(auxiliary))] if auxiliary else []
    if path not in above and _is_virtual(path):  # one that names itself is not read by GDAL either
        for name in _sources(path):
            if not name.is_file():
                texts.append(str(name))
                continue
            inner = _companions(name, listed, above | {path})
            files += [name, *inner.files]
            texts += inner.texts
    return Companions(tuple(file for file in files if file != path), tuple(text for text in texts if text))


def _is_virtual(path: Path) -> bool:
    """Whether it is a virtual raster, whatever its name: GDAL knows them by their beginning."""
    try:
        with path.open("rb") as file:
            return VIRTUAL in file.read(HEAD)
    except OSError:
        return False


def _names(folder: Path) -> dict[str, str]:
    """Names in a folder by the same in lower case."""
    try:
        return {path.name.lower(): path.name for path in folder.iterdir()}
    except OSError:
        return {}


def _meaning(path: Path) -> str:
    """What an .aux.xml file says beyond computed statistics and histograms; empty if nothing."""
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError):
        return path.read_bytes().hex()
    for element in list(root.iter()):
        for child in list(element):
            if child.tag == "Histograms" or child.get("key", "").startswith(STATISTICS):
                element.remove(child)
    for tag in ("Metadata", "PAMRasterBand"):
        for element in list(root.iter()):
            for child in [child for child in element if child.tag == tag and not len(child)]:
                element.remove(child)
    return ElementTree.canonicalize(ElementTree.tostring(root), strip_text=True) if len(root) else ""


def _sources(path: Path) -> list[Path]:
    """The images that a virtual raster names, in its order; none if it can not be read."""
    try:
        named = [element for element in ElementTree.parse(path).iter() if element.tag in OF_SOURCES and element.text]
    except (ElementTree.ParseError, OSError):
        return []
    return [
        path.parent / str(element.text) if element.get("relativeToVRT") == "1" else Path(str(element.text))
        for element in named
    ]
