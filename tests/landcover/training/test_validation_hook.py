from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from landcover.data_sets.training_tiles import TrainingTile
from landcover.processes import Processes
from landcover.raster import write_raster
from landcover.training.validation_hook import ValidationHook, ValidationTiles, validate
from landcover.training_log import read_log


class ByGreyValue(nn.Module):
    """Logits that favour class v at grey value v."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.data_preprocessor = nn.Module()
        self.data_preprocessor.register_buffer("mean", torch.zeros(1, 1, 1))
        self.data_preprocessor.register_buffer("std", torch.ones(1, 1, 1))
        self.modes = []

    def forward(self, images, mode="tensor"):
        self.modes.append(self.training)
        classes = torch.arange(8.0).view(1, 8, 1, 1)
        return -10 * (images - classes).abs()


@pytest.fixture
def validation(tmp_path):
    """Two tiles; the model is right but for one pixel of class 1 (a road, index 3)."""
    grey = np.array([[0, 0], [3, 3]], np.uint8).repeat(4, 0).repeat(4, 1)
    labels = grey + np.uint8(1)
    labels[0, 0] = 4
    labels[7, 7] = 0
    for name in ("a", "b"):
        write_raster(tmp_path / f"{name}.tif", grey)
        write_raster(tmp_path / f"{name}_labels.tif", labels)
    tiles = [TrainingTile(tmp_path / f"{name}.tif", tmp_path / f"{name}_labels.tif") for name in ("a", "b")]
    return ValidationTiles(tiles, "test labels")


def expected_counts():
    counts = np.zeros((8, 8), np.int64)
    counts[0, 0], counts[3, 0], counts[3, 3] = 31, 1, 31
    return counts


def test_scores_are_those_of_the_tiles_and_the_mode_is_put_back(validation, one_process):
    model = ByGreyValue().train()
    matrix = validate(model, validation, "sar", 8, one_process)
    np.testing.assert_array_equal(matrix.counts, 2 * expected_counts())
    assert matrix.summary("x")["miou"] == pytest.approx(31 / 32)
    assert model.training and model.modes and not any(model.modes)


def test_processes_share_the_tiles(validation):
    shares = [Processes(rank, 2, torch.device("cpu")) for rank in range(2)]
    assert [processes.share(validation.tiles) for processes in shares] == [
        [validation.tiles[0]],
        [validation.tiles[1]],
    ]


def test_the_interval_is_kept_and_the_last_iteration_left_to_the_final_score(validation, one_process, tmp_path):
    path, model = tmp_path / "log.jsonl", ByGreyValue()
    hook = ValidationHook(path, lambda outer: outer.inner, validation, "sar", 8, 2, one_process)
    runner = SimpleNamespace(model=SimpleNamespace(inner=model), max_iters=6)
    for iteration in range(6):
        runner.iter = iteration
        hook.after_train_iter(runner, iteration)
    assert read_log(path) == [{"iteration": n, "validation_miou": pytest.approx(31 / 32)} for n in (2, 4)]
