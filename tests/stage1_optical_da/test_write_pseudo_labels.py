import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from two_processes import run_by_two_processes

from ensemble.members import Member
from landcover.classes import OPEN_EARTH_MAP
from landcover.images.grid import Georeference, read_georeference
from landcover.images.label_file import read_labels
from landcover.images.raster import read_raster, write_raster
from landcover.labels.label_set import LabelSet, label_set
from landcover.labels.quality import References
from landcover.processes.group import Processes
from landcover.run_files.manifest import FINISHED, UNFINISHED, digest
from landcover.score_files.score_file import ScoreHeader, read_header, read_scores, write_scores
from stage1_optical_da.dropping import Dropping
from stage1_optical_da.train_teachers import main as train
from stage1_optical_da.write_pseudo_labels import main, write_label_folder

ALONE = Processes(0, 1, torch.device("cpu"))

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
        write_raster(tmp_path / "rgb" / f"{name}.tif", np.ones((1, 2, 3), np.uint8), GEOREFERENCE)
    return {name: tmp_path / "rgb" / f"{name}.tif" for name in ("a", "b")}


def test_labels_are_the_class_of_the_highest_mean_on_the_grid_of_the_image(
    members: list[Member], images: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "labels"
    assert write_label_folder(members, images, folder, ALONE) is True
    assert read_raster(folder / "a.tif").pixels.tolist() == [[3, 7]]
    assert read_raster(folder / "b.tif").pixels.tolist() == [[8, 2]]
    assert read_raster(folder / "a.tif").pixels.dtype == np.uint8
    assert read_georeference(folder / "b.tif") == GEOREFERENCE
    manifest = json.loads((folder / FINISHED).read_text())
    assert [(row["name"], row["sha256"]) for row in manifest["files"]] == [
        (name, digest(folder / name)) for name in ("a.tif", "b.tif", "quality.json")
    ]
    assert sorted(manifest["inputs"]) == ["scores of one", "scores of two"]
    assert manifest["made_by"] == {
        "stage": "pseudo_labels",
        "average": "probabilities",
        "scheme": "openearthmap",
        "label_set": "average",
        "agree_with": [],
    }


def test_labels_are_unknown_where_the_image_has_no_data(
    members: list[Member], images: dict[str, Path], tmp_path: Path
) -> None:
    half = np.ones((1, 2, 4), np.uint8)
    half[..., 3] = 0, 255
    with rasterio.open(images["a"], "w", "GTiff", 2, 1, 4, dtype="uint8", photometric="RGB", alpha="YES") as file:
        file.write(half.transpose(2, 0, 1))
    write_raster(images["b"], np.zeros((1, 2, 3), np.uint8))
    folder = tmp_path / "labels"
    assert write_label_folder(members, images, folder, ALONE) is True
    assert read_raster(folder / "a.tif").pixels.tolist() == [[0, 7]]
    assert read_raster(folder / "b.tif").pixels.tolist() == [[0, 0]]
    with rasterio.open(folder / "a.tif") as file:
        assert file.nodata == 0


def test_a_rerun_completes_the_folder_to_the_same_bytes_and_other_teachers_are_refused(
    members: list[Member], images: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "labels"
    write_label_folder(members, images, folder, ALONE)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert write_label_folder(members, images, folder, ALONE) is False
    (folder / "a.tif").unlink()
    (folder / "quality.json").unlink()
    (folder / FINISHED).rename(folder / UNFINISHED)  # killed before the end
    kept = (folder / "b.tif").stat().st_mtime_ns
    assert write_label_folder(members, images, folder, ALONE) is True
    assert (folder / "b.tif").stat().st_mtime_ns == kept
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with pytest.raises(ValueError, match=r"holds files made from something else"):
        write_label_folder(members[:1], images, folder, ALONE)


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
    code, printed = run_main(main, *command)
    assert (code, printed.splitlines()[0]) == (0, f"wrote 4 label files in {folder}")
    assert printed.splitlines()[2] == "average of tiny, other: 4 tiles, 16,384 pixels"

    images = sorted((data / "train" / "rgb_images").iterdir())
    assert sorted(path.name for path in folder.glob("*.tif")) == [path.name for path in images]
    for image in images:
        labels = read_labels(folder / image.name, OPEN_EARTH_MAP)
        assert labels.shape == read_raster(image).pixels.shape[:2]
        assert labels.min() >= 1 and labels.max() <= 8  # every pixel is labelled
        assert read_georeference(folder / image.name) == read_georeference(image)
        header = read_header(run_dir / "scores" / "teachers" / "other" / image.name)
        assert (header.model, header.encoding) == ("other", "probability")
    assert len(json.loads((folder / FINISHED).read_text())["files"]) == 4 + 1

    again = printed.replace("wrote", "is there:", 1)
    assert run_main(main, *command) == (0, again)

    before = (folder / images[0].name).stat().st_mtime_ns
    code, printed = run_main(main, *command, "--truth-root", demo_root / "truth")
    assert (code, printed.startswith(f"is there: 4 label files in {folder}\n")) == (0, True)
    assert "Against manual labels of 4 train tiles: accuracy " in printed
    assert (folder / images[0].name).stat().st_mtime_ns == before
    assert run_main(main, *command, "--truth-root", demo_root / "truth") == (0, printed)

    code, message = run_main(main, *command, "--label-set", "agreement")
    assert (code, "made_by.label_set: average there, agreement now" in message) == (2, True)
    code, message = run_main(main, *command, "--agree-with", "published")
    assert (code, "made_by.agree_with: [] there, ['published'] now" in message) == (2, True)
    code, message = run_main(main, *command[:-1], "2")
    assert (code, message.startswith("error: ")) == (2, True)
    assert "made_by.scales: [1.0, 1.5] there, [1.0, 2.0] now" in message.replace("(1.0, 2.0)", "[1.0, 2.0]")


def random_members(root: Path, names: str, teachers: int) -> list[Member]:
    """Teachers with few different codes, so that they agree on many pixels."""
    rng = np.random.default_rng(teachers)
    return [
        member(root / f"net{index}", {name: rng.integers(0, 4, (8, 20, 30)).tolist() for name in names})
        for index in range(teachers)
    ]


def codes_in(members: list[Member], name: str) -> np.ndarray:
    """float64 (M, 8, H, W), the codes in the score files of a tile."""
    return np.stack([read_scores(member.score_file(name))[1] for member in members]).astype(np.float64)


def label_files(folder: Path, seed: int, size: tuple[int, int] = (20, 30)) -> LabelSet:
    """Random labels with unknown pixels for tiles a and b."""
    rng = np.random.default_rng(seed)
    for name in "ab":
        write_raster(folder / f"{name}.tif", rng.integers(0, 9, size).astype(np.uint8))
    return label_set(f"{folder.name}={folder}")


@pytest.fixture
def wide_images(tmp_path: Path) -> dict[str, Path]:
    for name in "ab":
        write_raster(tmp_path / "wide" / f"{name}.tif", np.ones((20, 30, 3), np.uint8), GEOREFERENCE)
    return {name: tmp_path / "wide" / f"{name}.tif" for name in "ab"}


def test_a_call_that_ended_in_the_middle_is_continued_to_the_same_bytes(
    wide_images: dict[str, Path], tmp_path: Path
) -> None:
    members, folder, whole = random_members(tmp_path, "ab", 2), tmp_path / "labels", tmp_path / "whole"
    write_label_folder(members, wide_images, whole, ALONE, Dropping(True))
    damaged = members[1].score_file("b")
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"net1/b.tif: not readable as a score file"):
        write_label_folder(members, wide_images, folder, ALONE, Dropping(True))
    assert sorted(path.name for path in folder.glob("[!.]*")) == ["a.tif", UNFINISHED]
    damaged.write_bytes(content)
    with pytest.raises(ValueError, match=r"made_by.label_set: agreement there, average now"):
        write_label_folder(members, wide_images, folder, ALONE)
    assert write_label_folder(members, wide_images, folder, ALONE, Dropping(True)) is True
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in whole.iterdir()
    }


