"""SAR models that train beside an optical branch, from tiles to model files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import MODELS
from numpy.typing import NDArray
from tiny_networks import write_tiny_config
from torch import Tensor

from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.data_sets.training_tiles import TrainingTile
from landcover.errors import InputError
from landcover.images.modality import read_image
from landcover.networks.model_file import ModelInfo, load_model, save_model
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities
from landcover.processes.group import Processes
from landcover.training.band_statistics import band_statistics
from landcover.training.config import load_config
from landcover.training.train_model import train_model
from landcover.training.training import Training
from landcover.training.validation_hook import ValidationTiles
from stage2_sar_seg.multimodal.multimodal_training import MultimodalTraining
from stage2_sar_seg.multimodal.pair_tiles import training_pairs
from stage2_sar_seg.multimodal.pair_training import beside_optical, optical_branch
from stage2_sar_seg.sar_training import sar_config, sar_training

ROOT = Path(__file__).parents[3]
DEFAULTS = ROOT / "configs" / "_base_" / "multimodal" / "dllr.py"
CPU = torch.device("cpu")
ONE = Processes(0, 1, CPU)
WHOLE_BATCH = ("losses=[{'type':'SymmetricCrossEntropy','loss_name':'loss_sce'}]", "multimodal.cross.reassign=False",
    "multimodal.cross.confidence=0.0", "iterations=3", "train_dataloader.batch_size=4",
    "model.decode_head.norm_cfg=None")  # fmt: skip

MakeTraining = Callable[..., Training]


@pytest.fixture
def make_training(registered: None, demo_root: Path, tmp_path: Path) -> MakeTraining:
    """A training on two labelled pairs, two unlabelled ones and the SAR tiles of val and test."""
    path = write_tiny_config(tmp_path / "configs", ["datasets/sar", "losses/sce_lovasz"], iterations=4, bands=1)
    root = demo_root / "DFC2025Track1"

    def make(folder: Path, *options: str, start: Path | None = None, scored: bool = False) -> Training:
        config = load_config(path, ["checkpoint_interval=2", *options], 2, defaults=DEFAULTS)
        tiles = dfc2025_tiles(root, "train")
        statistics = band_statistics([tile.sar for tile in tiles])
        changed = sar_config(config, statistics)
        labelled = [TrainingTile(tile.sar, tile.labels if number < 2 else None) for number, tile in enumerate(tiles)]
        arguments = argparse.Namespace(
            start_from=[] if start is None else [start], pretrained_dir=None, fetch_pretrained=False
        )
        validation = ValidationTiles([TrainingTile(tiles[3].sar, tiles[3].labels)], "labels") if scored else None
        alone = sar_training("tiny", changed, changed.model, labelled[:2], validation, folder, 0, statistics.values)
        optical = optical_branch(config, changed, arguments)
        return beside_optical(alone, changed.model, start, optical, training_pairs(tiles, labelled, changed, root))

    return make


class Kept(Hook):
    """Keeps the module in training as it is after the last step; stops before an iteration, counted from 1, if told."""

    priority = "VERY_LOW"

    def __init__(self, stop: int = 0) -> None:
        self.stop = stop

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        if runner.iter + 1 == self.stop:
            raise RuntimeError("power cut")

    def after_train(self, runner: Runner) -> None:
        self.model = getattr(runner.model, "module", runner.model)


def with_hook(training: Training, hook: Hook) -> Training:
    return replace(training, hooks=[*training.hooks, hook])


def weights(path: Path) -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(path, weights_only=True)["weights"]
    return found


def test_what_is_exported_predicts_exactly_as_inside_of_the_training(
    make_training: MakeTraining, demo_root: Path, tmp_path: Path
) -> None:
    kept = Kept()
    assert train_model(with_hook(make_training(tmp_path / "tiny"), kept), ONE)
    assert isinstance(kept.model, MultimodalTraining)
    inside = {"": kept.model.branches.sar, "_optical": kept.model.branches.optical, "_fused": kept.model.branches}
    modalities = {"": "sar", "_optical": "optical", "_fused": "optical+sar"}
    tile, window = dfc2025_tiles(demo_root / "DFC2025Track1", "train")[0], SlidingWindow(32, 32)
    for name, network in inside.items():
        model, info = load_model(tmp_path / "tiny" / f"model{name}.pth", CPU)
        assert (info.name, info.modality, info.window) == (f"tiny{name}", modalities[name], 32)
        assert (info.sar is None) == (name == "_optical")
        image = read_image(tile.image(info.modality), info.modality)
        expected = predict_probabilities(network.eval(), image, window, CPU)
        assert torch.equal(predict_probabilities(model, image, window, CPU), expected)
    manifest = json.loads((tmp_path / "tiny" / "manifest.json").read_text())
    assert {"images", "labels", "optical_images", "unlabelled"} == set(manifest["inputs"])
    assert {"model.pth", "model_fused.pth", "model_optical.pth"} < {file["name"] for file in manifest["files"]}
    assert not train_model(make_training(tmp_path / "tiny"), ONE)  # it is there
    with pytest.raises(InputError, match="holds files made from something else"):
        train_model(make_training(tmp_path / "tiny", "multimodal.fused_weight=0.25"), ONE)


def test_an_interrupted_training_ends_like_an_uninterrupted_one(make_training: MakeTraining, tmp_path: Path) -> None:
    options = ("multimodal.masking.probability=0.8", "weight_ema=0.5", "multimodal.averaged_teachers=True")
    assert train_model(make_training(tmp_path / "whole", *options), ONE)
    with pytest.raises(RuntimeError, match="power cut"):
        train_model(with_hook(make_training(tmp_path / "cut", *options), Kept(stop=4)), ONE)
    assert train_model(make_training(tmp_path / "cut", *options), ONE)
    for name in ("model.pth", "model_optical.pth", "model_fused.pth", "log.jsonl"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def trained(processes: Processes, training: Training) -> dict[str, NDArray[np.float32]]:
    """The weights of the training in this process."""
    kept = Kept()
    train_model(with_hook(training, kept), processes)
    return {name: value.numpy() for name, value in kept.model.state_dict().items()}


def test_two_processes_train_what_one_process_with_the_whole_batch_trains(
    make_training: MakeTraining, in_two_processes: Callable[..., list[dict[str, NDArray[np.float32]]]], tmp_path: Path
) -> None:
    first, second = in_two_processes(trained, make_training(tmp_path / "two", *WHOLE_BATCH))
    whole = trained(ONE, make_training(tmp_path / "one", *WHOLE_BATCH))
    assert [name for name in first if not np.array_equal(first[name], second[name])] == []
    for name, value in whole.items():
        np.testing.assert_allclose(first[name], value, rtol=1e-3, atol=1e-5, err_msg=name)


def test_all_files_are_of_the_iteration_that_is_chosen(make_training: MakeTraining, tmp_path: Path) -> None:
    options = ("choose=validation_miou", "validation_interval=1")
    assert train_model(make_training(tmp_path / "tiny", *options, scored=True), ONE)
    chosen = json.loads((tmp_path / "tiny" / "metrics.json").read_text())["chosen"]
    together = weights(tmp_path / "tiny" / "model_fused.pth")
    for name, part in (("model", "sar"), ("model_optical", "optical")):
        for key, value in weights(tmp_path / "tiny" / f"{name}.pth").items():
            assert torch.equal(value, together[f"{part}.{key}"])
    stopped = make_training(tmp_path / "stopped", *options, f"iterations={max(2, chosen['iteration'])}", scored=True)
    assert chosen["rule"] == "validation_miou" and stopped.candidates is not None
    assert stopped.candidates.further == ("optical", "fused")


def test_branches_start_from_a_teacher_of_their_network_each_with_its_bands(
    make_training: MakeTraining, tmp_path: Path
) -> None:
    network = make_training(tmp_path / "any").trained["optical"]
    torch.manual_seed(3)
    teacher = MODELS.build(network).state_dict()
    save_model(tmp_path / "teacher.pth", ModelInfo("t", "optical", OPEN_EARTH_MAP, 32), {}, teacher)
    still = ("optim_wrapper.optimizer.lr=0.0", "weight_ema=0.9")
    assert train_model(make_training(tmp_path / "tiny", *still, start=tmp_path / "teacher.pth"), ONE)
    first = "backbone.layers.0.0.projection.weight"
    optical, sar = (weights(tmp_path / "tiny" / f"{name}.pth") for name in ("model_optical", "model"))
    torch.testing.assert_close(optical[first], teacher[first])
    torch.testing.assert_close(sar[first], teacher[first].sum(1, keepdim=True))
    torch.testing.assert_close(sar["decode_head.conv_seg.weight"], teacher["decode_head.conv_seg.weight"])
    inputs = json.loads((tmp_path / "tiny" / "manifest.json").read_text())["inputs"]
    assert "optical_start" in inputs


def test_another_config_names_the_optical_network(make_training: MakeTraining, tmp_path: Path) -> None:
    other = ROOT / "configs" / "demo" / "teacher_upernet_efficientnet_lite0.py"
    training = make_training(tmp_path / "tiny", f"multimodal.optical={other}")
    optical, sar = training.trained["optical"], training.trained["sar"]
    assert (optical.backbone.type, sar.backbone.type) == ("TimmFeatures", "FastMixVisionTransformer")
    losses = [loss["loss_name"] for loss in optical.decode_head.loss_decode]
    assert losses == [loss["loss_name"] for loss in sar.decode_head.loss_decode] == ["loss_sce", "loss_lovasz"]
    assert [loss["loss_weight"] for loss in optical.auxiliary_head.loss_decode] == [0.4, 0.4]
    assert str(other) not in training.config.pretty_text  # the network itself is there
    assert training.config.multimodal.optical.backbone.model_name == "tf_efficientnet_lite0"


def test_a_model_that_reads_both_images_has_no_optical_branch(make_training: MakeTraining, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"multimodal: expected SAR models of modality sar, found one of optical\+sar"):
        optical_branch(*_both_images(make_training, tmp_path))


def _both_images(make_training: MakeTraining, tmp_path: Path) -> tuple[Any, Any, argparse.Namespace]:
    config = make_training(tmp_path / "any").config
    config.modality = "optical+sar"
    return config, config, argparse.Namespace()
