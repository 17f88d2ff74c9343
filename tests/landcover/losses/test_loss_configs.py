"""Every list of losses under configs builds and gives a head what it trains on."""

from pathlib import Path

import pytest
import torch
from mmengine import Config
from mmseg.registry import MODELS

LISTS = sorted((Path(__file__).parents[3] / "configs" / "_base_" / "losses").glob("*.py"))
EXPECTED = {  # value of each loss at a pixel of equal probabilities of 8 classes
    "ce": {"loss_ce": 2.0794415},
    "ce_released": {"loss_ce": 3 * 2.0794415, "loss_lovasz": 0.875},
    "gce": {"loss_gce": (1 - 8**-0.7) / 0.7},
    "nce_mae": {"loss_nce": 1 / 8, "loss_mae": 1.75},
    "nce_rce": {"loss_nce": 1 / 8, "loss_rce": 3.5},
    "sce_lovasz": {"loss_sce": 2.0794415 + 3.5, "loss_lovasz": 0.875},
}


def test_no_list_is_left_out() -> None:
    assert [path.stem for path in LISTS] == sorted(EXPECTED)


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_a_list_builds_and_has_the_values_it_describes(registered: None, path: Path) -> None:
    config = Config.fromfile(path)
    assert set(config) == set(Config.fromfile(path.with_name("sce_lovasz.py")))
    losses = [MODELS.build(loss) for loss in config.losses]
    label = torch.zeros(1, 1, 1, dtype=torch.int64)
    values = {loss.loss_name: loss(torch.zeros(1, 8, 1, 1), label).item() for loss in losses}
    assert len(values) == len(losses)  # losses of one name would be added under it
    assert values == pytest.approx(EXPECTED[path.stem], rel=1e-6)
