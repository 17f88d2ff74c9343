from __future__ import annotations

import json
import shutil
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from landcover.data_sets.dfc2025 import SarTile, dfc2025_tiles
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.run_files.manifest import digest_all
from stage2_sar_seg.train_sar_models import main
from stage2_sar_seg.training_labels import chosen_labels

RunMain = Callable[..., tuple[int, str]]


@pytest.fixture
def tiles(demo_root: Path) -> list[SarTile]:
    return dfc2025_tiles(demo_root / "DFC2025Track1", "train")


@pytest.fixture
def manual(tiles: list[SarTile], label_folder: Path, tmp_path: Path) -> Path:
    """Manual labels of the second and the fourth tile."""
    folder = tmp_path / "manual"
    folder.mkdir()
    for n in (1, 3):
        shutil.copy(label_folder / f"{tiles[n].name}.tif", folder)
    return folder


@pytest.fixture
def arguments(demo_root: Path, label_folder: Path, manual: Path) -> Namespace:
    return Namespace(
        labels=label_folder,
        manual_labels=manual,
        labelled_tiles="1",
        dfc_root=demo_root / "DFC2025Track1",
        seed=0,
    )


def changed(arguments: Namespace, **values: object) -> Namespace:
    return Namespace(**{**vars(arguments), **values})


def test_manual_labels_take_the_place_of_others(
    arguments: Namespace, tiles: list[SarTile], label_folder: Path, manual: Path
) -> None:
    found = chosen_labels(arguments, tiles)
    folders = [label_folder, manual, label_folder, manual]
    expected = [(tile.sar, folder / f"{tile.name}.tif") for tile, folder in zip(tiles, folders, strict=True)]
    assert [(tile.image, tile.labels) for tile in found.tiles] == expected
    assert found.manual == {1, 3} and found.notes() == ["labels: 2 of 4 tiles manual, 2 pseudo-labels"]
    assert found.manual_files([0, 1, 2]) == [manual / f"{tiles[1].name}.tif"]
    assert [(folder, len(files)) for folder, files in found.files().items()] == [(label_folder, 2), (manual, 2)]


def test_without_other_labels_the_rest_has_none(arguments: Namespace, tiles: list[SarTile]) -> None:
    found = chosen_labels(changed(arguments, labels=None), tiles)
    assert [tile.labels is None for tile in found.tiles] == [True, False, True, False]
    assert found.labelled(range(3)) == [1]
    assert found.notes() == ["labels: 2 of 4 tiles manual, 2 without"]


def test_a_share_of_the_manual_labels_counts(arguments: Namespace, tiles: list[SarTile]) -> None:
    found = chosen_labels(changed(arguments, labelled_tiles="1/2"), tiles)
    assert len(found.manual) == 1 and found.manual < {1, 3}
    assert found.notes() == ["labels: 1 of 4 tiles manual, 3 pseudo-labels"]


def test_without_manual_labels_nothing_is_told(arguments: Namespace, tiles: list[SarTile], label_folder: Path) -> None:
    found = chosen_labels(changed(arguments, manual_labels=None), tiles)
    assert [tile.labels for tile in found.tiles] == sorted(label_folder.glob("*.tif"))
    assert not found.manual and found.notes() == []
    with pytest.raises(InputError, match=r"^LABELS=none: expected MANUAL_LABELS to train on, found none;"):
        chosen_labels(changed(arguments, manual_labels=None, labels=None), tiles)


def test_other_labels_are_needed_only_where_none_is_manual(
    arguments: Namespace, tiles: list[SarTile], label_folder: Path
) -> None:
    for n in (1, 3):
        (label_folder / f"{tiles[n].name}.tif").unlink()
    assert chosen_labels(arguments, tiles).labelled(range(4)) == [0, 1, 2, 3]
    with pytest.raises(InputError, match=rf"^{label_folder}: expected a label file for each of 3 training tiles"):
        chosen_labels(changed(arguments, labelled_tiles="1/2"), tiles)


def test_labels_of_other_tiles_are_told_and_left_out(arguments: Namespace, tiles: list[SarTile], manual: Path) -> None:
    write_raster(manual / "ValArea_001.tif", np.ones((64, 64), np.uint8))
    assert chosen_labels(arguments, tiles).notes() == [
        "warning: MANUAL_LABELS: 1 label files are of no training tile and left out: ValArea_001",
        "labels: 2 of 4 tiles manual, 2 pseudo-labels",
    ]


def test_a_folder_without_labels_of_training_tiles_is_refused(
    arguments: Namespace, tiles: list[SarTile], tmp_path: Path
) -> None:
    folder = tmp_path / "others"
    folder.mkdir()
    for found in ("none", "a_1 alone"):
        with pytest.raises(InputError, match=rf"^{folder}: expected label files of some of 4 .*, found {found}; set"):
            chosen_labels(changed(arguments, manual_labels=folder), tiles)
        write_raster(folder / "a_1.tif", np.ones((64, 64), np.uint8))


def test_manual_labels_of_another_size_are_refused(arguments: Namespace, tiles: list[SarTile], manual: Path) -> None:
    path = manual / f"{tiles[3].name}.tif"
    write_raster(path, np.ones((64, 60), np.uint8))
    with pytest.raises(InputError, match=rf"^{path}: expected the 64x64 pixels of {tiles[3].sar}, found 64x60; the"):
        chosen_labels(arguments, tiles)


def test_tiles_to_predict_can_not_be_listed_as_labelled(
    arguments: Namespace, tiles: list[SarTile], tmp_path: Path
) -> None:
    (name,) = [tile.name for tile in dfc2025_tiles(arguments.dfc_root, "val")]
    path = tmp_path / "list.txt"
    path.write_text(f"{tiles[1].name}\n{name}\n")
    message = rf"^{path}, line 2: expected the name of a tile that can be chosen, found {name}, which is of val,"
    with pytest.raises(InputError, match=message):
        chosen_labels(changed(arguments, labelled_tiles=str(path)), tiles)


def test_models_are_trained_on_the_labelled_tiles_alone(
    run_main: RunMain, tiles: list[SarTile], demo_root: Path, tiny_model: Path, manual: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    words = f"{tiny_model} --dfc-root {demo_root / 'DFC2025Track1'} --run-dir {run} --manual-labels {manual}".split()
    code, output = run_main(main, *words)
    assert code == 0 and output.splitlines()[0] == "labels: 2 of 4 tiles manual, 2 without"
    inputs = json.loads((run / "sar_models" / "tiny" / "manifest.json").read_text())["inputs"]
    files = [manual / f"{tiles[n].name}.tif" for n in (1, 3)]
    assert inputs == {
        "images": digest_all([tiles[n].sar for n in (1, 3)]),
        "labels": digest_all(files),
        "manual_labels": digest_all(files),
    }
    code, message = run_main(main, *words, "--labelled-tiles", "1/2")
    assert code == 2 and "holds files made from something else" in message
    code, message = run_main(main, *words, "--labelled-tiles", "1/2", "--hold-out", "0.25")
    assert code == 2 and message.startswith("error: HOLD_OUT: expected labels of some of the held-out tiles, found")
