"""What the benchmarks of loaders share: one core, tiles that stay decoded or do not, samples of one timed call."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import cv2
import torch
from mmengine.dataset import pseudo_collate

from landcover.data_sets import stored_tiles
from tools.benchmarks._measure import Call

LOADED = 16
"""Samples in one timed call."""


def use_one_core() -> None:
    """Keeps this process, one loader process, to one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def decoded_tiles(keep: bool) -> AbstractContextManager[object]:
    """Our data sets made meanwhile keep all tiles decoded, or none, as if there were very many."""
    return mock.patch.object(stored_tiles, "DECODED_BYTES", sys.maxsize if keep else 0)


def load_ours(data_set: Any, keep: bool) -> Call:
    """Loads `LOADED` samples of our data set, one after the other without end.

    Args:
        data_set: see `decoded_tiles`.
        keep: all its tiles are decoded before.
    """
    if keep:
        for ordinal in range(len(data_set)):
            data_set[ordinal]
    return load(data_set, itertools.count(len(data_set)))


def load(data_set: Any, ordinals: Iterator[int]) -> Call:
    """Loads `LOADED` samples of any data set."""

    def call() -> None:
        pseudo_collate([data_set[next(ordinals)] for _ in range(LOADED)])

    return call
