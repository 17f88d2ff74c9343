"""All stages with five classes of one's own, whose label files hold other numbers; then what needs no profile."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image
from stages import run_stage, settings

from ensemble.__main__ import main as average
from ensemble.fit_weights import main as fit_weights
from landcover.classes.scheme_file import read_scheme
from landcover.images.label_file import label_mark, read_labels
from landcover.images.raster import write_raster
from tools.map_scene import main as map_scene
from tools.map_tiles import main as map_tiles

RunMain = Callable[..., tuple[int, str]]

FIVE = """
unknown = [99]
[[classes]]
name = "open"
value = 10
colour = "#AA8800"
[[classes]]
name = "sealed"
value = 20
colour = "#888888"
[[classes]]
name = "plants"
value = 30
colour = "#00AA00"
[[classes]]
name = "water"
value = 40
colour = "#0000FF"
[[classes]]
name = "building"
value = 50
colour = "#FF0000"
score = false
"""
NUMBERS = np.array([255, 10, 10, 20, 20, 30, 40, 30, 50], np.uint8)
"""What files hold for labels 0..8 of the demo; 255 is for LABEL_VALUES to tell."""

RARE_CLASSES = "train_dataloader.dataset.source.rare_classes={'temperature':0.1,'min_pixels':20}"

NAMES = ["open", "sealed", "plants", "water", "building"]


@pytest.fixture(scope="module")
def run(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a finished run."""
    root = tmp_path_factory.mktemp("own_classes")
    shutil.copytree(demo_root, root / "data")
    for path in root.glob("data/**/labels/*.tif"):
        with rasterio.open(path) as file:
            labels = file.read(1)
        write_raster(path, NUMBERS[labels])
    (root / "five.toml").write_text(FIVE)
    own = {
        "CLASSES": str(root / "five.toml"),
        "LABEL_VALUES": "255:99",
        "TEACHERS": "configs/demo/teacher_segformer.py",
        "SAR_MODELS": "configs/demo/sar_segformer.py",
        "PUBLISHED_MODELS": "configs/demo/sar_segformer.py",
        "TEACHER_OPTIONS": f"{settings(root, root)['TEACHER_OPTIONS']} {RARE_CLASSES}",
        "SAR_OPTIONS": f"{settings(root, root)['SAR_OPTIONS']} class_balance=0.9",
        "AGREE_WITH": "published",
        "QUICK_LOOKS": "1",
        "FLIPS": "none",
    }
    environment = settings(root / "data", root / "run") | own
    call = run_stage("run_all.sh", environment)
    assert call.returncode == 0, call.stderr
    return environment


def test_the_submission_is_checked_and_holds_five_classes(run: dict[str, str], run_main: RunMain) -> None:
    with zipfile.ZipFile(Path(run["RUN_DIR"]) / "submission.zip") as archive:
        labels = [np.asarray(Image.open(BytesIO(archive.read(name)))) for name in archive.namelist()]
    assert len(labels) == 2 and set(np.unique(labels[0])) <= set(range(6))
    call = run_stage("50_make_submission.sh", run | {"LABEL_VALUES": ""})
    assert (call.returncode, call.stderr.count("error")) == (2, 1)
    assert "expected label values 10, 20, 30, 40, 50, 99 (scheme five), found 255" in call.stderr


def test_metrics_and_report_name_the_five_classes_and_leave_out_the_one_not_to_score(run: dict[str, str]) -> None:
    folder = Path(run["RUN_DIR"])
    metrics = json.loads((folder / "metrics.json").read_text())
    for entry in (metrics["ensemble"], metrics["pseudo_labels"], *metrics["sar_models"].values()):
        assert list(entry["iou"]) == NAMES
        scored = [entry["iou"][name] for name in NAMES[:4] if entry["iou"][name] is not None]
        assert entry["miou"] == pytest.approx(sum(scored) / len(scored))
    report = (folder / "report.html").read_text()
    assert all(name in report for name in NAMES) and "rangeland" not in report
    checked = json.loads((folder / "data_check" / "report.json").read_text())[0]["class_shares"]
    assert list(checked) == ["unknown", *NAMES] and sum(checked.values()) == pytest.approx(1)


