from pathlib import Path

import pytest
import torch
from mmseg.registry import MODELS

from landcover.data_sets.training_tiles import TrainingTile
from landcover.errors import InputError
from landcover.sar.training_values import TrainingValues
from landcover.training.band_statistics import BandStatistics
from landcover.training.config import load_config
from stage2_sar_seg.sar_training import class_weights, sar_config

ROOT = Path(__file__).parents[2]
VALUES = TrainingValues((), "float32", ((1.0, 2.0, 3.0),))
STATISTICS = BandStatistics("amplitude", (61.5,), (40.25,), None, (), VALUES)
DECIBELS = BandStatistics("decibel", (-9.0,), (4.0,), None, (), VALUES)
WITH_SPECKLE = (
    "train_dataloader.dataset.augmentations=[{'type': 'SpeckleNoise', 'looks': (2.0, 8.0), 'probability': 0.5},"
    "{'type': 'Albumentation', 'transforms': []}]"
)


def test_the_network_gets_statistics_bands_and_stretch(registered: None) -> None:
    config = load_config(ROOT / "configs/demo/sar_segformer.py", ["sar.bands=3", "sar.despeckle={'type': 'lee'}"])
    stretch = {"type": "log", "floor": 2.0}
    changed = sar_config(config, BandStatistics("intensity", (61.5,), (40.25,), stretch, (), VALUES))
    assert dict(changed.model.data_preprocessor) == {
        "type": "SarPreprocessor",
        "mean": [61.5],
        "std": [40.25],
        "unit": "intensity",
        "bands": 3,
        "stretch": stretch,
        "despeckle": {"type": "lee"},
        "seg_pad_val": 255,
        "size_divisor": 32,
    }
    assert changed.model.backbone.in_channels == 3
    assert changed.sar.unit == "intensity"


@pytest.mark.parametrize("name", ["sar_segformer", "sar_upernet_swinv2", "sar_upernet_convnextv2"])
def test_a_network_of_two_bands_gets_the_statistics_of_both_and_answers(registered: None, name: str) -> None:
    config = load_config(ROOT / f"configs/demo/{name}.py", ["sar.bands=[VV,VH]"])
    both = BandStatistics("decibel", (-9.0, -16.0), (4.0, 5.0), None, (), VALUES)
    changed = sar_config(config, both)
    preprocessor = changed.model.data_preprocessor
    assert (preprocessor.mean, preprocessor.std, preprocessor.bands) == ([-9.0, -16.0], [4.0, 5.0], 2)
    assert changed.model.backbone.in_channels == 2
    network = MODELS.build(changed.model).eval()
    decibels = torch.randn(2, 2, 64, 64)
    with torch.no_grad():
        logits = network(network.data_preprocessor.normalise(decibels), mode="tensor")
    assert logits.shape[:2] == (2, 8) and torch.isfinite(logits).all()


def test_a_network_of_optical_images_and_two_bands_gets_both_numbers(registered: None) -> None:
    config = load_config(ROOT / "configs/demo/sar_segformer.py", ["modality=optical+sar", "sar.bands=[2,1]"])
    changed = sar_config(config, BandStatistics("decibel", (-9.0, -16.0), (4.0, 5.0), None, (), VALUES))
    assert changed.model.backbone.in_channels == {"optical": 3, "sar": 2}
    assert changed.model.data_preprocessor.preprocessors.sar.mean == [-9.0, -16.0]


def test_heads_get_the_losses_and_the_auxiliary_head_a_factor(registered: None) -> None:
    changed = sar_config(load_config(ROOT / "configs/demo/sar_upernet_swinv2.py"), STATISTICS)
    assert [dict(loss) for loss in changed.model.decode_head.loss_decode] == [
        {"type": "SymmetricCrossEntropy", "alpha": 1.0, "beta": 1.0, "border": 0, "loss_name": "loss_sce"},
        {"type": "LovaszSoftmax", "loss_name": "loss_lovasz"},
    ]
    assert [dict(loss) for loss in changed.model.auxiliary_head.loss_decode] == [
        {
            "type": "SymmetricCrossEntropy",
            "alpha": 1.0,
            "beta": 1.0,
            "border": 0,
            "loss_name": "loss_sce",
            "loss_weight": 0.4,
        },
        {"type": "LovaszSoftmax", "loss_name": "loss_lovasz", "loss_weight": 0.4},
    ]


