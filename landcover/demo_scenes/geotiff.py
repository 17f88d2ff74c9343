"""GeoTIFF tags of a north-up tile in a UTM zone."""

from __future__ import annotations

from landcover.images.raster import Georeference

_SHORT, _DOUBLE = 3, 12  # TIFF field types


def utm_georeference(epsg: int, easting: float, northing: float, pixel_size: float) -> Georeference:
    """Tags for an image whose upper left corner lies at (easting, northing).

    OGC GeoTIFF 1.1, https://docs.ogc.org/is/19-008r4/19-008r4.html: ModelPixelScale, ModelTiepoint, GeoKeyDirectory.

    Args:
        epsg: code of the projected coordinate system, e.g. 32654 for UTM zone 54 north.
        easting: metres.
        northing: metres.
        pixel_size: metres.
    """
    keys = (
        (1, 1, 0, 3),  # version 1.0, three keys
        (1024, 0, 1, 1),  # model type: projected
        (1025, 0, 1, 1),  # raster type: pixel is area
        (3072, 0, 1, epsg),  # projected coordinate system
    )
    directory = tuple(value for key in keys for value in key)
    return Georeference(
        (
            (33550, _DOUBLE, 3, (pixel_size, pixel_size, 0.0)),
            (33922, _DOUBLE, 6, (0.0, 0.0, 0.0, easting, northing, 0.0)),
            (34735, _SHORT, len(directory), directory),
        )
    )
