from itertools import islice

import pytest
from mmengine.registry import DATA_SAMPLERS

from landcover.data_sets import ordinal_sampler
from landcover.data_sets.ordinal_sampler import OrdinalSampler, shuffled_index


def sampler_of(monkeypatch, rank, world):
    monkeypatch.setattr(ordinal_sampler, "get_dist_info", lambda: (rank, world))
    return OrdinalSampler(range(5), seed=3)


def first(sampler, count):
    return list(islice(sampler, count))


def test_one_process_counts_without_end_and_again_from_the_start(monkeypatch):
    sampler = sampler_of(monkeypatch, 0, 1)
    assert first(sampler, 12) == first(sampler, 12) == list(range(12))
    assert len(sampler) == 5


def test_two_processes_see_together_what_one_sees(monkeypatch):
    even, odd = (first(sampler_of(monkeypatch, rank, 2), 6) for rank in range(2))
    assert even == [0, 2, 4, 6, 8, 10] and odd == [1, 3, 5, 7, 9, 11]
    # step by step: batches of 2 on two processes are the batches of 4 on one
    assert [{*even[i : i + 2], *odd[i : i + 2]} for i in (0, 2, 4)] == [{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}]


@pytest.mark.parametrize(("rank", "world"), [(0, 1), (1, 3)])
def test_skipping_leaves_the_rest_as_it_was(monkeypatch, rank, world):
    sampler = sampler_of(monkeypatch, rank, world)
    whole = first(sampler, 20)
    sampler.skip(7)
    assert first(sampler, 13) == whole[7:]
    sampler.skip(10**12)
    assert first(sampler, 1) == [rank + world * 10**12]


def test_configs_find_it_by_name():
    assert isinstance(DATA_SAMPLERS.build({"type": "OrdinalSampler", "dataset": [1, 2], "seed": 0}), OrdinalSampler)


def test_every_epoch_is_a_permutation_of_its_own():
    epochs = [[shuffled_index(epoch * 50 + position, 50, 7) for position in range(50)] for epoch in range(4)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_the_order_depends_on_seed_and_ordinal_alone():
    forwards = [shuffled_index(ordinal, 9, 1) for ordinal in range(90)]
    backwards = [shuffled_index(ordinal, 9, 1) for ordinal in reversed(range(90))]
    assert forwards == backwards[::-1]
    assert forwards != [shuffled_index(ordinal, 9, 2) for ordinal in range(90)]
    assert [shuffled_index(ordinal, 1, 5) for ordinal in range(3)] == [0, 0, 0]
