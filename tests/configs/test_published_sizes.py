"""Every stage 2 config trains a step and predicts, on a CPU: the demo's at once, the published ones as slow tests."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.models.decode_heads import UPerHead
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from numpy.typing import NDArray

from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities
from landcover.sar.training_values import TrainingValues
from landcover.training.band_statistics import BandStatistics
from landcover.training.config import load_config
from stage2_sar_seg.sar_training import sar_config

CONFIGS = Path(__file__).parents[2] / "configs"
PUBLISHED = sorted(path.relative_to(CONFIGS).as_posix() for path in (CONFIGS / "stage2").glob("*.py"))
DEMO = sorted(path.relative_to(CONFIGS).as_posix() for path in (CONFIGS / "demo").glob("sar_*.py"))

RECOMPUTED, BF16 = "model.backbone.with_cp=True", "optim_wrapper.type=Bf16OptimWrapper"


def prepared(config: Config) -> Config:
    values = TrainingValues((), "uint8", ((3.0, 50.0, 190.0),))
    return sar_config(config, BandStatistics("amplitude", (60.0,), (40.0,), None, (), values))


def scene(side: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Speckled SAR image of fields of random classes, and their indices, some of them void."""
    rng = np.random.default_rng(0)
    indices = np.kron(rng.choice([*range(8), 255], (side // 16, side // 16)), np.ones((16, 16), int))
    speckle = rng.gamma(1.0, 1.0, (side, side)) ** 0.5
    return np.clip((30 + 10 * (indices % 9)) * speckle, 0, 255).astype(np.uint8), indices


def batch(side: int) -> dict[str, list[Any]]:
    """One image, because two of the published size take more than 12 GiB."""
    image, indices = scene(side)
    sample = SegDataSample()
    sample.gt_sem_seg = PixelData(data=torch.from_numpy(indices)[None])
    return {"inputs": [torch.from_numpy(image)[None]], "data_samples": [sample]}


def training_alone(model: EncoderDecoder) -> EncoderDecoder:
    """`model` in training mode, except where UPerNet pools the image into one value, which has no variance."""
    model.train()
    if isinstance(model.decode_head, UPerHead):
        model.decode_head.psp_modules[0].eval()
    return model


def sums(model: EncoderDecoder) -> dict[str, float]:
    """Sum of every parameter by name; a copy of them would take gigabytes."""
    return {name: parameter.detach().double().sum().item() for name, parameter in model.named_parameters()}


def check_a_step_and_a_prediction(config: Config) -> None:
    MMLogger.get_current_instance().setLevel("ERROR")  # mmengine lists every parameter otherwise
    torch.manual_seed(0)
    config, side = prepared(config), config.crop_size
    model = MODELS.build(config.model)
    model.init_weights()
    before = sums(model)
    values = training_alone(model).train_step(batch(side), build_optim_wrapper(model, config.optim_wrapper))
    # A new network knows nothing: log 8 of cross-entropy, 4 * 7 / 8 of its reverse, 7 / 8 of Lovasz; 0.4 of it again
    # for the auxiliary head.
    heads = 1.4 if model.with_auxiliary_head else 1.0
    assert values["loss"].item() == pytest.approx(heads * (math.log(8) + 3.5 + 0.875), rel=0.1)
    after = sums(model)
    assert all(math.isfinite(value) for value in after.values())
    # Not of all blocks: SwinV2 starts with its residual branches switched off, behind which nothing has a gradient.
    first = next(name for name in before if name.startswith("backbone."))
    heads_weights = [name for name, parameter in model.named_parameters() if "_head" in name and parameter.ndim == 4]
    assert [name for name in (first, *heads_weights) if before[name] == after[name]] == []
    image, _ = scene(side)
    probabilities = predict_probabilities(model.eval(), image, SlidingWindow(side, side), torch.device("cpu"))
    assert probabilities.shape == (8, side, side)
    torch.testing.assert_close(probabilities.sum(0), torch.ones(side, side), rtol=0, atol=1e-5)
    assert probabilities.std() > 0


@pytest.mark.parametrize("name", DEMO)
def test_a_demo_model_trains_and_predicts(registered: None, name: str) -> None:
    check_a_step_and_a_prediction(load_config(CONFIGS / name, ["crop_size=64"], stage=2))


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_model_trains_and_predicts_at_its_crop_size(registered: None, name: str) -> None:
    # 3 to 11.4 GiB and 22 to 98 s of a core each; bf16 for the Large variants, so that they stay within that.
    options = [RECOMPUTED, BF16] if "-l_" in name else [RECOMPUTED]
    check_a_step_and_a_prediction(load_config(CONFIGS / name, options, stage=2))
