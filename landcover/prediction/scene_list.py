"""Which scenes one command maps: those of folders, of lists and single ones, or a share of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from landcover.errors import InputError
from landcover.images.listing import image_files
from landcover.places import local_image, local_path

LIST_SUFFIX = ".txt"
"""Suffix of the files that list scenes."""


@dataclass(frozen=True)
class Share:
    """Every count-th scene, so that several commands, such as the tasks of a job array, map all of them.

    Args:
        number: which share, 1..count.
        count: number of shares.
    """

    number: int = 1
    count: int = 1

    @staticmethod
    def of(text: str) -> Share:
        """The share that a text such as `3/20` names.

        Raises:
            InputError: it names none.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        share = Share(int(found[1]), int(found[2])) if found else Share(0, 0)
        if not 1 <= share.number <= share.count:
            raise InputError(f"--share: expected NUMBER/COUNT with 1 <= NUMBER <= COUNT, found {text!r}; correct it")
        return share


def listed_scenes(words: Sequence[str], share: Share = Share()) -> dict[str, Path]:
    """Scenes by the name of their maps, which is that of their file without suffix, sorted.

    Args:
        words: each names an image, a folder of images (.tif, .tiff) or a text file that lists images, one a line.
            Images that a list names relatively are relative to its folder. Whether images are there is not looked at.
        share: which of all the scenes.

    Raises:
        InputError: no such folder or list, one without scenes, or two scenes of one name.
    """
    scenes: dict[str, Path] = {}
    for path in (path for word in words for path in _scenes_of(word)):
        other = scenes.setdefault(path.stem, path)
        if other.absolute() != path.absolute():
            raise InputError(
                f"--scenes: expected one scene per name, found {other} and {path}, whose maps would be one file; "
                "rename one, or map them by two commands"
            )
    names = sorted(scenes)[share.number - 1 :: share.count]
    return {name: scenes[name] for name in names}


def _scenes_of(word: str) -> Iterator[Path]:
    path = local_path(word, "--scenes")
    if path.is_dir():
        yield from image_files(path, "scenes", "name another folder, or a .txt file that lists scenes").values()
    elif path.suffix.lower() == LIST_SUFFIX:
        yield from _lines(path)
    else:
        yield local_image(word, "--scenes")


def _lines(path: Path) -> list[Path]:
    """The images that a text file lists."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except FileNotFoundError:
        raise InputError(f"{path}: expected a list of scenes, found no such file; check the path") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected a list of scenes in UTF-8, found other bytes; write it anew") from None
    if not any(lines):
        raise InputError(f"{path}: expected a scene in every line, found none; write their paths there")
    return [path.parent / local_path(line, f"{path}:") for line in lines if line]
