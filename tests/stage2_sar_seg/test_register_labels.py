"""The command that moves label files onto the SAR images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stand_in_matcher import SHIFTS, write_tiles
from two_processes import run_by_two_processes

from landcover.images.grid import Georeference, read_georeference
from landcover.images.raster import read_raster, write_raster
from landcover.labels.quality import read_quality
from landcover.run_files.manifest import read_manifest
from stage2_sar_seg.register_labels import main

RunMain = Callable[..., tuple[int, str]]
PLACE = Georeference(((33550, 12, 3, (0.5, 0.5, 0.0)), (33922, 12, 6, (0.0, 0.0, 0.0, 3e5, 4e6, 0.0))))


@pytest.fixture
def arguments(registered: None, tmp_path: Path) -> list[Path | str]:
    """Of tiny tiles whose offsets are known."""
    data = write_tiles(tmp_path)
    places = ["--labels", tmp_path / "labels", "--dfc-root", data, "--truth-root", tmp_path / "truth"]
    return ["--method", "stand_in", *places, "--run-dir", tmp_path / "run"]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_labels_are_moved_by_the_offset_of_each_pair_and_told_about(
    run_main: RunMain, arguments: list[Path | str], tmp_path: Path
) -> None:
    folder, truth = tmp_path / "run" / "registered_labels", tmp_path / "truth" / "train" / "sar_grid_labels"
    code, printed = run_main(main, *arguments)
    lines = printed.splitlines()
    assert (code, lines[0]) == (0, f"wrote 5 label files in {folder}")
    for name in "ab":
        labels, expected = (read_raster(place / f"{name}.tif").pixels for place in (folder, truth))
        np.testing.assert_array_equal(labels[labels > 0], expected[labels > 0])
        down, right = SHIFTS[name]
        assert (labels > 0).sum() == (64 - abs(down)) * (64 - abs(right))
    for name in "cde":
        before = read_raster(tmp_path / "labels" / f"{name}.tif").pixels
        np.testing.assert_array_equal(read_raster(folder / f"{name}.tif").pixels, before)

    offsets = json.loads((folder / "offsets.json").read_text())
    found = np.array([offsets["tiles"][name]["offset"] for name in "abcde"])
    np.testing.assert_allclose(found, [[2, -1], [-3, 0], [0, 0], [0, 0], [0, 0]], atol=1e-9)
    reasons = {name: record["status"] for name, record in offsets["tiles"].items()}
    assert reasons == {
        "a": "registered", "b": "registered", "c": "constant", "d": "beyond the search", "e": "no data"
    }  # fmt: skip
    assert offsets["tiles"]["a"]["inliers"] == offsets["tiles"]["a"]["points"] > 4
    assert offsets["settings"]["tile"]["tolerance"] == 3.0 and len(offsets["made_from"]["SAR images"]) == 64
    changed = sum(
        int(
            (
                read_raster(folder / f"{name}.tif").pixels != read_raster(tmp_path / "labels" / f"{name}.tif").pixels
            ).sum()
        )
        for name in "abcde"
    )
    assert lines[1] == (
        f"registration by stand_in: registered 2 of 5 pairs, median offset 2.62 pixels; {changed:,} of 20,480 pixels "
        f"({changed / 20480:.1%}) have another label"
    )
    assert lines[2:5] == [
        "left at offset 0, beyond the search: 1 (d)",
        "left at offset 0, constant: 1 (c)",
        "left at offset 0, no data: 1 (e)",
    ]
    assert [line for line in lines if line.startswith("Against manual labels of 5 train tiles on the SAR images: ")]
    quality = read_quality(folder)
    assert quality["truth"]["on_kept"]["miou"] > quality["truth_before"]["on_kept"]["miou"] + 0.1
    rows = read_manifest(folder / "manifest.json")["files"]
    assert [row["name"] for row in rows] == [
        "a.tif", "b.tif", "c.tif", "d.tif", "e.tif", "offsets.json", "offsets.png", "quality.json"
    ]  # fmt: skip
    assert {path.name for path in folder.iterdir()} == {row["name"] for row in rows} | {"manifest.json"}

    before = files(folder)
    code, printed = run_main(main, *arguments)
    assert (code, printed.splitlines()) == (0, [f"is there: 5 label files in {folder}", *lines[1:]])
    assert files(folder) == before


def test_what_is_lost_of_a_finished_folder_is_made_again_with_equal_bytes(
    run_main: RunMain, arguments: list[Path | str], tmp_path: Path
) -> None:
    folder = tmp_path / "run" / "registered_labels"
    assert run_main(main, *arguments)[0] == 0
    before = files(folder)
    for lost in (("a.tif",), ("offsets.json", "b.tif"), ("offsets.png", "quality.json")):
        for name in lost:
            (folder / name).unlink()
        code, printed = run_main(main, *arguments)
        assert code == 0 and printed.startswith("wrote 5 label files") and files(folder) == before


def test_label_files_get_the_place_of_the_sar_image(
    run_main: RunMain, arguments: list[Path | str], tmp_path: Path
) -> None:
    sar = tmp_path / "data" / "train" / "sar_images" / "a.tif"
    write_raster(sar, read_raster(sar).pixels, PLACE)
    assert run_main(main, *arguments)[0] == 0
    places = [read_georeference(tmp_path / "run" / "registered_labels" / f"{name}.tif") for name in "ab"]
    assert places == [PLACE, Georeference()]


def test_without_a_truth_of_the_sar_images_that_of_the_optical_ones_is_said_to_lie_there(
    run_main: RunMain, arguments: list[Path | str], tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "truth" / "train" / "sar_grid_labels")
    printed = run_main(main, *arguments)[1]
    assert "note: the manual labels lie on the optical images, so what is moved rightly counts as wrong" in printed
    assert "Against manual labels of 5 train tiles: " in printed
    shutil.rmtree(tmp_path / "truth")
    printed = run_main(main, *arguments)[1]
    assert "note: " not in printed and "Against manual labels" not in printed


def test_other_labels_images_and_settings_are_refused_not_mixed(
    run_main: RunMain, arguments: list[Path | str], tmp_path: Path
) -> None:
    assert run_main(main, *arguments)[0] == 0
    code, message = run_main(main, *arguments, "--option", "search=5")
    assert code == 2 and "registered_labels: holds files made from something else (made_by.matcher" in message
    code, message = run_main(main, *arguments, "--option", "tolerance=2")
    assert code == 2 and "(made_by.tile.tolerance: 3.0 there, 2.0 now)" in message
    for path, key in ((tmp_path / "labels", "labels"), (tmp_path / "data" / "train" / "sar_images", "SAR images")):
        kept = (path / "b.tif").read_bytes()
        write_raster(path / "b.tif", np.full((64, 64), 5, np.uint8))
        code, message = run_main(main, *arguments)
        assert code == 2 and f"(inputs.{key}" in message
        (path / "b.tif").write_bytes(kept)
    assert run_main(main, *arguments)[0] == 0


def test_bad_input_is_told_in_one_line_and_leaves_nothing(
    run_main: RunMain, arguments: list[Path | str], tmp_path: Path
) -> None:
    code, message = run_main(main, *["nobody" if word == "stand_in" else word for word in arguments])
    assert code == 2 and message.startswith("error: REGISTER: expected one of none, ") and "found 'nobody'" in message
    absent = [tmp_path / "absent" if word == tmp_path / "labels" else word for word in arguments]
    code, message = run_main(main, *absent)
    assert code == 2 and message.endswith("or set LABELS to a folder of label files")
    model = ["my/model.pth" if word == "stand_in" else word for word in arguments]
    code, message = run_main(main, *model, "--option", "search=5")
    assert code == 2 and message.startswith("error: REGISTER_OPTIONS search: expected settings of tiles alone")
    for path, place in (("data/train/rgb_images/b.tif", "image"), ("labels/b.tif", "labels")):
        kept = (tmp_path / path).read_bytes()
        pixels = read_raster(tmp_path / path).pixels
        write_raster(tmp_path / path, np.ascontiguousarray(pixels[:60]))
        code, message = run_main(main, *arguments)
        assert (code, place in path) == (2, place in path)
        assert message.startswith(f"error: {tmp_path / path}: expected the 64x64 pixels of ")
        assert message.split("found ")[1].startswith("60x64")
        (tmp_path / path).write_bytes(kept)
    assert not (tmp_path / "run" / "registered_labels").exists()


def test_optical_images_in_the_place_of_sar_images_are_told(
    run_main: RunMain, arguments: list[Path | str], tmp_path: Path
) -> None:
    train = tmp_path / "data" / "train"
    shutil.copy(train / "rgb_images" / "a.tif", train / "sar_images" / "a.tif")
    code, message = run_main(main, *arguments)
    assert code == 2 and "a.tif: expected a SAR image of one band, found 3; this looks like an optical" in message


PROGRAM = """
import sys
import stand_in_matcher
from stage2_sar_seg.register_labels import main
sys.argv = ["command", *sys.argv[1:]]
main()
"""


def test_two_processes_share_the_tiles_and_write_the_bytes_of_one(
    run_main: RunMain, arguments: list[Path | str], tmp_path: Path
) -> None:
    assert run_main(main, *arguments)[0] == 0
    together = [tmp_path / "together" if word == tmp_path / "run" else word for word in arguments]
    first, second = run_by_two_processes(PROGRAM, *together, timeout=300)
    assert first.startswith("wrote 5 label files in ") and second == ""
    assert files(tmp_path / "together" / "registered_labels") == files(tmp_path / "run" / "registered_labels")
