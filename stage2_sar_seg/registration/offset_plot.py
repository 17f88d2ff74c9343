"""A drawing of the offsets of all tiles."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from landcover.run_files.atomic import atomic_path
from stage2_sar_seg.registration.offset_files import Offsets, Record

PLOT_NAME = "offsets.png"

SIDE, RESOLUTION = 5.6, 100
"""Inches, and pixels per inch."""

LEAST_REACH = 4.0
"""Pixels that the axes show in every direction at least: small offsets shall look small."""


def draw_offsets(path: Path, offsets: Offsets, search: int) -> None:
    """Writes a PNG: a dot for every tile that was registered, a cross where one that was not seemed to be.

    Rows count downwards, as in images, and the colour of a dot tells its confidence. Equal offsets give equal bytes.

    Args:
        path: file to write.
        offsets: of all tiles.
        search: largest offset that was looked for, pixels; drawn as a square where it comes into sight.
    """
    with matplotlib.rc_context({"font.size": 9.0}):
        figure = Figure(figsize=(SIDE, SIDE), dpi=RESOLUTION, layout="constrained")
        axes = figure.subplots()
        figure.colorbar(_draw_places(axes, offsets), ax=axes, label="confidence", shrink=0.8)
        _draw_frame(axes, offsets, search)
        with atomic_path(path) as temporary:
            FigureCanvasAgg(figure).print_png(str(temporary), metadata={"Software": None})


def _draw_places(axes: Axes, offsets: Offsets) -> PathCollection:
    """Crosses and dots; gives the dots, whose colours have a scale."""
    tiles = offsets["tiles"].values()
    moved = [record for record in tiles if record["status"] == "registered"]
    left = [record for record in tiles if record["status"] != "registered"]
    rows, columns = _places(left)
    axes.scatter(columns, rows, marker="x", color="tab:red", linewidth=1.0, label=f"left at 0: {len(left)}")
    rows, columns = _places(moved)
    confidence = [record["confidence"] for record in moved]
    return axes.scatter(columns, rows, c=confidence, vmin=0, vmax=1, label=f"registered: {len(moved)}")


def _draw_frame(axes: Axes, offsets: Offsets, search: int) -> None:
    rows, columns = _places(offsets["tiles"].values())
    reach = 1.1 * max(LEAST_REACH, np.abs([*rows, *columns]).max(initial=0))
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    square = Rectangle((-search, -search), 2 * search, 2 * search, fill=False, edgecolor="0.6", linestyle="--")
    axes.add_patch(square)
    axes.set(
        xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal", xlabel="columns, pixels", ylabel="rows, pixels"
    )
    axes.set_title(f"Optical minus SAR position, {len(offsets['tiles'])} tiles\n{offsets['method']}")
    axes.legend(loc="upper right")


def _places(records: Iterable[Record]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns of what was measured, applied or not."""
    found = [record["found"] for record in records if record["found"] is not None]
    places = np.array(found, np.float64).reshape(-1, 2)
    return places[:, 0], places[:, 1]
