import numpy as np
import pytest

from landcover.demo_scenes.geotiff import utm_georeference
from landcover.images.grid import read_georeference
from landcover.images.raster import write_raster


def test_tags_survive_writing_and_reading(tmp_path):
    georeference = utm_georeference(32631, 450_000.0, 5_400_000.0, 0.5)
    write_raster(tmp_path / "a.tif", np.zeros((4, 5), np.uint8), georeference)
    assert read_georeference(tmp_path / "a.tif") == georeference


def test_rasterio_understands_the_tags(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    write_raster(tmp_path / "a.tif", np.zeros((4, 5), np.uint8), utm_georeference(32654, 300_000.0, 3_900_000.0, 0.5))
    with rasterio.open(tmp_path / "a.tif") as image:
        assert image.crs.to_epsg() == 32654
        assert image.xy(0, 0, offset="ul") == (300_000.0, 3_900_000.0)
        assert image.xy(4, 5, offset="ul") == (300_002.5, 3_899_998.0)
