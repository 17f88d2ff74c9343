"""A class scheme, and the one place where label maps meet training indices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.classes.convention import Colour, Convention
from landcover.errors import InputError

VOID = 0
"""Label of unknown or missing pixels in every label map."""

IGNORE_INDEX = 255
"""Training index of `VOID`: without loss and without metric."""

UNLABELLED_INDEX = 254
"""Training index of pixels of an image that no label file tells, where a training wants to know that they are there;
`IGNORE_INDEX` means everywhere else both, these and what is no image."""

MOST_CLASSES = 254
"""Labels are uint8, and the two largest training indices are no classes."""


@dataclass(frozen=True)
class ClassScheme:
    """Names and colours of the classes 1..C of a label map; 0 is void in every scheme.

    Models have C outputs: class k of a label map is output k - 1. Schemes of the same name and classes are equal: what
    one has made, the other can use.

    Args:
        name: short identifier that score files and manifests carry.
        classes: the C class names, in label order.
        palette: the C colours as RGB triples 0..255, in label order.
        unscored: names of classes that are left out of means of scores.
        convention: how label files of other origin tell the classes.
    """

    name: str
    classes: tuple[str, ...]
    palette: tuple[Colour, ...] = field(compare=False)
    unscored: tuple[str, ...] = field(default=(), compare=False)
    convention: Convention = field(default_factory=Convention, compare=False)

    def __post_init__(self) -> None:
        if len(self.classes) != len(self.palette):
            raise ValueError(f"scheme {self.name}: {len(self.classes)} classes but {len(self.palette)} colours")

    @property
    def num_classes(self) -> int:
        """C, the number of model outputs."""
        return len(self.classes)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which classes count in means of scores: bool (C,)."""
        return np.array([name not in self.unscored for name in self.classes])

    def record(self) -> dict[str, Any]:
        """JSON values that model files and score files carry, from which `from_record` makes the scheme."""
        return {"name": self.name, "classes": self.classes, "palette": self.palette, "unscored": self.unscored}

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> ClassScheme:
        """The scheme of a record; its convention is that of our own label files.

        Raises:
            KeyError, TypeError, ValueError: it is no such record.
        """
        names = tuple(str(name) for name in record["classes"])
        palette = tuple((int(red), int(green), int(blue)) for red, green, blue in record["palette"])
        return ClassScheme(str(record["name"]), names, palette, tuple(record["unscored"]))

    def identity(self) -> str:
        """A text that is another one where label maps or their scores could be others, for manifests."""
        record = asdict(replace(self, convention=self.convention.in_effect(self.num_classes)))
        if not record["convention"]["tolerance"]:
            del record["convention"]["tolerance"]  # the identity of what was made before there was one
        return json.dumps(record)

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
