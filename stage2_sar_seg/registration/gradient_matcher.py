"""What matchers of gradients have in common: their scales, and what they tell of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from stage2_sar_seg.registration.area_matcher import AreaMatcher
from stage2_sar_seg.registration.gradients import Gradient, optical_gradient, sar_gradient


class GradientMatcher(AreaMatcher):
    """An area matcher that compares gradients.

    Args:
        name: by which it is registered.
        patch: see `Matcher`.
        search: likewise.
        optical_scale: see `optical_gradient`.
        sar_scale: see `sar_gradient`.
        further: its other settings, none below 0.

    Raises:
        InputError: sizes, scales or further settings are too small.
    """

    def __init__(
        self, name: str, patch: int, search: int, optical_scale: float, sar_scale: float, **further: float
    ) -> None:
        super().__init__(patch, search)
        for setting, value in {"optical_scale": optical_scale, "sar_scale": sar_scale, **further}.items():
            positive = setting not in further
            if value < 0 or (positive and value == 0):
                least = "above 0" if positive else "of at least 0"
                raise InputError(f"{name}: {setting}: expected a number {least}, found {value}; correct it")
        self._name, self._optical_scale, self._sar_scale, self._further = name, optical_scale, sar_scale, further

    def settings(self) -> Mapping[str, Any]:
        """See `Matcher`."""
        scales = {"optical_scale": self._optical_scale, "sar_scale": self._sar_scale}
        return {"matcher": self._name, "patch": self.patch, "search": self.search, **scales, **self._further}

    def gradients(self, sar: NDArray[np.float32], optical: NDArray[np.float32]) -> tuple[Gradient, Gradient]:
        """Those of a patch and of its window."""
        return sar_gradient(sar, self._sar_scale), optical_gradient(optical, self._optical_scale)