PROGRAM = """
import sys
from pathlib import Path
from ensemble.members import Member
from landcover.labels.label_set import label_set
from landcover.labels.quality import References
from landcover.processes.group import start_processes
from stage1_optical_da import write_pseudo_labels
from stage1_optical_da.dropping import Dropping

folder, processes = Path(sys.argv[1]), start_processes()
written, write = [], write_pseudo_labels.write_labels
write_pseudo_labels.write_labels = lambda path, *rest: (write(path, *rest), written.append(path.stem))
members = [Member(name, folder / name) for name in ("net0", "net1")]
images = {path.stem: path for path in sorted((folder / "wide").iterdir())}
references = References((label_set(f"other={folder / 'other'}"),))
arguments = members, images, folder / "together", processes, Dropping(True), references
assert write_pseudo_labels.write_label_folder(*arguments)
print(" ".join(sorted(written)))
assert not write_pseudo_labels.write_label_folder(*arguments)
"""


def test_two_processes_share_the_tiles_and_write_the_bytes_of_one(wide_images: dict[str, Path], tmp_path: Path) -> None:
    write_raster(tmp_path / "wide" / "c.tif", np.ones((20, 30, 3), np.uint8), GEOREFERENCE)
    images = {**wide_images, "c": tmp_path / "wide" / "c.tif"}
    members = random_members(tmp_path, "abc", 2)
    for name in "abc":
        write_raster(tmp_path / "other" / f"{name}.tif", np.full((20, 30), 1 + ord(name) % 8, np.uint8))
    references = References((label_set(f"other={tmp_path / 'other'}"),))
    write_label_folder(members, images, tmp_path / "alone", ALONE, Dropping(True), references)
    assert run_by_two_processes(PROGRAM, tmp_path) == ["a c\n", "b\n"]
    contents = [{path.name: path.read_bytes() for path in (tmp_path / n).iterdir()} for n in ("alone", "together")]
    assert contents[0] == contents[1]


