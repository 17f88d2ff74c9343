"""The command that changes label files by a registered method."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from landcover.images.grid import read_georeference
from landcover.images.raster import read_raster, write_raster
from landcover.labels.label_filter import LABEL_FILTERS, FilterMaterial
from landcover.labels.quality import read_quality
from landcover.processes.group import Processes
from stage1_optical_da.reassign_labels import main, teacher_scores

RunMain = Callable[..., tuple[int, str]]

SEEN: list[FilterMaterial] = []


class FillUnknown:
    """Gives unknown pixels the class that the seed says."""

    def __init__(self, material: FilterMaterial) -> None:
        SEEN.append(material)
        self._class = np.uint8(material.seed + 1)

    def settings(self) -> Mapping[str, Any]:
        return {"class": int(self._class)}

    def inputs(self) -> Mapping[str, str]:
        return {}

    def apply(self, tile: str, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.where(labels == 0, self._class, labels)


@pytest.fixture(autouse=True)
def method(registered: None) -> Iterator[None]:
    LABEL_FILTERS.register_module(name="fill", module=FillUnknown)
    yield
    LABEL_FILTERS.module_dict.pop("fill")
    SEEN.clear()


@pytest.fixture
def arguments(demo_root: Path, tmp_path: Path) -> list[Path | str]:
    """Of labels that know nothing of the left half of each tile."""
    root = demo_root / "DFC2025Track1"
    labels = np.full((64, 64), 5, np.uint8)
    labels[:, :32] = 0
    for image in (root / "train" / "rgb_images").iterdir():
        write_raster(tmp_path / "before" / image.name, labels)
    (tmp_path / "run" / "scores" / "teachers" / "one").mkdir(parents=True)
    places = ["--labels", tmp_path / "before", "--dfc-root", root, "--run-dir", tmp_path / "run"]
    return ["--method", "fill", *places, "--teachers", "one", "absent"]


def test_every_label_file_is_changed_and_told_about(
    run_main: RunMain, arguments: list[Path | str], demo_root: Path, tmp_path: Path
) -> None:
    folder, truth = tmp_path / "run" / "reassigned_labels", demo_root / "truth"
    code, printed = run_main(main, *arguments, "--truth-root", truth)
    note, first, *table = printed.splitlines()
    scores = tmp_path / "run" / "scores" / "teachers"
    assert note == f"note: no scores of absent in {scores}; only those of one are read"
    assert (code, first) == (0, f"wrote 4 label files in {folder}")
    assert "before after fill: 4 tiles, 16,384 pixels" in table
    images = sorted((demo_root / "DFC2025Track1" / "train" / "rgb_images").iterdir())
    for image in images:
        labels = read_raster(folder / image.name).pixels
        assert (labels[:, :32] == 1).all() and (labels[:, 32:] == 5).all()
        assert read_georeference(folder / image.name) == read_georeference(image)
    (material,) = SEEN
    assert [tile.name for tile in material.tiles] == [image.stem for image in images]
    assert material.scores == {"one": tmp_path / "run" / "scores" / "teachers" / "one"}  # only what is there
    known = np.array([read_raster(path).pixels for path in sorted((truth / "train" / "labels").iterdir())])
    right = (known[:, :, :32] == 1).mean() / 2 + (known[:, :, 32:] == 5).mean() / 2
    quality = read_quality(folder)
    assert quality["truth"]["on_kept"]["accuracy"] == pytest.approx(right)
    assert quality["agreement"]["before"]["equal"] == 1.0  # where both know a class

    code, printed = run_main(main, *arguments, "--truth-root", truth)
    assert (code, printed.splitlines()[:2]) == (0, [note, f"is there: 4 label files in {folder}"])
    assert printed.splitlines()[2:] == table


@pytest.mark.parametrize("there", [[], ["one", "two"]])
def test_teachers_that_have_scores_all_or_none_need_no_note(
    there: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in there:
        (tmp_path / name).mkdir()
    found = teacher_scores(tmp_path, ["one", "two"], Processes(0, 1, torch.device("cpu")))
    assert found == {name: tmp_path / name for name in there} and capsys.readouterr().out == ""


def test_the_method_gets_the_seed_and_labels_of_another_one_are_refused(
    run_main: RunMain, arguments: list[Path | str], tmp_path: Path
) -> None:
    assert run_main(main, *arguments, "--seed", 2)[0] == 0
    manifest = json.loads((tmp_path / "run" / "reassigned_labels" / "manifest.json").read_text())
    assert manifest["made_by"]["class"] == 3
    code, message = run_main(main, *arguments)
    assert code == 2 and "made_by.class: 3 there, 1 now" in message


def test_missing_labels_and_an_unknown_method_are_told_in_one_line(
    run_main: RunMain, arguments: list[Path | str], tmp_path: Path
) -> None:
    code, message = run_main(main)
    assert code == 2
    assert message.endswith("the following arguments are required: --method, --labels, --dfc-root, --run-dir")
    absent = [tmp_path / "absent" if word == tmp_path / "before" else word for word in arguments]
    code, message = run_main(main, *absent)
    assert code == 2 and message.endswith("or set LABELS to a folder of label files")
    code, message = run_main(main, *["fil" if word == "fill" else word for word in arguments])
    assert code == 2 and message.startswith("error: REASSIGN: expected one of none, ")
