from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from landcover.classes.scheme_file import find_scheme
from landcover.data_sets.scene_layout import find_layout, scenes
from landcover.errors import InputError
from landcover.images.label_file import read_labels
from landcover.images.raster import read_optical, write_raster

NAMES = ("NH49E001013", "NH49E011024", "NI49E022015")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Small scenes in the official layout."""
    rng = np.random.default_rng(0)
    for name in NAMES:
        write_raster(tmp_path / "image" / f"{name}.tif", rng.integers(1, 256, (24, 36, 4), np.uint8))
        write_raster(tmp_path / "sar" / f"{name}.tif", rng.integers(1, 256, (24, 36), np.uint8))
        write_raster(tmp_path / "lbl" / f"{name}.tif", 10 * rng.integers(0, 8, (24, 36)).astype(np.uint8))
    return tmp_path


def test_scenes_are_read_in_the_official_layout(root: Path) -> None:
    found = scenes(root, find_layout("whu_opt_sar"))
    assert [scene.name for scene in found] == list(NAMES)
    first = found[0]
    assert first.optical and first.labels
    assert read_optical(first.optical).pixels.shape == (24, 36, 3)  # without the near infrared
    labels = read_labels(first.labels, find_scheme("whu_opt_sar"))
    assert set(np.unique(labels)) == set(range(8))


def test_the_folder_of_optical_images_has_two_names(root: Path) -> None:
    (root / "image").rename(root / "Optical")
    assert scenes(root, find_layout("whu_opt_sar"))[0].optical == root / "Optical" / f"{NAMES[0]}.tif"


def test_the_layout_of_whu_opt_sar_lists_the_published_test_scenes_and_the_doubtful_ones() -> None:
    layout = find_layout("whu_opt_sar")
    assert len(set(layout.published_test)) == 20 and len(set(layout.doubtful)) == 13
    assert set(layout.published_test) & set(layout.doubtful) == {"NH49E011024"}


def test_a_layout_of_ones_own_names_the_folders(root: Path, tmp_path: Path) -> None:
    (root / "lbl").rename(root / "masks")
    path = tmp_path / "mine.toml"
    path.write_text('optical = ["image"]\nsar = ["sar"]\nlabels = ["masks"]\n')
    assert scenes(root, find_layout(str(path)))[2].labels == root / "masks" / f"{NAMES[2]}.tif"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('optical = ["a"]\nsar = ["b"]\n', r"expected folders labels, such as labels = \[\"labels\"\], found none"),
        ('optical = "a"\n', r"optical: expected a list such as \[\"image\"\], found 'a'"),
        ('optics = ["a"]\n', "unknown key 'optics'; known keys are optical, sar, labels, doubtful, published_test"),
        ("optical = [", r"not a usable layout \("),
    ],
)
def test_a_layout_that_can_not_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"^{path}: {message}"):
        find_layout(str(path))


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(InputError, match=r"^--layout: expected a file, or one of whu_opt_sar, found 'whu'; correct"):
        find_layout("whu")


def test_what_is_missing_is_named(root: Path) -> None:
    layout = find_layout("whu_opt_sar")
    with pytest.raises(InputError, match=rf"^--root {root}/no: expected the folder of a data set, found none"):
        scenes(root / "no", layout)
    label = root / "lbl" / f"{NAMES[1]}.tif"
    label.rename(root / "label.tif")
    with pytest.raises(InputError, match=rf"expected its label file {label}, found none; download the data set again"):
        scenes(root, layout)
    write_raster(label, np.zeros((24, 35), np.uint8))
    with pytest.raises(InputError, match=rf"^{label}: expected the 24x36 pixels of .*, found 24x35; the file belongs"):
        scenes(root, layout)
    (root / "sar").rename(root / "radar")
    with pytest.raises(InputError, match=rf"^{root}: expected a folder sar, found none; name the folder that holds it"):
        scenes(root, layout)
