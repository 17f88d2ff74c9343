"""Class schemes: names, colours, and the one place where label files meet training indices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError

VOID = 0
"""Label of unknown or missing pixels in every label file."""

IGNORE_INDEX = 255
"""Training index of `VOID`: without loss and without metric."""


@dataclass(frozen=True)
class ClassScheme:
    """Names and colours of the classes 1..C of a label file; 0 is void in every scheme.

    Models have C outputs: class k of a label file is output k - 1.

    Args:
        name: short identifier that score files and manifests carry.
        classes: the C class names, in label order.
        palette: the C colours as RGB triples 0..255, in label order.
    """

    name: str
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]

    def __post_init__(self) -> None:
        if len(self.classes) != len(self.palette):
            raise ValueError(f"scheme {self.name}: {len(self.classes)} classes but {len(self.palette)} colours")

    @property
    def num_classes(self) -> int:
        """C, the number of model outputs."""
        return len(self.classes)

    def to_indices(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Training indices of a label map: class k becomes k - 1, void becomes `IGNORE_INDEX`.

        Args:
            labels: uint8 of any shape, values 0..C.
        """
        # uint8 arithmetic wraps 0 - 1 to 255, which is IGNORE_INDEX.
        return labels - np.uint8(1)

    def to_labels(self, indices: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Label map (uint8, 0..C) of training indices; the inverse of `to_indices`."""
        return indices.astype(np.uint8) + np.uint8(1)

    def to_colours(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """RGB picture (..., 3) uint8 of a label map; void is black."""
        table = np.array([(0, 0, 0), *self.palette], dtype=np.uint8)
        return table[labels]

    def check(self, labels: NDArray[np.generic], path: Path) -> None:
        """Raises `InputError` naming `path` unless `labels` is a (H, W) uint8 map with values 0..C."""
        if labels.ndim != 2 or labels.dtype != np.uint8:
            raise InputError(
                f"{path}: expected a one-band uint8 label map, found {labels.dtype} of shape {labels.shape}"
            )
        largest = int(labels.max(initial=0))
        if largest > self.num_classes:
            raise InputError(
                f"{path}: expected label values 0..{self.num_classes} (scheme {self.name}), found {largest}; "
                "check that the file is a label map of this scheme"
            )


OPEN_EARTH_MAP = ClassScheme(
    name="openearthmap",
    classes=("bareland", "rangeland", "developed", "road", "tree", "water", "agriculture", "building"),
    palette=(
        (0x80, 0x00, 0x00),
        (0x00, 0xFF, 0x24),
        (0x94, 0x94, 0x94),
        (0xFF, 0xFF, 0xFF),
        (0x22, 0x61, 0x26),
        (0x00, 0x45, 0xFF),
        (0x4B, 0xB5, 0x49),
        (0xDE, 0x1F, 0x07),
    ),
)
"""OpenEarthMap (Xia et al., WACV 2023, https://arxiv.org/abs/2210.10732), also used by OpenEarthMap-SAR."""

SCHEMES = {scheme.name: scheme for scheme in (OPEN_EARTH_MAP,)}
"""Every scheme by name, as written in score files and checkpoints."""
