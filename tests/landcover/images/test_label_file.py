import numpy as np
import pytest
from PIL import Image

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.images.label_file import read_labels
from landcover.images.raster import write_raster


def test_png_labels_are_read(tmp_path):
    labels = np.arange(9, dtype=np.uint8).reshape(3, 3)
    Image.fromarray(labels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png", OPEN_EARTH_MAP), labels)


def test_a_label_outside_the_scheme_and_labels_of_another_kind_are_refused(tmp_path):
    labels = np.full((4, 4), 8, np.uint8)
    labels[3, 3] = 9
    write_raster(tmp_path / "a.tif", labels)
    with pytest.raises(InputError, match=r"a\.tif: expected label values 0\.\.8 .*found 9"):
        read_labels(tmp_path / "a.tif", OPEN_EARTH_MAP)
    write_raster(tmp_path / "b.tif", np.zeros((4, 4), np.uint16))
    with pytest.raises(InputError, match=r"b\.tif: expected a one-band uint8 label map, found uint16"):
        read_labels(tmp_path / "b.tif", OPEN_EARTH_MAP)
    write_raster(tmp_path / "c.tif", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(InputError, match=r"c\.tif: expected a one-band uint8 label map"):
        read_labels(tmp_path / "c.tif", OPEN_EARTH_MAP)
