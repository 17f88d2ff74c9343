"""The part of the page that shows tiles of the training and the test area."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from landcover.classes import ClassScheme
from landcover.data_sets.dfc2025 import Split, dfc2025_tiles, truth_labels
from landcover.errors import InputError
from landcover.report.collect import Run
from landcover.report.markup import text
from landcover.report.tiles import legend, prediction_panels, select_tiles, tile_figure, training_panels

TRAIN_TEXT = (
    "Training tiles: the teachers label the optical image, the SAR models learn these labels. "
    "Percentages compare a map with the truth, where there is one."
)
TEST_TEXT = (
    "Test tiles: only the SAR image is known to the models. "
    "Disagreement: the brighter, the more members would have mapped another class than the submitted one."
)


def tile_pictures(run: Run, dfc_root: Path, truth_root: Path | None, count: int, scheme: ClassScheme) -> str:
    """HTML of at most `count` training tiles and `count` test tiles, or a sentence for what cannot be shown."""
    train = _train_figures(run, dfc_root, truth_root, count, scheme)
    test = _test_figures(run, dfc_root, truth_root, count, scheme)
    colours = legend(scheme) if run.pseudo_labels() or run.maps() else ""
    return f"{colours}\n<h3>Training</h3>\n{train}\n<h3>Test</h3>\n{test}"


def _train_figures(run: Run, dfc_root: Path, truth_root: Path | None, count: int, scheme: ClassScheme) -> str:
    pseudo_labels = run.pseudo_labels()
    if not pseudo_labels:
        return "<p>No pseudo-labels yet.</p>"
    try:
        tiles = select_tiles(dfc2025_tiles(dfc_root, "train"), pseudo_labels, count)
    except InputError as error:
        return f"<p>Not shown: {text(error)}</p>"
    truth = _truth(truth_root, "train")
    figures = (
        tile_figure(tile.name, training_panels(tile, pseudo_labels[tile.name], truth.get(tile.name), scheme))
        for tile in tiles
    )
    return f"<p>{TRAIN_TEXT}</p>\n" + "\n".join(figures)


def _test_figures(run: Run, dfc_root: Path, truth_root: Path | None, count: int, scheme: ClassScheme) -> str:
    maps = run.maps()
    if not maps:
        return "<p>No maps of test tiles yet.</p>"
    try:
        tiles = select_tiles(dfc2025_tiles(dfc_root, "test"), maps, count)
    except InputError as error:
        return f"<p>Not shown: {text(error)}</p>"
    published = {tile.name: tile.labels for tile in tiles if tile.labels}
    truth = {**published, **_truth(truth_root, "test")}
    figures = (
        tile_figure(
            tile.name,
            prediction_panels(tile, maps[tile.name], truth.get(tile.name), run.member_scores(tile.name), scheme),
        )
        for tile in tiles
    )
    none = "" if truth else " There is no truth for these tiles, so errors cannot be shown."
    return f"<p>{TEST_TEXT}{none}</p>\n" + "\n".join(figures)


def _truth(root: Path | None, split: Split) -> Mapping[str, Path]:
    return {} if root is None else truth_labels(root, split)
