"""A training part, a label filter, a matcher and a network of two inputs, guests of the product, in all stages."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from stages import ROOT, run_stage, settings

from landcover.images.grid import read_georeference
from landcover.images.raster import read_optical, read_raster, write_raster
from landcover.labels.quality import read_quality
from landcover.networks.model_file import read_model_info
from landcover.run_files.manifest import digest_all, read_manifest
from landcover.run_files.training_log import read_log
from landcover.score_files.score_file import read_scores

GUESTS = """
import numpy as np
import torch
from mmseg.registry import MODELS
from torch import nn

from landcover.labels.label_filter import LABEL_FILTERS
from stage1_optical_da.training_parts import TrainingPart
from stage2_sar_seg.registration.matcher import MATCHERS, Correspondences


@MODELS.register_module()
class ConstantLoss(TrainingPart):
    def source_losses(self, step):
        return {"loss_constant": step.source.logits.new_full((), 0.25)}

    def mix_losses(self, step):
        return {"loss_constant": step.mixed.weights.new_full((), 0.5)}


@LABEL_FILTERS.register_module(name="copy")
class Copy:
    def __init__(self, material):
        self.tiles = {tile.name for tile in material.tiles}
        assert list(material.scores) == ["teacher_segformer"]

    def settings(self):
        return {}

    def inputs(self):
        return {}

    def apply(self, tile, labels):
        assert tile in self.tiles
        return labels.copy()


@MATCHERS.register_module(name="one_down")
class OneDown:
    patch, search = 40, 8

    def settings(self):
        return {"down": 1}

    def match(self, sar, optical):
        points = np.array([[0.0, 0.0], [0.0, 9.0], [9.0, 0.0], [9.0, 9.0]])
        return Correspondences(points, points + self.search + (1.0, 0.0), np.ones(4))


@MODELS.register_module()
class ConcatenatingEncoder(nn.Module):
    def __init__(self, in_channels):
        super().__init__()
        self.project = nn.Conv2d(in_channels["optical"] + in_channels["sar"], 8, 4, stride=4)

    def forward(self, images):
        return (self.project(torch.cat([images["optical"], images["sar"]], dim=1)),)
"""

TWO_INPUTS = f"""
_base_ = [
    "{ROOT}/configs/_base_/models/segformer_mit.py",
    "{ROOT}/configs/_base_/datasets/optical_and_sar.py",
    "{ROOT}/configs/_base_/losses/sce_lovasz.py",
    "{ROOT}/configs/_base_/schedules/demo.py",
]
model = dict(
    backbone=dict(_delete_=True, type="ConcatenatingEncoder", in_channels=None),
    decode_head=dict(in_channels=[8], in_index=[0], channels=8, dropout_ratio=0.0),
)
"""


@pytest.fixture(scope="module")
def environment(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A folder with a space in its name: the guests, the data with optical images everywhere, and the run."""
    folder = tmp_path_factory.mktemp("our guests") / "with a space"
    (folder / "modules").mkdir(parents=True)
    (folder / "modules" / "guests.py").write_text(GUESTS)
    (folder / "two_inputs.py").write_text(TWO_INPUTS)
    data = Path(shutil.copytree(demo_root, folder / "data"))
    optical = sorted((data / "DFC2025Track1/train/rgb_images").iterdir())
    for split in ("val", "test"):
        (data / "DFC2025Track1" / split / "rgb_images").mkdir()
        for sar, source in zip(
            sorted((data / "DFC2025Track1" / split / "sar_images").iterdir()), optical, strict=False
        ):
            place = data / "DFC2025Track1" / split / "rgb_images" / sar.name
            write_raster(place, read_optical(source).pixels, read_georeference(sar))
    variables = settings(data, folder / "run")
    variables["TEACHER_OPTIONS"] += " self_training.parts={'constant': {'type': 'ConstantLoss'}}"
    return variables | {
        "PYTHONPATH": os.pathsep.join([str(folder / "modules"), os.environ.get("PYTHONPATH", "")]),
        "PLUGINS": "guests",
        "REASSIGN": "copy",
        "REGISTER": "one_down",
        "TEACHERS": "configs/demo/teacher_segformer.py",
        "SAR_MODELS": f"'{folder / 'two_inputs.py'}' configs/demo/sar_segformer.py",
        "PUBLISHED_MODELS": "",
    }


