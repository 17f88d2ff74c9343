"""Settings, models, seeds and package versions of a run, and the files it has left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landcover.report.collect import Run
from landcover.report.markup import DASH, scrolling, text

DIGEST_LENGTH = 64
SHOWN_DIGITS = 10

STAGES = (
    "teachers",
    "scores/teachers",
    "pseudo_labels",
    "reassigned_labels",
    "registered_labels",
    "sar_models",
    "scores/val",
    "scores/test",
    "submission",
)
"""Folders of a run in the order in which they are made."""

FILES = (
    ("data_check/report.json", "what the check of the data has counted"),
    ("teachers/*/model.pth", "optical models (teachers), with card, config, log, scores and manifest beside each"),
    ("scores/teachers/*/*.tif", "class scores of the teachers for the training tiles"),
    ("pseudo_labels/*.tif", "labels of the training tiles, made from the scores of the teachers"),
    ("pseudo_labels/quality.json", "shares, confidence and agreement of these labels, for programs"),
    ("reassigned_labels/*.tif", "the same labels, changed by the method of stage 21"),
    ("registered_labels/*.tif", "labels moved onto the SAR images by stage 22"),
    ("registered_labels/offsets.json", "offset between the images of every training tile, for programs"),
    ("registered_labels/offsets.png", "all offsets in one drawing"),
    ("sar_models/*/model.pth", "SAR models, with card, config, log, scores and manifest beside each"),
    ("scores/val/*/*.tif", "class scores of the SAR models for the validation tiles"),
    ("scores/test/*/*.tif", "class scores of the SAR models for the test tiles"),
    ("submission/*.png", "land-cover maps of the test tiles, one byte per pixel, 0 = no data"),
    ("submission.zip", "these maps, checked and ready to upload"),
    ("metrics.json", "all scores on this page, for programs"),
    ("report.html", "this page"),
)
"""Patterns inside a run folder and what they hold."""


def settings_table(settings: Mapping[str, str]) -> str:
    """HTML table of the profile's variables in their order."""
    if not settings:
        return ""
    rows = "".join(f'<tr><th scope="row">{text(name)}</th><td>{text(settings[name])}</td></tr>' for name in settings)
    return f'<h3>Settings</h3><table class="plain settings"><tbody>{rows}</tbody></table>'


def manifest_table(run: Run) -> str:
    """HTML table of what made every finished folder, in the order of the stages: one row per manifest."""
    if not run.manifests:
        return "<p>No stage has finished yet.</p>"
    heads = "".join(f'<th scope="col">{text(key)}</th>' for key in ("folder", "made by", "inputs"))
    folders = sorted(run.manifests, key=_stage)
    rows = "\n".join(_manifest_row(folder, run.manifests[folder]) for folder in folders)
    table = f'<table class="plain"><thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody></table>'
    return f"<h3>Made from</h3>{scrolling('What made each folder', table)}"


def versions_line(run: Run) -> str:
    """HTML list of the package versions that the stages have noted; several if stages differ."""
    versions: dict[str, list[str]] = {}
    for manifest in run.manifests.values():
        for name, version in manifest.get("versions", {}).items():
            if version not in versions.setdefault(name, []):
                versions[name].append(version)
    items = "".join(f"<li>{text(name)} <b>{text(', '.join(versions[name]))}</b></li>" for name in versions)
    return f'<h3>Package versions</h3><ul class="versions">{items}</ul>' if items else ""


def files_table(folder: Path) -> str:
    """HTML table of what lies where in the run folder; kinds without a file are left out."""
    rows = []
    for pattern, meaning in FILES:
        count = 1 if pattern == "report.html" else _count(folder, pattern)
        if count:
            shown = f"{text(pattern)}</code></th><td>{count:,}</td><td>{text(meaning)}"
            rows.append(f'<tr><th scope="row"><code>{shown}</td></tr>')
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("file", "count", "content"))
    table = f'<table class="plain files"><thead><tr>{heads}</tr></thead>\n<tbody>{"".join(rows)}</tbody></table>'
    return scrolling("Files of the run", table)


def _stage(folder: str) -> tuple[int, str]:
    """Sorts folders of a run by stage, then by name."""
    order = (index for index, stage in enumerate(STAGES) if f"{folder}/".startswith(f"{stage}/"))
    return next(order, len(STAGES)), folder


def _manifest_row(folder: str, manifest: Mapping[str, Any]) -> str:
    # Stage and model repeat the name of the folder.
    made_by = {key: value for key, value in manifest.get("made_by", {}).items() if key not in ("stage", "model")}
    cells = "".join(f"<td>{_pairs(pairs)}</td>" for pairs in (made_by, manifest.get("inputs", {})))
    return f'<tr><th scope="row">{text(folder)}</th>{cells}</tr>'


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{text(name)} {_value(value)}" for name, value in values.items()) or DASH


def _value(value: object) -> str:
    """A JSON value as text; of digests the first digits, all of them in the tooltip."""
    if isinstance(value, str) and len(value) == DIGEST_LENGTH and not set(value) - set("0123456789abcdef"):
        return f'<code title="{value}">{value[:SHOWN_DIGITS]}</code>'
    if isinstance(value, list):
        return text(", ".join(str(entry) for entry in value))
    return text(f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value)


def _count(folder: Path, pattern: str) -> int:
    return sum(not path.name.startswith(".") for path in folder.glob(pattern))
