"""Tables of the study of registration, beside that of SAR models."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.labels.label_set import LabelSet, label_files, sar_grid_truth
from landcover.labels.quality import References, folder_quality, read_quality
from landcover.processes.group import start_processes
from landcover.report.text_table import markdown_table
from stage2_sar_seg.registration.matching_scores import LIMITS
from stage2_sar_seg.registration.offset_files import OFFSETS_NAME, read_offsets
from stage2_sar_seg.registration.pairs.demo import demo_pairs
from tools.ablation.match_patches import read_patch_scores
from tools.ablation.matching_methods import Method
from tools.ablation.spread import Spread, spread
from tools.ablation.study import Sections


@dataclass(frozen=True)
class Patches:
    """Patches on which matchers are compared.

    Args:
        name: of the folder of scores.
        title: for the heading.
        pairs: data set, see `PAIR_SETS`.
        root: its folder.
        patch: side of the SAR patches, pixels.
        search: largest shift of a patch in its window, in either direction, pixels.
        count: of patches.
    """

    name: str
    title: str
    pairs: str
    root: Path
    patch: int
    search: int
    count: int

    def arguments(self) -> list[str]:
        """Of `tools.ablation.match_patches`."""
        sizes = [("--patch", self.patch), ("--search", self.search), ("--count", self.count)]
        words = ["--pairs", self.pairs, "--root", str(self.root)]
        return [*words, *(word for option, value in sizes for word in (option, str(value)))]

    def out(self, place: Path) -> Path:
        """Folder of a matcher's scores, in that of the matcher."""
        return place / "patches" / self.name


def registration_sections(
    data: Path,
    folder: Path,
    labels: Path,
    methods: Sequence[Method],
    patch_sets: Sequence[Patches],
    seeds: Sequence[int],
) -> Sections:
    """Tables of patches and of the registered labels, when all jobs are done.

    Args:
        data: folder of the demo scenes.
        folder: of the study's runs.
        labels: folder of the label files that were moved.
        methods: in the order of the tables.
        patch_sets: in the order of the sections.
        seeds: of the trained ones.
    """
    parts: list[str] = []
    values: dict[str, Any] = {}
    for patches in patch_sets:
        rows = patch_rows(folder, methods, patches, seeds)
        values[f"patches of {patches.title}"] = rows
        parts += [f"## Patches of {patches.title}", _about_patches(patches, len(seeds)), _table(rows, OF_PATCHES)]
    rows = label_rows(data, folder, labels, methods, seeds)
    values["labels"] = rows
    return Sections([*parts, "## Labels after stage 22", ABOUT_LABELS, _table(rows, OF_LABELS)], values)


OF_PATCHES = {
    "mean_error": ("mean error", 1.0, 2),
    "rmse": ("RMSE", 1.0, 2),
    **{f"cmr_{limit}": (f"CMR {limit} px", 100.0, 1) for limit in LIMITS},
}

OF_LABELS = {"registered": ("registered", 1.0, 0), "error": ("error, px", 1.0, 2), "miou": ("mIoU", 100.0, 1)}

ABOUT_LABELS = """\
Over the 40 training pairs: how many were registered; the mean distance of the offset that was applied, 0 where none
was, from the true one, in pixels; mIoU of the moved labels against truth on the grid of the SAR image, in %, an unknown
pixel at a border counting as a miss."""


def patch_rows(folder: Path, methods: Sequence[Method], patches: Patches, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """A row per method, and a first one of the guess that nothing has moved: title and scores, a list over seeds."""
    rows: list[dict[str, Any]] = []
    for method in methods:
        found = [read_patch_scores(patches.out(method.place(folder, seed))) for seed in method.seeds(seeds)]
        if not rows:
            rows.append({"title": "no matching", **_scores([found[0]["unmatched"]])})
        rows.append({"title": method.title, **_scores(found)})
    return rows


def label_rows(
    data: Path, folder: Path, labels: Path, methods: Sequence[Method], seeds: Sequence[int]
) -> list[dict[str, Any]]:
    """A row per method, between labels as they are and those moved by the known offsets; lists over seeds."""
    true = {pair.name: np.array(pair.offset) for pair in demo_pairs(data)}
    rows = [{"title": "as they are", "registered": [0], "error": [_error({}, true)], "miou": [_miou(data, labels)]}]
    for method in methods:
        row: dict[str, Any] = {"title": method.title, "registered": [], "error": [], "miou": []}
        for seed in method.seeds(seeds):
            written = method.place(folder, seed) / "registered_labels"
            tiles = read_offsets(written / OFFSETS_NAME)["tiles"]
            row["registered"].append(sum(tile["status"] == "registered" for tile in tiles.values()))
            row["error"].append(_error({name: tile["offset"] for name, tile in tiles.items()}, true))
            row["miou"].append(read_quality(written)["truth"]["on_all"]["miou"])
        rows.append(row)
    known = _miou(data, folder / "known_offsets")
    return [*rows, {"title": "known offsets", "registered": [len(true)], "error": [0.0], "miou": [known]}]


def _scores(found: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    rates = {f"cmr_{limit}": [scores["cmr"][str(limit)] for scores in found] for limit in LIMITS}
    return {name: [scores[name] for scores in found] for name in ("mean_error", "rmse")} | rates


def _error(offsets: Mapping[str, Sequence[float]], true: Mapping[str, np.ndarray]) -> float:
    """Mean distance in pixels; tiles without an offset have (0, 0)."""
    return float(np.mean([np.linalg.norm(np.array(offsets.get(name, (0, 0))) - value) for name, value in true.items()]))


def _miou(data: Path, folder: Path) -> float:
    """0..1, of a folder of label files against truth on the SAR images."""
    tiles = dfc2025_tiles(data / "DFC2025Track1", "train")
    found = LabelSet(folder.name, label_files(folder, "run the study again"))
    quality = folder_quality(found, References((), sar_grid_truth(data / "truth", tiles)), start_processes())
    return float(quality["truth"]["on_all"]["miou"])


def _about_patches(patches: Patches, seeds: int) -> str:
    told = (
        f"{patches.count} SAR patches of {patches.patch} x {patches.patch} pixels, each anywhere in an optical window "
        f"of {patches.patch + 2 * patches.search}; errors are distances in pixels from the true place, their mean "
        "(which papers of this field call RMSE) and the root of their mean square; CMR is the share of patches within "
        f"so many pixels, in %. Trained matchers: mean ± sample standard deviation over {seeds} seeds."
    )
    return textwrap.fill(told, 120)


def _table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, tuple[str, float, int]]) -> str:
    """A row per method; columns are headings, factors and digits by the name of the value."""
    lines = [
        [row["title"], *(_text(row[name], scale, digits) for name, (_, scale, digits) in columns.items())]
        for row in rows
    ]
    return markdown_table(["", *(heading for heading, _, _ in columns.values())], lines, texts=1)


def _text(values: Sequence[float], scale: float, digits: int) -> str:
    found: Spread | None = spread(list(values))
    return found.text(scale, digits) if found else "-"