@pytest.fixture(scope="module")
def run_dir(environment: dict[str, str]) -> Path:
    """A finished run."""
    call = run_stage("run_all.sh", environment)
    assert call.returncode == 0, call.stderr
    assert "label files in" in call.stdout and "pseudo_labels after copy" in call.stdout
    assert "registration by one_down: registered 4 of 4 pairs, median offset 1.00 pixels; " in call.stdout
    return Path(environment["RUN_DIR"])


def test_the_part_adds_its_losses_to_the_training_of_stage_10(run_dir: Path) -> None:
    lines = [line for line in read_log(run_dir / "teachers/teacher_segformer/log.jsonl") if "loss" in line]
    assert lines
    for line in lines:
        assert (line["source.constant.loss_constant"], line["mix.constant.loss_constant"]) == (0.25, 0.5)
        parts = [value for name, value in line.items() if "loss" in name and name != "loss"]
        assert line["loss"] == pytest.approx(sum(parts), rel=1e-5)


def test_the_filter_writes_what_the_matcher_moves_and_stage_30_trains_on_that(run_dir: Path) -> None:
    files = sorted((run_dir / "pseudo_labels").glob("*.tif"))
    for path in files:
        copied = read_raster(run_dir / "reassigned_labels" / path.name)
        np.testing.assert_array_equal(copied.pixels, read_raster(path).pixels)
        moved = read_raster(run_dir / "registered_labels" / path.name).pixels
        np.testing.assert_array_equal(moved[:-1], copied.pixels[1:])
        assert moved[-1].max() == 0
    manifest = read_manifest(run_dir / "reassigned_labels" / "manifest.json")
    assert manifest["made_by"] == {"stage": "label_filter", "method": "copy", "scheme": "openearthmap"}
    registered = read_manifest(run_dir / "registered_labels" / "manifest.json")
    assert registered["inputs"]["labels"] == manifest["inputs"]["labels"]  # the same names and bytes
    assert registered["made_by"]["matcher"] == {"patch": 40, "search": 8, "down": 1}
    trained = read_manifest(run_dir / "sar_models" / "sar_segformer" / "manifest.json")
    assert trained["inputs"]["labels"] == digest_all(sorted((run_dir / "registered_labels").glob("*.tif")))


def test_scores_and_report_have_the_labels_that_trained(run_dir: Path) -> None:
    metrics = json.loads((run_dir / "metrics.json").read_text())
    before, after = metrics["unregistered_labels"], metrics["training_labels"]
    assert before["labels"] == after["labels"] == "manual labels of 4 train tiles on the SAR images"
    assert before["miou"] != after["miou"]
    quality = read_quality(run_dir / "registered_labels")
    assert quality["truth"]["on_all"]["miou"] == after["miou"]
    assert quality["truth_before"]["on_all"]["miou"] == before["miou"]
    report = (run_dir / "report.html").read_text()
    for text in ("labels that trained the SAR models", "labels before registration", "pseudo_labels after copy"):
        assert text in report
    assert "reassigned_labels after registration by one_down" in report and "REGISTER" in report


def test_the_network_of_two_inputs_is_trained_predicted_and_submitted(
    run_dir: Path, environment: dict[str, str]
) -> None:
    assert read_model_info(run_dir / "sar_models/two_inputs/model.pth").modality == "optical+sar"
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert sorted(metrics["sar_models"]) == ["sar_segformer", "two_inputs"] == sorted(metrics["ensemble"]["members"])
    for path in sorted((run_dir / "scores/test/two_inputs").glob("*.tif")):
        header, codes = read_scores(path)
        assert header.model == "two_inputs" and codes.std() > 0
    with zipfile.ZipFile(run_dir / "submission.zip") as archive:
        assert len(archive.namelist()) == 2
    again = run_stage("run_all.sh", environment)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("is there:") == 1 + 1 + 1 + 1 + 1 + 2 + 4 + 1


def test_without_the_optical_image_the_network_says_so(
    run_dir: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    data = Path(shutil.copytree(environment["DFC_ROOT"], tmp_path / "data"))
    shutil.rmtree(data / "test" / "rgb_images")
    shutil.copytree(run_dir / "sar_models", tmp_path / "run" / "sar_models")
    call = run_stage("40_predict_sar.sh", environment | {"DFC_ROOT": str(data), "RUN_DIR": str(tmp_path / "run")})
    assert call.returncode == 2
    assert "expected an optical image of the same name in rgb_images, found none; a network that" in call.stderr
