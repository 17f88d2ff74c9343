from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from stage2_sar_seg.registration.offset_plot import draw_offsets


def drawn(path: Path, *found: tuple[float, float], left: tuple[tuple[float, float] | None, ...] = ()) -> NDArray[Any]:
    """Pixels of the drawing of registered tiles and of those left at 0."""
    tiles = {
        f"m{n}": {"found": list(place), "status": "registered", "confidence": 0.5} for n, place in enumerate(found)
    }
    for n, place in enumerate(left):
        tiles[f"l{n}"] = {"found": place and list(place), "status": "unsure", "confidence": 0.1}
    draw_offsets(path, {"method": "registration by phase", "tiles": tiles}, 6)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def dot(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Row and column of the dot of a drawing, below the legend, left of the bar of colours."""
    green = np.abs(pixels - (33, 145, 140)).max(axis=2) < 12
    green[:130], green[:, 470:] = False, False
    return np.argwhere(green).mean(axis=0)


def test_a_dot_lies_below_and_to_the_right_for_positive_rows_and_columns(tmp_path: Path) -> None:
    places = {"at 0": (0.0, 0.0), "moved": (3.0, 1.0)}
    middle, moved = (dot(drawn(tmp_path / f"{name}.png", place)) for name, place in places.items())
    assert (moved - middle).tolist() == pytest.approx([139.5, 46.5], abs=1.5)


def test_tiles_left_at_zero_are_red_crosses_if_anything_was_measured(tmp_path: Path) -> None:
    def red(pixels: NDArray[Any]) -> int:
        return int(((pixels[..., 0] > 180) & (pixels[..., 1] < 90)).sum())

    none = red(drawn(tmp_path / "a.png", (1.0, 1.0)))  # of the legend
    assert red(drawn(tmp_path / "b.png", (1.0, 1.0), left=((-2.0, 0.5),))) > none
    assert red(drawn(tmp_path / "c.png", (1.0, 1.0), left=(None,))) == none


def test_equal_offsets_give_equal_bytes_and_no_tile_is_no_error(tmp_path: Path) -> None:
    for name in "ab":
        drawn(tmp_path / name, (3.0, 1.5), (40.0, 0.0), left=(None, (9.0, 9.0)))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert drawn(tmp_path / "c", left=(None,)).shape == (560, 560, 3)
