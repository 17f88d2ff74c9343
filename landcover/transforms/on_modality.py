"""Changes of grey values of one modality among several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmseg.registry import TRANSFORMS

from landcover.errors import InputError
from landcover.transforms.sample import Sample, Transform


@TRANSFORMS.register_module()
class OnModality:
    """Runs a transform on the image of one modality of a sample; the others, and the indices, stay.

    Args:
        modality: "optical" or "sar".
        transform: config of the TRANSFORMS registry, of a transform that moves no pixel.
    """

    def __init__(self, modality: str, transform: Mapping[str, Any]) -> None:
        self.modality = modality
        self.transform: Transform = TRANSFORMS.build(dict(transform))

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample with one image changed.

        Raises:
            InputError: it has no such modality.
        """
        if not isinstance(sample.image, Mapping) or self.modality not in sample.image:
            found = " and ".join(sample.image) if isinstance(sample.image, Mapping) else "an image of one modality"
            raise InputError(
                f"augmentation OnModality: expected a sample with {self.modality}, found {found}; "
                "correct train_dataloader.dataset.augmentations"
            )
        changed = self.transform(Sample(sample.image[self.modality]), rng)
        return Sample({**sample.image, self.modality: changed.pixels}, sample.indices)
