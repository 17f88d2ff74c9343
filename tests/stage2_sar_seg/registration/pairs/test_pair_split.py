from __future__ import annotations

from pathlib import Path

import pytest

from landcover.errors import InputError
from stage2_sar_seg.registration.pairs.image_pair import ImagePair
from stage2_sar_seg.registration.pairs.pair_split import split_pairs


def pairs(count: int) -> list[ImagePair]:
    return [ImagePair(f"{n}", Path(f"sar/{n}.png"), Path(f"optical/{n}.png")) for n in range(count)]


def test_no_pair_is_in_two_sets_and_none_is_lost() -> None:
    split = split_pairs(pairs(100), 1 / 16, 0.2, "random", seed=3)
    sets = [{pair.name for pair in one} for one in (split.labelled, split.unlabelled, split.test)]
    assert [len(names) for names in sets] == [5, 75, 20]
    assert set.union(*sets) == {pair.name for pair in pairs(100)}
    assert split.note.startswith("warning: 20 of 100 tiles held out tile by tile")


def test_it_depends_on_seed_and_names_but_not_on_the_order() -> None:
    split = split_pairs(pairs(40), 0.5, 0.25, "random", seed=0)
    assert split_pairs(pairs(40)[::-1], 0.5, 0.25, "random", seed=0) == split
    other = split_pairs(pairs(40), 0.5, 0.25, "random", seed=1)
    assert other.test != split.test and other.labelled != split.labelled


def test_without_a_test_all_pairs_train_and_one_is_labelled_at_least() -> None:
    split = split_pairs(pairs(7), 0.01, None, "random", seed=0)
    assert (len(split.labelled), len(split.unlabelled), split.test, split.note) == (1, 6, [], "")
    assert split_pairs(pairs(7), 1.0, None, "random", seed=0).unlabelled == []


@pytest.mark.parametrize("share", [0.0, -0.5, 1.5])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=rf"--labelled: expected a share above 0 and up to 1, found {share:g}"):
        split_pairs(pairs(4), share, None, "random", seed=0)
