from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from sar_scenes import write_scene

from landcover.errors import InputError
from landcover.places import local_image, local_path
from landcover.profiles.defaults import all_values
from landcover.profiles.profile import Profile
from landcover.run_files.writable import check_folder

ADDRESSES = [
    "http://example.org/a.tif",
    "https://example.org/a.tif?token=1",
    "s3://bucket/a.tif",
    "gs://bucket/a.tif",
    "file:///data/a.tif",
    "/vsizip//data/a.zip/a.tif",
    "/vsicurl/http://example.org/a.tif",
    "/vsis3/bucket/a.tif",
    "/vsicurl?url=http://example.org/a.tif",
]


@pytest.mark.parametrize("text", ["a.tif", "/d/a b/ü.tif", "data:1/a.tif", "/vsi/a.tif", "a/http/b.tif", "C:/a.tif"])
def test_paths_are_paths(text: str) -> None:
    assert local_path(text, "--scene") == local_image(text, "--scene") == Path(text)


@pytest.mark.parametrize("text", ADDRESSES)
def test_addresses_are_refused_as_they_were_given(text: str) -> None:
    with pytest.raises(InputError) as told:
        local_image(text, "--scene")
    assert str(told.value) == (
        f"--scene {text}: expected a path on this machine, found an address; download or unpack what is there, and "
        "give its path"
    )


@pytest.mark.parametrize("name", ["OEM_ROOT", "DFC_ROOT", "RUN_DIR", "TRUTH_ROOT", "LABELS", "ENSEMBLE_WEIGHTS"])
def test_variables_of_a_profile_are_no_addresses(name: str) -> None:
    profile = Profile("mine.sh", {name: "s3://bucket/data"}, {})
    with pytest.raises(
        InputError, match=f"^{name} s3://bucket/data: expected a path on this machine, found an address"
    ):
        all_values(profile, Path("/repo"))


def test_outputs_are_no_addresses() -> None:
    with pytest.raises(InputError, match=r"^--out /vsigs/bucket: expected a path on this machine, found an address"):
        check_folder(Path("/vsigs/bucket"), "--out")


def test_a_folder_names_the_image_in_it(tmp_path: Path) -> None:
    product = tmp_path / "S1A.SAFE"
    image = write_scene(product / "measurement" / "vv 1.tiff", np.ones((4, 4), np.uint8))
    (image.parent / "._vv 1.tiff").touch()
    with pytest.raises(
        InputError, match="expected an image file, found a folder; give one of its images, such"
    ) as told:
        local_image(str(product), "--scene")
    assert local_image(str(told.value).rpartition("such as ")[2], "--scene") == image
    with pytest.raises(InputError, match="found a folder; give one image file in it"):
        local_image(str(tmp_path), "--scene")


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.tif").symlink_to("/nowhere/s.tif")
    with pytest.raises(
        InputError, match=r"s\.tif: expected an image file, found a link to /nowhere/s\.tif, which is not"
    ):
        local_image(str(tmp_path / "s.tif"), "--scene")


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "s.ZIP").touch()
    with pytest.raises(
        InputError, match=r"s\.ZIP: expected an image file, found an archive; unpack it, and give the i"
    ):
        local_image(str(tmp_path / "s.ZIP"), "--scene")


def test_an_image_inside_another_is_written_to_a_file_by_the_command_of_the_message(tmp_path: Path) -> None:
    image = write_scene(tmp_path / "a b.tif", np.full((4, 5), 7, np.uint8))
    with pytest.raises(InputError, match="found the name of an image inside another; write it to a file") as told:
        local_image(f"GTIFF_DIR:1:{image}", "--scene")
    command = str(told.value).partition("as with ")[2].rpartition(", and give")[0]
    words = [sys.executable, *shlex.split(command)[1:]]
    subprocess.run(words, cwd=tmp_path, check=True)
    with rasterio.open(tmp_path / "image.tif") as file:
        assert (file.read(1) == 7).all() and file.shape == (4, 5) and file.crs is not None
