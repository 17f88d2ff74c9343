"""Folders of files that a stage writes: what made them, from what, and whether they are complete.

A finished folder holds `manifest.json`; while a stage works, the folder holds `unfinished.json` with the same
description, so that a killed stage is continued for the same inputs and never mixed with others.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.run_files.atomic import sync, write_json
from landcover.run_files.companions import finder
from landcover.run_files.digest_cache import digests
from landcover.run_files.lock import LOCK_NAME, lock, unlock
from landcover.run_files.writable import check_folder

SCHEMA = 1
FINISHED = "manifest.json"
UNFINISHED = "unfinished.json"
PACKAGES = (
    "torch",
    "onedl-mmsegmentation",
    "onedl-mmengine",
    "onedl-mmcv",
    "timm",
    "albumentations",
    "numpy",
    "tifffile",
)


Inputs = Mapping[str, str] | Callable[[], Mapping[str, str]]
"""Digests by a readable name, or what computes them."""


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, and of its `Companions` where it has any, in hex.

    See `keep_digests` for when they are read.
    """
    return _content_digests([path])[0]


def digest_text(text: str) -> str:
    """SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_all(paths: Iterable[Path]) -> str:
    """One SHA-256 over names and contents of `paths`, in their order; files are read in parallel."""
    listed = list(paths)
    values = _content_digests(listed)
    return digest_text("\n".join(f"{path.name} {value}" for path, value in zip(listed, values, strict=True)))


def _content_digests(paths: Sequence[Path]) -> list[str]:
    """`digest` of every file."""
    companions = [*map(finder(), paths)]
    files = dict.fromkeys([*paths, *(file for found in companions for file in found.files)])
    values = dict(zip(files, digests(list(files)), strict=True))
    found = []
    for path, others in zip(paths, companions, strict=True):
        lines = [values[path], *(f"{file.name} {values[file]}" for file in others.files), *others.texts]
        found.append(digest_text("\n".join(lines)) if len(lines) > 1 else values[path])
    return found


def package_versions() -> dict[str, str]:
    """Installed versions of the packages on which results depend."""
    return {name: metadata.version(name) for name in PACKAGES}


@dataclass(frozen=True)
class OutputFolder:
    """A folder that one stage fills.

    Args:
        folder: where the files go.
        made_by: what makes them: stage, config digest, options, seed. JSON values.
        inputs: digests of what they are made from, by a readable name. A function is asked once, and only by the
            process that begins or finishes the folder: the others need not read the data.
        while_unfinished: names in `made_by` that must be the same to go on with unfinished files; a complete folder is
            complete whatever they are now.
    """

    folder: Path
    made_by: Mapping[str, Any]  # JSON values
    inputs: Inputs
    while_unfinished: Container[str] = ()

    @property
    def manifest(self) -> Path:
        """The file that exists exactly when the folder is complete."""
        return self.folder / FINISHED

    @property
    def complete(self) -> bool:
        """Whether all files are there, made from the same; changes nothing.

        Raises:
            InputError: they were made, or begun, from something else.
        """
        if self._matches(self.manifest):
            return not self._wrong_files()
        self._matches(self.folder / UNFINISHED)
        return False

    def begin(self) -> bool:
        """Claims the folder; True if it is already complete for the same description.

        Leftovers of a killed writer (hidden temporary files) and damaged files are removed. Other files made for the
        same description stay, so that the caller can go on.

        Raises:
            InputError: the folder was made, or begun, from something else, holds files of unknown origin, or can not be
                written, or another command is filling it.
        """
        if self._matches(self.manifest):
            wrong = self._wrong_files()
            if not wrong:
                return True
            for path in wrong:
                path.unlink(missing_ok=True)
        elif not self._matches(self.folder / UNFINISHED) and self._holds_files():
            raise InputError(
                f"{self.folder}: holds files but no {FINISHED} that says what made them; choose another output folder "
                "(RUN_DIR), or empty this one if nobody needs what is in it"
            )
        check_folder(self.folder, "output folder")
        lock(self.folder)
        write_json(self.folder / UNFINISHED, self._description())
        self.manifest.unlink(missing_ok=True)
        for leftover in self.folder.rglob(".[0-9]*.*"):
            leftover.unlink()
        return False

    def release(self) -> None:
        """Takes the claim back and removes the folder: nothing was made yet, so other settings may follow."""
        unlock(self.folder)
        shutil.rmtree(self.folder)

    def finish(self, files: Iterable[Path], about: Mapping[str, Any] | None = None) -> None:
        """Writes the manifest with a row per file of `files` (inside the folder); the folder is then complete.

        Files and folders are on the disk before: a manifest that survives a power cut has all its files.
        """
        listed = sorted(files)
        folders = {folder for path in listed for folder in path.parents if folder.is_relative_to(self.folder)}
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(sync, [*listed, *sorted(folders)]))
        rows = [
            {"name": path.relative_to(self.folder).as_posix(), "sha256": value, "size": path.stat().st_size}
            for path, value in zip(listed, digests(listed, finished=True), strict=True)
        ]
        write_json(
            self.manifest,
            {**self._description(), "versions": package_versions(), "about": dict(about or {}), "files": rows},
        )
        digests([self.manifest], finished=True)  # the input of a later stage, as the files are
        (self.folder / UNFINISHED).unlink(missing_ok=True)
        unlock(self.folder)

    def _holds_files(self) -> bool:
        return self.folder.is_dir() and any(path.name != LOCK_NAME for path in self.folder.iterdir())

    @cached_property
    def _digests(self) -> dict[str, str]:
        return dict(self.inputs() if callable(self.inputs) else self.inputs)

    def _description(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "made_by": dict(self.made_by), "inputs": self._digests}

    def _matches(self, path: Path) -> bool:
        """Whether `path` describes this output; False if there is no such file, InputError if it describes another."""
        if not path.exists():
            return False
        found = read_manifest(path)
        for key, ours in self._description().items():
            theirs = found.get(key)
            if key == "made_by" and path == self.manifest and isinstance(theirs, dict):
                theirs, ours = self._of_complete(theirs), self._of_complete(ours)
            # A round trip through JSON, so that tuples and lists compare equal.
            if theirs != json.loads(json.dumps(ours)):
                raise InputError(
                    f"{self.folder}: holds files made from something else ({_difference(theirs, ours, key)}); "
                    "choose another output folder (RUN_DIR), or delete this one to make it anew"
                )
        return True

    def _of_complete(self, made_by: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in made_by.items() if name not in self.while_unfinished}

    def _wrong_files(self) -> list[Path]:
        """Files of the manifest that are missing or have another size."""
        rows = read_manifest(self.manifest)["files"]
        paths = [(self.folder / row["name"], row["size"]) for row in rows]
        return [path for path, size in paths if not path.is_file() or path.stat().st_size != size]


def read_manifest(path: Path) -> dict[str, Any]:
    """Content of a manifest file.

    Raises:
        InputError: missing, or not a manifest.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{path}: expected the manifest of a finished stage, found none; run that stage first"
        ) from None
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: not a manifest ({error}); delete the folder and run its stage again") from None
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: not a manifest (a {type(content).__name__}); delete the folder and run its stage again"
        )
    return content


def _difference(theirs: object, ours: object, key: str) -> str:
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        for name in sorted({*theirs, *ours}):
            if theirs.get(name) != json.loads(json.dumps(ours.get(name))):
                return _difference(theirs.get(name), ours.get(name), f"{key}.{name}")
    if len(f"{theirs}{ours}") > 100:
        return f"{key} differs"
    return f"{key}: {theirs} there, {ours} now"
