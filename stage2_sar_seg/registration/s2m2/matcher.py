"""The trained network as a matcher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stage2_sar_seg.registration.area_matcher import AreaMatcher
from stage2_sar_seg.registration.s2m2.network import S2M2Network


class S2M2Matcher(AreaMatcher):
    """Deep times shallow similarity of a trained network.

    Args:
        network: in eval mode, on the device where it computes.
        patch: side of the patches that it was trained on.
        digest: of its model file, for the manifest.
    """

    def __init__(self, network: S2M2Network, patch: int, digest: str) -> None:
        super().__init__(patch, network.search)
        self._network, self._digest = network, digest

    def settings(self) -> Mapping[str, Any]:
        """See `Matcher`."""
        return {"matcher": "s2m2", "model": self._digest, "patch": self.patch, "search": self.search}

    def heatmap(self, sar: NDArray[np.float32], optical: NDArray[np.float32]) -> NDArray[np.float32]:
        """Products of correlation coefficients; see `AreaMatcher`."""
        device = next(self._network.parameters()).device
        images = (torch.from_numpy(np.ascontiguousarray(image))[None].to(device) for image in (sar[None], optical))
        with torch.inference_mode():
            heatmap: NDArray[np.float32] = self._network(*images).product[0].cpu().numpy()
        return heatmap
