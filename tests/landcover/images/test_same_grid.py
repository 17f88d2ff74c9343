from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine, from_origin

from landcover.errors import InputError
from landcover.images.same_grid import check_same_grid

PLACE = from_origin(300_000, 3_900_000, 0.5, 0.5)
ROWS, COLUMNS = np.mgrid[:64, :96]
LABELS = (ROWS // 16 + COLUMNS // 16 + 1).astype(np.uint8)


def written(
    path: Path, pixels: NDArray[np.uint8] = LABELS, transform: Affine = PLACE, crs: str | None = "EPSG:32654"
) -> Path:
    path.parent.mkdir(exist_ok=True)
    height, width = pixels.shape
    with rasterio.open(path, "w", "GTiff", width, height, 1, crs, transform, pixels.dtype) as file:
        file.write(pixels, 1)
    return path


def refused(path: Path, like: Path) -> str:
    with pytest.raises(InputError) as caught:
        check_same_grid(path, like)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def followed(command: str, folder: Path) -> None:
    """Runs what a message says, with the programs beside this Python."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def commands(message: str) -> tuple[str, str]:
    """What a message of two cures says: to resample, and to correct tags."""
    resample, correct = message.split(": ")[2].partition("; or, ")[0], message.rpartition(": ")[2]
    return resample, correct


IMAGES = {
    "north-up": PLACE,
    "south-up": Affine(0.5, 0, 300_000, 0, 0.5, 3_899_968),
    "rotated": PLACE @ Affine.rotation(20),
}


@pytest.mark.parametrize("crs", ["EPSG:32654", None])
@pytest.mark.parametrize("transform", IMAGES.values(), ids=IMAGES)
def test_resampled_as_told_labels_lie_on_the_grid_with_their_values_in_place(
    tmp_path: Path, transform: Affine, crs: str | None
) -> None:
    image = written(tmp_path / "sar images" / "a.tif", transform=transform, crs=crs)
    flipped = transform @ Affine(1, 0, 0, 0, -1, 64)
    labels = written(tmp_path / "it's labels" / "a.tif", LABELS[::-1].copy(), flipped, crs)
    message = refused(labels, image)
    before, after = ("south-up (rows mirrored)", "north-up")[:: 1 if transform.e > 0 else -1]
    assert message.startswith(f"{labels}: expected the orientation {before} of {image}, found {after}; ")
    resample, _ = commands(message)
    assert shlex.split(resample) == ["rio", "warp", str(labels), "NEW.tif", "--like", str(image)]
    followed(resample, tmp_path)
    (tmp_path / "NEW.tif").replace(labels)
    check_same_grid(labels, image)
    with rasterio.open(labels) as file:
        np.testing.assert_array_equal(file.read(1), LABELS)


def test_resampled_as_told_pixels_of_twice_the_size_cover_four(tmp_path: Path) -> None:
    image = written(tmp_path / "images" / "a.tif")
    labels = written(tmp_path / "labels" / "a.tif", LABELS[::2, ::2].copy(), from_origin(300_000, 3_900_000, 1, 1))
    message = refused(labels, image)
    assert message == (
        f"{labels}: expected the 64x96 pixels of {image}, found 32x48; put in its place what this makes of it: "
        f"rio warp {labels} NEW.tif --like {image}"
    )
    followed(message.rpartition(": ")[2], tmp_path)
    with rasterio.open(tmp_path / "NEW.tif") as file:
        np.testing.assert_array_equal(file.read(1), LABELS)


def test_resampled_as_told_an_optical_image_is_interpolated(tmp_path: Path) -> None:
    sar, optical = written(tmp_path / "sar.tif"), tmp_path / "rgb.tif"
    written(optical, transform=from_origin(300_000.25, 3_900_000, 0.5, 0.5))
    with pytest.raises(InputError, match=rf"rio warp {optical} NEW.tif --like {sar} --resampling bilinear; or, "):
        check_same_grid(optical, sar, "bilinear")
    with pytest.raises(InputError) as caught:
        check_same_grid(optical, sar, "bilinear")
    followed(commands(str(caught.value))[0], tmp_path)
    check_same_grid(tmp_path / "NEW.tif", sar)
    with rasterio.open(tmp_path / "NEW.tif") as file:
        assert file.read(1)[0, 14:18].tolist() == [1, 1, 2, 2] and file.count == 1


@pytest.mark.parametrize(
    ("transform", "crs", "name"),
    [
        (PLACE, "EPSG:32653", "coordinate system"),
        (from_origin(400_000, 3_900_000, 0.5, 0.5), "EPSG:32654", "upper left corner"),
        (IMAGES["south-up"], "EPSG:32654", "orientation"),
        (from_origin(400_000, 3_900_000, 0.5, 0.5), None, "upper left corner"),
    ],
)
def test_tags_corrected_as_told_are_those_of_the_image(
    tmp_path: Path, transform: Affine, crs: str | None, name: str
) -> None:
    image = written(tmp_path / "images" / "a.tif")
    labels = written(tmp_path / "labels" / "a.tif", LABELS, transform, crs)
    message = refused(labels, image)
    assert f"expected the {name} " in message and "; or, if its pixels do fit and its tags are wrong: rio" in message
    # resampling a file of another place would give nothing but 0
    assert ("the file belongs to another image; or" in message) == (name != "orientation")
    followed(message.rpartition(": ")[2], tmp_path)
    check_same_grid(labels, image)
    with rasterio.open(labels) as file:
        np.testing.assert_array_equal(file.read(1), LABELS)
        assert file.nodata is None and file.crs == (crs and "EPSG:32654")


def test_a_file_without_a_place_must_have_the_size_alone(tmp_path: Path) -> None:
    image = written(tmp_path / "images" / "a.tif")
    labels = written(tmp_path / "labels" / "a.tif", LABELS, Affine.identity(), None)
    check_same_grid(labels, image)
    written(labels, LABELS[1:].copy(), Affine.identity(), None)
    assert refused(labels, image) == (
        f"{labels}: expected the 64x96 pixels of {image}, found 63x96; the file belongs to another image"
    )
    with pytest.raises(InputError, match=r"found 63x96; run it again$"):
        check_same_grid(labels, image, otherwise="run it again")
