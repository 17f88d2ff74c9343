"""Values of a model in training by which its iterations compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from landcover.processes.group import Processes

Values = Callable[[nn.Module, Processes], Mapping[str, float]]


@dataclass(frozen=True)
class Evaluation:
    """Some values and how to get them.

    Args:
        names: what the values are called in the log; of each, larger is better.
        values: gives a value per name for the module in training, which it leaves in its mode; all processes call it
            together and all get the same values.
    """

    names: tuple[str, ...]
    values: Values
