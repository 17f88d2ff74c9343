"""Tiles side by side: what the models saw, what they mapped, and where it is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.classes import VOID, ClassScheme
from landcover.data_sets.dfc2025 import SarTile
from landcover.errors import InputError
from landcover.images.label_file import read_labels
from landcover.images.raster import read_optical, read_raster
from landcover.report.markup import percent, picture, swatch, text
from landcover.report.pictures import (
    ERROR_COLOURS,
    WRONG,
    agreement,
    error_map,
    shrink_image,
    shrink_map,
    stretch_sar,
)
from landcover.score_files.score_file import read_scores

Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Panel:
    """One picture of a tile: image element (HTML), heading and a remark."""

    image: str
    title: str
    remark: str = ""


def pick(names: Sequence[str], count: int) -> list[str]:
    """At most `count` of `names`, spread evenly over their order."""
    shown = min(count, len(names))
    return [names[(2 * index + 1) * len(names) // (2 * shown)] for index in range(shown)]


def training_panels(tile: SarTile, pseudo_label: Path | None, truth: Path | None, scheme: ClassScheme) -> list[Panel]:
    """Optical, SAR, published labels, pseudo-label and truth of one tile; missing ones are left out.

    Args:
        tile: a tile with or without an optical image and published labels.
        pseudo_label: label file of the teachers.
        truth: manual labels.
        scheme: of all labels.
    """
    expected = None if truth is None else read_labels(truth, scheme)
    panels = []
    if tile.optical:
        optical = shrink_image(read_optical(tile.optical).pixels)
        panels.append(Panel(picture(optical, f"Optical image of {tile.name}"), "optical"))
    panels.append(_sar_panel(tile))
    for title, path in (("published labels", tile.labels), ("pseudo-label", pseudo_label)):
        if path:
            panels.append(_map_panel(title, tile.name, path, expected, scheme))
    if expected is not None:
        panels.append(_truth_panel(tile.name, expected, scheme))
    return panels


def prediction_panels(
    tile: SarTile, predicted: Path, truth: Path | None, member_scores: Sequence[Path], scheme: ClassScheme
) -> list[Panel]:
    """SAR, prediction, truth, errors and disagreement of the members of one tile; missing ones are left out.

    Args:
        tile: a test tile.
        predicted: submitted label map.
        truth: manual labels.
        member_scores: score files of the members for this tile.
        scheme: of all labels.
    """
    expected = None if truth is None else read_labels(truth, scheme)
    panels = [_sar_panel(tile), _map_panel("prediction", tile.name, predicted, expected, scheme)]
    labels = read_labels(predicted, scheme)
    if expected is not None:
        errors = shrink_map(error_map(expected, labels))
        image = picture(errors, f"Errors of the map of {tile.name}", ERROR_COLOURS)
        panels += [_truth_panel(tile.name, expected, scheme), Panel(image, "errors", "purple: wrong")]
    if len(member_scores) > 1:
        panels.append(_disagreement_panel(tile.name, labels, member_scores, scheme))
    return panels


def tile_figure(name: str, panels: Sequence[Panel]) -> str:
    """HTML of the panels of one tile in a row that wraps."""
    figures = "\n".join(
        f"<figure>{panel.image}<figcaption><b>{text(panel.title)}</b> {text(panel.remark)}</figcaption></figure>"
        for panel in panels
    )
    return f'<article class="tile"><h4>{text(name)}</h4>\n<div class="panels">\n{figures}\n</div></article>'


def legend(scheme: ClassScheme) -> str:
    """HTML list of the class colours and of the colour of errors."""
    entries = [*zip(scheme.classes, scheme.palette, strict=True), ("no data", (0, 0, 0))]
    items = "".join(f"<li>{swatch(colour)}{text(name)}</li>" for name, colour in entries)
    return (
        f'<ul class="legend" aria-label="Colours of the maps">{items}<li>{swatch(ERROR_COLOURS[WRONG])}error</li></ul>'
    )


def _sar_panel(tile: SarTile) -> Panel:
    grey = shrink_image(stretch_sar(read_raster(tile.sar, measured=True)))
    return Panel(picture(grey, f"SAR image of {tile.name}"), "SAR")


def _map_panel(title: str, name: str, path: Path, truth: Labels | None, scheme: ClassScheme) -> Panel:
    labels = read_labels(path, scheme)
    if truth is not None and truth.shape != labels.shape:
        raise InputError(f"{path}: expected {truth.shape} pixels as the truth of this tile, found {labels.shape}")
    score = None if truth is None else agreement(truth, labels)
    remark = "" if score is None else f"{percent(score)} % correct"
    return Panel(_map_picture(labels, f"{title} of {name}. {remark}".strip(), scheme), title, remark)


def _truth_panel(name: str, truth: Labels, scheme: ClassScheme) -> Panel:
    return Panel(_map_picture(truth, f"Manual labels of {name}", scheme), "truth")


def _map_picture(labels: Labels, alternative: str, scheme: ClassScheme) -> str:
    present = [name for label, name in enumerate(scheme.classes, start=1) if np.any(labels == label)]
    alternative = f"{alternative[:1].upper()}{alternative[1:]} Classes: {', '.join(present) or 'none'}."
    colours = scheme.to_colours(np.arange(scheme.num_classes + 1, dtype=np.uint8))
    return picture(shrink_map(labels), alternative, colours)


def _disagreement_panel(name: str, labels: Labels, member_scores: Sequence[Path], scheme: ClassScheme) -> Panel:
    """Share of the members whose own class is not the submitted one: white all, black none or no data."""
    others = np.zeros(labels.shape, dtype=np.float32)
    for path in member_scores:
        _, codes = read_scores(path)
        if codes.shape[1:] != labels.shape:
            raise InputError(f"{path}: expected {labels.shape} pixels as the map of this tile, found {codes.shape[1:]}")
        others += (scheme.to_labels(codes.argmax(axis=0)) != labels) & (labels != VOID)
    share = others / len(member_scores)
    mapped = max(int(np.count_nonzero(labels)), 1)
    remark = f"{percent(float(share.sum()) / mapped)} % of votes differ"
    grey = shrink_image(np.rint(255 * share).astype(np.uint8))
    return Panel(picture(grey, f"Disagreement of the members on {name}: {remark}"), "disagreement", remark)


def select_tiles(tiles: Sequence[SarTile], available: Mapping[str, Path], count: int) -> list[SarTile]:
    """At most `count` tiles, spread evenly over those with a file in `available`."""
    by_name = {tile.name: tile for tile in tiles if tile.name in available}
    return [by_name[name] for name in pick(list(by_name), count)]
