"""The study of multimodal training: what an optical branch adds to SAR models from few labels, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from landcover.classes import OPEN_EARTH_MAP
from landcover.labels.quality import read_quality
from tools.ablation.document import markdown_table
from tools.ablation.scored_tiles import link_scored_tiles, scored_truth
from tools.ablation.stage1 import PRETRAINED
from tools.ablation.stage2 import DEFAULT
from tools.ablation.steps import pipeline_variables, run_steps
from tools.ablation.study import Matrix, Model, Part, Row, Sections, Study, Views

ROOT = Path(__file__).parents[2]
DLLR = ROOT / "configs" / "_base_" / "multimodal" / "dllr.py"

ITERATIONS = 160
"""Of every training unless the command says otherwise: less than half of the demo's, since there are 66 of them."""

FRACTIONS = {"16th": "1/16", "8th": "1/8", "4th": "1/4", "all": "1"}
"""Shares of the training tiles that are labelled, by the name in a row's name."""

GROUPS = {name: f"{share} of the tiles labelled" for name, share in FRACTIONS.items()} | {"all": "All tiles labelled"}

WITHOUT_COMPLEMENTARY = "multimodal.complementary_weight=0.0"
WITHOUT_CROSS = "multimodal.cross.weight=0.0"
WITH_SAR_ONLY = "multimodal.data.sar_only_share=0.125"


@dataclass(frozen=True)
class Step:
    """What a row adds to the one before.

    Args:
        title: for the tables.
        others: labels of the tiles that are not labelled: none, pseudo_labels or reassigned_labels.
        options: what is switched off or on, None for SAR images alone.
    """

    title: str
    others: str
    options: tuple[str, ...] | None = None


STEPS = {
    "supervised": Step("SAR alone, labelled tiles", "none"),
    "pseudo": Step("+ pseudo-labels elsewhere", "pseudo_labels"),
    "masking": Step("+ optical branch and masks", "pseudo_labels", (WITHOUT_COMPLEMENTARY, WITHOUT_CROSS)),
    "complementary": Step("+ complementary learning", "pseudo_labels", (WITHOUT_CROSS,)),
    "reassignment": Step("+ reassigned pseudo-labels", "reassigned_labels", (WITHOUT_CROSS,)),
    "cross": Step("+ cross supervision (whole)", "reassigned_labels", (WITH_SAR_ONLY,)),
}
"""Rows of every fraction, by the name in a row's name."""

ABOUT = """\
SAR models of the demo, SegFormer's head on EfficientNet-Lite0, from few labelled tiles. Of the 40 training pairs a
share has the truth as manual labels, on the grid of the optical image as an annotator would draw it; which ones, the
seed draws (LABELLED_TILES; a smaller share is part of a larger one). Rows add one part to another: SAR images and the
labelled tiles alone; pseudo-labels of the demo's teachers (stages 10 and 20, seed 0) on the other tiles, which is stage
2 as it is; an optical branch of the same network that trains beside the SAR branch on the same labels, with patches
hidden from both (SAR_TRAINING=multimodal); complementary learning, each branch from the other where they differ and the
other is surer; pseudo-labels reassigned by optimal transport (stage 21, REASSIGN=ot); cross supervision, by labels
reassigned in training, which SAR tiles of val and test take part in without labels or optical images. After Han, Jiang,
Geng and Miao 2025 (IEEE TIP 34:566-580), whose equations are not public: numbers are ours, and were not tuned on the
truth, but that SAR tiles alone are left out of the default since seed 0 of these rows. The SAR branch alone is scored,
as an ordinary SAR model, on the val and test tiles, whose truth is on the grid of the SAR image, one to three pixels
off from the optical one. Seeds change the labelled tiles, initialisation, order and augmentation; scenes and
pseudo-labels stay. Trainings are shorter than the demo's 400 iterations unless the command says otherwise. With all
tiles labelled no pseudo-label is left, and rows that differ in these alone are one training. What a step costs tells
`python tools/benchmarks/multimodal_step.py`."""

