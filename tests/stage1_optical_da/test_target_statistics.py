from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmseg.registry import MODELS
from torch import nn

from landcover.data_sets.stored_tiles import TrainingTile
from landcover.images.raster import read_optical, write_raster
from landcover.processes.group import Processes
from stage1_optical_da.self_training import SelfTraining
from stage1_optical_da.target_statistics import MAX_TILES, NAMES, spread_evenly, target_evaluation, target_statistics

CPU = torch.device("cpu")
CONFIDENCE = 0.6


class PixelNetwork(nn.Module):
    """Logits are a linear function of each pixel."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 3, generator=torch.Generator().manual_seed(seed)))
        self.data_preprocessor = nn.Module()
        self.data_preprocessor.register_buffer("mean", torch.full((3, 1, 1), 127.0))
        self.data_preprocessor.register_buffer("std", torch.full((3, 1, 1), 60.0))
        self.modes: list[bool] = []

    def forward(self, images: torch.Tensor, mode: str = "tensor") -> torch.Tensor:
        self.modes.append(self.training)
        return torch.einsum("kc,bchw->bkhw", self.weight, images)


@pytest.fixture
def model(registered: None, student: dict) -> SelfTraining:
    """A self-training whose student and teacher look at one pixel each."""
    built = MODELS.build({"type": "SelfTraining", "student": student, "confidence": CONFIDENCE})
    built.student, built.teacher = PixelNetwork(1), PixelNetwork(2)
    return built.train()


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Three images of different sizes, larger and smaller than a window of 32."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.tif" for number in range(3)]
    for path, size in zip(paths, ((40, 50), (32, 32), (20, 30)), strict=True):
        write_raster(path, rng.integers(0, 256, (*size, 3), dtype=np.uint8))
    return paths


def tiles(images: list[Path]) -> list[TrainingTile]:
    return [TrainingTile(path) for path in images]


def by_hand(model: SelfTraining, images: list[Path]) -> dict[str, float]:
    """The same in float64, over all pixels of all images."""
    pixels = np.concatenate([read_optical(path).pixels.reshape(-1, 3) for path in images])
    normalised = (pixels.astype(np.float64) - 127) / 60
    student, teacher = (normalised @ net.weight.detach().double().numpy().T for net in (model.student, model.teacher))
    probabilities = np.exp(teacher) / np.exp(teacher).sum(1, keepdims=True)
    confidence = probabilities.max(1)
    agreement = student.argmax(1) == teacher.argmax(1)
    return dict(zip(NAMES, (confidence.mean(), (confidence >= CONFIDENCE).mean(), agreement.mean()), strict=True))


def test_statistics_are_those_of_all_pixels(model: SelfTraining, images: list[Path]) -> None:
    expected = by_hand(model, images)
    assert 0.1 < expected["target_agreement"] < 0.9 and 0.1 < expected["target_confident_share"] < 0.9
    assert target_statistics(model, tiles(images), 32, Processes(0, 1, CPU)) == pytest.approx(expected, rel=1e-6)
    assert model.training and model.student.training
    modes = model.student.modes + model.teacher.modes
    assert modes and not any(modes)


def test_windows_of_an_image_count_as_the_image(model: SelfTraining, images: list[Path]) -> None:
    areas = np.s_[0:25, 0:50], np.s_[25:40, 0:20], np.s_[25:40, 20:50]
    windows = [TrainingTile(images[0], area=area) for area in areas]
    found = target_statistics(model, windows, 32, Processes(0, 1, CPU))
    assert found == pytest.approx(by_hand(model, images[:1]), rel=1e-6)


def test_a_pixel_at_the_threshold_itself_is_confident(model: SelfTraining, images: list[Path]) -> None:
    nn.init.zeros_(model.teacher.weight)  # 1/8 for every class
    for confidence, share in ((0.125, 1.0), (0.1251, 0.0)):
        model.confidence = confidence
        found = target_statistics(model, tiles(images), 32, Processes(0, 1, CPU))
        assert (found["target_confidence"], found["target_confident_share"]) == (0.125, share)


def test_a_student_that_is_its_teacher_agrees_everywhere(model: SelfTraining, images: list[Path]) -> None:
    model.student = model.teacher
    assert target_statistics(model, tiles(images), 32, Processes(0, 1, CPU))["target_agreement"] == 1.0


def test_processes_add_up_what_each_has_counted(
    model: SelfTraining, images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[torch.Tensor] = []
    reduce = SimpleNamespace(all_reduce=lambda sums: counted.append(sums.clone()))
    monkeypatch.setattr("stage1_optical_da.target_statistics.dist", reduce)
    for rank in range(2):
        target_statistics(model, tiles(images), 32, Processes(rank, 2, CPU))
    *totals, pixels = sum(counted).tolist()
    assert pixels == 40 * 50 + 32 * 32 + 20 * 30
    expected = by_hand(model, images)
    assert [total / pixels for total in totals] == pytest.approx([expected[name] for name in NAMES], rel=1e-6)


def test_a_process_without_an_image_of_its_own_gets_the_values_too(
    model: SelfTraining, images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = torch.tensor([3.0, 2.0, 1.0, 4.0], dtype=torch.float64)
    monkeypatch.setattr(
        "stage1_optical_da.target_statistics.dist", SimpleNamespace(all_reduce=lambda sums: sums.add_(others))
    )
    found = target_statistics(model, tiles(images[:1]), 32, Processes(1, 2, CPU))
    assert found == dict(zip(NAMES, (0.75, 0.5, 0.25), strict=True))


def test_images_are_spread_evenly_and_none_comes_twice() -> None:
    paths = [Path(f"{number}.tif") for number in range(100)]
    assert spread_evenly(paths[:3], 32) == paths[:3]
    assert spread_evenly(paths[:8], 4) == [paths[0], paths[2], paths[4], paths[6]]
    spread = spread_evenly(paths, MAX_TILES)
    assert len(set(spread)) == MAX_TILES and spread == sorted(spread, key=paths.index)
    gaps = np.diff([paths.index(path) for path in spread])
    assert set(gaps.tolist()) == {3, 4}


def test_the_evaluation_looks_at_a_part_of_the_target(model: SelfTraining, images: list[Path]) -> None:
    evaluation = target_evaluation(tiles(images * 20), 32)
    found = evaluation.values(model, Processes(0, 1, CPU))
    assert tuple(found) == evaluation.names == NAMES
    assert found == pytest.approx(by_hand(model, spread_evenly(images * 20, 32)), rel=1e-6)
    assert len(model.teacher.modes) == sum(4 if path == images[0] else 1 for path in spread_evenly(images * 20, 32))
