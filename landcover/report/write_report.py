"""The report of a run: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.report.collect import Run, collect_run
from landcover.report.confusion import confusion_table
from landcover.report.curves import training_curves
from landcover.report.markup import picture
from landcover.report.page import html_page
from landcover.report.quality_table import quality_html
from landcover.report.score_table import score_table
from landcover.report.tile_section import tile_pictures
from landcover.report.verdict import verdict
from landcover.report.what_ran import files_table, manifest_table, settings_table, versions_line
from landcover.run_files.atomic import write_text

REPORT_NAME = "report.html"
NO_LOGS = "<p>No training has logged anything yet.</p>"


def write_report(
    run_dir: Path,
    dfc_root: Path,
    truth_root: Path | None,
    settings: Mapping[str, str],
    tiles: int = 4,
    scheme: ClassScheme = OPEN_EARTH_MAP,
) -> Path:
    """Writes `report.html` into a run folder and returns its path.

    The page carries its style and pictures, loads nothing, and is the same for the same run. What the run does not have
    is left out, with a sentence that says so.

    Args:
        run_dir: folder of the run; its name is the title.
        dfc_root: OpenEarthMap-SAR folder of the run.
        truth_root: folder with manual labels, `<split>/labels/<tile>.tif`; None if there are none.
        settings: variables of the profile, shown as they are.
        tiles: number of training tiles and of test tiles to show.
        scheme: classes of all labels.

    Raises:
        InputError: the run folder is missing, or one of its files is damaged.
    """
    run = collect_run(run_dir)
    sections = [
        ("scores", "Scores", score_table(run.metrics, scheme)),
        ("labels", "Pseudo-labels", quality_html(run_dir / "pseudo_labels", scheme)),
        *_changed_labels(run_dir, scheme),
        ("tiles", "Tiles", tile_pictures(run, dfc_root, truth_root, tiles, scheme)),
        ("confusion", "Confusion of the ensemble", confusion_table(run.metrics.get("ensemble"), scheme)),
        ("training", "Training", _curves(run)),
        ("settings", "What ran", settings_table(settings) + manifest_table(run) + versions_line(run)),
        ("files", "Files", files_table(run.folder)),
    ]
    path = run_dir / REPORT_NAME
    write_text(path, html_page(f"Land cover from SAR: {run_dir.resolve().name}", verdict(run), sections))
    return path


def _changed_labels(run_dir: Path, scheme: ClassScheme) -> list[tuple[str, str, str]]:
    """The sections of labels that stages 21 and 22 have changed, if they have."""
    folders = {kind: run_dir / f"{kind}_labels" for kind in ("reassigned", "registered")}
    return [
        (kind, f"{kind.capitalize()} labels", quality_html(folder, scheme) + _offsets(folder))
        for kind, folder in folders.items()
        if folder.is_dir()
    ]


def _offsets(folder: Path) -> str:
    """The drawing that stage 22 leaves beside its labels, if it is there."""
    path = folder / "offsets.png"
    if not path.is_file():
        return ""
    with Image.open(path) as image:
        return picture(np.asarray(image.convert("RGB")), "Offset between the SAR and the optical image of every tile")


def _curves(run: Run) -> str:
    return "\n".join(training_curves(title, logs) for title, logs in run.logs.items()) or NO_LOGS