def test_label_files_of_the_run_hold_0_to_5_and_say_so(run: dict[str, str]) -> None:
    scheme = read_scheme(Path(run["CLASSES"]))
    files = sorted((Path(run["RUN_DIR"]) / "pseudo_labels").glob("*.tif"))
    assert len(files) == 4
    for path in files:
        assert label_mark(path) == {"format": "landcover-labels", "scheme": "five", "classes": NAMES}
        assert read_labels(path, scheme).max() <= 5


def test_models_and_scores_can_be_used_without_the_profile(
    run: dict[str, str], run_main: RunMain, registered: None, tmp_path: Path
) -> None:
    folder, data = Path(run["RUN_DIR"]), Path(run["DFC_ROOT"]) / "test" / "sar_images"
    model = folder / "sar_models" / "sar_segformer" / "model.pth"
    outputs = torch.load(model, weights_only=True)["weights"]["decode_head.conv_seg.weight"]
    assert len(outputs) == 5
    scene = min(data.iterdir())
    assert run_main(map_scene, "--scene", scene, "--models", model, "--out", tmp_path / "scene.tif")[0] == 0
    with rasterio.open(tmp_path / "scene.tif") as file:
        assert [file.colormap(1)[label][:3] for label in (1, 4, 5)] == [(170, 136, 0), (0, 0, 255), (255, 0, 0)]
    assert "<Category>plants</Category>" in (tmp_path / "scene.tif.aux.xml").read_text()
    assert run_main(map_tiles, "--images", data, "--models", model, "--out", tmp_path / "tiles")[0] == 0
    words = ["--scores", folder / "scores" / "test", "--member", "sar_segformer"]
    assert run_main(average, *words, "--class-weight", "plants=2", "--out", tmp_path / "average")[0] == 0
    for path in (tmp_path / "scene.tif", tmp_path / "tiles" / scene.name, tmp_path / "average" / scene.name):
        mark = label_mark(path)
        assert mark is not None and mark["classes"] == NAMES


def test_weights_are_fitted_on_labels_of_ones_own(run: dict[str, str], run_main: RunMain, tmp_path: Path) -> None:
    truth = Path(run["TRUTH_ROOT"]) / "test" / "labels"
    words = ["--scores", Path(run["RUN_DIR"]) / "scores" / "test", "--truth", truth, "--out", tmp_path / "w.json"]
    code, message = run_main(fit_weights, *words)
    assert code == 2
    assert "expected scores of the 8 classes of scheme openearthmap, found 5 of scheme five;" in message
    assert "or name theirs in CLASSES (--classes)" in message
    words += ["--classes", run["CLASSES"], "--label-values=255:99"]
    assert run_main(fit_weights, *words)[0] == 0
    assert json.loads((tmp_path / "w.json").read_text())["members"].keys() <= {
        "sar_segformer",
        "sar_segformer_published",
    }


def test_other_label_values_are_other_inputs(run: dict[str, str]) -> None:
    call = run_stage("10_train_teachers.sh", run | {"LABEL_VALUES": "255:99 50:40"})
    assert call.returncode == 2
    assert "holds files made from something else (inputs.class_scheme differs); choose another" in call.stderr


def test_a_config_of_another_number_of_outputs_is_refused(run: dict[str, str]) -> None:
    call = run_stage("30_train_sar_models.sh", run | {"SAR_OPTIONS": "model.decode_head.num_classes=8"})
    assert (call.returncode, call.stderr.count("\n")) == (2, 1)
    assert "configs/demo/sar_segformer.py: model.decode_head.num_classes: expected 5 as the class scheme" in call.stderr
