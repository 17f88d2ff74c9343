"""What the registration of all tiles has found, in a few lines."""

from __future__ import annotations

import numpy as np

from landcover.errors import shorten
from stage2_sar_seg.registration.offset_files import Offsets


def offset_lines(offsets: Offsets) -> list[str]:
    """Lines for the terminal: how many pairs were registered, how far they were off, and which stay where they are.

    Args:
        offsets: of at least one tile.
    """
    tiles = offsets["tiles"]
    moved = [record["offset"] for record in tiles.values() if record["status"] == "registered"]
    changed, pixels = (sum(record[key] for record in tiles.values()) for key in ("changed_pixels", "pixels"))
    distance = f", median offset {np.median(np.hypot(*np.transpose(moved))):.2f} pixels" if moved else ""
    lines = [
        f"{offsets['method']}: registered {len(moved)} of {len(tiles)} pairs{distance}; {changed:,} of {pixels:,} "
        f"pixels ({changed / pixels:.1%}) have another label"
    ]
    left = {name: record["status"] for name, record in tiles.items() if record["status"] != "registered"}
    for status in sorted(set(left.values())):
        names = [name for name in left if left[name] == status]
        lines.append(f"left at offset 0, {status}: {len(names)} ({shorten(names)})")
    return lines
