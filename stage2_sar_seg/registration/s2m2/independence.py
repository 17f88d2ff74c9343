"""The loss that keeps what a modality shares with the other one apart from what only it shows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from stage2_sar_seg.registration.s2m2.enhancement import Enhanced
from stage2_sar_seg.registration.s2m2.mutual_information import mutual_information


def mutual_dependence(enhanced: Sequence[Enhanced], bins: int = 32, pixels: int = 2048) -> Tensor:
    """Mean over maps and channels of the mutual information between shared and specific features, in nats.

    Gai, Li 2025: cross-modality mutual independence, by soft histograms of 32 bins. Our choice: one histogram for each
    channel, over pixels of all images of the batch, drawn anew in each step, as all of them would take gigabytes.

    Args:
        enhanced: features of each level and modality.
        bins: of the histograms.
        pixels: at most so many in each.

    Returns:
        Scalar; to be minimised.
    """
    return torch.stack([_dependence(one, bins, pixels) for one in enhanced]).mean()


def _dependence(enhanced: Enhanced, bins: int, pixels: int) -> Tensor:
    shared, specific = (maps.float().transpose(0, 1).flatten(1) for maps in (enhanced.shared, enhanced.specific))
    if shared.shape[1] > pixels:
        drawn = torch.randint(shared.shape[1], (pixels,), device=shared.device)
        shared, specific = shared[:, drawn], specific[:, drawn]
    return mutual_information(shared, specific, bins).mean()
