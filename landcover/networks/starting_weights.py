"""A network that starts from the weights of a trained model of the same architecture."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from torch import Tensor, nn

from landcover.errors import InputError
from landcover.networks.model_file import read_weights
from landcover.networks.pretrained import load_strictly

PREPROCESSOR, BACKBONE, AUXILIARY = "data_preprocessor.", "backbone.", "auxiliary_head."
"""Beginnings of the names of a segmentor's tensors."""

CURE = "start from a model of the same backbone and heads, or from none (SAR_START)"


def load_starting_weights(network: nn.Module, path: Path) -> None:
    """Copies the weights and batch-norm statistics of a model file into a segmentor.

    Its first convolution may read another number of bands than the three of the file, see `load_strictly`. How it
    normalises images stays, and so does its auxiliary head where the file has none.

    Args:
        network: changed in place, or not at all.
        path: of a model file; no code in it is run.

    Raises:
        InputError: no model file, or one of another network.
    """
    _load(network, read_weights(path), path)


def first_that_fits(network: nn.Module, paths: Sequence[Path]) -> Path | None:
    """The first of these model files that `load_starting_weights` takes, None if it takes none.

    Args:
        network: gets its weights.
        paths: of model files.

    Raises:
        InputError: one of those tried is no model file.
    """
    for path in paths:
        tensors = read_weights(path)
        with suppress(InputError):
            _load(network, tensors, path)
            return path
    return None


def _load(network: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    expected = network.state_dict()
    heads = [_has(names, AUXILIARY) for names in (expected, tensors)]
    kept = (PREPROCESSOR,) if all(heads) else (PREPROCESSOR, AUXILIARY)
    given = {name: tensor for name, tensor in tensors.items() if not name.startswith(kept)}
    given |= {name: tensor for name, tensor in expected.items() if name.startswith(kept)}
    differing = [name for name in given if name.startswith(BACKBONE) and _differs(name, given, expected)]
    load_strictly(network, given, differing[0] if differing else "", unused=(), path=path, cure=CURE)


def _has(names: dict[str, Tensor], beginning: str) -> bool:
    return any(name.startswith(beginning) for name in names)


def _differs(name: str, given: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return name in expected and given[name].shape != expected[name].shape
