"""Files of one place must lie on one grid."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Literal

from landcover.errors import InputError
from landcover.images.grid import Grid, read_grid
from landcover.images.grid_difference import both_placed, grid_difference, systems_differ

Resampling = Literal["nearest", "bilinear"]

ANOTHER_IMAGE = "the file belongs to another image"


def check_same_grid(path: Path, like: Path, resampling: Resampling = "nearest", otherwise: str = ANOTHER_IMAGE) -> None:
    """Raises `InputError` unless two files lie on one grid, see `grid_difference`; only headers are read.

    Args:
        path: the file.
        like: the file whose grid is expected.
        resampling: what suits the values of `path`: labels are not averaged.
        otherwise: what to tell of a file that shows none of the ground of `like`.
    """
    expected, found = read_grid(like), read_grid(path)
    difference = grid_difference(expected, found)
    if difference is None:
        return
    cure = _resample(path, like, resampling) if difference.share_ground else otherwise
    if both_placed(expected, found) and (expected.height, expected.width) == (found.height, found.width):
        cure += f"; or, if its pixels do fit and its tags are wrong: {_correct_tags(path, like, expected, found)}"
    raise InputError(f"{path}: expected the {difference.expected} of {like}, found {difference.found}; {cure}")


def _resample(path: Path, like: Path, resampling: Resampling) -> str:
    method = "" if resampling == "nearest" else f" --resampling {resampling}"
    return (
        f"put in its place what this makes of it: rio warp {quote(str(path))} NEW.tif --like {quote(str(like))}{method}"
    )


def _correct_tags(path: Path, like: Path, expected: Grid, found: Grid) -> str:
    system = " --crs like" if systems_differ(expected, found) else ""
    return f"rio edit-info {quote(str(path))} --like {quote(str(like))}{system} --transform like"
