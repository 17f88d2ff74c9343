"""Names of EfficientNet's tensors: those of files in the layout of TensorFlow, as timm calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor

OUTSIDE_BLOCKS = {
    "_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier",
}  # fmt: skip

EXPANDED = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
    "_project_conv": "conv_pwl", "_bn2": "bn3",
}  # fmt: skip
"""Parts of a block that widens its input first."""

SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
"""Parts of a block that does not: those of the first stage."""


def timm_names(tensors: Mapping[str, Tensor], names: Iterable[str]) -> dict[str, Tensor]:
    """The tensors with timm's names; one that follows no rule keeps its name, so that a strict check finds it.

    TensorFlow counts blocks through all stages: `_blocks.1._expand_conv.weight` is `blocks.1.0.conv_pw.weight`, the
    first block of the second stage.

    Args:
        tensors: by parameter name, of either kind.
        names: of timm's whole model, in its order: they say how many blocks each stage has.
    """
    blocks = (name.split(".")[:3] for name in names if name.startswith("blocks."))
    places = list(dict.fromkeys(".".join(block) for block in blocks))
    widened = {name.split(".")[1] for name in tensors if "._expand_conv." in name}
    return {_timm_name(name, places, widened): tensor for name, tensor in tensors.items()}


def _timm_name(name: str, places: list[str], widened: set[str]) -> str:
    first, _, rest = name.partition(".")
    if first in OUTSIDE_BLOCKS:
        return f"{OUTSIDE_BLOCKS[first]}.{rest}"
    number, _, inside = rest.partition(".")
    part, _, value = inside.partition(".")
    parts = EXPANDED if number in widened else SEPARABLE
    if first != "_blocks" or not number.isdigit() or int(number) >= len(places) or part not in parts:
        return name
    return f"{places[int(number)]}.{parts[part]}.{value}"
