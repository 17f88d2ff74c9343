import pickle
from typing import Any

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmseg.registry import MODELS
from torch.utils.data import DataLoader

from landcover.data_sets.training_sample import TrainingSample
from stage1_optical_da.source_target_pairs import SourceTargetPreprocessor

pytestmark = pytest.mark.usefixtures("registered")

SAR = {"type": "SarPreprocessor", "mean": [50.0], "std": [25.0]}
OPTICAL = {"type": "SegDataPreProcessor", "mean": [0.0] * 3, "std": [1.0] * 3, "size_divisor": 32, "seg_pad_val": 255}
BOTH = {"type": "MultimodalPreprocessor", "preprocessors": {"optical": OPTICAL, "sar": SAR}}


def indices() -> torch.Tensor:
    plane = torch.arange(40 * 40, dtype=torch.uint8).reshape(1, 40, 40) % 8
    plane[:, :5] = 255
    return plane


def test_labels_take_a_byte_per_pixel_until_they_are_on_the_device() -> None:
    sample = TrainingSample.of(indices(), "a.tif")
    assert pickle.loads(pickle.dumps(sample)).gt_sem_seg.data.dtype == torch.uint8
    moved = sample.to("cpu")
    assert moved.gt_sem_seg.data.dtype == torch.int64 and moved.img_path == "a.tif"
    assert torch.equal(moved.gt_sem_seg.data, indices().long())
    assert sample.gt_sem_seg.data.dtype == torch.uint8  # left as it was


@pytest.mark.parametrize("config", [SAR, OPTICAL, BOTH])
def test_behind_every_preprocessor_labels_are_int64_and_padded_with_void(config: dict[str, object]) -> None:
    images = {"optical": torch.zeros(3, 40, 40, dtype=torch.uint8), "sar": torch.zeros(1, 40, 40, dtype=torch.uint8)}
    inputs = images if config is BOTH else images["sar" if config is SAR else "optical"]
    batch = pseudo_collate([{"inputs": inputs, "data_samples": TrainingSample.of(indices(), "a.tif")}] * 2)
    for sample in MODELS.build(config)(batch, training=True)["data_samples"]:
        expected = torch.full((1, 64, 64), 255)
        expected[:, :40, :40] = indices()
        assert sample.gt_sem_seg.data.dtype == torch.int64
        assert torch.equal(sample.gt_sem_seg.data, expected)


def test_teachers_see_int64_labels() -> None:
    item = {"inputs": torch.zeros(3, 40, 40, dtype=torch.uint8), "data_samples": TrainingSample.of(indices(), "a.tif")}
    batch = SourceTargetPreprocessor()(pseudo_collate([{"source": item, "target": item, "seed": 3}]), training=True)
    for labels in batch["data_samples"].values():
        assert labels.dtype == torch.int64
        assert torch.equal(labels, indices().long())


def test_a_loader_pins_images_and_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned: list[torch.Size] = []

    def pin(tensor: torch.Tensor, device: object = None) -> torch.Tensor:
        pinned.append(tensor.shape)
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    monkeypatch.setattr("torch.utils.data.dataloader.torch.accelerator.is_available", lambda: True)
    data = [{"inputs": torch.zeros(3, 40, 40), "data_samples": TrainingSample.of(indices(), "a.tif")}]
    (batch,) = DataLoader(data, collate_fn=pseudo_collate, pin_memory=True)
    assert pinned == [(3, 40, 40), (1, 40, 40)]
    assert batch["data_samples"][0].img_path == "a.tif"


@pytest.mark.parametrize("config", [SAR, BOTH, None])
def test_copies_to_the_device_do_not_wait(config: dict[str, object] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    preprocessor = MODELS.build(config) if config else SourceTargetPreprocessor()
    told: list[object] = []
    to = torch.Tensor.to

    def recorded(*args: Any, **kwargs: Any) -> torch.Tensor:
        told.append(kwargs.get("non_blocking"))
        return to(*args, **kwargs)

    monkeypatch.setattr(torch.Tensor, "to", recorded)
    preprocessor.cast_data([torch.zeros(3, 40, 40), TrainingSample.of(indices(), "a.tif")])
    assert told[:2] == [True, True]
