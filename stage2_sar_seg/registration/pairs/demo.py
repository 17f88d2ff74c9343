"""Pairs of the demo scenes, whose offset is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from landcover.errors import InputError
from stage2_sar_seg.registration.pairs.image_pair import ImagePair
from stage2_sar_seg.registration.pairs.open_earth_map_sar import open_earth_map_sar_pairs


def demo_pairs(root: Path) -> list[ImagePair]:
    """Training pairs of `<root>/DFC2025Track1` with their true offset from `<root>/truth`, sorted by name.

    The SAR image of a pair lies 1 to 3 pixels off; layover comes on top, since no shift undoes it.

    Args:
        root: folder that `python -m landcover.demo_scenes` has written.

    Raises:
        InputError: as `dfc2025_tiles`, or there is no truth.
    """
    path = root / "truth" / "train" / "shifts.json"
    pairs = open_earth_map_sar_pairs(root / "DFC2025Track1")
    shifts = read_shifts(path)
    unknown = [pair.name for pair in pairs if pair.name not in shifts]
    if unknown:
        raise InputError(f"{path}: expected a shift of {unknown[0]}, found none; write the demo data again")
    return [replace(pair, offset=(-shifts[pair.name][0], -shifts[pair.name][1])) for pair in pairs]


def read_shifts(path: Path) -> dict[str, tuple[float, float]]:
    """By how many rows and columns the SAR image of each demo pair is moved, by name.

    Raises:
        InputError: no such file, or not one that the demo has written.
    """
    try:
        return {name: (float(y), float(x)) for name, (y, x) in json.loads(path.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        raise InputError(
            f"{path}: expected the shifts of demo pairs, found none; pass the folder that holds DFC2025Track1 and truth"
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: expected the shifts of demo pairs, found something else ({error}); write the demo data again"
        ) from None
