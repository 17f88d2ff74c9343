from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from landcover.images.raster import write_raster
from landcover.networks.model_file import load_model
from stage2_sar_seg.train_sar_models import main
from tools.lay_out_scenes import main as lay_out

RunMain = Callable[..., tuple[int, str]]


def test_sar_models_learn_scenes_of_whu_opt_sar(run_main: RunMain, tiny_model: Path, tmp_path: Path) -> None:
    root, data, run = (tmp_path / name for name in ("whu", "data", "run"))
    rng = np.random.default_rng(0)
    for n in range(5):
        for kind, bands in (("image", (4,)), ("sar", ()), ("lbl", ())):
            pixels = rng.integers(1, 8, (48, 64, *bands)).astype(np.uint8)
            write_raster(root / kind / f"NH51E00{n}001.tif", 10 * pixels)
    assert run_main(lay_out, "--root", root, "--out", data, "--val", "0.25")[0] == 0
    words = f"{tiny_model} --dfc-root {data} --run-dir {run} --classes whu_opt_sar --label-values="
    manual = f"--manual-labels {data / 'train' / 'labels'} --labelled-tiles 1/2"
    code, output = run_main(main, *words.split(), *manual.split())
    assert code == 0, output
    assert output.splitlines()[0] == "labels: 2 of 3 tiles manual, 1 without"
    _, info = load_model(run / "sar_models" / "tiny" / "model.pth", torch.device("cpu"))
    assert info.scheme.classes == ("farmland", "city", "village", "water", "forest", "road", "others")
