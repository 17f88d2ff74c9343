"""albumentations' transforms, driven by the sample's own generator."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import albumentations
import cv2
import numpy as np
from mmseg.registry import TRANSFORMS
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.transforms.sample import Sample

QUARTER_TURNS = (cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)

MOST_BANDS = 4
"""What OpenCV turns; numpy takes longer."""

IN_ITS_PLACE = "train_dataloader.dataset.augmentations.1={'type':'RandomGain','decibels':2.0,'probability':0.5}"
"""Option of the SAR configs, whose second augmentation is the one of grey values."""

Change = Callable[[NDArray[Any]], NDArray[Any]]


@TRANSFORMS.register_module()
class Albumentation:
    """A chain of albumentations transforms.

    Seeding through `Compose(seed=...)` gives every child the same stream (two flips always agree) and repeats it in
    every worker; here all children draw one after the other from the sample's generator. Flips and quarter turns are
    drawn and done here: the same outcomes in a quarter of the time (an eighth for RGB), most of which albumentations
    spends on copies.

    Args:
        transforms: dicts of `type`, an albumentations class, and its keyword arguments.

    Attributes:
        photometric: name of the first transform that changes grey values; None if all only move pixels.
    """

    def __init__(self, transforms: Sequence[Mapping[str, Any]]) -> None:
        built = [_build(settings) for settings in transforms]
        self._steps = [step if type(step) in SYMMETRIES else albumentations.Compose([step]) for step in built]
        changing = [t for t in built if isinstance(t, albumentations.ImageOnlyTransform)]
        self.photometric = type(changing[0]).__name__ if changing else None

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample after all transforms; indices follow the geometric ones.

        Raises:
            InputError: a transform of grey values on an image that is not uint8; albumentations would clip it to 0..1.
        """
        if self.photometric and sample.pixels.dtype != np.uint8:
            raise InputError(
                f"augmentation {self.photometric}: expected uint8 images, found {sample.pixels.dtype}; put one for "
                f"SAR of any type in its place with {IN_ITS_PLACE} in SAR_OPTIONS"
            )
        for step in self._steps:
            if isinstance(step, albumentations.Compose):
                sample = _composed(step, sample, rng)
            elif rng.random() < step.p and (change := SYMMETRIES[type(step)](rng)) is not None:
                sample = sample.moved(change)
        return sample


def _flip(code: int) -> Callable[[np.random.Generator], Change]:
    return lambda _: lambda pixels: cv2.flip(pixels, code)


def _quarter_turns(rng: np.random.Generator) -> Change | None:
    turns = int(rng.integers(4))
    return (lambda pixels: _turned(pixels, turns)) if turns else None


def _turned(pixels: NDArray[Any], turns: int) -> NDArray[Any]:
    """Pixels after one to three quarter turns to the left."""
    if pixels.ndim == 3 and pixels.shape[2] > MOST_BANDS:
        return np.ascontiguousarray(np.rot90(pixels, turns))
    return cv2.rotate(pixels, QUARTER_TURNS[turns - 1])


SYMMETRIES: dict[type, Callable[[np.random.Generator], Change | None]] = {
    albumentations.HorizontalFlip: _flip(1),
    albumentations.VerticalFlip: _flip(0),
    albumentations.RandomRotate90: _quarter_turns,
}
"""What a transform does to every plane of a sample once it is drawn, by its class."""


def _composed(chain: albumentations.Compose, sample: Sample, rng: np.random.Generator) -> Sample:
    chain.set_random_state(rng, random.Random(int(rng.integers(2**63))))
    if sample.indices is None:
        return Sample(np.ascontiguousarray(chain(image=sample.pixels)["image"]))
    result = chain(image=sample.pixels, mask=sample.indices)
    return Sample(np.ascontiguousarray(result["image"]), np.ascontiguousarray(result["mask"]))


def _build(settings: Mapping[str, Any]) -> albumentations.BasicTransform:
    arguments = dict(settings)
    name = arguments.pop("type", None)
    transform = getattr(albumentations, str(name), None)
    if transform is None:
        raise InputError(
            f"augmentation {name!r}: expected the name of an albumentations class; correct `type` in the config"
        )
    if "mask_interpolation" in inspect.signature(transform).parameters:
        # Its default takes the pixel above and left of the one that the image takes. What warps instead of resizing
        # rounds to the nearest by itself and refuses this one.
        with suppress(ValueError):
            return transform(**{"mask_interpolation": cv2.INTER_NEAREST_EXACT, **arguments})
    return transform(**arguments)