ABOUT_LABELS = """\
The pseudo-labels of the 40 training pairs before and after REASSIGN=ot, against truth on the optical image, in %; an
unknown pixel counts as a miss. No manual label took part."""


def multimodal_study(data: Path, folder: Path, iterations: int | None = None) -> Study:
    """Rows of every fraction on demo scenes.

    Args:
        data: folder of the demo scenes.
        folder: of the study's runs; our labels are shared with the study of stage 2 beside it.
        iterations: length of every training; None for `ITERATIONS`.
    """
    labels, truth = folder.parent / "stage2" / "labels", scored_truth(data)
    roots = ("--pretrained-dir", str(PRETRAINED), "--dfc-root", str(data / "DFC2025Track1"))
    manual = ("--manual-labels", str(data / "truth" / "train" / "labels"))

    def model(fraction: str, name: str) -> Model:
        step = STEPS[name]
        needed = step.others != "none" and fraction != "all"  # no other label is left then
        others = ("--labels", str(labels / step.others)) if needed else ()
        training = () if step.options is None else ("--multimodal", str(DLLR))
        words = (*training, *roots, *manual, "--labelled-tiles", FRACTIONS[fraction], *others)
        options = (*(step.options or ()), f"iterations={iterations or ITERATIONS}")
        defaults = None if step.options is None else DLLR
        name = f"{fraction}_{name}"
        return Model(name, "stage2_sar_seg.train_sar_models", DEFAULT, options, words, "sar_models", defaults)

    def rows(fraction: str) -> list[Row]:
        known: dict[tuple[tuple[str, ...], ...], Model] = {}
        found = []
        for name, step in STEPS.items():
            trained = model(fraction, name)
            trained = known.setdefault((trained.arguments, trained.options), trained)
            part = Part((trained,), tuple(truth))
            found.append(Row(f"{fraction}_{name}", step.title, (part,), Views("one_view"), group=GROUPS[fraction]))
        return found

    return Study(
        name="multimodal",
        title="Multimodal training: SAR models from few labels",
        about=ABOUT,
        prepare=partial(_prepare, data, labels, folder / "tiles"),
        rows=tuple(row for fraction in FRACTIONS for row in rows(fraction)),
        images=folder / "tiles",
        truth=truth,
        labels=f"truth of the {len(truth)} val and test tiles",
        matrix=Matrix(
            "mIoU by labelled tiles",
            tuple("all" if share == "1" else share for share in FRACTIONS.values()),
            tuple(step.title for step in STEPS.values()),
            tuple(tuple(f"{fraction}_{name}" for fraction in FRACTIONS) for name in STEPS),
        ),
        sections=partial(label_sections, labels / "reassigned_labels"),
    )


def label_sections(reassigned: Path, seeds: Sequence[int]) -> Sections:
    """Table of the pseudo-labels before and after stage 21.

    Args:
        reassigned: folder that the stage has written.
        seeds: of the rows; labels have none.
    """
    del seeds
    quality = read_quality(reassigned)
    found: dict[str, Any] = {"before": quality["truth_before"]["on_all"], "after": quality["truth"]["on_all"]}
    names = OPEN_EARTH_MAP.classes
    lines = [
        [title, *(f"{100 * value:.1f}" for value in (scores["miou"], *(scores["iou"][name] for name in names)))]
        for title, scores in found.items()
    ]
    table = markdown_table(["", "mIoU", *names], lines, texts=1)
    return Sections(["## Pseudo-labels before and after reassignment", ABOUT_LABELS, table], {"labels": found})


def _prepare(data: Path, labels: Path, tiles: Path) -> None:
    """Writes our labels as the demo profile does, and reassigned; links the scored tiles into one folder."""
    link_scored_tiles(data, tiles)
    variables = pipeline_variables(data, labels)
    run_steps(
        labels,
        (variables, ["bash", "tools/10_train_teachers.sh"]),
        (variables, ["bash", "tools/20_write_pseudo_labels.sh"]),
        ({**variables, "REASSIGN": "ot"}, ["bash", "tools/21_reassign_labels.sh"]),
    )
