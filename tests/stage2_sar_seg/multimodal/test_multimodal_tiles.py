"""Samples of pairs with labels, pairs without, and SAR images alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmseg.registry import MODELS

from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import InputError
from landcover.images.raster import write_raster
from stage2_sar_seg.multimodal.multimodal_tiles import MultimodalPairsPreprocessor, MultimodalTiles

WHOLE: dict[str, Any] = {"scale": (1.0, 1.0), "max_class_share": 1.0, "marks_unlabelled": True}


@pytest.fixture
def pools(registered: None, tmp_path: Path) -> tuple[TrainingTiles, TrainingTiles, TrainingTiles]:
    """Labelled pairs (grey value 10), unlabelled (20), SAR tiles alone (30), with 16 rows without SAR data each."""

    def image(name: str, value: int, optical: bool = False) -> Path:
        pixels = np.full((64, 64, 3) if optical else (64, 64), value, np.uint8)
        pixels[:16] = value if optical else 0
        write_raster(tmp_path / f"{name}.tif", pixels)
        return tmp_path / f"{name}.tif"

    labels = np.full((64, 64), 3, np.uint8)
    labels[:, :16] = 0
    write_raster(tmp_path / "labels.tif", labels)
    pairs = [
        {"optical": image(f"rgb_{value}", value, optical=True), "sar": image(f"sar_{value}", value)}
        for value in (10, 20)
    ]
    labelled = TrainingTiles([TrainingTile(pairs[0], tmp_path / "labels.tif")], "optical+sar", 64, **WHOLE)
    unlabelled = TrainingTiles([TrainingTile(pairs[1])], "optical+sar", 64, **WHOLE)
    sar_only = TrainingTiles([TrainingTile(image("sar_30", 30))], "sar", 64, **WHOLE)
    return labelled, unlabelled, sar_only


def kind(sample: dict[str, Any]) -> tuple[int, int, bool]:
    """Grey values of the optical and the SAR image, and whether they are of one place."""
    optical, sar = (int(sample[name]["inputs"][0, -1, -1]) for name in ("optical", "sar"))
    return optical, sar, sample["paired"]


def test_kinds_have_their_shares_of_any_few_samples(pools: tuple[TrainingTiles, ...]) -> None:
    tiles = MultimodalTiles(*pools, unlabelled_share=0.5, sar_only_share=0.125)
    kinds = [kind(tiles[ordinal]) for ordinal in range(160)]
    assert set(kinds) == {(10, 10, True), (20, 20, True), (10, 30, False)}
    assert kinds.count((20, 20, True)) == pytest.approx(80, abs=1)
    assert kinds.count((10, 30, False)) == pytest.approx(20, abs=1)
    eights = [kinds[first : first + 8] for first in range(0, 160, 8)]
    assert {eight.count((20, 20, True)) for eight in eights} <= {3, 4, 5}
    assert {eight.count((10, 10, True)) for eight in eights} <= {2, 3, 4}
    assert len(tiles) == 3


def test_where_there_are_no_such_tiles_all_samples_are_labelled(pools: tuple[TrainingTiles, ...]) -> None:
    tiles = MultimodalTiles(pools[0], None, None, unlabelled_share=0.5, sar_only_share=0.4)
    assert {kind(tiles[ordinal]) for ordinal in range(20)} == {(10, 10, True)}
    some = MultimodalTiles(pools[0], None, pools[2], unlabelled_share=0.5, sar_only_share=0.25)
    assert [kind(some[n]) for n in range(100)].count((10, 30, False)) == pytest.approx(25, abs=1)


def test_a_sample_is_the_same_whenever_it_is_asked_for_and_has_a_seed_of_its_own(
    pools: tuple[TrainingTiles, ...],
) -> None:
    first, second = (MultimodalTiles(*pools, unlabelled_share=0.5, sar_only_share=0.125) for _ in range(2))
    list(map(second.__getitem__, range(3)))
    assert torch.equal(first[7]["sar"]["inputs"], second[7]["sar"]["inputs"])
    assert first[7]["seed"] == second[7]["seed"]
    assert len({first[n]["seed"] for n in range(50)}) == 50


def test_shares_that_leave_no_labels_are_refused(pools: tuple[TrainingTiles, ...]) -> None:
    message = "multimodal.data: expected unlabelled_share and sar_only_share of at least 0 with a sum below 1, found "
    with pytest.raises(InputError, match=message + r"0\.8 and 0\.2; the rest of the samples is labelled"):
        MultimodalTiles(*pools, unlabelled_share=0.8, sar_only_share=0.2)
    with pytest.raises(InputError, match=message):
        MultimodalTiles(*pools, unlabelled_share=-0.1, sar_only_share=0.2)


def test_a_batch_is_normalised_by_branch_and_tells_labels_from_what_is_image(
    pools: tuple[TrainingTiles, ...],
) -> None:
    labelled, unlabelled, sar_only = pools
    always = {"unlabelled_share": 0.99, "sar_only_share": 0.0}, {"unlabelled_share": 0.0, "sar_only_share": 0.99}
    samples = [
        MultimodalTiles(labelled, None, None, 0.0, 0.0)[0],
        MultimodalTiles(labelled, unlabelled, sar_only, **always[0])[0],
        MultimodalTiles(labelled, unlabelled, sar_only, **always[1])[0],
    ]
    parts = {
        "optical": MODELS.build(
            {"type": "SegDataPreProcessor", "mean": [10.0] * 3, "std": [5.0] * 3, "size": (64, 64)}
        ),
        "sar": MODELS.build({"type": "SarPreprocessor", "mean": [20.0], "std": [10.0]}),
    }
    batch = MultimodalPairsPreprocessor(parts)(pseudo_collate(samples), training=True)
    assert batch["inputs"]["optical"][:, 0, -1, -1].tolist() == [0.0, 2.0, 0.0]
    assert batch["inputs"]["sar"][:, 0, -1, -1].tolist() == [-1.0, 0.0, 1.0]
    assert batch["paired"] == [True, True, False]
    row = {name: [sample.gt_sem_seg.data[0, 20, ::16].tolist() for sample in batch["data_samples"][name]]
        for name in ("optical", "sar")}  # fmt: skip
    assert row["optical"] == [[255, 2, 2, 2], [255] * 4, [255, 2, 2, 2]]
    assert row["sar"] == [[255, 2, 2, 2], [255] * 4, [255] * 4]
    for inside in batch["inside"].values():
        assert not inside[[0, 1], :16].any() and inside[:, 16:].all()  # a pair is image where both of its images are
    drawn = [torch.rand((), generator=generator).item() for generator in batch["generators"]]
    again = [torch.rand((), generator=torch.Generator().manual_seed(sample["seed"])).item() for sample in samples]
    assert drawn == again
