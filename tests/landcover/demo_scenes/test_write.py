import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landcover.classes import OPEN_EARTH_MAP
from landcover.demo_scenes import DemoSizes, write_demo
from landcover.errors import InputError
from landcover.images.grid import read_georeference
from landcover.images.label_file import read_labels
from landcover.images.no_data import Raster
from landcover.images.raster import read_optical, read_sar

SIZES = DemoSizes(source_train=4, source_val=2, target_train=3, target_val=2, target_test=2, tile=96)


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "data"
    assert write_demo(out, seed=3, sizes=SIZES, quiet=True)
    return out


def test_the_layout_is_the_published_one(demo):
    assert (demo / "OpenEarthMap/train.txt").read_text().split() == [
        "northvale_1.tif", "lake_county_1.tif", "eastport_1.tif", "campo_seco_1.tif",
    ]  # fmt: skip
    assert (demo / "OpenEarthMap/val.txt").read_text().split() == ["northvale_901.tif", "lake_county_901.tif"]
    areas = [f"TrainArea_{number:03d}.tif" for number in (1, 2, 3)]
    pairs, truth = demo / "DFC2025Track1", demo / "truth"
    for folder in (
        pairs / "train/rgb_images",
        pairs / "train/sar_images",
        pairs / "train/labels",
        truth / "train/labels",
        truth / "train/random_labels",
        truth / "train/sar_grid_labels",
    ):
        assert sorted(p.name for p in folder.iterdir()) == areas
    assert sorted(p.name for p in (pairs / "val").rglob("*.tif")) == ["ValArea_001.tif", "ValArea_002.tif"]
    assert sorted(p.name for p in (pairs / "test").rglob("*.tif")) == ["TestArea_001.tif", "TestArea_002.tif"]
    assert not (pairs / "val/labels").exists() and not (pairs / "test/labels").exists()
    assert not list(demo.rglob(".*"))


def test_every_file_reads_as_what_it_is_and_only_images_are_georeferenced(demo):
    for path in demo.rglob("*.tif"):
        folder = path.parent.name
        if folder in ("labels", "random_labels", "sar_grid_labels"):
            assert read_labels(path, OPEN_EARTH_MAP).shape[0] in (96, 90)
            assert not read_georeference(path)
        else:
            shape = read_sar(path).pixels.shape if folder == "sar_images" else read_optical(path).pixels.shape[:2]
            assert shape == ((90, 102) if path.name == "campo_seco_1.tif" else (96, 96))
            assert read_georeference(path)


def test_a_pair_has_one_georeferencing_and_tiles_differ(demo):
    train = demo / "DFC2025Track1/train"
    grids = [read_georeference(train / "rgb_images" / f"TrainArea_00{i}.tif") for i in (1, 2, 3)]
    assert grids == [read_georeference(train / "sar_images" / f"TrainArea_00{i}.tif") for i in (1, 2, 3)]
    assert len({grid.tags for grid in grids}) == 3


def test_published_labels_are_wrong_in_places_and_truth_is_void_where_sar_has_no_data(demo):
    truth = read_labels(demo / "truth/train/labels/TrainArea_001.tif", OPEN_EARTH_MAP)
    published = read_labels(demo / "DFC2025Track1/train/labels/TrainArea_001.tif", OPEN_EARTH_MAP)
    assert 0.3 < (truth == published).mean() < 0.95  # its classifier knows four tiles
    assert truth.min() >= 1 and published.min() >= 1
    sar = read_sar(demo / "DFC2025Track1/val/sar_images/ValArea_002.tif").pixels
    void = read_labels(demo / "truth/val/labels/ValArea_002.tif", OPEN_EARTH_MAP) == 0
    assert void.any()
    assert not sar[void].any()
    # next to the wedge single dark pixels may join it
    assert (Raster(sar).no_data(min_area=100) != void).mean() < 0.005


def test_shifts_of_the_pairs_are_told(demo):
    shifts = json.loads((demo / "truth/train/shifts.json").read_text())
    assert list(shifts) == ["TrainArea_001", "TrainArea_002", "TrainArea_003"]
    assert all(1 <= np.hypot(*shift) <= 3 for shift in shifts.values())


