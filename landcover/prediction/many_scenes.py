"""Maps of many scenes by one command: what is finished is left alone, what can not be mapped is told at the end."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from landcover.errors import InputError
from landcover.images.listing import files_by_stem
from landcover.prediction.model_files import common_reading, load_any_model
from landcover.prediction.scene import map_scene
from landcover.prediction.scene_models import SceneSettings
from landcover.processes.group import Processes
from landcover.processes.shared_work import on_demand
from landcover.run_files.writable import check_folder


@dataclass
class Outcome:
    """What became of the scenes.

    Attributes:
        written: names of those that were mapped.
        there: names of those whose maps were there.
        failed: why the others could not be mapped, by name.
    """

    written: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def reasons(self) -> dict[str, list[str]]:
        """Names of the scenes that could not be mapped, by what was wrong: a model can be wrong for all of them."""
        names: dict[str, list[str]] = {}
        for name, reason in sorted(self.failed.items()):
            names.setdefault(reason, []).append(name)
        return names


@dataclass(frozen=True)
class SceneFolders:
    """Where the files of many scenes are; that of a scene is `<folder>/<name>.tif`.

    Args:
        out: receives the maps.
        confidence: receives the confidence maps; None for none.
        optical: holds optical images on the grids of the scenes; None for none.
    """

    out: Path
    confidence: Path | None = None
    optical: Path | None = None


def map_scenes(
    scenes: Mapping[str, Path],
    model_paths: Sequence[Path],
    folders: SceneFolders,
    settings: SceneSettings,
    processes: Processes,
) -> Outcome:
    """Maps scenes one after the other, see `map_scene`; the next one also after one that can not be mapped.

    Every scene is mapped by one process, which takes the next one when it is done: several processes map several scenes
    at a time, and wait for each other at the very end only. The largest files come first, so that no process is left
    with one of them then.

    Args:
        scenes: SAR images by the name of their maps.
        model_paths: see `map_scene`.
        folders: of outputs and optical images.
        settings: flips, stride, dtype.
        processes: those that share the scenes.

    Returns:
        What became of them, in all processes.

    Raises:
        InputError: a model file that can not be used on any scene, or a folder that can not be read or written.
    """
    _check(scenes, folders)
    common_reading(model_paths)
    optical = files_by_stem(folders.optical) if folders.optical else {}
    load, alone = functools.cache(load_any_model), Processes(0, 1, processes.device)
    outcome = Outcome()
    for name in on_demand(_largest_first(scenes), "scenes", len(scenes), processes):
        try:
            if folders.optical and name not in optical:
                raise InputError(f"{folders.optical / name}.tif: expected the optical image of the scene, found none")
            written = map_scene(
                scenes[name],
                model_paths,
                folders.out / f"{name}.tif",
                settings,
                alone,
                folders.confidence / f"{name}.tif" if folders.confidence else None,
                optical.get(name),
                load,
                quiet=not processes.first,
            )
        except InputError as error:
            outcome.failed[name] = str(error)
        else:
            (outcome.written if written else outcome.there).append(name)
    return _together(processes.gather(outcome))


def _check(scenes: Mapping[str, Path], folders: SceneFolders) -> None:
    """Refuses output folders that can not be written, or in which maps would lie among images."""
    taken = {path.absolute().parent: f"scenes such as {path.name}" for path in scenes.values()}
    if folders.optical:
        taken[folders.optical.absolute()] = "the optical images"
    for folder, setting in ((folders.out, "--out"), (folders.confidence, "--confidence")):
        if folder is None:
            continue
        if folder.absolute() in taken:
            raise InputError(
                f"{setting} {folder}: expected a folder for maps alone, found {taken[folder.absolute()]}; "
                "choose another"
            )
        check_folder(folder, setting)
        taken[folder.absolute()] = "the folder of the maps"


def _largest_first(scenes: Mapping[str, Path]) -> list[str]:
    sizes = {name: path.stat().st_size if path.is_file() else 0 for name, path in scenes.items()}
    return sorted(scenes, key=lambda name: (-sizes[name], name))


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    found = Outcome()
    for outcome in outcomes:
        found.written += outcome.written
        found.there += outcome.there
        found.failed |= outcome.failed
    return found
