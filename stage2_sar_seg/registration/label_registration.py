"""Label maps of training tiles moved onto the SAR images, by the offset that a matcher finds for each tile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.data_sets.dfc2025 import SarTile
from landcover.images.no_data import Raster
from landcover.images.raster import read_optical, read_raster, refuse_optical
from landcover.images.same_grid import check_same_grid
from landcover.labels.label_set import LabelSet
from landcover.run_files.manifest import digest_all
from stage2_sar_seg.registration.label_transfer import transfer_labels
from stage2_sar_seg.registration.matcher import Matcher
from stage2_sar_seg.registration.offset_files import OffsetFiles, read_offsets
from stage2_sar_seg.registration.offset_plot import PLOT_NAME, draw_offsets
from stage2_sar_seg.registration.tile_offset import TileSettings, register_tile


class LabelRegistration:
    """The label filter of stage 22, see `landcover.labels.label_filter.LabelFilter`.

    Args:
        method: what it is called.
        matcher: finds what the SAR image shows in the optical one.
        tiles: training tiles with optical images.
        before: labels on the grid of the optical images.
        folder: the output; keeps the offsets, so that each tile is registered once, also after a kill.
        settings: see `TileSettings`.
        made_from: digests of what the matcher was read from.

    Raises:
        InputError: the two images of a tile do not lie on one grid.
    """

    def __init__(
        self,
        method: str,
        matcher: Matcher,
        tiles: Sequence[SarTile],
        before: LabelSet,
        folder: Path,
        settings: TileSettings,
        made_from: Mapping[str, str],
    ) -> None:
        self._method, self._matcher, self._before, self._folder = method, matcher, before, folder
        self._pairs = {tile.name: (tile.sar, tile.optical) for tile in tiles if tile.optical}
        self._files, self._settings, self._made_from = OffsetFiles(folder), settings, made_from
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda pair: check_same_grid(pair[1], pair[0], "bilinear"), self._pairs.values()))

    def settings(self) -> Mapping[str, Any]:
        """See `LabelFilter`."""
        sizes = {"patch": self._matcher.patch, "search": self._matcher.search}
        return {"matcher": {**sizes, **self._matcher.settings()}, "tile": asdict(self._settings)}

    def inputs(self) -> Mapping[str, str]:
        """See `LabelFilter`."""
        sar, optical = zip(*(self._pairs[tile] for tile in sorted(self._pairs)), strict=True)
        return {"SAR images": digest_all(sar), "optical images": digest_all(optical), **self._made_from}

    def apply(self, tile: str, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See `LabelFilter`; keeps the offset of the tile."""
        known = self._files.read(tile)
        if known is not None:
            return transfer_labels(labels, known["transform"])
        sar, optical = self._pairs[tile]
        found = register_tile(self._matcher, _read_sar(sar), read_optical(optical), tile, self._settings)
        moved = transfer_labels(labels, found.transform)
        counts = {"pixels": labels.size, "changed_pixels": int(np.count_nonzero(moved != labels))}
        self._files.write(tile, {**asdict(found), **counts})
        return moved

    def finish(self) -> list[Path]:
        """Writes the offsets of all tiles and their drawing; gives the paths."""
        for tile in self._pairs:
            if self._files.read(tile) is None:  # its label file was there, the offset has been lost
                self.apply(tile, self._before.read(tile))
        made = {"method": self._method, "settings": self.settings(), "made_from": self.inputs()}
        offsets = self._files.collect(self._pairs, made)
        draw_offsets(self._folder / PLOT_NAME, read_offsets(offsets), self._matcher.search)
        return [offsets, self._folder / PLOT_NAME]


def _read_sar(path: Path) -> Raster:
    """All bands of a SAR image."""
    raster = read_raster(path, measured=True)
    if raster.pixels.ndim == 3:
        refuse_optical(path, raster.pixels.shape[2], raster.pixels.dtype)
    return raster
