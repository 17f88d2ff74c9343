"""One test per behaviour that goes wrong silently: losses that are not what they are called, masks that leak, ..."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_networks import tiny_segformer
from torch import Tensor, nn

from ensemble.members import check_members, find_members
from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import InputError
from landcover.images.no_data import Raster
from landcover.images.raster import write_raster
from landcover.losses.lovasz import LovaszSoftmax
from landcover.losses.symmetric_cross_entropy import SymmetricCrossEntropy
from landcover.prediction.views import FLIPS, make_views
from landcover.score_files.score_file import ScoreHeader, encode, write_scores
from stage1_optical_da.class_mix import class_mix
from stage1_optical_da.self_training import SelfTraining
from stage1_optical_da.source_target_pairs import SourceTargetPairs

VOID = 255


def logits_of(*probabilities: float) -> Tensor:
    """One image of one row; each pixel gives class 0 the given probability and class 1 the rest."""
    first = torch.tensor(probabilities, dtype=torch.float64)
    return torch.stack([first, 1 - first]).log()[None, :, None, :]


def test_symmetric_cross_entropy_adds_the_bounded_reverse_term_and_not_itself() -> None:
    loss = SymmetricCrossEntropy(alpha=1.0, beta=1.0, log_zero=-4.0)
    label = torch.zeros(1, 1, 1, dtype=torch.int64)
    for probability in (0.9, 0.5, 1e-6):
        expected = -math.log(probability) + 4.0 * (1 - probability)
        assert loss(logits_of(probability), label).item() == pytest.approx(expected, rel=1e-9)
        assert loss(logits_of(probability), label).item() != pytest.approx(-3 * math.log(probability), rel=0.05)


def test_ignored_pixels_of_one_image_do_not_change_the_loss_of_the_others() -> None:
    logits = torch.cat([logits_of(0.9, 0.8, 0.7), logits_of(0.6, 0.5, 0.4)])
    label = torch.zeros(2, 1, 3, dtype=torch.int64)
    label[0, 0, :2] = VOID
    logits.requires_grad_()
    loss = SymmetricCrossEntropy(alpha=1.0, beta=0.0)(logits, label)
    expected = -sum(map(math.log, (0.7, 0.6, 0.5, 0.4))) / 4  # the mean over the valid pixels, not over all six
    assert loss.item() == pytest.approx(expected, rel=1e-9)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert (gradient.abs().sum(1)[:, 0] > 0).tolist() == [[False, False, True], [True, True, True]]


def test_a_crop_without_any_label_gives_a_zero_loss_with_a_graph() -> None:
    label = torch.full((1, 1, 3), VOID)
    for loss in (SymmetricCrossEntropy(), LovaszSoftmax()):
        logits = logits_of(0.9, 0.5, 0.1).requires_grad_()
        value = loss(logits, label)
        assert value.shape == () and value.item() == 0.0
        value.backward()
        assert logits.grad is not None and logits.grad.abs().sum().item() == 0.0


def test_class_mixing_draws_from_each_image_alone_and_never_void() -> None:
    source = torch.tensor([[[0, 1], [2, 3]], [[6, VOID], [VOID, 6]]])
    images = torch.zeros(2, 3, 2, 2)
    for seed in range(30):
        generators = [torch.Generator().manual_seed(2 * seed + number) for number in range(2)]
        mix = class_mix(images + 1, source, images, torch.full_like(source, 7), torch.zeros(2), 8, generators)
        assert (mix.indices[0] != 7).sum() == 2  # two of its own four classes, however many the batch has
        assert mix.indices[1].tolist() == [[6, 7], [7, 6]]
        assert mix.images[1, 0].tolist() == [[1, 0], [0, 1]]


@pytest.mark.usefixtures("registered")
def test_the_averaged_teacher_takes_over_batch_statistics_and_labels_in_eval_mode() -> None:
    loss = {"type": "SymmetricCrossEntropy", "beta": 0.0, "loss_name": "loss_ce"}
    head = {"norm_cfg": {"type": "BN"}, "loss_decode": [loss]}
    student = tiny_segformer({"mean": [127.0] * 3, "std": [60.0] * 3}, decode_head=head)
    model = SelfTraining(student).train()
    norm = model.teacher.decode_head.fusion_conv.bn
    nn.init.constant_(model.student.decode_head.fusion_conv.bn.running_mean, 8.0)
    model.update_teacher(step=3)
    assert norm.running_mean.unique().tolist() == [2.0]  # a quarter of the way from 0
    images, coverage = 255 * torch.rand(2, 3, 32, 32), torch.zeros(2, 32, 32, dtype=torch.int64)
    together, _ = model.train().pseudo_labels(model.teacher_logits(images, coverage), coverage)
    alone, _ = model.pseudo_labels(model.teacher_logits(images[:1], coverage[:1]), coverage[:1])
    assert not norm.training and norm.running_mean.unique().tolist() == [2.0]
    assert torch.equal(together[0], alone[0])  # statistics of the batch would differ


def test_scores_are_rounded_and_every_model_folder_is_looked_at_in_order(tmp_path: Path) -> None:
    just_below = np.array([[[0.999]], [[0.001]]], np.float32)  # 254.745 and 0.255
    assert encode(just_below, "probability").ravel().tolist() == [255, 0]
    assert encode(np.exp(np.float32([[[-0.01]], [[-9.99]]])), "logit").ravel().tolist() == [255, 0]
    header = ScoreHeader("model", OPEN_EARTH_MAP.name, "logit", 10.0, 2, 2, 8)
    for name, tiles in (("zebra", "abc"), ("ant", "abc"), ("mole", "ab")):
        for tile in tiles:
            write_scores(tmp_path / name / f"{tile}.tif", np.zeros((8, 2, 2), np.uint8), header)
    members = find_members(tmp_path)
    assert [member.name for member in members] == ["ant", "mole", "zebra"]
    with pytest.raises(InputError, match="mole"):
        check_members(members)  # the first folder is complete, the second is not
    (tmp_path / "mole" / "c.tif").write_bytes((tmp_path / "ant" / "c.tif").read_bytes())
    assert check_members(members) == ["a", "b", "c"]


@pytest.mark.usefixtures("registered")
def test_pairs_are_as_many_as_the_longer_set_and_not_its_product(tmp_path: Path) -> None:
    write_raster(tmp_path / "tile.tif", np.zeros((8, 8, 3), np.uint8))
    tile = TrainingTile(tmp_path / "tile.tif")
    many, more = (TrainingTiles([tile] * count, "optical", 8) for count in (3000, 4333))
    pairs = SourceTargetPairs(many, more)
    assert len(pairs) == 4333
    assert pairs[10**9]["source"]["inputs"].shape == (3, 8, 8)  # an ordinal costs nothing: no list is shuffled


def test_no_data_is_the_zero_region_at_the_border_by_arithmetic_alone() -> None:
    image = np.full((300, 300), 90, np.uint8)
    wedge = np.tri(300, 300, -200, dtype=bool)
    image[wedge] = 0
    image[50:120, 100:200] = 0  # dark water in the middle is data
    np.testing.assert_array_equal(Raster(image).no_data(), wedge)
    assert not Raster(np.where(wedge, 1, image)).no_data().any()


def test_all_twenty_four_test_time_views_are_different_images() -> None:
    views = make_views([0.5, 0.75, 1.0, 1.25, 1.5, 1.75], FLIPS)
    pixels = torch.arange(16 * 16.0).reshape(16, 16)
    seen: set[tuple[Any, ...]] = set()
    for view in views:
        scaled = nn.functional.interpolate(pixels[None, None], size=view.size(16, 16), mode="bilinear")
        shown = view.mirror(scaled)
        assert torch.equal(view.mirror(shown), scaled)
        seen.add((tuple(shown.shape), *shown.flatten().tolist()))
    assert len(views) == len(seen) == 24
