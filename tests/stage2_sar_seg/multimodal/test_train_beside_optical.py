"""The command that trains SAR models, with `--multimodal`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from landcover.images.raster import read_optical, write_raster
from stage2_sar_seg.train_sar_models import main

DEFAULTS = Path(__file__).parents[3] / "configs" / "_base_" / "multimodal" / "dllr.py"

RunMain = Callable[..., tuple[int, str]]


@pytest.fixture
def arguments(demo_root: Path, tiny_model: Path, label_folder: Path, tmp_path: Path) -> list[str]:
    words = (
        f"{tiny_model} --dfc-root {demo_root / 'DFC2025Track1'} --labels {label_folder} --run-dir {tmp_path / 'run'} "
        f"--multimodal {DEFAULTS}"
    )
    return words.split()


def test_pairs_and_sar_tiles_alone_are_told_and_train(
    run_main: RunMain, arguments: list[str], demo_root: Path, tmp_path: Path
) -> None:
    manual = tmp_path / "manual"
    manual.mkdir()
    truth = sorted((demo_root / "truth" / "train" / "labels").glob("*.tif"))
    shutil.copy(truth[0], manual)
    labels = arguments.index("--labels")
    others = "--manual-labels", str(manual), "--option", "multimodal.data.sar_only_share=0.125"
    words = [*arguments[:labels], *arguments[labels + 2 :], *others]
    code, output = run_main(main, *words, "--truth-root", demo_root / "truth")
    assert code == 0, output
    assert "tiny: 1 labelled pairs, 3 unlabelled ones, 3 SAR tiles alone\n" in output
    folder = tmp_path / "run" / "sar_models" / "tiny"
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [1, 2, 2]
    assert lines[0]["sar.labelled"] == pytest.approx(0.5, abs=0.01)  # half of the training is done after the step
    assert lines[2]["validation_miou"] == json.loads((folder / "metrics.json").read_text())["miou"]


def test_mistakes_are_told_in_one_line(
    run_main: RunMain, arguments: list[str], demo_root: Path, tiny_model: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(demo_root / "DFC2025Track1", tmp_path / "dfc"))
    image = sorted((data / "train" / "rgb_images").iterdir())[1]
    write_raster(image, np.ascontiguousarray(read_optical(image).pixels[:40]))
    other = list(arguments)
    other[other.index("--dfc-root") + 1] = str(data)
    own = tiny_model.with_name("own.py")
    own.write_text(tiny_model.read_text() + "multimodal = dict(masking=dict(probabilty=1.0))\n")
    cases = {
        f"error: {image}: expected the 64x64 pixels of {data}/train/sar_images/{image.name}": other,
        "error: option 'multimodal.crosss.weight': the config has no key 'crosss' (did you mean 'cross'?)": [
            *arguments, "--option", "multimodal.crosss.weight=1.0"
        ],
        f"error: {own}: multimodal.masking: unknown key 'probabilty' (did you mean 'probability'?); correct it": [
            str(own), *arguments[1:]
        ],
        "error: multimodal.masking: expected a ratio in [0, 1), found 1.5; correct it": [
            *arguments, "--option", "multimodal.masking.modalities.sar.ratio=1.5"
        ],
        "error: SAR_TRAINING=multimodal: expected SAR models of modality sar, found one of optical+sar": [
            *arguments, "--option", "modality=optical+sar", "--option", "train_dataloader.dataset.augmentations=[]"
        ],
        "error: multimodal.data: expected unlabelled_share and sar_only_share of at least 0 with a sum below 1": [
            *arguments, "--option", "multimodal.data.sar_only_share=1.0"
        ],
        f"error: {tmp_path}/absent.py: expected a training config, found none": [
            *arguments, "--option", f"multimodal.optical={tmp_path}/absent.py"
        ],
    }  # fmt: skip
    for message, words in cases.items():
        code, told = run_main(main, *words)
        assert code == 2 and told.startswith(message), told
    assert not (tmp_path / "run" / "sar_models" / "tiny" / "model.pth").exists()
