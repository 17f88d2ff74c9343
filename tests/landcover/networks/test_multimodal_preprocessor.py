import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from landcover.prediction.sliding_window import normalise

pytestmark = pytest.mark.usefixtures("registered")

OPTICAL = {"type": "SegDataPreProcessor", "mean": [10.0, 20.0, 30.0], "std": [1.0, 2.0, 3.0], "size_divisor": 32}
SAR = {"type": "SarPreprocessor", "mean": [50.0], "std": [25.0], "bands": 3}


def test_every_modality_is_normalised_by_its_own_rules_and_labels_are_padded_once() -> None:
    both = MODELS.build({"type": "MultimodalPreprocessor", "preprocessors": {"optical": OPTICAL, "sar": SAR}})
    labels = torch.arange(2 * 40 * 40).reshape(2, 1, 40, 40) % 8
    samples = [SegDataSample(gt_sem_seg=PixelData(data=plane)) for plane in labels]
    inputs = {
        "optical": [torch.full((3, 40, 40), 30, dtype=torch.uint8)] * 2,
        "sar": [torch.full((1, 40, 40), 100, dtype=torch.uint8)] * 2,
    }
    batch = both({"inputs": inputs, "data_samples": samples}, training=True)
    assert batch["inputs"]["optical"].shape == batch["inputs"]["sar"].shape == (2, 3, 64, 64)
    assert batch["inputs"]["optical"][0, :, 0, 0].tolist() == [20.0, 5.0, 0.0]
    assert batch["inputs"]["sar"][1, :, 39, 39].tolist() == [2.0, 2.0, 2.0]
    padded = batch["data_samples"][1].gt_sem_seg.data
    assert padded.shape == (1, 64, 64) and (padded[:, 40:] == 255).all()
    assert torch.equal(padded[:, :40, :40], labels[1])
    assert samples[1].gt_sem_seg.data.shape == (1, 40, 40)  # left as it was


def test_prediction_normalises_as_training_does() -> None:
    model = torch.nn.Module()
    preprocessors = {"optical": OPTICAL, "sar": SAR}
    model.data_preprocessor = MODELS.build({"type": "MultimodalPreprocessor", "preprocessors": preprocessors})
    pixels = {"optical": torch.full((1, 3, 4, 4), 30.0), "sar": torch.full((1, 1, 4, 4), 100.0)}
    normalised = normalise(pixels, model)
    assert normalised["optical"][0, :, 0, 0].tolist() == [20.0, 5.0, 0.0]
    assert normalised["sar"].shape == (1, 3, 4, 4) and (normalised["sar"] == 2.0).all()
