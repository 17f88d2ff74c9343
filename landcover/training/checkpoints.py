"""Checkpoints of a training: how they get on the disk, and from which one a killed training goes on."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.runner.checkpoint import get_torch_safe_globals

from landcover.errors import InputError
from landcover.run_files.atomic import atomic_path

PREFIX, SUFFIX = "iter_", ".pth"
"""mmengine calls the checkpoint of an iteration so."""

WHOLE_FILES = "whole_files"
"""Name of the `WholeFiles` for mmengine's CheckpointHook."""


@register_backend(WHOLE_FILES)
class WholeFiles(LocalBackend):
    """mmengine's local files, but a file that is there is whole, also after a power cut.

    mmengine names the newest checkpoint in a file of its own, `last_checkpoint`, which a kill may leave empty; with
    this, nobody needs it.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Writes a file, atomically."""
        with atomic_path(Path(filepath)) as temporary:
            temporary.write_bytes(obj)


def saved_checkpoints(folder: Path) -> list[Path]:
    """Checkpoints in a folder, the newest first."""
    return sorted(folder.glob(f"{PREFIX}*{SUFFIX}"), key=iteration_of, reverse=True)


def iteration_of(checkpoint: Path) -> int:
    """The iteration after which a checkpoint was written."""
    return int(checkpoint.name.removeprefix(PREFIX).removesuffix(SUFFIX))


def checkpoint_to_resume(folder: Path, quiet: bool = False) -> Path | None:
    """The newest checkpoint in a folder that is not damaged, None if there is none at all.

    Args:
        folder: of the checkpoints.
        quiet: whether damaged ones are passed over in silence.

    Raises:
        InputError: all are damaged.
    """
    saved = saved_checkpoints(folder)
    for path in saved:
        damage = _damage(path)
        if damage is None:
            return path
        if not quiet:
            print(f"warning: {path}: a damaged checkpoint ({damage}); looking for the one before", flush=True)
    if saved:
        raise InputError(
            f"{saved[0]}: expected a training checkpoint to continue from, found a damaged file and none before that; "
            f"delete {folder} to start this training again"
        )
    return None


def _damage(path: Path) -> str | None:
    """Why a checkpoint can not be read, None if it can."""
    try:
        with torch.serialization.safe_globals(get_torch_safe_globals()):  # of the log buffers that mmengine saves
            torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # pickle and zip raise whatever they like on damaged files
        return type(error).__name__
    return None
