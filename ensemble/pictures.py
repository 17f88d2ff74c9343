"""Quick looks of a submission: `quick_looks/tiles/<tile>.png`, and the least certain tiles on one sheet."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from ensemble.average import average_with_members
from ensemble.members import Member, weights_of
from ensemble.submission import remove_other_pngs
from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.dfc2025 import SarTile
from landcover.errors import InputError, shorten
from landcover.images.label_file import read_labels
from landcover.images.raster import read_raster
from landcover.processes.progress import track
from landcover.report.quick_looks import TileView, contact_sheet, tile_sheet
from landcover.run_files.atomic import atomic_path
from landcover.run_files.digest_cache import digests
from landcover.run_files.manifest import FINISHED, digest_text, read_manifest

FOLDER_NAME = "quick_looks"
SHEET_NAME = "most_uncertain.png"

SHOWN = 24
"""Tiles on the sheet of uncertain tiles."""

DRAWING = 1
"""Version of the drawing: pictures of another one are drawn anew."""

MADE_FROM, UNCERTAINTY = "made_from", "uncertainty"
"""Texts that a PNG carries: digest of its inputs, and 1 - mean confidence of its tile."""


@dataclass(frozen=True)
class _Source:
    """What the pictures of a run are made from."""

    members: Sequence[Member]
    submission: Path
    truth: Mapping[str, Path]
    scheme: ClassScheme

    def view(self, tile: SarTile) -> TileView:
        averaged = average_with_members(self._scores(tile), weights_of(self.members, self.scheme), self.scheme)
        labels = read_labels(self._label_png(tile), self.scheme)
        truth = read_labels(self.truth[tile.name], self.scheme) if tile.name in self.truth else None
        return TileView(tile.name, read_raster(tile.sar, measured=True), labels, averaged.confidence, truth)

    def digests(self, tiles: Sequence[SarTile]) -> dict[str, str]:
        """SHA-256 over everything that the picture of a tile shows, by name of the tile."""
        files = {path for tile in tiles for path in (*self._shown(tile), *self._scores(tile))}
        listed = {path: value for member in self.members for path, value in _listed_digests(member.folder).items()}
        unlisted = sorted(files - listed.keys())
        known = {**listed, **dict(zip(unlisted, digests(unlisted), strict=True))}

        def digest(tile: SarTile) -> str:
            weighted = zip(weights_of(self.members, self.scheme), self._scores(tile), strict=True)
            scores = [f"{weight} {known[path]}" for weight, path in weighted]
            return digest_text("\n".join([str(DRAWING), *(known[path] for path in self._shown(tile)), *scores]))

        return {tile.name: digest(tile) for tile in tiles}

    def missing(self, tiles: Sequence[SarTile]) -> list[str]:
        """Tiles without a label PNG, by name."""
        return [tile.name for tile in tiles if not self._label_png(tile).is_file()]

    def _shown(self, tile: SarTile) -> list[Path]:
        return [self._label_png(tile), tile.sar, *([self.truth[tile.name]] if tile.name in self.truth else [])]

    def _scores(self, tile: SarTile) -> list[Path]:
        return [member.score_file(tile.name) for member in self.members]

    def _label_png(self, tile: SarTile) -> Path:
        return self.submission / f"{tile.name}.png"


def write_quick_looks(
    members: Sequence[Member],
    tiles: Sequence[SarTile],
    truth: Mapping[str, Path],
    run_dir: Path,
    scheme: ClassScheme = OPEN_EARTH_MAP,
) -> int:
    """Draws `<run_dir>/quick_looks/tiles/<tile>.png` (`tile_sheet`) and `quick_looks/most_uncertain.png`.

    The second shows the `SHOWN` tiles of the largest uncertainty, 1 - mean confidence, in that order. Confidence is the
    mean probability of the most probable class, whichever average made the label maps. Pictures that were drawn from
    the same files are kept; those of other tiles are removed.

    Args:
        members: models of the submission, with score files of all `tiles`.
        tiles: test tiles, whose label PNGs are in `<run_dir>/submission`.
        truth: manual label file by tile name, for some, all or none of the tiles.
        run_dir: folder of the run.
        scheme: class scheme of scores and labels.

    Returns:
        Number of tiles drawn anew.

    Raises:
        InputError: a label PNG is missing, or a file is damaged.
    """
    folder, source = run_dir / FOLDER_NAME, _Source(members, run_dir / "submission", truth, scheme)
    if missing := source.missing(tiles):
        raise InputError(
            f"{source.submission}: expected label PNGs of {len(tiles)} test tiles, {len(missing)} missing: "
            f"{shorten(missing)}; make the submission first"
        )
    (folder / "tiles").mkdir(parents=True, exist_ok=True)
    remove_other_pngs(folder, {Path(SHEET_NAME).stem})
    remove_other_pngs(folder / "tiles", {tile.name for tile in tiles})

    sources = source.digests(tiles)

    def draw(tile: SarTile) -> tuple[str, float, bool]:
        path, made_from = folder / "tiles" / f"{tile.name}.png", sources[tile.name]
        kept = _kept_texts(path)
        if kept.get(MADE_FROM) == made_from and UNCERTAINTY in kept:
            return made_from, float(kept[UNCERTAINTY]), False
        view = source.view(tile)
        _write(path, tile_sheet(view, scheme), {MADE_FROM: made_from, UNCERTAINTY: repr(view.uncertainty)})
        return made_from, view.uncertainty, True

    # Decompression runs outside Python's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        drawn = list(track(pool.map(draw, tiles), "quick looks", len(tiles)))
    order = sorted(range(len(tiles)), key=lambda n: (-drawn[n][1], tiles[n].name))[:SHOWN]
    made_from = digest_text("\n".join(f"{tiles[n].name} {drawn[n][0]}" for n in order))
    if _kept_texts(folder / SHEET_NAME).get(MADE_FROM) != made_from:
        sheet = contact_sheet((source.view(tiles[n]) for n in order), scheme)
        _write(folder / SHEET_NAME, sheet, {MADE_FROM: made_from})
    return sum(new for _, _, new in drawn)


def _listed_digests(folder: Path) -> dict[Path, str]:
    """Digests of score files as far as the manifest of their folder says: they are large."""
    if not (folder / FINISHED).is_file():
        return {}
    return {folder / row["name"]: row["sha256"] for row in read_manifest(folder / FINISHED)["files"]}


def _kept_texts(path: Path) -> dict[str, str]:
    """Texts of a PNG, none if there is no such file or it is damaged; pixels are not decoded."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return {key: str(image.info[key]) for key in (MADE_FROM, UNCERTAINTY) if key in image.info}
    except (OSError, SyntaxError, ValueError):
        return {}


def _write(path: Path, picture: NDArray[np.uint8], texts: Mapping[str, str]) -> None:
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    with atomic_path(path) as temporary:
        # Level 3 is faster than the default of 6 and, on speckle, no larger.
        Image.fromarray(picture).save(temporary, format="PNG", pnginfo=info, compress_level=3)