def test_the_config_itself_stays_as_it_is_and_a_model_may_have_one_head(registered: None) -> None:
    config = load_config(ROOT / "configs/demo/sar_segformer.py", [WITH_SPECKLE])
    before = config.pretty_text
    changed = sar_config(config, STATISTICS, [2.0] * 8)
    assert config.pretty_text == before
    assert "auxiliary_head" not in changed.model
    assert [loss.loss_name for loss in changed.model.decode_head.loss_decode] == ["loss_sce", "loss_lovasz"]


def test_loss_weights_of_the_config_are_multiplied_by_the_factor(registered: None) -> None:
    config = load_config(ROOT / "configs/demo/sar_upernet_convnextv2.py")
    config.losses[1]["loss_weight"] = 0.5
    changed = sar_config(config, STATISTICS)
    assert [loss.loss_weight for loss in changed.model.auxiliary_head.loss_decode] == [0.4, 0.2]
    assert changed.model.decode_head.loss_decode[1].loss_weight == 0.5


def test_class_weights_go_to_losses_of_pixels_only(registered: None) -> None:
    weights = [0.5, 1.0, 1.5, 1.0, 1.0, 1.0, 1.0, 1.0]
    changed = sar_config(load_config(ROOT / "configs/demo/sar_upernet_convnextv2.py"), STATISTICS, weights)
    for head in (changed.model.decode_head, changed.model.auxiliary_head):
        assert [loss.get("class_weight") for loss in head.loss_decode] == [weights, None]


def test_augmentations_of_intensities_get_the_unit(registered: None) -> None:
    config = load_config(ROOT / "configs/demo/sar_segformer.py", [WITH_SPECKLE])
    changed = sar_config(config, DECIBELS)
    assert [a.get("unit") for a in changed.train_dataloader.dataset.augmentations] == ["decibel", None]


def test_a_network_of_both_images_gets_the_preprocessors_of_both(registered: None) -> None:
    gain = {"type": "RandomGain", "decibels": 2.0, "probability": 0.5}
    option = f"train_dataloader.dataset.augmentations=[{{'type':'OnModality','modality':'sar','transform':{gain}}}]"
    config = load_config(ROOT / "configs/demo/sar_segformer.py", ["modality=optical+sar", option])
    changed = sar_config(config, DECIBELS)
    parts = changed.model.data_preprocessor.preprocessors
    assert changed.model.data_preprocessor.type == "MultimodalPreprocessor"
    assert (parts.optical.type, parts.optical.mean) == ("SegDataPreProcessor", [123.675, 116.28, 103.53])
    assert (parts.sar.type, parts.sar.mean, parts.sar.unit) == ("SarPreprocessor", [-9.0], "decibel")
    assert changed.model.backbone.in_channels == {"optical": 3, "sar": 1}
    assert changed.train_dataloader.dataset.augmentations[0].transform.unit == "decibel"


def test_an_unknown_modality_is_refused(registered: None) -> None:
    config = load_config(ROOT / "configs/demo/sar_segformer.py", ["modality=optical"])
    with pytest.raises(InputError, match=r"modality: expected sar or optical\+sar, found 'optical'; correct"):
        sar_config(config, STATISTICS)


def test_class_weights_come_from_the_label_files(demo_root: Path) -> None:
    labelled = [
        TrainingTile(demo_root / "DFC2025Track1/train/sar_images" / path.name, path)
        for path in sorted((demo_root / "truth/train/labels").glob("*.tif"))
    ]
    config = load_config(ROOT / "configs/demo/sar_segformer.py")
    assert class_weights(config, labelled) is None
    config.class_balance = 0.9999
    weights = class_weights(config, labelled)
    assert weights is not None and len(weights) == 8
    assert max(weights) > 2 > 1 > min(weights)  # rare and frequent classes
    config.class_balance = 1e-9
    assert class_weights(config, labelled) == pytest.approx([1.0] * 8)


def test_a_config_may_leave_the_auxiliary_head_out(registered: None) -> None:
    config = load_config(ROOT / "configs/demo/sar_upernet_swinv2.py", ["model.auxiliary_head=None"])
    assert not MODELS.build(sar_config(config, STATISTICS).model).with_auxiliary_head
