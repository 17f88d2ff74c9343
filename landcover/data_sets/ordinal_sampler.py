"""An endless sampler without state: sample n is the same in every run, worker and process layout."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sized
from functools import lru_cache

import numpy as np
from mmengine.dist import get_dist_info
from mmengine.registry import DATA_SAMPLERS
from numpy.typing import NDArray
from torch.utils.data import Sampler


@DATA_SAMPLERS.register_module()
class OrdinalSampler(Sampler[int]):
    """Yields ordinals rank, rank + world, ... without end; the data set derives tile and augmentation from them.

    Nothing has to be shuffled in memory, resuming costs O(1) (`skip`), and n processes see together exactly what one
    process with n times the batch sees.

    Args:
        dataset: its length is reported as that of one epoch.
        seed: taken and left unused, because mmengine passes one; the data set holds the seed.
    """

    def __init__(self, dataset: Sized, seed: int | None = None) -> None:
        del seed
        self._length = len(dataset)
        self._rank, self._world = get_dist_info()
        self._skipped = 0

    def skip(self, num_samples: int) -> None:
        """Starts behind the first `num_samples` samples of this process."""
        self._skipped = num_samples

    def __iter__(self) -> Iterator[int]:
        return itertools.count(self._rank + self._skipped * self._world, self._world)

    def __len__(self) -> int:
        return self._length


def shuffled_index(ordinal: int, size: int, seed: int) -> int:
    """Which of `size` items sample `ordinal` takes: every epoch is a permutation of its own, drawn from `seed`."""
    epoch, position = divmod(ordinal, size)
    return int(_permutation(size, seed, epoch)[position])


@lru_cache(maxsize=8)
def _permutation(size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(size)