@pytest.mark.parametrize(("teachers", "among_teachers", "sets"), [(3, True, 0), (1, False, 1), (2, True, 2)])
def test_pixels_without_agreement_are_unknown_and_the_quality_is_that_of_brute_force(
    wide_images: dict[str, Path], tmp_path: Path, teachers: int, among_teachers: bool, sets: int
) -> None:
    members = random_members(tmp_path, "ab", teachers)
    agree_with = tuple(label_files(tmp_path / f"set{index}", index) for index in range(sets))
    truth = label_files(tmp_path / "truth", 9)
    folder = tmp_path / "labels"
    dropping = Dropping(among_teachers, agree_with)
    assert write_label_folder(members, wide_images, folder, ALONE, dropping, References(agree_with, truth)) is True

    average, own, confidence = {}, {}, {}
    for name in "ab":
        codes = codes_in(members, name)
        own[name] = codes.argmax(axis=1) + 1
        average[name] = codes.sum(axis=0).argmax(axis=0) + 1
        confidence[name] = codes.mean(axis=0).max(axis=0) / 255
        kept = np.ones((20, 30), bool)
        if among_teachers:
            kept &= (own[name] == own[name][0]).all(axis=0)
        for labels in agree_with:
            kept &= (labels.read(name) == average[name]) | (labels.read(name) == 0)
        assert 0 < kept.mean() < 1
        np.testing.assert_array_equal(read_labels(folder / f"{name}.tif", OPEN_EARTH_MAP), average[name] * kept)

    quality = json.loads((folder / "quality.json").read_text())
    written = np.stack([read_labels(folder / f"{name}.tif", OPEN_EARTH_MAP) for name in "ab"])
    manual, sure = np.stack([truth.read(name) for name in "ab"]), np.stack([confidence[name] for name in "ab"])
    before = np.stack([average[name] for name in "ab"])
    both = (manual > 0) & (written > 0)
    assert quality["unknown"] == pytest.approx(np.mean(written == 0))
    assert quality["confidence"]["mean"] == pytest.approx(sure.mean(), rel=1e-6)
    assert quality["confidence"]["classes"]["road"] == pytest.approx(sure[written == 4].mean(), rel=1e-6)
    assert quality["truth"]["kept"] == pytest.approx(both.sum() / (manual > 0).sum())
    assert quality["truth"]["on_kept"]["accuracy"] == pytest.approx(np.mean(written[both] == manual[both]))
    assert quality["before_dropping"]["unknown"] == 0.0
    assert quality["before_dropping"]["truth"]["on_all"]["accuracy"] == pytest.approx(
        np.mean(before[manual > 0] == manual[manual > 0])
    )
    assert len(quality["between_teachers"]) == teachers * (teachers - 1) // 2
    if teachers > 1:
        equal = np.mean([own[name][0] == own[name][1] for name in "ab"])
        assert quality["between_teachers"]["net0 and net1"]["equal"] == pytest.approx(equal)
    assert sorted(quality["agreement"]) == [labels.name for labels in agree_with]
    for labels in agree_with:
        assert quality["agreement"][labels.name]["equal"] == 1.0


