"""The study of stage 2: what labels, losses, networks and the treatment of SAR are worth under label noise."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from landcover.data_sets.dfc2025 import Split, dfc2025_tiles, truth_labels
from landcover.errors import InputError
from landcover.training.config import load_config
from tools.ablation.study import Matrix, Model, Part, Row, Study, Views

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "configs" / "demo"
SEGFORMER = DEMO / "sar_segformer.py"

LABELS = {"published": "published", "ours": "ours", "truth": "truth"}
"""Label sets by the name in a row's name, with their titles."""

LOSSES: dict[str, tuple[str, list[dict[str, Any]] | None]] = {
    "ce": ("CE", [{"type": "SymmetricCrossEntropy", "alpha": 1.0, "beta": 0.0, "loss_name": "loss_ce"}]),
    "3ce": ("3 x CE, as released", [{"type": "SymmetricCrossEntropy", "alpha": 3.0, "beta": 0.0}]),
    "gce": ("GCE", [{"type": "GeneralizedCrossEntropy", "q": 0.7}]),
    "sce": ("SCE = CE + reverse CE", [{"type": "SymmetricCrossEntropy", "alpha": 1.0, "beta": 1.0}]),
    "sce_lovasz": ("SCE + Lovasz", None),
}
"""Losses by the name in a row's name, with their titles; None leaves those of the config."""

ABOUT = """\
SAR models of the demo, trained on three label sets for the same tiles: the "published" ones (degraded with the
per-class confusion of the real ones), ours (the pseudo-labels that stages 10 and 20 of the demo profile write, seed 0),
and the truth; all on the grid of the optical image, from which the SAR image is one to three pixels off, as in the real
pairs. They are scored on the SAR tiles of the val and test splits, whose truth is on the grid of the SAR image. It is
Table I of Liu et al. 2025 (https://arxiv.org/abs/2504.13458) on data whose truth is known. Seeds change initialisation,
order and augmentation; scenes and label sets stay. The model of the last iteration is scored with one view; no setting
was chosen by the truth but the length: after 1,200 iterations seeds differed more than losses. Unless a row says
otherwise: SegFormer, our labels, SCE + Lovasz, all else as in its config."""


def stage2_study(data: Path, folder: Path, iterations: int | None = None) -> Study:
    """Rows of stage 2 on demo scenes.

    Args:
        data: folder of the demo scenes.
        folder: of the study's runs; receives our labels and links to the scored tiles.
        iterations: length of every training; None leaves it to the configs.
    """
    pairs, made, tiles = data / "DFC2025Track1", folder / "labels", folder / "tiles"
    label_folders = {
        "published": pairs / "train" / "labels",
        "ours": made / "pseudo_labels",
        "truth": data / "truth" / "train" / "labels",
    }
    length = iterations or int(load_config(SEGFORMER).iterations)
    truth = {**truth_labels(data / "truth", "val"), **truth_labels(data / "truth", "test")}
    one_view = Views("one_view")

    def model(name: str, *options: str, config: Path = SEGFORMER, labels: str = "ours", share: float = 1.0) -> Model:
        shortened = (f"iterations={round(length * share)}",) if iterations or share != 1.0 else ()
        roots = ("--dfc-root", str(pairs), "--labels", str(label_folders[labels]))
        return Model(name, "stage2_sar_seg.train_sar_models", config, (*options, *shortened), roots, "sar_models")

    def row(group: str, name: str, title: str, *models: Model) -> Row:
        return Row(name, title, (Part(models, tuple(truth)),), one_view, group=group)

    def loss_row(labels: str, loss: str) -> Row:
        title, settings = LOSSES[loss]
        options = () if settings is None else (f"losses={settings!r}",)
        name = f"{labels}_{loss}"
        return row("Labels and losses", name, f"{LABELS[labels]}, {title}", model(name, *options, labels=labels))

    default = model("ours_sce_lovasz")
    swin = model("swinv2", config=DEMO / "sar_upernet_swinv2.py")
    convnext = model("convnextv2", config=DEMO / "sar_upernet_convnextv2.py")

    def variants(group: str, name: str, title: str, others: dict[str, tuple[str, Model]]) -> list[Row]:
        return [row(group, name, title, default), *(row(group, key, *value) for key, value in others.items())]

    networks = [
        row("Networks and ensemble", "segformer", "SegFormer", default),
        row("Networks and ensemble", "swinv2", "UPerNet SwinV2", swin),
        row("Networks and ensemble", "convnextv2", "UPerNet ConvNeXtV2", convnext),
        row("Networks and ensemble", "ensemble", "mean of the three", default, swin, convnext),
    ]
    crops = {f"crop_{side}": (f"{side} pixels", model(f"crop_{side}", f"crop_size={side}")) for side in (64, 192)}
    lengths = {
        f"iterations_{name}": (f"{round(length * share)}", model(f"iterations_{name}", share=share))
        for name, share in (("third", 1 / 3), ("two_thirds", 2 / 3))
    }
    inputs = {
        "three_bands": ("three replicated bands", model("three_bands", "sar.bands=3")),
        "lee": ("Lee filter", model("lee", f"sar.despeckle={ {'type': 'lee', 'window': 7, 'looks': 4.0}!r}")),
        "speckle": ("speckle as augmentation", model("speckle", _augmentations(_JITTER, _SPECKLE))),
        "geometry": ("no augmentation of grey values", model("geometry", _augmentations())),
        "relative": ("brightness by the image's mean", model("relative", _augmentations(_RELATIVE_JITTER))),
        "gain": ("gain instead of brightness", model("gain", _augmentations(_GAIN))),
    }
    return Study(
        name="stage2",
        title="Stage 2: SAR models under label noise",
        about=ABOUT,
        prepare=partial(_prepare, data, made, tiles),
        rows=(
            *(loss_row(labels, loss) for labels, loss in product(LABELS, LOSSES)),
            *networks,
            *variants("Crop size", "crop_128", "128 pixels", crops),
            *variants("Iterations", "iterations_config", f"{length}", lengths),
            *variants("SAR input and augmentation", "as_published", "one band, as published", inputs),
        ),
        images=tiles,
        truth=truth,
        labels=f"truth of the {len(truth)} val and test tiles",
        matrix=Matrix(
            "mIoU by labels and losses",
            tuple(LABELS.values()),
            tuple(title for title, _ in LOSSES.values()),
            tuple(tuple(f"{labels}_{loss}" for labels in LABELS) for loss in LOSSES),
        ),
    )


