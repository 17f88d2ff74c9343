"""What a teacher's training shows to its student: the pairs that `teacher_training` makes of a config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mmengine import ConfigDict
from numpy.typing import NDArray

from landcover.data_sets.open_earth_map import LabelledTile
from landcover.data_sets.training_tiles import TrainingTile
from landcover.images.raster import write_raster
from landcover.training.config import load_config
from stage1_optical_da.source_target_pairs import SourceTargetPairs
from stage1_optical_da.train_teachers import teacher_training

pytestmark = pytest.mark.usefixtures("registered")

SIDE = 32  # of the crops
DATA = "train_dataloader.dataset"
NEVER = f"{DATA}.resolution_alignment.probability=0.0"
ALWAYS_TO_A_QUARTER = (f"{DATA}.resolution_alignment.probability=1.0", f"{DATA}.resolution_alignment.ratio=(0.25,0.25)")


@pytest.fixture
def pairs_of(tiny_teacher: Path, tmp_path: Path) -> Any:
    """Pairs of a training with options: of two noisy tiles of 64 x 64 that are both source and target."""
    rng = np.random.default_rng(0)
    tiles = []
    for name in ("a", "b"):
        tiles.append(LabelledTile(name, tmp_path / f"{name}.tif", tmp_path / f"{name}_labels.tif"))
        write_raster(tiles[-1].image, rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
        write_raster(tiles[-1].labels, rng.integers(1, 9, (64, 64), dtype=np.uint8))

    def make(*options: str, seed: int = 0) -> SourceTargetPairs:
        config = load_config(tiny_teacher, [f"crop_size={SIDE}", *options])
        target = [TrainingTile(tile.image) for tile in tiles]
        training = teacher_training("tiny", config, ConfigDict(), tiles, [], target, tmp_path / "run", seed)
        assert isinstance(training.dataset, SourceTargetPairs)
        return training.dataset

    return make


def pixels(pairs: SourceTargetPairs, domain: str, ordinal: int) -> NDArray[np.uint8]:
    """(H, W, 3) of one image of a pair."""
    image: NDArray[np.uint8] = pairs[ordinal][domain]["inputs"].numpy()
    return image.transpose(1, 2, 0)


def test_source_images_are_aligned_after_their_augmentations_and_target_images_never(pairs_of: Any) -> None:
    plain, aligned = pairs_of(NEVER), pairs_of(*ALWAYS_TO_A_QUARTER)
    for ordinal in range(8):
        source = pixels(plain, "source", ordinal)
        small = cv2.resize(source, (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_LINEAR)
        coarse = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        assert coarse.std() < 0.9 * source.std()
        np.testing.assert_array_equal(pixels(aligned, "source", ordinal), coarse)
        np.testing.assert_array_equal(pixels(aligned, "target", ordinal), pixels(plain, "target", ordinal))


def test_the_share_of_aligned_images_is_that_of_the_config(pairs_of: Any) -> None:
    plain, some = pairs_of(NEVER), pairs_of(f"{DATA}.resolution_alignment.probability=0.5")
    changed = [not np.array_equal(pixels(plain, "source", n), pixels(some, "source", n)) for n in range(100)]
    assert 35 <= sum(changed) <= 65


def test_source_and_target_of_a_pair_are_drawn_apart(pairs_of: Any) -> None:
    same_recipe = [f"{DATA}.{domain}.augmentations=[]" for domain in ("source", "target")]
    pairs = pairs_of(NEVER, *same_recipe, f"{DATA}.source.max_class_share=1.0")
    seen = [(pixels(pairs, "source", ordinal), pixels(pairs, "target", ordinal)) for ordinal in range(8)]
    assert [np.array_equal(source, target) for source, target in seen] == [False] * 8


@pytest.mark.parametrize(("domain", "other"), [("source", "target"), ("target", "source")])
def test_each_domain_is_cropped_and_augmented_by_its_own_settings(pairs_of: Any, domain: str, other: str) -> None:
    plain = [NEVER, *(f"{DATA}.{name}.augmentations=[]" for name in ("source", "target"))]
    plain += [f"{DATA}.{name}.scale=(1.0,1.0)" for name in ("source", "target")]
    inverted = "[{'type':'Albumentation','transforms':[{'type':'InvertImg','p':1.0}]}]"
    before, augmented, small = (
        pairs_of(*plain, *options)
        for options in ([], [f"{DATA}.{domain}.augmentations={inverted}"], [f"{DATA}.{domain}.scale=(0.25,0.25)"])
    )
    np.testing.assert_array_equal(pixels(augmented, domain, 0), 255 - pixels(before, domain, 0))
    np.testing.assert_array_equal(pixels(augmented, other, 0), pixels(before, other, 0))
    void = {name: (small[0][name]["data_samples"].gt_sem_seg.data == 255).float().mean() for name in (domain, other)}
    assert void == {domain: 0.75, other: 0.0}  # a tile of 16 x 16 in a crop of 32 x 32


@pytest.mark.parametrize(("share", "drawn_again"), [(1.0, False), (0.0, True)])
def test_crops_of_the_source_are_judged_by_their_classes(pairs_of: Any, share: float, drawn_again: bool) -> None:
    any_crop, chosen = (pairs_of(NEVER, f"{DATA}.source.max_class_share={limit}") for limit in (1.0, share))
    same = [np.array_equal(pixels(any_crop, "source", n), pixels(chosen, "source", n)) for n in range(4)]
    assert same == [not drawn_again] * 4


@pytest.mark.parametrize("domain", ["source", "target"])
def test_another_seed_draws_other_samples_and_the_same_seed_the_same(pairs_of: Any, domain: str) -> None:
    first, same, other = (pairs_of(seed=seed) for seed in (3, 3, 4))
    for ordinal in range(4):
        np.testing.assert_array_equal(pixels(first, domain, ordinal), pixels(same, domain, ordinal))
        assert not np.array_equal(pixels(first, domain, ordinal), pixels(other, domain, ordinal))
