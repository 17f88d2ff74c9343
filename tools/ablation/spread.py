"""Mean and spread over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Mean of values, their sample standard deviation (divisor n - 1; None for one value), and their number."""

    mean: float
    deviation: float | None
    count: int

    def text(self, scale: float = 100.0, digits: int = 1, sign: bool = False) -> str:
        """`mean ± deviation`, multiplied by `scale`; with `sign`, a plus stands before positive means."""
        mean = f"{scale * self.mean:{'+' if sign else ''}.{digits}f}"
        return mean if self.deviation is None else f"{mean} ± {scale * self.deviation:.{digits}f}"


def spread(values: Sequence[float | None]) -> Spread | None:
    """Spread of `values`; None if there are none or one of them is missing."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    mean = math.fsum(known) / len(known)
    squares = math.fsum((value - mean) ** 2 for value in known)
    return Spread(mean, math.sqrt(squares / (len(known) - 1)) if len(known) > 1 else None, len(known))


def paired_difference(values: Sequence[float | None], before: Sequence[float | None]) -> Spread | None:
    """Spread of the differences `values[i] - before[i]`; both have the same seeds in the same order."""
    pairs = list(zip(values, before, strict=True))
    return spread([None if a is None or b is None else a - b for a, b in pairs])
