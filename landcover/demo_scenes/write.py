"""Writes the whole demo data set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from landcover.demo_scenes.appearance import Appearance
from landcover.demo_scenes.sizes import DemoSizes
from landcover.demo_scenes.source_tiles import write_source
from landcover.demo_scenes.target_tiles import write_target_split, write_target_train
from landcover.errors import InputError
from landcover.processes.progress import track
from landcover.run_files.atomic import write_json
from landcover.run_files.writable import check_folder

VERSION = 2
"""Raised whenever the same seed and sizes give a file other bytes. New files do not: data without them stay good."""

FINISHED, STARTED = "demo.json", ".demo-started.json"


def write_demo(
    out: Path,
    seed: int = 0,
    sizes: DemoSizes = DemoSizes(),  # noqa: B008  (immutable)
    quiet: bool = False,
) -> bool:
    """Writes `out/OpenEarthMap`, `out/DFC2025Track1` and `out/truth`; the same arguments give the same bytes.

    `out/demo.json` is written last; a call that finds it for the same settings does nothing. A call that was
    interrupted is repeated from the start.

    Returns:
        False if the data were there already.

    Raises:
        InputError: the folder holds demo data of other settings, or something else, or can not be written.
    """
    check_folder(out, "--out")
    settings = {"version": VERSION, "seed": seed, "sizes": asdict(sizes)}
    if (out / FINISHED).exists():
        _check_same(out, FINISHED, settings)
        return False
    if (out / STARTED).exists():
        _check_same(out, STARTED, settings)
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            f"{out}: expected an empty or new folder for the demo data, found something else; choose another"
        )
    write_json(out / STARTED, settings)
    for _ in track(_tiles(out, seed, sizes), "demo tiles", sizes.total, quiet=quiet):
        pass
    write_json(out / FINISHED, settings)
    (out / STARTED).unlink()
    return True


def _tiles(out: Path, seed: int, sizes: DemoSizes) -> Iterator[str]:
    pairs, truth = out / "DFC2025Track1", out / "truth"
    source: list[Appearance] = []
    yield from write_source(out / "OpenEarthMap", seed, sizes, source)
    yield from write_target_train(pairs, truth, seed, sizes, source)
    yield from write_target_split(pairs, truth, "val", seed, sizes)
    yield from write_target_split(pairs, truth, "test", seed, sizes)


def _check_same(out: Path, name: str, settings: dict[str, object]) -> None:
    try:
        found = json.loads((out / name).read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if found != settings:
        raise InputError(
            f"{out / name}: expected demo data of {json.dumps(settings)}, found {json.dumps(found)}; "
            "choose another folder or delete this one"
        )