_GEOMETRY = {
    "type": "Albumentation",
    "transforms": [{"type": name, "p": 0.5} for name in ("HorizontalFlip", "VerticalFlip", "RandomRotate90")],
}
_BRIGHTNESS: dict[str, Any] = {
    "type": "RandomBrightnessContrast",
    "brightness_limit": 0.2,
    "contrast_limit": 0.2,
    "p": 0.5,
}
_JITTER = {"type": "Albumentation", "transforms": [_BRIGHTNESS]}
_RELATIVE_JITTER = {"type": "Albumentation", "transforms": [{**_BRIGHTNESS, "brightness_by_max": False}]}
_GAIN = {"type": "RandomGain", "decibels": 2.0, "probability": 0.5}
_SPECKLE = {"type": "SpeckleNoise", "looks": (2.0, 8.0), "probability": 0.5}


def _augmentations(*of_grey_values: dict[str, Any]) -> str:
    return f"train_dataloader.dataset.augmentations={[_GEOMETRY, *of_grey_values]!r}"


def _prepare(data: Path, made: Path, tiles: Path) -> None:
    """Writes our labels as the demo profile does, and links the scored tiles into one folder."""
    tiles.mkdir(parents=True, exist_ok=True)
    splits: tuple[Split, ...] = ("val", "test")
    for split in splits:
        for tile in dfc2025_tiles(data / "DFC2025Track1", split):
            link = tiles / tile.sar.name
            link.unlink(missing_ok=True)
            link.symlink_to(tile.sar.resolve())
    roots = {"OEM_ROOT": data / "OpenEarthMap", "DFC_ROOT": data / "DFC2025Track1", "TRUTH_ROOT": data / "truth"}
    environment = {**os.environ, **{name: str(path) for name, path in roots.items()}, "RUN_DIR": str(made)}
    for stage in ("10_train_teachers", "20_write_pseudo_labels"):
        print(f"our labels: tools/{stage}.sh", flush=True)
        code = subprocess.run(["bash", str(ROOT / "tools" / f"{stage}.sh")], env=environment).returncode
        if code:
            raise InputError(f"{made}: tools/{stage}.sh stopped with exit code {code}; see its message above")
