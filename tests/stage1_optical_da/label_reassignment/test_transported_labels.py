from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_scores import sure_of, write_model
from numpy.typing import NDArray

from landcover.data_sets.dfc2025 import SarTile
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.labels.label_filter import FilterMaterial, build_filter
from landcover.labels.label_set import label_set
from landcover.processes.group import Processes
from landcover.run_files.manifest import FINISHED, digest, digest_all
from stage1_optical_da.label_reassignment.transported_labels import TransportedLabels

SIZE = 32


@pytest.fixture
def truth() -> NDArray[np.int64]:
    """Class 2 on the left, 6 on the right."""
    return np.repeat([[2] * (SIZE // 2) + [6] * (SIZE // 2)], SIZE, axis=0)


@pytest.fixture
def material(tmp_path: Path, truth: NDArray[np.int64]) -> FilterMaterial:
    """Tiles a and b whose image shows the classes, and two teachers that differ in a corner."""
    tiles = []
    for name in "ab":
        image = np.repeat((30 * truth).astype(np.uint8)[..., None], 3, axis=2)
        write_raster(tmp_path / "rgb" / f"{name}.tif", image)
        write_raster(tmp_path / "labels" / f"{name}.tif", truth.astype(np.uint8))
        tiles.append(SarTile(name, Path(name), tmp_path / "rgb" / f"{name}.tif", None))
    other = truth.copy()
    other[:4, :4] = 5
    write_model(tmp_path / "one", {name: sure_of(truth, 0.97) for name in "ab"})
    write_model(tmp_path / "two", {name: sure_of(other, 0.97) for name in "ab"})
    scores = {name: tmp_path / name for name in ("one", "two")}
    labels = label_set(f"before={tmp_path / 'labels'}")
    return FilterMaterial(tiles, scores, 0, Processes(0, 1, torch.device("cpu")), labels=labels)


def test_wrong_and_unknown_labels_become_what_models_and_region_say(
    material: FilterMaterial, truth: NDArray[np.int64]
) -> None:
    labels = truth.astype(np.uint8)
    labels[10:14, 3:7], labels[20:, 20:], labels[0, 8] = 7, 0, 5
    before = labels.copy()
    changes = build_filter("ot", material, "REASSIGN")
    found = changes.apply("a", labels)
    assert found.dtype == np.uint8 and np.array_equal(labels, before)
    assert np.array_equal(found[4:], truth[4:]) and np.array_equal(found[:, 4:], truth[:, 4:])
    assert np.array_equal(build_filter("ot", material, "REASSIGN").apply("a", labels), found)
    cells = TransportedLabels(material=material, regions="cells", side=4)
    assert np.array_equal(cells.apply("a", labels)[4:], truth[4:])


def test_settings_and_inputs_tell_what_labels_depend_on(material: FilterMaterial, tmp_path: Path) -> None:
    changes = TransportedLabels(material=material, slack=0.05, soft=True)
    assert changes.settings() == {
        **{"threshold": 0.9, "least": 0.5, "fraction": 1.0, "slack": 0.05, "shares": "scores", "sharpness": 2.0},
        **{"regions": "superpixels", "side": 8, "region_weight": 0.5, "sar_weight": 0.5},
    }
    scores = {f"scores of {name}": digest(tmp_path / name / FINISHED) for name in ("one", "two")}
    images = digest_all(tmp_path / "rgb" / f"{name}.tif" for name in "ab")
    assert changes.inputs() == {**scores, "images": images}
    assert TransportedLabels(material=material, regions="cells").inputs() == scores


def test_shares_of_labels_are_those_of_the_tile_or_of_all_tiles(
    material: FilterMaterial, truth: NDArray[np.int64], tmp_path: Path
) -> None:
    rare = truth.copy()
    rare[:, -4:] = 8
    write_raster(tmp_path / "labels" / "b.tif", rare.astype(np.uint8))
    changes = TransportedLabels(material=material, shares="labels", slack=0, region_weight=0)
    assigned, _ = changes.assignment("a", rare.astype(np.uint8))
    assert assigned.mean((1, 2))[[1, 5, 7]] == pytest.approx([0.5, 0.375, 0.125], abs=1e-3)
    assigned, _ = changes.assignment("a", np.zeros((SIZE, SIZE), np.uint8))
    assert assigned.mean((1, 2))[[1, 5, 7]] == pytest.approx([0.5, 0.4375, 0.0625], abs=1e-3)
    nothing = FilterMaterial(material.tiles, material.scores, 0, material.processes)
    with pytest.raises(InputError, match=r"shares=labels: expected label files in which some pixels are known"):
        TransportedLabels(material=nothing, shares="labels").apply("a", np.zeros((SIZE, SIZE), np.uint8))


def test_sar_models_take_part_and_may_be_all_there_is(
    material: FilterMaterial, truth: NDArray[np.int64], tmp_path: Path
) -> None:
    write_model(tmp_path / "sar" / "net", {name: sure_of(truth, 0.97) for name in "ab"})
    labels = np.zeros((SIZE, SIZE), np.uint8)
    places = (material.processes, material.scheme, tmp_path / "sar")
    together = TransportedLabels(material=FilterMaterial(material.tiles, material.scores, 0, *places))
    assert np.array_equal(together.apply("b", labels), truth)  # the corner too: two voices of three
    assert sorted(together.inputs()) == ["images", "scores of net", "scores of one", "scores of two"]
    alone = TransportedLabels(material=FilterMaterial(material.tiles, {}, 0, *places))
    assert np.array_equal(alone.apply("b", labels), truth)


def test_what_is_missing_or_does_not_fit_is_told_in_one_line(material: FilterMaterial, tmp_path: Path) -> None:
    nothing = FilterMaterial(material.tiles, {}, 0, material.processes)
    with pytest.raises(InputError, match=r"^REASSIGN=ot: expected score files of teachers .* found none; run tools/20"):
        build_filter("ot", nothing, "REASSIGN")
    with pytest.raises(InputError, match=r"^REASSIGN_OPTIONS: expected settings of ot \(thr.*\), found colour;"):
        build_filter("ot", material, "REASSIGN", colour=3)
    with pytest.raises(InputError, match=r"^REASSIGN_OPTIONS side=0: expected a number from 1 to 4096, found 0"):
        build_filter("ot", material, "REASSIGN", side=0)
    changes = build_filter("ot", material, "REASSIGN")
    with pytest.raises(InputError, match=r"one/a\.tif: expected scores of \(4, 4\) pixels, found \(32, 32\)"):
        changes.apply("a", np.zeros((4, 4), np.uint8))
    (tmp_path / "two" / "b.tif").unlink()
    (tmp_path / "one" / "b.tif").unlink()
    with pytest.raises(InputError, match=r"one/b\.tif: expected scores of every training tile, found none; run tools"):
        build_filter("ot", material, "REASSIGN")
    (tmp_path / "two" / FINISHED).unlink()
    with pytest.raises(InputError, match=r"two/manifest\.json: expected the manifest of a finished stage"):
        build_filter("ot", material, "REASSIGN")
