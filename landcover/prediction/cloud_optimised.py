"""Cloud-optimised GeoTIFFs: tiles and overviews, laid out so that any part can be read over the network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.windows import Window

from landcover.classes import VOID, ClassScheme
from landcover.images.grid import Grid
from landcover.images.label_file import describe
from landcover.images.raster import TILE
from landcover.run_files.atomic import put_in_place, write_text

Blocks = Callable[[], Iterable[tuple[int, int, NDArray[np.uint8]]]]
"""Gives the parts of an image as (first row, first column, pixels), the same every time it is called."""


@dataclass(frozen=True)
class Layer:
    """What a one-band uint8 raster shows.

    Args:
        name: shown by a GIS as the name of the band.
        nodata: value of pixels that show nothing.
        overviews: how pixels are put together in overviews.
        scheme: its colours and class names are written with a label map.
        tags: further metadata.
    """

    name: str
    nodata: int
    overviews: Literal["mode", "average"]
    scheme: ClassScheme | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def label_layer(scheme: ClassScheme, tags: Mapping[str, str]) -> Layer:
    """A label map of `scheme`; overviews show the most frequent class."""
    return Layer("land cover", VOID, "mode", scheme, {**tags, "TIFFTAG_IMAGEDESCRIPTION": describe(scheme)})


def write_cloud_optimised(path: Path, grid: Grid, layer: Layer, blocks: Blocks, scratch: Path) -> None:
    """Writes a cloud-optimised GeoTIFF: deflate, tiles of 512, overviews; atomically, and read again to be sure.

    Class names go to `<path>.aux.xml`, from which GDAL and QGIS take them: TIFF has no place for them.

    Args:
        path: file to write; it appears complete or not at all.
        grid: size and georeferencing.
        layer: what the pixels show.
        blocks: the pixels.
        scratch: folder for files in between, made and removed again, in the file system of `path`.

    Raises:
        OSError: the file could not be written completely, as on a full disk.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    plain, finished = scratch / "assembled.tif", scratch / "finished.tif"
    try:
        _assemble(plain, grid, layer, blocks)
        rasterio.shutil.copy(
            plain, finished, driver="COG", compress="DEFLATE", overview_resampling=layer.overviews, bigtiff="IF_SAFER"
        )
        if not _holds(finished, blocks):
            raise OSError("not all pixels were written")
        if layer.scheme is not None:
            write_text(path.with_name(f"{path.name}.aux.xml"), _class_names(layer.scheme))
        put_in_place(finished, path)
    except (RasterioError, CPLE_BaseError) as error:
        raise OSError(str(error.__cause__ or error)) from error
    finally:
        shutil.rmtree(scratch)


def read_tag(path: Path, name: str) -> str | None:
    """A value of `Layer.tags`, None if the file is no raster or has no such tag."""
    try:
        with rasterio.open(path) as file:
            return file.tags().get(name)
    except RasterioError:
        return None


def _assemble(path: Path, grid: Grid, layer: Layer, blocks: Blocks) -> None:
    """One tiled TIFF of all blocks, from which GDAL can make overviews."""
    shape = {"height": grid.height, "width": grid.width, "count": 1, "dtype": "uint8", "nodata": layer.nodata}
    tiles = {"tiled": True, "blockxsize": TILE, "blockysize": TILE, "compress": "deflate", "zlevel": 1}
    with rasterio.open(path, "w", driver="GTiff", bigtiff="IF_SAFER", **shape, **tiles) as file:
        grid.place(file)
        file.set_band_description(1, layer.name)
        file.update_tags(**layer.tags)
        if layer.scheme is not None:
            colours = [(0, 0, 0), *layer.scheme.palette]
            file.write_colormap(1, {value: (*colour, 255) for value, colour in enumerate(colours)})
        for top, left, pixels in blocks():
            file.write(pixels, 1, window=_window(top, left, pixels))


def _holds(path: Path, blocks: Blocks) -> bool:
    with rasterio.open(path) as file:
        return all(
            np.array_equal(file.read(1, window=_window(top, left, pixels)), pixels) for top, left, pixels in blocks()
        )


def _window(top: int, left: int, pixels: NDArray[np.uint8]) -> Window:
    return Window(left, top, pixels.shape[1], pixels.shape[0])


def _class_names(scheme: ClassScheme) -> str:
    """GDAL's auxiliary file with the category names of band 1."""
    names = "".join(f"      <Category>{escape(name)}</Category>\n" for name in ("no data", *scheme.classes))
    return (
        '<PAMDataset>\n  <PAMRasterBand band="1">\n    <CategoryNames>\n'
        f"{names}    </CategoryNames>\n  </PAMRasterBand>\n</PAMDataset>\n"
    )
