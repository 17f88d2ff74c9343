import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ensemble.members import Member
from landcover.classes import OPEN_EARTH_MAP
from landcover.manifest import FINISHED, UNFINISHED, digest
from landcover.raster import Georeference, read_georeference, read_labels, read_raster, write_raster
from landcover.score_file import ScoreHeader, read_header, write_scores
from stage1_optical_da.train_teachers import main as train
from stage1_optical_da.write_pseudo_labels import main, write_label_folder

RunMain = Callable[..., tuple[int, str]]

GEOREFERENCE = Georeference(((33550, 12, 3, (0.5, 0.5, 0.0)), (33922, 12, 6, (0.0, 0.0, 0.0, 1000.0, 2000.0, 0.0))))


def member(folder: Path, planes: dict[str, list[list[list[int]]]]) -> Member:
    """Score files of probability codes, one (C, H, W) list per tile."""
    for name, codes in planes.items():
        array = np.array(codes, np.uint8)
        header = ScoreHeader(folder.name, OPEN_EARTH_MAP.name, "probability", 10.0, *array.shape[1:], len(array))
        write_scores(folder / f"{name}.tif", array, header)
    (folder / FINISHED).write_text("{}")
    return Member(folder.name, folder)


def codes_of(first: tuple[int, int], second: tuple[int, int]) -> list[list[list[int]]]:
    """Two pixels in a row; class index `first[0]` has code `first[1]` in the first pixel, and so on."""
    planes = np.zeros((8, 1, 2), int)
    planes[first[0], 0, 0], planes[second[0], 0, 1] = first[1], second[1]
    return planes.tolist()


@pytest.fixture
def members(tmp_path: Path) -> list[Member]:
    one = member(tmp_path / "one", {"a": codes_of((2, 200), (0, 90)), "b": codes_of((7, 10), (7, 10))})
    two = member(tmp_path / "two", {"a": codes_of((5, 90), (6, 100)), "b": codes_of((0, 9), (1, 11))})
    return [one, two]


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    for name in ("a", "b"):
        write_raster(tmp_path / "rgb" / f"{name}.tif", np.zeros((1, 2, 3), np.uint8), GEOREFERENCE)
    return {name: tmp_path / "rgb" / f"{name}.tif" for name in ("a", "b")}


def test_labels_are_the_class_of_the_highest_mean_on_the_grid_of_the_image(
    members: list[Member], images: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "labels"
    assert write_label_folder(members, images, folder) is True
    assert read_raster(folder / "a.tif").pixels.tolist() == [[3, 7]]
    assert read_raster(folder / "b.tif").pixels.tolist() == [[8, 2]]
    assert read_raster(folder / "a.tif").pixels.dtype == np.uint8
    assert read_georeference(folder / "b.tif") == GEOREFERENCE
    manifest = json.loads((folder / FINISHED).read_text())
    assert [(row["name"], row["sha256"]) for row in manifest["files"]] == [
        (name, digest(folder / name)) for name in ("a.tif", "b.tif")
    ]
    assert sorted(manifest["inputs"]) == ["scores of one", "scores of two"]


def test_a_rerun_completes_the_folder_to_the_same_bytes_and_other_teachers_are_refused(
    members: list[Member], images: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "labels"
    write_label_folder(members, images, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert write_label_folder(members, images, folder) is False
    (folder / "a.tif").unlink()
    (folder / FINISHED).rename(folder / UNFINISHED)  # killed before the end
    assert write_label_folder(members, images, folder) is True
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with pytest.raises(ValueError, match=r"holds files made from something else"):
        write_label_folder(members[:1], images, folder)


def test_trained_teachers_label_every_optical_image(
    run_main: RunMain, demo_root: Path, tiny_teacher: Path, tmp_path: Path
) -> None:
    data, run_dir = demo_root / "DFC2025Track1", tmp_path / "run"
    other = tiny_teacher.with_name("other.py")
    other.write_text(tiny_teacher.read_text().replace("iterations = 3", "iterations = 2"))
    places = ["--dfc-root", data, "--run-dir", run_dir]
    assert run_main(train, tiny_teacher, other, "--oem-root", demo_root / "OpenEarthMap", *places)[0] == 0
    command = ["tiny", "other", *places, "--flips", "none", "both", "--scales", "1", "1.5"]
    folder = run_dir / "pseudo_labels"
    assert run_main(main, *command) == (0, f"wrote 4 label files in {folder}\n")

    images = sorted((data / "train" / "rgb_images").iterdir())
    assert sorted(path.name for path in folder.glob("*.tif")) == [path.name for path in images]
    for image in images:
        labels = read_labels(folder / image.name, OPEN_EARTH_MAP)
        assert labels.shape == read_raster(image).pixels.shape[:2]
        assert labels.min() >= 1 and labels.max() <= 8  # every pixel is labelled
        assert read_georeference(folder / image.name) == read_georeference(image)
        header = read_header(run_dir / "scores" / "teachers" / "other" / image.name)
        assert (header.model, header.encoding) == ("other", "probability")
    assert len(json.loads((folder / FINISHED).read_text())["files"]) == 4

    assert run_main(main, *command) == (0, f"is there: 4 label files in {folder}\n")
    code, message = run_main(main, *command[:-1], "2")
    assert (code, message.startswith("error: ")) == (2, True)
    assert "made_by.scales: [1.0, 1.5] there, [1.0, 2.0] now" in message.replace("(1.0, 2.0)", "[1.0, 2.0]")


def test_mistakes_are_told_in_one_line(run_main: RunMain, demo_root: Path, tmp_path: Path) -> None:
    data, run_dir = demo_root / "DFC2025Track1", tmp_path / "run"
    broken = run_dir / "teachers" / "broken" / "model.pth"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"not a checkpoint")
    cases = {
        f"error: {tmp_path / 'absent'}: expected the OpenEarthMap-SAR folder, found none": [
            "broken",
            "--dfc-root",
            tmp_path / "absent",
        ],
        f"error: {run_dir / 'teachers/untrained/model.pth'}: expected a trained model, found none": [
            "untrained",
            "--dfc-root",
            data,
        ],
        f"error: {broken}: expected a model file of this project, found something else": [
            "broken",
            "--dfc-root",
            data,
        ],
        "error: FLIPS: expected some of none, horizontal, vertical, both, found 'diagonal'": [
            "broken",
            "--dfc-root",
            data,
            "--flips",
            "diagonal",
        ],
    }
    for expected, words in cases.items():
        code, message = run_main(main, *words, "--run-dir", run_dir)
        assert code == 2, expected
        assert message.startswith(expected), message
