"""Weights of classes that make up for how unequally often they are labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError

SAMPLES = 10_000
"""Number of samples that the labelled pixels count as, all together."""


def class_balanced_weights(counts: Sequence[int] | NDArray[np.int64], beta: float) -> list[float]:
    r"""Factor of the loss of each class's pixels, whose mean over the labelled pixels is 1.

    With :math:`n_c` the number of samples of class c,

    .. math:: w_c \propto \frac{1 - \beta}{1 - \beta^{n_c}}, \qquad \sum_c \frac{n_c}{\sum_k n_k} w_c = 1,

    the inverse of the effective number of samples: where a class has many, a further one tells little new. Toward
    beta = 0 all weights are 1, toward beta = 1 they are inverse frequencies.

    Cui, Jia, Lin, Song, Belongie: Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019,
    https://arxiv.org/abs/1901.05555. There a sample is an image. Pixels of one field or roof tell nearly the same, so
    they are no samples, and millions of them would give equal weights at every beta of the paper. Here :math:`n_c` is
    the share of the class in the labelled pixels times `SAMPLES`, whatever the number and size of the tiles; a class
    then stops to count as rare at a share of about 1 / (`SAMPLES` (1 - beta)): 1 % at beta = 0.99, 10 % at 0.999,
    never at 0.9999. The paper's weights sum to the number of classes; ours keep the mean loss of a pixel, as
    `PixelwiseLoss` divides by the number of valid pixels.

    Args:
        counts: labelled pixels of each class, (C,), >= 0.
        beta: in (0, 1).

    Returns:
        C positive floats; 1 for classes without a pixel, which no label can use.

    Raises:
        InputError: beta out of its range, no labelled pixel.
    """
    if not isinstance(beta, float) or not 0 < beta < 1:
        raise InputError(f"class_balance: expected None or beta in (0, 1), found {beta!r}; 0.999 is a moderate value")
    pixels = np.asarray(counts, np.float64)
    if not pixels.any():
        raise InputError("class_balance: expected labelled pixels, found only void (0); check the label files")
    occurs = pixels > 0
    share = pixels[occurs] / pixels.sum()
    relative = -1 / np.expm1(SAMPLES * share * np.log(beta))
    weights = np.ones(len(pixels))
    weights[occurs] = relative / (share * relative).sum()
    return [float(weight) for weight in weights]
