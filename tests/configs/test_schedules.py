"""Learning rates of the schedules, iteration by iteration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

from landcover.training.config import load_config
from landcover.training.runner import schedule

BASES = Path(__file__).parents[2] / "configs" / "_base_"

LEAF = """
_base_ = [
    "{bases}/models/segformer_mit.py",
    "{bases}/datasets/sar.py",
    "{bases}/losses/sce_lovasz.py",
    "{bases}/schedules/{name}.py",
]
pretrained = None
crop_size = 64
iterations = {iterations}
"""


def learning_rates(folder: Path, name: str, iterations: int) -> np.ndarray:
    """Rate of every iteration, (iterations,) float64, as mmengine's loop applies it."""
    path = folder / f"{name}.py"
    path.write_text(LEAF.format(bases=BASES, name=name, iterations=iterations))
    config = load_config(path, stage=2)
    model = nn.Module()
    model.backbone = nn.Linear(1, 1)
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    parts = [PARAM_SCHEDULERS.build({**part, "optimizer": wrapper}) for part in schedule(config)]
    found = []
    for _ in range(iterations):
        found.append(wrapper.get_lr()["lr"][0])
        wrapper.update_params(sum(p.sum() for p in model.parameters()))
        for part in parts:
            part.step()
    assert torch.isfinite(model.backbone.weight).all()
    return np.array(found)


@pytest.mark.parametrize(
    ("name", "decay"),
    [
        ("adamw_poly", 1 - np.arange(360) / 359),  # mmengine's reaches 0 in the last iteration, the cosine behind it
        ("adamw_cosine", (1 + np.cos(np.pi * np.arange(360) / 360)) / 2),
    ],
)
def test_rates_rise_for_a_tenth_and_then_fall_to_nothing(registered, tmp_path, name, decay):
    found = learning_rates(tmp_path, name, iterations=400)
    assert found[0] == pytest.approx(1e-6)
    assert np.all(np.diff(found[:40]) > 0)
    np.testing.assert_allclose(found[40:], 6e-5 * decay, rtol=1e-9, atol=1e-15)


def test_the_cosine_keeps_the_rate_up_for_longer(registered, tmp_path):
    poly, cosine = (learning_rates(tmp_path, name, 400) for name in ("adamw_poly", "adamw_cosine"))
    np.testing.assert_allclose(cosine[:41], poly[:41], rtol=1e-12)
    assert np.all(cosine[41:220] > poly[41:220]) and np.all(cosine[221:399] < poly[221:399])
    assert cosine[220] == pytest.approx(3e-5, rel=1e-6)
