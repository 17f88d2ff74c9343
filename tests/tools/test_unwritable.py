"""Commands tell of a place that can not be written in one line, before they do the work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ensemble.__main__ import main as ensemble_main
from ensemble.fit_weights import main as fit_weights_main
from landcover.demo_scenes.__main__ import main as demo_main
from stage1_optical_da.reassign_labels import main as reassign_main
from stage1_optical_da.train_teachers import main as teachers_main
from stage1_optical_da.write_pseudo_labels import main as pseudo_labels_main
from stage2_sar_seg.predict_sar import main as predict_main
from stage2_sar_seg.register_labels import main as register_main
from stage2_sar_seg.train_sar_models import main as sar_main
from tools.ablation.__main__ import main as ablation_main
from tools.ablation.predict import main as ablation_predict_main
from tools.check_data import main as check_main
from tools.make_submission import main as submission_main
from tools.map_scene import main as map_scene_main
from tools.map_tiles import main as map_tiles_main

CONFIGS = Path(__file__).parents[2] / "configs" / "demo"
DFC = ("--dfc-root", "{data}/DFC2025Track1")
SAR = "{data}/DFC2025Track1/test/sar_images"
RUN = ("--run-dir", "{out}")
TEACHER, SAR_MODEL = CONFIGS / "teacher_segformer.py", CONFIGS / "sar_segformer.py"


@pytest.mark.parametrize("place", ["/proc/run", "file/run"])
@pytest.mark.parametrize(
    ("main", "words"),
    [
        (check_main, ("--oem-root", "{data}/OpenEarthMap", *DFC, *RUN)),
        (teachers_main, (TEACHER, "--oem-root", "{data}/OpenEarthMap", *DFC, *RUN)),
        (pseudo_labels_main, ("teacher_segformer", *DFC, *RUN)),
        (reassign_main, ("--method", "copy", "--labels", "{data}/DFC2025Track1/train/labels", *DFC, *RUN)),
        (register_main, ("--method", "phase", "--labels", "{data}/DFC2025Track1/train/labels", *DFC, *RUN)),
        (sar_main, (SAR_MODEL, "--labels", "{data}/DFC2025Track1/train/labels", *DFC, *RUN)),
        (predict_main, ("sar_segformer", *DFC, *RUN)),
        (submission_main, (*DFC, *RUN)),
        (ablation_main, ("stage1", *RUN)),
        (ablation_main, ("stage1", "--run-dir", "{free}", "--json", "{out}/scores.json")),
        (ablation_predict_main, ("--model", "model.pth", "--images", SAR, "--out", "{out}")),
        (demo_main, ("--out", "{out}")),
        (map_tiles_main, ("--images", SAR, "--models", "model.pth", "--out", "{out}")),
        (map_scene_main, ("--scene", SAR + "/a.tif", "--models", "model.pth", "--out", "{out}/map.tif")),
        (map_scene_main, ("--scene", "a", "--models", "b", "--out", "{free}.tif", "--confidence", "{out}/sure.tif")),
        (ensemble_main, ("--scores", "{data}", "--out", "{out}")),
        (fit_weights_main, ("--scores", "{data}", "--truth", "{data}", "--out", "{out}/weights.json")),
    ],
)  # fmt: skip
def test_a_place_that_can_not_be_written_is_told_first(
    run_main: Callable[..., tuple[int, str]],
    demo_root: Path,
    tmp_path: Path,
    place: str,
    main: Callable[[], None],
    words: tuple[object, ...],
) -> None:
    (tmp_path / "file").touch()
    names = {"data": demo_root, "out": tmp_path / place, "free": tmp_path / "free"}
    code, told = run_main(main, *(str(word).format(**names) for word in words))
    assert code == 2
    assert told.startswith(f"error: {tmp_path / place}") and "expected a folder to write to, found that" in told
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
