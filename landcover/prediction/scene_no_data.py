"""Where a scene of any size holds no measurement: the rule of `landcover.images.no_data`, strip by strip.

Every image is read twice in strips of full width. The first time, the zero regions of a strip that reach its edges are
noted and linked with those they touch in the strip above; of all others it is known that they do not reach the border
of the scene. Then sizes are added up over linked regions. The second time, the mask is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from landcover.images.no_data import MIN_AREA, Raster, Regions
from landcover.images.raster import TILE
from landcover.images.source import RasterSource
from landcover.run_files.atomic import atomic_path

STRIP_PIXELS = 2**22
"""Pixels of a strip, about: at least `TILE` rows of the scene."""


def write_no_data_mask(
    images: Sequence[RasterSource], path: Path, min_area: int = MIN_AREA, strip_pixels: int = STRIP_PIXELS
) -> None:
    """Writes a mask of the pixels without data in any of the images: uint8 TIFF in tiles, 1 = no data, atomically.

    The same pixels as `Raster.no_data` finds in the whole images, in memory for one strip.

    Args:
        images: of one scene, on one grid.
        path: file to write.
        min_area: smallest region of zeros, in pixels.
        strip_pixels: about how many pixels are looked at together.

    Raises:
        InputError: an image is damaged.
        OSError: the mask could not be written completely, as on a full disk.
    """
    height, width = images[0].grid.height, images[0].grid.width
    step = max(1, strip_pixels // width // TILE) * TILE
    strips = [slice(top, min(top + step, height)) for top in range(0, height, step)]
    no_data = [_no_data_regions(image, strips, min_area) for image in images]
    tiles = {"tiled": True, "blockxsize": TILE, "blockysize": TILE, "compress": "deflate", "zlevel": 1}
    shape = {"height": height, "width": width, "count": 1, "dtype": "uint8"}
    windows = [Window(0, rows.start, width, rows.stop - rows.start) for rows in strips]
    written = []
    with atomic_path(path) as temporary:
        with rasterio.open(temporary, "w", driver="GTiff", sparse_ok=True, **tiles, **shape) as file:
            for number, (rows, window) in enumerate(zip(strips, windows, strict=True)):
                chosen = [regions[number] for regions in no_data]
                masks = [_mask(image, rows, some, min_area) for image, some in zip(images, chosen, strict=True)]
                mask = np.logical_or.reduce(masks)
                file.write(mask.astype(np.uint8), 1, window=window)
                written.append(np.count_nonzero(mask))
        with rasterio.open(temporary) as file:  # on a full disk, closing the file fails in silence
            if written != [np.count_nonzero(file.read(1, window=window)) for window in windows]:
                raise OSError("not all pixels were written")


def _mask(image: RasterSource, rows: slice, chosen: NDArray[np.int64], min_area: int) -> NDArray[np.bool_]:
    """No data of a strip, of whose regions the `chosen` ones are no data."""
    raster = _strip(image, rows)
    if not (len(chosen) or raster.zeros_declared):  # most strips: zeros in the dark are data
        return np.zeros(raster.pixels.shape[:2], np.bool_) if raster.missing is None else raster.missing
    regions = Regions.of(raster.empty())
    is_no_data = np.zeros(len(regions.areas), dtype=bool)
    if raster.zeros_declared:  # regions that do not reach the edges of the strip too
        is_no_data[1:] = regions.areas[1:] >= min_area
    is_no_data[chosen] = True
    mask = is_no_data[regions.numbers]
    return mask if raster.missing is None else mask | raster.missing


def _no_data_regions(image: RasterSource, strips: Sequence[slice], min_area: int) -> list[NDArray[np.int64]]:
    """Numbers of the regions of each strip that are no data, of those that reach its edges."""
    edge_regions: list[NDArray[np.int64]] = []  # of each strip
    areas, outside, links = [], [], []  # of all of them together, in order
    above: NDArray[np.int64] | None = None
    count, all_empty = 0, True
    for rows in strips:
        regions = Regions.of(_strip(image, rows).empty())
        all_empty = all_empty and bool(regions.numbers.all())
        sides = regions.numbers[:, [0, -1]]
        first, last = regions.numbers[0], regions.numbers[-1]
        edges = np.unique(np.concatenate([first, last, sides.ravel()]))
        edges = edges[edges > 0]  # region 0 is everything that is not empty
        at_border = np.full(len(regions.areas), image.zeros_declared)
        at_border[sides] = True
        at_border[first] |= rows.start == 0
        at_border[last] |= rows.stop == image.grid.height
        number = np.full(len(regions.areas), -1)
        number[edges] = count + np.arange(len(edges))
        links.append(_touching(above, number[first]))
        above = number[last]
        edge_regions.append(edges)
        areas.append(regions.areas[edges])
        outside.append(at_border[edges])
        count += len(edges)
    if all_empty:
        return edge_regions
    large = _linked_regions(np.concatenate(areas), np.concatenate(outside), np.concatenate(links), min_area)
    parts = np.split(large, np.cumsum([len(edges) for edges in edge_regions])[:-1])
    return [edges[part] for edges, part in zip(edge_regions, parts, strict=True)]


def _strip(image: RasterSource, rows: slice) -> Raster:
    return image.read((rows, slice(0, image.grid.width)))


def _touching(above: NDArray[np.int64] | None, below: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs (n, 2) of regions in two neighbouring rows that touch, also by a corner; -1 is no region."""
    if above is None:
        return np.empty((0, 2), dtype=np.int64)
    pairs = np.concatenate([np.stack(shifted, axis=1) for shifted in _shifts(above, below)])
    return np.unique(pairs[(pairs >= 0).all(axis=1)], axis=0)


def _shifts(
    above: NDArray[np.int64], below: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    yield above, below
    yield above[1:], below[:-1]
    yield above[:-1], below[1:]


def _linked_regions(
    areas: NDArray[np.int32], outside: NDArray[np.bool_], links: NDArray[np.int64], min_area: int
) -> NDArray[np.bool_]:
    """Which regions are no data, after linked ones were made one."""
    if not len(areas):
        return np.zeros(0, dtype=bool)
    graph = coo_array((np.ones(len(links), dtype=bool), (links[:, 0], links[:, 1])), shape=(len(areas),) * 2)
    _, group = connected_components(graph, directed=False)
    reaches_border = np.bincount(group, weights=outside) > 0
    return (reaches_border & (np.bincount(group, weights=areas) >= min_area))[group]
