"""Normalised cross-correlation of a template at every place of a larger window."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import Tensor

CONSTANT_TEMPLATE = 1e-10
"""Energy of a template about its mean, as a share of its energy about 0, that is nothing but rounding of float32."""

CONSTANT_PLACE = 1e-8
"""Energy of a place about its mean, as a share of the whole window's, below which the place counts as constant."""


def normalized_cross_correlation(template: Tensor, window: Tensor) -> Tensor:
    r"""Correlation coefficient of template and window, in [-1, 1], for every place at which the template fits.

    With :math:`\bar t` and :math:`\bar w` the means of every channel, those of the window over the place alone,

    .. math:: \rho(y, x) = \frac{\sum (t - \bar t)(w - \bar w)}{\sqrt{\sum (t - \bar t)^2 \sum (w - \bar w)^2}},

    sums over channels and pixels of the place: one coefficient for all channels, so that strong ones count more. The
    products come from Fourier transforms, the means and energies of all places from running sums.

    Lewis: Fast Normalized Cross-Correlation, Vision Interface 1995, of one channel; several are our addition.
    Differentiable; computed in float32, also under autocast, with running sums in float64.

    Args:
        template: (N, C, h, w), float.
        window: (N, C, H, W), float, H >= h and W >= w.

    Returns:
        (N, H - h + 1, W - w + 1) float32; 0 where template or place is constant in every channel.

    Raises:
        ValueError: the shapes do not fit.
    """
    height, width = template.shape[-2:]
    if (
        template.ndim != 4
        or template.shape[:2] != window.shape[:2]
        or height > window.shape[2]
        or width > window.shape[3]
    ):
        raise ValueError(
            f"expected a template (N, C, h, w) that fits into the window, found {tuple(template.shape)} and "
            f"{tuple(window.shape)}"
        )
    template, window = template.float(), window.float()
    centred = template - template.mean(dim=(2, 3), keepdim=True)
    window = window - window.mean(dim=(2, 3), keepdim=True)  # changes no result, and keeps rounding small
    of_template = centred.square().sum(dim=(1, 2, 3))
    of_window = window.square().sum(dim=(1, 2, 3))
    of_places = _energies(window, height, width)
    varied = of_template > CONSTANT_TEMPLATE * template.square().sum(dim=(1, 2, 3))
    varied = varied[:, None, None] & (of_places > CONSTANT_PLACE * of_window[:, None, None])
    scale = torch.where(varied, of_template[:, None, None] * of_places, 1.0).sqrt()
    return torch.where(varied, _products(centred, window) / scale, 0.0)


def _products(template: Tensor, window: Tensor) -> Tensor:
    """(N, H - h + 1, W - w + 1) sums of products over channels and pixels.

    Places at which the template fits never reach around the ends of a transform of the window's size.
    """
    size = [next_fast_len(length, real=True) for length in window.shape[2:]]
    spectrum = torch.fft.rfft2(window, size) * torch.fft.rfft2(template, size).conj()
    products = torch.fft.irfft2(spectrum.sum(dim=1), size)
    rows, columns = (w - t + 1 for w, t in zip(window.shape[2:], template.shape[2:], strict=True))
    return products[:, :rows, :columns]


def _energies(window: Tensor, height: int, width: int) -> Tensor:
    """(N, H - h + 1, W - w + 1) float32, >= 0: squares about the mean of every channel, summed over every place."""
    window = window.double()
    squares = _place_sums(window.square().sum(dim=1), height, width)
    sums = _place_sums(window, height, width).square().sum(dim=1)
    return (squares - sums / (height * width)).clamp(min=0).float()


def _place_sums(values: Tensor, height: int, width: int) -> Tensor:
    """(..., H - height + 1, W - width + 1) sums over all places of this size."""
    total = F.pad(values.cumsum(dim=-1), (1, 0))
    rows = F.pad((total[..., width:] - total[..., :-width]).cumsum(dim=-2), (0, 0, 1, 0))
    return rows[..., height:, :] - rows[..., :-height, :]
