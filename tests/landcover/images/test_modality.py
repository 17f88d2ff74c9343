from pathlib import Path

import numpy as np
import pytest

from landcover.demo_scenes.geotiff import utm_georeference
from landcover.errors import InputError
from landcover.images.modality import each, main_file, names_of, part_of, parts_of, read_image, read_whole, size_of
from landcover.images.raster import write_raster


def test_an_image_of_one_modality_is_an_array_and_of_several_a_mapping(tmp_path: Path) -> None:
    optical, sar = np.full((4, 6, 3), 7, np.uint8), np.full((4, 6), 0.5, np.float32)
    files = {"optical": tmp_path / "rgb.tif", "sar": tmp_path / "sar.tif"}
    write_raster(files["optical"], optical)
    write_raster(files["sar"], sar)
    np.testing.assert_array_equal(read_image(files["sar"], "sar"), sar)
    both = read_image(files, "optical+sar")
    assert list(both) == ["optical", "sar"] == list(names_of("optical+sar"))
    np.testing.assert_array_equal(both["optical"], optical)
    assert both["sar"].dtype == np.float32
    assert size_of(both) == size_of(sar) == (4, 6)
    assert main_file(files) == main_file(files["sar"]) == files["sar"]
    assert parts_of(files) == (files["optical"], files["sar"]) and parts_of(files["sar"]) == (files["sar"],)


def test_what_is_done_to_an_image_is_done_to_each_of_its_parts() -> None:
    assert each(3, lambda value: value + 1) == 4
    assert each({"optical": 3, "sar": 5}, lambda value: value + 1) == {"optical": 4, "sar": 6}


def test_a_part_is_found_by_its_name_where_there_is_one() -> None:
    assert part_of("x", "sar", "sar") == "x" and part_of("x", "optical", "sar") is None
    assert part_of({"optical": "x", "sar": "y"}, "optical+sar", "sar") == "y"


def test_images_of_two_grids_are_no_image(tmp_path: Path) -> None:
    files = {"optical": tmp_path / "rgb.tif", "sar": tmp_path / "sar.tif"}
    write_raster(files["optical"], np.zeros((4, 6, 3), np.uint8))
    write_raster(files["sar"], np.zeros((4, 5), np.uint8))
    for read in (read_image, read_whole):
        with pytest.raises(InputError, match=r"rgb.tif: expected the 4x5 pixels of .*sar.tif, found 4x6; "):
            read(files, "optical+sar")
    write_raster(files["optical"], np.full((4, 5, 3), 7, np.uint8), utm_georeference(32653, 3e5, 39e5, 0.5))
    assert read_image(files, "optical+sar")["optical"].min() == 7  # the SAR image tells no place
    write_raster(files["sar"], np.ones((4, 5), np.uint8), utm_georeference(32654, 3e5, 39e5, 0.5))
    for read in (read_image, read_whole):
        with pytest.raises(InputError, match=r"rgb.tif: expected the coordinate system EPSG:32654 of .*sar.tif, found"):
            read(files, "optical+sar")
