"""Every shipped config builds what it describes."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine import Config
from mmengine.optim import build_optim_wrapper
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS

from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.images.raster import write_raster
from landcover.networks.pretrained import EFFICIENTNET_LITE0, PRETRAINED_WEIGHTS, read_tensors
from landcover.sar.training_values import TrainingValues
from landcover.training.band_statistics import BandStatistics
from landcover.training.config import load_config, network_to_train
from stage1_optical_da import resolution_alignment
from stage1_optical_da.prototype_alignment.gaussian_prototype_alignment import GaussianPrototypeAlignment
from stage1_optical_da.self_training import SelfTraining, teacher_of
from stage2_sar_seg.registration.s2m2.semi_supervised import SemiSupervisedMatching
from stage2_sar_seg.sar_training import sar_config

CONFIGS = Path(__file__).parents[2] / "configs"
STAGE_1 = [*sorted((CONFIGS / "stage1").glob("*.py")), *sorted((CONFIGS / "demo").glob("teacher_*.py"))]
STAGE_2 = [*sorted((CONFIGS / "stage2").glob("*.py")), *sorted((CONFIGS / "demo").glob("sar_*.py"))]
LEAVES = [*STAGE_1, *STAGE_2]
MATCHERS = sorted((CONFIGS / "registration").glob("*.py"))
# They would take more than 21 GiB of each of four GPUs; see docs/stages.md.
RECOMPUTED = {"stage1/upernet_swinv2-b_1024", "stage2/upernet_convnextv2-l_960", "stage2/upernet_swinv2-l_768"}

assert resolution_alignment  # imported for its registered class


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=[f"{path.parent.name}/{path.stem}" for path in paths])


def heads_of(model: EncoderDecoder) -> list:
    return [model.decode_head, *([model.auxiliary_head] if model.with_auxiliary_head else [])]


def loss_weights(head) -> list[float]:
    return [loss.loss_weight for loss in head.loss_decode]


def test_no_config_is_left_out():
    below = [path for path in CONFIGS.rglob("*.py") if "_base_" not in path.parts]
    assert sorted(below) == sorted([*LEAVES, *MATCHERS])
    assert len(STAGE_1) >= 5 and len(STAGE_2) >= 9 and len(MATCHERS) >= 2


@named(STAGE_1)
def test_a_teacher_reads_rgb_and_gives_eight_classes(registered, path):
    config = load_config(path)
    model = MODELS.build(config.model)
    assert isinstance(model, EncoderDecoder)
    assert config.model.backbone.in_channels == 3 and model.data_preprocessor.mean.shape == (3, 1, 1)
    for head in heads_of(model):
        assert (head.num_classes, head.ignore_index) == (8, 255)
        assert [(type(loss).__name__, loss.beta) for loss in head.loss_decode] == [("SymmetricCrossEntropy", 0.0)]
    assert [loss_weights(head) for head in heads_of(model)] == [[1.0], [0.4]][: len(heads_of(model))]


@named(STAGE_2)
def test_a_sar_model_reads_one_band_and_has_the_robust_losses_on_every_head(registered, path):
    config = load_config(path)
    assert "self_training" not in config
    values = TrainingValues((), "uint8", ((3.0, 50.0, 190.0),))
    changed = sar_config(config, BandStatistics("amplitude", (60.0,), (40.0,), None, (), values))
    assert changed.model.backbone.in_channels == 1
    model = MODELS.build(changed.model)
    assert model.data_preprocessor.mean.flatten().tolist() == [60.0]
    assert model.data_preprocessor.std.flatten().tolist() == [40.0]
    for head, weight in zip(heads_of(model), (1.0, 0.4), strict=False):
        assert (head.num_classes, head.ignore_index) == (8, 255)
        assert [type(loss).__name__ for loss in head.loss_decode] == ["SymmetricCrossEntropy", "LovaszSoftmax"]
        assert loss_weights(head) == [weight, weight]
        assert (head.loss_decode[0].alpha, head.loss_decode[0].beta) == (1.0, 1.0)
    assert config.model.data_preprocessor.mean == load_config(path).model.data_preprocessor.mean  # not changed


@named(STAGE_1)
def test_the_self_training_of_a_config_surrounds_a_student(registered, path):
    config = load_config(path)
    assert "losses" not in config
    student = load_config(CONFIGS / "demo" / "teacher_segformer.py").model
    model = MODELS.build({**config.self_training, "student": student})
    assert isinstance(model, SelfTraining) and isinstance(teacher_of(model), EncoderDecoder)
    published = "stage1" in path.parts
    assert model.confidence == (0.968 if published else 0.9)
    assert model.target_weight == (0.0 if "source_only" in path.stem else 1.0)
    assert model.ema_limit == 0.999 or path.parent.name == "demo"
    learning = {id(p) for group in build_optim_wrapper(model, config.optim_wrapper).optimizer.param_groups
        for p in group["params"]}  # fmt: skip
    assert learning == {id(parameter) for part in (model.student, model.parts) for parameter in part.parameters()}
    aligned = [type(part) for part in model.parts.values()]
    assert aligned == [GaussianPrototypeAlignment] * path.stem.endswith("_prototypes")


@named(LEAVES)
def test_the_augmentations_of_a_config_build(registered, tmp_path, path):
    write_raster(tmp_path / "labels.tif", np.ones((8, 8), np.uint8))
    write_raster(tmp_path / "image.tif", np.ones((8, 8, 3), np.uint8))
    labelled = [TrainingTile(tmp_path / "image.tif", tmp_path / "labels.tif")]
    config = load_config(path)
    data = config.train_dataloader.dataset
    optical = path in STAGE_1
    for part in (data.source, data.target) if optical else (data,):
        tiles = TrainingTiles(labelled, "optical" if optical else "sar", config.crop_size, **part)
        assert len(tiles) == 1
        assert part.scale == ((0.75, 1.33) if path.parent.name == "demo" else (0.5, 2.0))
    assert (data.source if optical else data).max_class_share == 0.75


@named(LEAVES)
def test_names_and_schedules_fit_the_numbers(path):
    config = load_config(path)
    if path.parent.name == "demo":
        named = re.search(r"efficientnet_lite\d", path.stem)
        assert config.pretrained == (named[0] if named else None)
        assert config.iterations < 2000
        return
    assert config.pretrained in PRETRAINED_WEIGHTS
    assert config.crop_size == int(re.search(r"_(\d+)(_loveda|_isprs)?(_source_only|_prototypes)?$", path.stem)[1])
    assert config.model.backbone.get("img_size", config.crop_size) == config.crop_size
    lengths = {"stage1": (80000,), "stage2": (80000, 120000, 160000)}
    benchmark = re.search("_loveda|_isprs", path.stem)
    assert config.iterations in ((40000,) if benchmark else lengths[path.parent.name])
    assert 4 <= config.train_dataloader.batch_size <= 8
    assert config.optim_wrapper.optimizer.lr == 6e-5 and config.optim_wrapper.optimizer.weight_decay == 0.01
    warm_up, decay = config.param_scheduler
    assert warm_up.start_factor * config.optim_wrapper.optimizer.lr == pytest.approx(1e-6)
    assert (warm_up.end, decay.begin, decay.power, decay.eta_min) == (1500, 1500, 1.0, 0.0)
    assert config.checkpoint_interval <= config.iterations // 10


def test_a_teacher_of_weights_from_tensorflow_sees_images_as_they_did(registered):
    model = MODELS.build(load_config(CONFIGS / "demo" / "teacher_upernet_efficientnet_lite0.py").model)
    assert model.data_preprocessor.mean.flatten().tolist() == [127.0] * 3
    assert model.data_preprocessor.std.flatten().tolist() == [128.0] * 3
    assert (type(model.backbone.model.conv_stem).__name__, model.backbone.model.bn1.eps) == ("Conv2dSame", 1e-3)


@pytest.mark.parametrize("bands", [1, 2])
def test_a_sar_model_starts_from_the_weights_that_a_package_brings(registered, tmp_path, bands):
    config = load_config(CONFIGS / "demo" / "sar_upernet_efficientnet_lite0.py", stage=2)
    config.model.backbone.in_channels = bands
    image, logits = torch.rand(1, bands, 64, 64, generator=torch.Generator().manual_seed(0)), []
    for weights in (None, tmp_path / "absent"):
        torch.manual_seed(0)
        model = MODELS.build(network_to_train(copy.deepcopy(config), weights)).eval()
        model.init_weights()
        logits.append(model(image, mode="tensor"))
    published = read_tensors(EFFICIENTNET_LITE0.find())["_conv_stem.weight"]
    for band in range(bands):
        torch.testing.assert_close(model.backbone.model.conv_stem.weight[:, band], published.sum(dim=1) / bands)
    assert [tuple(values.shape) for values in logits] == [(1, 8, 16, 16)] * 2
    assert (logits[1] - logits[0]).norm() > 0.5 * logits[1].norm() > 0


@pytest.mark.parametrize("path", sorted((CONFIGS / "_base_").rglob("*.py")), ids=lambda path: path.stem)
def test_bases_hold_no_path_of_a_machine(path):
    text = Config.fromfile(path).pretty_text
    assert not re.search(r"['\"](/|~|[A-Z]:)", text)
    assert text.strip()


@pytest.mark.parametrize("profile", sorted((CONFIGS / "profiles").glob("*.sh")), ids=lambda path: path.stem)
def test_profiles_name_configs_that_exist(profile):
    found = re.findall(r"configs/[\w./-]+\.py", profile.read_text(encoding="utf-8"))
    assert found
    assert [name for name in found if CONFIGS.parent / name not in LEAVES] == []


@named(LEAVES)
def test_every_leaf_takes_the_options_for_memory_and_speed(path):
    options = ("model.backbone.with_cp=True", "compile=True", "optim_wrapper.type=Bf16OptimWrapper")
    plain, config = load_config(path), load_config(path, options)
    found = [(c.model.backbone.with_cp, c.compile, c.optim_wrapper.type) for c in (plain, config)]
    recomputed = f"{path.parent.name}/{path.stem}" in RECOMPUTED
    assert found == [(recomputed, False, "OptimWrapper"), (True, True, "Bf16OptimWrapper")]


@named(MATCHERS)
def test_a_matcher_trains_as_published_with_sizes_of_its_own(registered, path):
    config = load_config(path, stage="registration")
    model = SemiSupervisedMatching(config.model, labelled_share=0.5, **config.matching)
    temperatures = [model.deep_temperature, model.shallow_temperature, model.pseudo_temperature]
    assert [*temperatures, model.unlabelled_temperature] == [1 / 100, 1 / 30, 1 / 200, 1 / 80]
    assert (model.bins, model.network.enhance_deep.shared.heads) == (32, 8)
    [group] = build_optim_wrapper(model, config.optim_wrapper).optimizer.param_groups
    assert group["weight_decay"] == 0.1 and len(group["params"]) == len(list(model.parameters()))
    unlabelled = config.train_dataloader.dataset.unlabelled_per_labelled
    assert config.train_dataloader.batch_size == 1 + unlabelled
    shallow, deep = model.network.pyramid.smooth.out_channels, model.network.enhance_deep.convolution.out_channels
    window = config.crop_size + 2 * config.model.search
    if path.stem == "s2m2_192":
        assert (config.crop_size, window, group["lr"], unlabelled, shallow, deep) == (192, 256, 1e-5, 15, 32, 256)
    else:
        assert window <= 256  # of the demo's tiles


@named([*LEAVES, *MATCHERS])
def test_leaves_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40
