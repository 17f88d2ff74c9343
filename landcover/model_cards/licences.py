"""Data sets and published weights that models are made of, with their licences."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.networks.packaged_weights import PackagedWeights
from landcover.networks.pretrained import PRETRAINED_WEIGHTS

TABLE = Path(__file__).parents[2] / "configs" / "licences.toml"


@dataclass(frozen=True)
class Ingredient:
    """Something that a model is made of.

    Args:
        title: what it is.
        source: where its owner gives it; empty if that is not known.
        licence: name of the licence; empty if none is known.
        stated: where that is stated.
        commercial: whether the licence allows commercial use; None if that is not known.
        address: text of the licence.
    """

    title: str
    source: str = ""
    licence: str = ""
    stated: str = ""
    commercial: bool | None = None
    address: str = ""


def data_set(name: str) -> Ingredient:
    """A data set by its name in `configs/licences.toml`; of another one, the name is all that is known."""
    entry = _table()["data"].get(name)
    return Ingredient(name) if entry is None else _licensed(**{key: str(entry[key]) for key in entry})


def published_weights(name: str) -> Ingredient:
    """Published weights by their name in `PRETRAINED_WEIGHTS`; of others, the name is all that is known."""
    weights = PRETRAINED_WEIGHTS.get(name)
    if weights is None:
        return Ingredient(f"weights {name}")
    begins = [beginning for beginning in _table()["weights"] if name.startswith(beginning)]
    stated = _table()["weights"][max(begins, key=len)].format(name=name) if begins else ""
    source = f"package {weights.requirement}" if isinstance(weights, PackagedWeights) else weights.url
    return _licensed(f"weights {name}", weights.licence, source, stated)


def _licensed(title: str, licence: str, source: str, stated: str) -> Ingredient:
    known = _table()["licences"].get(licence, {})
    return Ingredient(title, source, licence, stated, known.get("commercial"), known.get("address", ""))


@cache
def _table() -> Mapping[str, Any]:
    try:
        with TABLE.open("rb") as file:
            table = tomllib.load(file)
        for part in ("licences", "data", "weights"):
            table.setdefault(part, {})
        for entry in table["data"].values():
            _check(entry)
    except (OSError, tomllib.TOMLDecodeError, TypeError) as error:
        raise InputError(
            f"{TABLE}: expected tables licences, data and weights, found {error}; correct the file"
        ) from None
    return table


def _check(entry: Mapping[str, str]) -> None:
    wanted = {"title", "licence", "source", "stated"}
    if entry.keys() != wanted:
        raise TypeError(f"a data set with the keys {', '.join(entry)} instead of {', '.join(sorted(wanted))}")