def test_the_set_and_its_inputs_are_in_the_manifest_and_others_are_refused(
    wide_images: dict[str, Path], tmp_path: Path
) -> None:
    members, folder = random_members(tmp_path, "ab", 2), tmp_path / "labels"
    mine = label_files(tmp_path / "mine", 1)
    write_label_folder(members, wide_images, folder, ALONE, Dropping(True, (mine,)))
    manifest = json.loads((folder / FINISHED).read_text())
    assert (manifest["made_by"]["label_set"], manifest["made_by"]["agree_with"]) == ("agreement", ["mine"])
    assert manifest["inputs"]["labels of mine"] == mine.digest()
    assert write_label_folder(members, wide_images, folder, ALONE, Dropping(True, (mine,))) is False
    label_files(tmp_path / "mine", 2)
    for other, told in (
        (Dropping(True, (mine,)), "inputs.* differs"),
        (Dropping(False, (mine,)), "made_by.label_set: agreement there, average now"),
        (Dropping(True), "made_by.agree_with"),
    ):
        with pytest.raises(ValueError, match=rf"holds files made from something else \({told}"):
            write_label_folder(members, wide_images, folder, ALONE, other)


def test_other_references_renew_the_quality_and_not_the_labels(wide_images: dict[str, Path], tmp_path: Path) -> None:
    members, folder = random_members(tmp_path, "ab", 1), tmp_path / "labels"
    other = References((label_files(tmp_path / "other", 1),))
    assert write_label_folder(members, wide_images, folder, ALONE, references=other) is True
    files = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert write_label_folder(members, wide_images, folder, ALONE, references=other) is False
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == files
    first = json.loads((folder / "quality.json").read_text())
    label_files(tmp_path / "other", 2)  # the labels to compare with were replaced
    assert write_label_folder(members, wide_images, folder, ALONE, references=other) is False
    second = json.loads((folder / "quality.json").read_text())
    assert second["agreement"]["other"]["equal"] != first["agreement"]["other"]["equal"]
    assert second["shares"] == first["shares"]
    assert {name: (folder / name).stat().st_mtime_ns for name in ("a.tif", "b.tif")}.items() <= files.items()
    assert not (folder / UNFINISHED).exists()
    (folder / "quality.json").write_text("x" * (folder / "quality.json").stat().st_size)
    with pytest.raises(ValueError, match=r"quality.json: expected JSON, found .* delete the file"):
        write_label_folder(members, wide_images, folder, ALONE, references=other)


def test_a_renewal_that_ended_in_the_middle_leaves_no_quality_of_other_references(
    wide_images: dict[str, Path], tmp_path: Path
) -> None:
    members, folder = random_members(tmp_path, "ab", 1), tmp_path / "labels"
    other = References((label_files(tmp_path / "other", 1),))
    write_label_folder(members, wide_images, folder, ALONE, references=other)
    label_files(tmp_path / "other", 2)
    damaged = members[0].score_file("b")
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"net0/b.tif: not readable as a score file"):
        write_label_folder(members, wide_images, folder, ALONE, references=other)
    assert not (folder / "quality.json").exists()
    damaged.write_bytes(content)
    assert write_label_folder(members, wide_images, folder, ALONE, references=other) is True
    assert (folder / "quality.json").exists() and (folder / FINISHED).exists()


def test_label_sets_that_cannot_be_used_are_refused_before_anything_is_written(
    run_main: RunMain, demo_root: Path, tmp_path: Path
) -> None:
    data, run_dir = demo_root / "DFC2025Track1", tmp_path / "run"
    few, small = tmp_path / "few", tmp_path / "small"
    for index, path in enumerate(sorted((data / "train" / "labels").iterdir())):
        write_raster(small / path.name, np.ones((8, 8), np.uint8))
        if index < 2:
            write_raster(few / path.name, np.ones((64, 64), np.uint8))
            write_raster(run_dir / "pseudo_labels" / path.name, np.ones((64, 64), np.uint8))
    cases = {
        "LABEL_SET: expected one of average, agreement, found 'both'": ["--label-set", "both"],
        "LABEL_SET=agreement: expected several teachers or label sets in AGREE_WITH": ["--label-set", "agreement"],
        f"{tmp_path / 'absent'}: expected a folder of label files, found none": ["--agree-with", tmp_path / "absent"],
        f"{few}: expected a label file for each of 4 tiles, found none for 2 ": ["--agree-with", few],
        f"{small / 'TrainArea_001.tif'}: expected the 64x64 pixels of ": ["--agree-with", "published", f"x={small}"],
        "AGREE_WITH: expected label sets of another origin": ["--agree-with", run_dir / "pseudo_labels"],
        "two label sets are called published": ["--agree-with", f"published={data / 'train/labels'}", "published"],
    }
    for expected, words in cases.items():
        code, message = run_main(main, "tiny", "--dfc-root", data, "--run-dir", run_dir, *words)
        assert (code, message.startswith(f"error: {expected}")) == (2, True), message
    assert not (run_dir / "scores").exists()
    assert not (run_dir / "pseudo_labels" / UNFINISHED).exists()


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
