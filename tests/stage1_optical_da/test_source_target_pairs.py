from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.images.raster import write_raster
from stage1_optical_da.source_target_pairs import SourceTargetPairs, SourceTargetPreprocessor

pytestmark = pytest.mark.usefixtures("registered")


def tiles(folder: Path, values: list[int], labelled: bool, seed: int) -> TrainingTiles:
    """16 x 16 tiles of one grey value each; labels are class 3."""
    listed = []
    for value in values:
        image, labels = folder / f"{value}.tif", folder / f"{value}_labels.tif"
        write_raster(image, np.full((16, 16, 3), value, np.uint8))
        write_raster(labels, np.full((16, 16), 3, np.uint8))
        listed.append(TrainingTile(image, labels if labelled else None))
    return TrainingTiles(listed, "optical", 16, scale=(1.0, 1.0), max_class_share=1.0, seed=seed)


@pytest.fixture
def pairs(tmp_path: Path) -> SourceTargetPairs:
    source = tiles(tmp_path / "source", [10, 20, 30], labelled=True, seed=0)
    return SourceTargetPairs(source, tiles(tmp_path / "target", [100, 110, 120, 130, 140], labelled=False, seed=1))


def grey(sample: dict[str, torch.Tensor]) -> int:
    (value,) = sample["inputs"].unique().tolist()
    return int(value)


def test_length_is_that_of_the_longer_set_and_not_the_product(pairs: SourceTargetPairs) -> None:
    assert len(pairs) == 5
    assert len(SourceTargetPairs(pairs.target, pairs.source)) == 5


def test_a_pair_is_a_labelled_source_sample_beside_a_target_sample(pairs: SourceTargetPairs) -> None:
    pair = pairs[0]
    assert sorted(pair) == ["seed", "source", "target"]
    assert grey(pair["source"]) in (10, 20, 30) and grey(pair["target"]) in (100, 110, 120, 130, 140)
    assert pair["source"]["data_samples"].gt_sem_seg.data.unique().tolist() == [2]
    assert pair["target"]["data_samples"].gt_sem_seg.data.unique().tolist() == [0]


def test_both_sets_are_seen_evenly_and_all_combinations_occur(pairs: SourceTargetPairs) -> None:
    seen = [(grey(pairs[ordinal]["source"]), grey(pairs[ordinal]["target"])) for ordinal in range(150)]
    assert [sum(source == value for source, _ in seen) for value in (10, 20, 30)] == [50] * 3
    assert [sum(target == value for _, target in seen) for value in (100, 110, 120, 130, 140)] == [30] * 5
    assert len(set(seen)) == 15


def test_a_sample_depends_on_its_ordinal_alone(pairs: SourceTargetPairs) -> None:
    for ordinal in (7, 3, 7):
        again = pairs[ordinal]
        assert torch.equal(again["target"]["inputs"], pairs[ordinal]["target"]["inputs"])
        assert again["seed"] == pairs[ordinal]["seed"]
    assert len({pairs[ordinal]["seed"] for ordinal in range(100)}) == 100


def test_the_preprocessor_stacks_both_domains_and_keeps_grey_values(pairs: SourceTargetPairs) -> None:
    batch = pseudo_collate([pairs[0], pairs[1]])
    result = SourceTargetPreprocessor()(batch, training=True)
    assert [generator.initial_seed() for generator in result["generators"]] == [pairs[0]["seed"], pairs[1]["seed"]]
    for domain in ("source", "target"):
        images, indices = result["inputs"][domain], result["data_samples"][domain]
        assert (images.shape, images.dtype) == ((2, 3, 16, 16), torch.float32)
        assert (indices.shape, indices.dtype) == ((2, 16, 16), torch.int64)
        assert [image.unique().item() for image in images] == [grey(pairs[ordinal][domain]) for ordinal in range(2)]
