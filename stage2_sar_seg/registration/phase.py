"""Phase correlation of the strength of gradients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal.windows import tukey

from stage2_sar_seg.registration.gradient_matcher import GradientMatcher
from stage2_sar_seg.registration.matcher import MATCHERS

TAPER = 0.2
"""Share of a side over which an image fades out: ends that do not meet would be an edge."""


@MATCHERS.register_module(name="phase")
class PhaseMatcher(GradientMatcher):
    """Phase correlation, of gradients because grey values of the two sensors have little in common.

    Kuglin, Hines: The Phase Correlation Image Alignment Method, Proc. International Conference on Cybernetics and
    Society 1975: the inverse transform of the cross-power spectrum, every frequency of equal strength. Ours takes the
    square root of the gradient's length, keeps to low frequencies by a Gaussian, because speckle fills the high ones,
    and surrounds the SAR patch with zeros to the size of the window. The defaults were chosen on demo scenes of seed 0.

    Args:
        patch: see `Matcher`.
        search: see `Matcher`.
        optical_scale: see `optical_gradient`.
        sar_scale: see `sar_gradient`.
        smoothing: deviation in pixels of the Gaussian over the heatmap.
    """

    def __init__(
        self,
        patch: int = 320,
        search: int = 32,
        optical_scale: float = 1.0,
        sar_scale: float = 1.0,
        smoothing: float = 1.5,
    ) -> None:
        super().__init__("phase", patch, search, optical_scale, sar_scale, smoothing=smoothing)
        self._smoothing = smoothing

    def heatmap(self, sar: NDArray[np.float32], optical: NDArray[np.float32]) -> NDArray[np.float32]:
        """Phase correlation; see `AreaMatcher`."""
        few, many = (_faded(gradient) for gradient in self.gradients(sar, optical))
        size = [fft.next_fast_len(length, real=True) for length in many.shape]
        cross = fft.rfft2(many, size) * fft.rfft2(few, size).conj()
        cross *= _low_pass(size, self._smoothing) / np.maximum(np.abs(cross), np.finfo(np.float32).tiny)
        rows, columns = (m - f + 1 for m, f in zip(many.shape, few.shape, strict=True))
        found: NDArray[np.float32] = fft.irfft2(cross, size)[:rows, :columns].astype(np.float32)
        return found


def _faded(gradient: NDArray[np.float32]) -> NDArray[np.float32]:
    """Root of the gradient's length about its mean, fading out towards the border."""
    length = np.sqrt(np.hypot(*gradient))
    rows, columns = (tukey(side, TAPER).astype(np.float32) for side in length.shape)
    faded: NDArray[np.float32] = (length - length.mean()) * rows[:, None] * columns
    return faded


def _low_pass(size: list[int], smoothing: float) -> NDArray[np.float32]:
    """Transform of a Gaussian of that deviation, for `rfft2` of that size."""
    rows, columns = fft.fftfreq(size[0]), fft.rfftfreq(size[1])
    squared = np.square(rows)[:, None] + np.square(columns)
    low_pass: NDArray[np.float32] = np.exp(-2 * (np.pi * smoothing) ** 2 * squared).astype(np.float32)
    return low_pass
