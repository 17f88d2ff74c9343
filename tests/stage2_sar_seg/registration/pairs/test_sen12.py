from __future__ import annotations

from pathlib import Path

import pytest

from landcover.errors import InputError
from stage2_sar_seg.registration.pairs.pair_split import split_pairs
from stage2_sar_seg.registration.pairs.sen12 import sen12_pairs
from stage2_sar_seg.registration.pairs.stored_pairs import read_pair


def test_the_official_layout_is_read(sen12: Path) -> None:
    pairs = sen12_pairs(sen12)
    assert len(pairs) == 12
    assert [pair.name for pair in pairs] == sorted(pair.name for pair in pairs)
    pair = next(pair for pair in pairs if pair.name == "ROIs1158_spring_s1_12_p30")
    assert pair.sar == sen12 / "ROIs1158_spring/s1_12/ROIs1158_spring_s1_12_p30.png"
    assert pair.optical == sen12 / "ROIs1158_spring/s2_12/ROIs1158_spring_s2_12_p30.png"
    assert (read_pair(pair).sar.shape, read_pair(pair).optical.shape) == ((1, 24, 24), (3, 24, 24))


def test_a_scene_is_not_divided_between_training_and_test(sen12: Path) -> None:
    split = split_pairs(sen12_pairs(sen12), 0.25, 1 / 3, "region", seed=0)
    scenes = {pair.sar.parent for pair in split.test}
    assert len(split.test) == 4 and len(scenes) == 1
    assert split.note == "4 of 12 tiles held out: 1 of 3 regions"
    assert scenes.isdisjoint(pair.sar.parent for pair in (*split.labelled, *split.unlabelled))


def test_a_lost_file_and_another_folder_are_told(sen12: Path) -> None:
    lost = sen12 / "ROIs1158_spring/s2_0/ROIs1158_spring_s2_0_p3.png"
    lost.unlink()
    with pytest.raises(InputError, match=r"ROIs1158_spring_s1_0_p3\.png: expected its optical image, found none"):
        sen12_pairs(sen12)
    with pytest.raises(InputError, match=r"expected the folders of SEN1-2 \(ROIs1158_spring/s1_0"):
        sen12_pairs(sen12 / "ROIs1158_spring")
