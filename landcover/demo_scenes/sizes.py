"""How much demo data is made."""

from __future__ import annotations

from dataclasses import dataclass, fields

from landcover.errors import InputError

SMALLEST_TILE = 64


@dataclass(frozen=True)
class DemoSizes:
    """Numbers of tiles and their side; raises `InputError` for numbers that make no data set.

    Args:
        source_train: labelled optical tiles listed in `train.txt`.
        source_val: labelled optical tiles listed in `val.txt`.
        target_train: optical-SAR pairs with published pseudo-labels.
        target_val: SAR tiles of the validation split.
        target_test: SAR tiles of the test split.
        tile: side of a tile in pixels of 0.5 m; a few source tiles differ from it.
    """

    source_train: int = 48
    source_val: int = 6
    target_train: int = 40
    target_val: int = 6
    target_test: int = 10
    tile: int = 256

    def __post_init__(self) -> None:
        for field in fields(self):
            smallest = SMALLEST_TILE if field.name == "tile" else 1
            value = getattr(self, field.name)
            if value < smallest:
                raise InputError(f"demo size {field.name}: expected at least {smallest}, found {value}")

    @property
    def total(self) -> int:
        """Number of tiles of all splits."""
        return self.source_train + self.source_val + self.target_train + self.target_val + self.target_test

    def source_shape(self, index: int) -> tuple[int, int]:
        """(height, width) of source tile `index`: one in eight is not square, as in OpenEarthMap."""
        odd = self.tile // 16
        return (self.tile - odd, self.tile + odd) if index % 8 == 3 else (self.tile, self.tile)
