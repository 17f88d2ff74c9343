"""The place of a north-up tile in a UTM zone."""

from __future__ import annotations

from rasterio.crs import CRS
from rasterio.transform import from_origin

from landcover.images.grid import Georeference, Grid


def utm_georeference(epsg: int, easting: float, northing: float, pixel_size: float) -> Georeference:
    """Place of an image whose upper left corner lies at (easting, northing).

    Args:
        epsg: code of the projected coordinate system, e.g. 32654 for UTM zone 54 north.
        easting: metres.
        northing: metres.
        pixel_size: metres.
    """
    transform = from_origin(easting, northing, pixel_size, pixel_size)
    return Grid(1, 1, CRS.from_epsg(epsg), transform).georeference
