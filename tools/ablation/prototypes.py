"""The study of Gaussian prototypes: what each part of the alignment adds to the teacher, and how many Gaussians do."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from landcover.data_sets.dfc2025 import dfc2025_tiles, truth_labels
from tools.ablation.stage1 import SEGFORMER, demo_teacher
from tools.ablation.study import Model, Part, Row, Study, Views

PROTOTYPES = SEGFORMER.with_name("teacher_segformer_efficientnet_lite0_prototypes.py")

PART = "self_training.parts.alignment"

COMPONENTS = (1, 3, 8)
"""Beside the config's own."""

ABOUT = """\
Teachers of the demo, SegFormer's head on EfficientNet-Lite0 with ImageNet weights: DACS with resolution alignment, the
demo's own; contrast of single pixels across domains, rare classes drawn more often; alignment of target pixels with
Gaussian mixtures of the source's classes (forward); mixtures refined by target pixels that fit (reverse); the whole
with other numbers of Gaussians for each class. After Hu, Wang and Chen 2026 (IEEE JSTARS 19), of which only the
abstract is public: equations and numbers are ours, and were not tuned on the target. Tiles are those whose optical
images the teachers adapt to without labels. Scenes are synthetic and the same for every seed; seeds change the heads'
initialisation, order, augmentation and the pixels drawn. The last checkpoint is scored, one view."""


def prototypes_study(data: Path, folder: Path, iterations: int | None = None) -> Study:
    """Rows of the alignment on demo scenes, arguments as of `stage1_study`."""
    del folder  # nothing is prepared there
    pairs = data / "DFC2025Track1"
    tiles = tuple(tile.name for tile in dfc2025_tiles(pairs, "train"))
    aligned = partial(demo_teacher, data, iterations, config=PROTOTYPES)
    without_forward, without_reverse = f"{PART}.forward_weight=0.0", f"{PART}.reverse=0.0"

    def row(title: str, before: str | None, model: Model) -> Row:
        return Row(model.name, title, (Part((model,), tiles),), Views("one_view"), before)

    return Study(
        name="prototypes",
        title="Stage 1: Gaussian prototypes",
        about=ABOUT,
        prepare=lambda: None,
        rows=(
            row("DACS + resolution alignment", None, demo_teacher(data, iterations, "plain")),
            row("1 + pixel contrast", "plain", aligned("contrast", without_forward, without_reverse)),
            row("2 + forward alignment", "contrast", aligned("forward", without_reverse)),
            row("3 + reverse alignment", "forward", aligned("whole")),
            *(
                row(f"4 with K = {count}", "whole", aligned(f"components_{count}", f"{PART}.components={count}"))
                for count in COMPONENTS
            ),
        ),
        images=pairs / "train" / "rgb_images",
        truth=truth_labels(data / "truth", "train"),
        labels=f"truth of the {len(tiles)} target train tiles",
    )
