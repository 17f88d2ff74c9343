"""SAR patches in optical windows, from pairs of images with a known offset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from numpy.typing import NDArray
from torch.utils.data import Dataset

from landcover.data_sets.ordinal_sampler import shuffled_index
from landcover.errors import InputError
from stage2_sar_seg.registration.pairs.image_pair import ImagePair
from stage2_sar_seg.registration.pairs.stored_pairs import StoredPairs

TRIES = 10
"""Crops that are drawn, at most, until one has enough data."""

TURNS = 8
"""Ways in which a square can be laid."""


class MatchingSamples(Dataset[dict[str, Any]]):
    """SAR patches and the optical windows in which they lie, by the ordinals of `OrdinalSampler`.

    A window lies anywhere in its tile, and the patch anywhere in the window, by the integer shift that makes it so and
    the known offset of the pair. Of the samples one in `unlabelled_per_labelled + 1` is labelled; each epoch sees every
    labelled pair, and every unlabelled one, once. A sample depends on the seed and its ordinal alone.

    Gai, Li 2025, https://arxiv.org/abs/2508.07812: labelled pairs are made by known shifts, one labelled sample beside
    15 unlabelled ones.

    Args:
        labelled: pairs whose offset is known.
        unlabelled: pairs that are known to lie within `search` pixels.
        patch: side of the SAR patch, pixels.
        search: largest shift in either direction; the window has `patch + 2 * search`.
        unlabelled_per_labelled: samples, 0 for labelled ones alone.
        min_data: share of pixels with data that patch and window should have; after `TRIES` draws the best is taken.
        turned: whether samples are flipped and turned by right angles at random.
        seed: of order and crops.

    Raises:
        InputError: no labelled pairs, or settings out of their range.
    """

    def __init__(
        self,
        labelled: Sequence[ImagePair],
        unlabelled: Sequence[ImagePair],
        patch: int,
        search: int,
        unlabelled_per_labelled: int = 15,
        min_data: float = 0.9,
        turned: bool = False,
        seed: int = 0,
    ) -> None:
        if not labelled:
            raise InputError("labelled pairs: expected at least one, found none; raise --labelled or check the pairs")
        if unlabelled_per_labelled < 0:
            raise InputError(
                f"unlabelled_per_labelled: expected 0 or more, found {unlabelled_per_labelled}; correct the config"
            )
        self._pairs, self._labelled = [*labelled, *unlabelled], len(labelled)
        self._unlabelled_per_labelled = unlabelled_per_labelled if unlabelled else 0
        self.patch, self.search = patch, search
        self._min_data, self._turned, self._seed = min_data, turned, seed
        self._stored = StoredPairs(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs) if self._unlabelled_per_labelled else self._labelled

    @property
    def labelled_share(self) -> float:
        """Share of the samples that are labelled, in (0, 1]."""
        return 1 / (1 + self._unlabelled_per_labelled)

    def __getitem__(self, ordinal: int) -> dict[str, Any]:
        """What a matcher trains on.

        Returns:
            `inputs`: float32 tensors, `sar` (1, patch, patch) and `optical` (3, window, window); `data_samples`: the
            `position` of the patch in the window, float32 (2,) in [0, 2 * search], whether it is `labelled`, and the
            SAR file as `img_path`, so that messages can tell the file.
        """
        number, labelled = self._draw(ordinal)
        rng = np.random.default_rng([self._seed, ordinal])
        images, position = self._cut(number, labelled, rng)
        if self._turned:
            turn = int(rng.integers(TURNS))
            images = {name: turned(image, turn) for name, image in images.items()}
            position = turned_position(position, 2 * self.search, turn)
        sample = BaseDataElement(
            metainfo={"img_path": str(self._pairs[number].sar)},
            position=torch.from_numpy(position.astype(np.float32)),
            labelled=torch.tensor(labelled),
        )
        inputs = {name: torch.from_numpy(np.ascontiguousarray(image)) for name, image in images.items()}
        return {"inputs": inputs, "data_samples": sample}

    def _draw(self, ordinal: int) -> tuple[int, bool]:
        """Position of the pair, and whether it is labelled."""
        block, place = divmod(ordinal, self._unlabelled_per_labelled + 1)
        if place == 0:
            return shuffled_index(block, self._labelled, self._seed), True
        unlabelled = block * self._unlabelled_per_labelled + place - 1
        return self._labelled + shuffled_index(unlabelled, len(self._pairs) - self._labelled, self._seed), False

    def _cut(
        self, number: int, labelled: bool, rng: np.random.Generator
    ) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float64]]:
        """Patch and window, and where the patch lies in the window; without looking at an offset that is not known."""
        pair, found = self._pairs[number], self._stored.open(number)
        offset = np.array(pair.offset if labelled else (0.0, 0.0))
        shape, best = np.array(found.sar.shape[1:]), -1.0
        for _ in range(TRIES):
            window, patch = self._places(shape, offset, pair, rng)
            patch_area, window_area = _square(patch, self.patch), _square(window, self.patch + 2 * self.search)
            share = min(found.data[0][patch_area].mean(), found.data[1][window_area].mean())
            if share > best:
                images = {"sar": found.sar[:, *patch_area], "optical": found.optical[:, *window_area]}
                best, result = share, (images, patch + offset - window)
            if share >= self._min_data:
                break
        return result

    def _places(
        self, shape: NDArray[np.int64], offset: NDArray[np.float64], pair: ImagePair, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First pixels of a window and of a patch whose place in it, by the offset, is in [0, 2 * search]."""
        side = self.patch + 2 * self.search
        if shape.min() < side:
            raise InputError(
                f"{pair.sar}: expected {side} pixels or more in every direction (crop_size and twice model.search), "
                f"found {shape[0]} x {shape[1]}; lower one of them"
            )
        window = rng.integers(0, shape - side, endpoint=True)
        first = np.maximum(0, np.ceil(window - offset)).astype(np.int64)
        last = np.minimum(shape - self.patch, np.floor(window - offset + 2 * self.search)).astype(np.int64)
        if (first > last).any():
            raise InputError(
                f"{pair.sar}: expected an offset of less than {2 * self.search} pixels, twice model.search, found "
                f"({offset[0]:.1f}, {offset[1]:.1f}); raise it, or leave the pair out"
            )
        return window, rng.integers(first, last, endpoint=True)


def turned(image: NDArray[np.float32], turn: int) -> NDArray[np.float32]:
    """A square image (C, H, W) laid in one of `TURNS` ways; 0 leaves it as it is."""
    flipped = image[:, :: -1 if turn & 1 else 1, :: -1 if turn & 2 else 1]
    return flipped.swapaxes(1, 2) if turn & 4 else flipped


def turned_position(position: NDArray[np.float64], last: int, turn: int) -> NDArray[np.float64]:
    """Row and column, in [0, last], of a patch in its window when both are `turned`."""
    flipped = np.where([turn & 1, turn & 2], last - position, position)
    return flipped[::-1] if turn & 4 else flipped


def _square(first: NDArray[np.int64], side: int) -> tuple[slice, slice]:
    row, column = first.tolist()
    return slice(row, row + side), slice(column, column + side)
