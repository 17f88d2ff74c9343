"""Folders of score files that a label filter reads: finished, and of every tile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ensemble.members import Member, check_members, find_members
from landcover.errors import InputError
from landcover.run_files.manifest import FINISHED, digest, read_manifest

NO_SAR_SCORES = (
    "SAR_SCORES: expected a folder with a folder of score files of the training tiles per SAR model, found none; "
    "run 'python -m stage2_sar_seg.predict_sar MODEL --splits train' and name RUN_DIR/scores/train"
)


def sar_members(root: Path, tiles: Iterable[str]) -> list[Member]:
    """SAR models with score files of all `tiles` in folders of `root`.

    Raises:
        InputError: there are none, or they do not fit together.
    """
    return checked_members(find_members(root), tiles, "predict the train split of this DFC_ROOT")


def checked_members(members: Sequence[Member], tiles: Iterable[str], cure: str) -> list[Member]:
    """The same members.

    Args:
        members: at least one.
        tiles: names of tiles that all of them must have.
        cure: what the user can do where one is missing, for the message.

    Raises:
        InputError: a folder is unfinished, a tile is missing, or they do not fit together.
    """
    for member in members:
        read_manifest(member.folder / FINISHED)
    missing = sorted(set(tiles) - set(check_members(members)))
    if missing:
        raise InputError(
            f"{members[0].score_file(missing[0])}: expected scores of every training tile, found none; {cure}"
        )
    return list(members)


def score_digests(members: Iterable[Member]) -> Mapping[str, str]:
    """Digests of the manifests of score folders, by a readable name."""
    return {f"scores of {member.name}": digest(member.folder / FINISHED) for member in members}