def test_truth_on_the_sar_grid_is_the_other_one_moved_by_the_shift_and_void_without_sar_data(demo):
    train = demo / "truth/train"
    for name, (down, right) in json.loads((train / "shifts.json").read_text()).items():
        truth = read_labels(train / "labels" / f"{name}.tif", OPEN_EARTH_MAP)
        moved = read_labels(train / "sar_grid_labels" / f"{name}.tif", OPEN_EARTH_MAP)
        rows, columns = (np.rint(np.arange(3, 93) - distance).astype(int) for distance in (down, right))
        void = moved[3:93, 3:93] == 0
        np.testing.assert_array_equal(moved[3:93, 3:93][~void], truth[np.ix_(rows, columns)][~void])
        sar = read_sar(demo / "DFC2025Track1/train/sar_images" / f"{name}.tif").pixels
        assert (name == "TrainArea_002") == bool((moved == 0).any()) and not sar[moved == 0].any()


def test_the_number_of_tiles_does_not_change_the_others_and_bytes_repeat(demo, tmp_path):
    write_demo(tmp_path / "fewer", 3, replace(SIZES, source_train=2, target_train=2, target_val=1), quiet=True)
    fewer, all_files = files(tmp_path / "fewer"), files(demo)
    # published labels come from one classifier, which knows all source tiles
    tiles = [name for name in fewer if name.endswith(".tif") and "DFC2025Track1/train/labels" not in name]
    assert len(tiles) == 2 * 4 + 2 * 5 + 2 + 4
    assert all(fewer[name] == all_files[name] for name in tiles)


def test_another_seed_gives_other_tiles(demo, tmp_path):
    write_demo(tmp_path / "other", 4, SIZES, quiet=True)
    other, first = files(tmp_path / "other"), files(demo)
    assert other.keys() == first.keys()
    assert not any(other[name] == first[name] for name in first if name.endswith(".tif"))


def test_a_second_call_does_nothing_and_other_settings_are_refused(demo):
    before = (demo / "demo.json").stat().st_mtime_ns
    assert not write_demo(demo, 3, SIZES, quiet=True)
    assert (demo / "demo.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="choose another folder"):
        write_demo(demo, 4, SIZES, quiet=True)


def test_an_interrupted_call_is_repeated_and_a_foreign_folder_refused(tmp_path):
    sizes = DemoSizes(1, 1, 1, 1, 1, tile=64)
    write_demo(tmp_path / "whole", 0, sizes, quiet=True)
    whole = files(tmp_path / "whole")
    broken = tmp_path / "whole"
    (broken / "demo.json").rename(broken / ".demo-started.json")
    (broken / "truth/val/labels/ValArea_001.tif").unlink()
    with pytest.raises(InputError, match="choose another folder"):
        write_demo(broken, 1, sizes, quiet=True)
    assert write_demo(broken, 0, sizes, quiet=True)
    assert files(broken) == whole
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/photo.jpg").write_text("")
    with pytest.raises(InputError, match="something else; choose another"):
        write_demo(tmp_path / "foreign", 0, sizes, quiet=True)


@pytest.mark.parametrize(("field", "value", "least"), [("tile", 63, 64), ("target_val", 0, 1)])
def test_sizes_without_data_are_refused(field, value, least):
    with pytest.raises(InputError, match=f"{field}: expected at least {least}, found {value}"):
        replace(SIZES, **{field: value})


def test_the_command_says_that_the_data_are_there(demo):
    options = "--seed 3 --tile 96 --source-train 4 --source-val 2 --target-train 3 --target-val 2 --target-test 2"
    command = [sys.executable, "-m", "landcover.demo_scenes", "--out", str(demo)]
    again = subprocess.run([*command, *options.split()], capture_output=True, text=True, check=True)
    assert again.stdout == f"{demo}: demo data already there, 13 tiles\n"
    other = subprocess.run(command, capture_output=True, text=True)
    assert other.returncode == 2
    assert other.stderr.startswith("error: ") and other.stderr.count("\n") == 1
