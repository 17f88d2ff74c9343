"""Weights of an ensemble as a JSON file: `{"version": 1, "average": ..., "members": {name: weight}, ...}`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from ensemble.members import Member, find_members, parse_members
from ensemble.weights import Average
from landcover.errors import InputError
from landcover.run_files.atomic import write_json

VERSION = 1


@dataclass(frozen=True)
class WeightFile:
    """Weights of the members of an ensemble.

    Args:
        average: what they are made for.
        members: weight of every member, by name; others are left out.
        class_weights: factors by class name.
        member_class_weights: by member and class name, in place of the member's weight.
        report: how the weights came about, for the reader.
    """

    average: Average
    members: Mapping[str, float]
    class_weights: Mapping[str, float] = field(default_factory=dict)
    member_class_weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)

    def find_members(self, scores: Path) -> list[Member]:
        """The members with their weights, from their folders under `scores`."""
        return [
            Member(found.name, found.folder, self.members[found.name], self.member_class_weights.get(found.name, {}))
            for found in find_members(scores, list(self.members))
        ]

    def write(self, path: Path) -> None:
        """Writes the file, atomically."""
        write_json(
            path,
            {
                "version": VERSION,
                "average": self.average,
                "members": dict(self.members),
                "class_weights": dict(self.class_weights),
                "member_class_weights": {name: dict(own) for name, own in self.member_class_weights.items()},
                "report": dict(self.report),
            },
        )


def read_weights(path: Path) -> WeightFile:
    """Weights of a file of `WeightFile.write`, or written by hand: class weights and report may be left out.

    Raises:
        InputError: the file is missing or is something else.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: expected a file of weights, found none; write it with `python -m ensemble.fit_weights`"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        by_member = content.get("member_class_weights", {})
        if content["version"] != VERSION or content["average"] not in get_args(Average):
            raise ValueError(f"version {content['version']}, average {content['average']}")
        return WeightFile(
            content["average"],
            _numbers(content["members"]),
            _numbers(content.get("class_weights", {})),
            {name: _numbers(own) for name, own in by_member.items()},
            content.get("report", {}),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # what JSON of another shape gives
        raise InputError(
            f"{path}: expected weights of version {VERSION}, found something else ({error}); fit them again"
        ) from None


def choose_ensemble(
    scores: Path, named: Sequence[str] | None, weights: Path | None, average: Average | None
) -> tuple[list[Member], Average, Mapping[str, float]]:
    """Members under `scores`, what is averaged, and factors by class name, of a weight file or of member options.

    Args:
        scores: folder with one folder of score files per model.
        named: `NAME` and `NAME=WEIGHT` options, see `parse_members`; must be None beside `weights`.
        weights: file of `WeightFile.write`.
        average: what is averaged; None leaves it to `weights`, without them it is `logits`.

    Raises:
        InputError: both `named` and `weights`, or weights that were made for another average.
    """
    if weights is None:
        return parse_members(scores, named), average or "logits", {}
    if named:
        raise InputError(f"--member {named[0]}: {weights} names the members; give one of both")
    content = read_weights(weights)
    if average not in (None, content.average):
        raise InputError(
            f"average of {average}: expected {content.average}, for which the weights of {weights} were made; "
            "leave it out, or fit weights again"
        )
    return content.find_members(scores), content.average, content.class_weights


def _numbers(content: Mapping[str, object]) -> dict[str, float]:
    return {name: float(str(weight)) for name, weight in content.items()}
