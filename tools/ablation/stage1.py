"""The study of stage 1: what each part of the teacher's recipe adds on the target."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import cast

from landcover.data_sets.dfc2025 import dfc2025_tiles, truth_labels
from landcover.prediction.views import Flip
from landcover.profiles.defaults import all_values
from landcover.profiles.profile import read_profile
from landcover.profiles.variables import NAMES
from tools.ablation.folds import FOLDS, fold_root, tiles_of_fold, write_folds
from tools.ablation.study import Model, Part, Row, Study, Views

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "configs" / "profiles" / "demo.sh"
UPERNET = ROOT / "configs" / "demo" / "teacher_upernet_efficientnet_lite1.py"
SEGFORMER = ROOT / "configs" / "demo" / "teacher_segformer_efficientnet_lite0.py"

PRETRAINED = ROOT / "pretrained"  # need not be there: the demo's weights come with a package

SOURCE_ONLY = "self_training.target_weight=0.0"
NO_ALIGNMENT = "train_dataloader.dataset.resolution_alignment.probability=0.0"
# A crop has 128 x 128 = 16384 pixels; set once and not tuned on the target's truth.
RARE_CLASSES = "train_dataloader.dataset.source.rare_classes={'temperature': 0.1, 'min_pixels': 200}"

ABOUT = """\
Teachers of the demo, SegFormer's head on EfficientNet-Lite0 with ImageNet weights: the labelled source alone;
self-training with an EMA teacher, ClassMix and per-image confidence (DACS, https://arxiv.org/abs/2007.08702, as Liu et
al. 2025, https://arxiv.org/abs/2504.13458, use it); resolution alignment of source images; rare-class sampling of
source tiles and crops (DAFormer, https://arxiv.org/abs/2111.14887); test-time views; means of two teachers, of
different seeds and with UPerNet on EfficientNet-Lite1. The oracle is trained on the truth of half of the target tiles,
with the losses and augmentations of the first row and nothing else, and scored on the other half: twice, with the
halves exchanged. It has fewer labelled tiles than the source, and is what target labels would give this network, not a
bound. Tiles are those whose optical images the teachers adapt to without labels, as in the recipe, where their label
maps become the pseudo-labels. Scenes are synthetic and the same for every seed; seeds change the heads' initialisation,
order and augmentation. The last checkpoint is scored. The demo's learning rate, batch and networks were chosen with
seed 0 by what the target's truth says, nothing else was."""


def stage1_study(data: Path, folder: Path, iterations: int | None = None) -> Study:
    """Rows of stage 1 on demo scenes.

    Args:
        data: folder of the demo scenes.
        folder: of the study's runs; receives the oracle's data, see `tools.ablation.folds`.
        iterations: length of every training; None leaves it to the configs.
    """
    pairs, folds = data / "DFC2025Track1", folder / "folds"
    teacher = partial(demo_teacher, data, iterations)
    tiles = tuple(tile.name for tile in dfc2025_tiles(pairs, "train"))
    aligned = teacher("resolution_alignment")
    second = teacher("resolution_alignment_upernet", config=UPERNET)
    rare = teacher("rare_classes", RARE_CLASSES)
    oracles = tuple(
        Part(
            (teacher(f"oracle_{fold}", SOURCE_ONLY, NO_ALIGNMENT, source=fold_root(folds, fold)),),
            tuple(tile for other in range(FOLDS) if other != fold for tile in tiles_of_fold(tiles, other)),
        )
        for fold in range(FOLDS)
    )
    one, many = Views("one_view"), demo_views()

    def row(name: str, title: str, before: str | None, *models: Model, views: Views = one, seeds: int = 1) -> Row:
        return Row(name, title, (Part(models, tiles, seeds),), views, before)

    return Study(
        name="stage1",
        title="Stage 1: what each part of the teacher adds",
        about=ABOUT,
        prepare=partial(write_folds, data, folds),
        rows=(
            row("source_only", "source only", None, teacher("source_only", SOURCE_ONLY, NO_ALIGNMENT)),
            row("dacs", "DACS", "source_only", teacher("dacs", NO_ALIGNMENT)),
            row("resolution_alignment", "DACS + resolution alignment", "dacs", aligned),
            row("rare_classes", "3 + rare-class sampling", "resolution_alignment", rare),
            row("test_time_views", "3 + test-time views", "resolution_alignment", aligned, views=many),
            row("two_seeds", "5, mean of two seeds", "test_time_views", aligned, views=many, seeds=2),
            row("second_network", "5 with a second network", "test_time_views", second, views=many),
            row("two_networks", "mean of 5 and 7", "test_time_views", aligned, second, views=many),
            Row("oracle", "oracle: target labels", oracles, one, "source_only"),
        ),
        images=pairs / "train" / "rgb_images",
        truth=truth_labels(data / "truth", "train"),
        labels=f"truth of the {len(tiles)} target train tiles",
    )


def demo_teacher(
    data: Path, iterations: int | None, name: str, *options: str, config: Path = SEGFORMER, source: Path | None = None
) -> Model:
    """A teacher trained on demo scenes.

    Args:
        data: folder of the demo scenes.
        iterations: length of the training; None leaves it to the config.
        name: see `Model`.
        options: likewise.
        config: likewise.
        source: folder of labelled tiles; None: those of the scenes.
    """
    labelled, pairs = source or data / "OpenEarthMap", data / "DFC2025Track1"
    roots = ("--oem-root", str(labelled), "--dfc-root", str(pairs), "--pretrained-dir", str(PRETRAINED))
    shortened = () if iterations is None else (f"iterations={iterations}",)
    return Model(name, "stage1_optical_da.train_teachers", config, (*options, *shortened), roots, "teachers")


def demo_views() -> Views:
    """Test-time views of the demo profile, whatever the environment says."""
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    values = all_values(read_profile(str(PROFILE), ROOT, environment), ROOT)
    scales = tuple(float(word) for word in values["SCALES"])
    return Views("demo_views", scales, tuple(cast(Flip, word) for word in values["FLIPS"]))
