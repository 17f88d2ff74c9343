"""Resolution alignment: source images blurred to the detail of a coarser target."""

from __future__ import annotations

import cv2
import numpy as np
from mmseg.registry import TRANSFORMS

from landcover.transforms.sample import Sample


@TRANSFORMS.register_module()
class ResolutionAlignment:
    """With some probability, shrinks the image bilinearly to a random share of its size and enlarges it again.

    Liu, Wang, Guo, Duan, Kang, Li: Learning from Noisy Pseudo-labels for All-Weather Land Cover Mapping, 2025,
    https://arxiv.org/abs/2504.13458, equations (1) and (2). The image keeps its size, so the labels do not change.

    Args:
        probability: share of the images that are changed.
        ratio: range of the uniform ratio of the small size to the original, the paper's U(r1, r2).
        upscale: range of the uniform factor by which the enlarged image exceeds the original size; a random crop of
            the original size is kept and labels follow by nearest neighbour. The paper's (1, 1) keeps the whole
            image; the authors' released code used (1, 3).
    """

    def __init__(
        self, probability: float, ratio: tuple[float, float], upscale: tuple[float, float] = (1.0, 1.0)
    ) -> None:
        self.probability, self.ratio, self.upscale = probability, ratio, upscale

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample at the same size, coarser with the given probability."""
        if rng.random() >= self.probability:
            return sample
        height, width = sample.pixels.shape[:2]
        ratio, factor = rng.uniform(*self.ratio), rng.uniform(*self.upscale)
        small = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        large = (max(width, round(width * factor)), max(height, round(height * factor)))
        image = cv2.resize(sample.pixels, small, interpolation=cv2.INTER_LINEAR)
        image = cv2.resize(image, large, interpolation=cv2.INTER_LINEAR)
        top, left = int(rng.integers(large[1] - height + 1)), int(rng.integers(large[0] - width + 1))
        area = np.s_[top : top + height, left : left + width]
        if sample.indices is None:
            return Sample(image[area])
        indices = cv2.resize(sample.indices, large, interpolation=cv2.INTER_NEAREST_EXACT)
        return Sample(image[area], indices[area])
