from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.processes.group import Processes
from landcover.run_files.atomic import write_json
from landcover.training.summary import TrainedModel, training_table
from landcover.training.train_model import train_model
from landcover.training.training import Training


def folder_of(parent: Path, name: str, miou: float | None = None, **chosen: object) -> Path:
    """The folder of a finished training of 1200 iterations, as far as the table reads it."""
    folder = parent / name
    write_json(folder / "manifest.json", {"made_by": {"iterations": 1200}})
    if miou is not None:
        iou = {name: 0.125 * number for number, name in enumerate(OPEN_EARTH_MAP.classes)}
        scores = {"miou": miou, "iou": {**iou, "water": None}, "labels": "val labels"}
        write_json(folder / "metrics.json", {**scores, "chosen": chosen})
    return folder


def test_every_model_has_a_row_and_scored_ones_their_classes(tmp_path: Path) -> None:
    best = {"rule": "validation_miou", "iteration": 800, "validation_miou": 0.3149}
    rows = [
        TrainedModel(folder_of(tmp_path, "sar_b3", 0.31, **best), True, 12.345),
        TrainedModel(folder_of(tmp_path, "sar_swin", 0.2546, rule="last", iteration=1200, validation_miou=0.2), False),
        TrainedModel(folder_of(tmp_path, "sar_b3_published"), True, 0.04),
    ]
    assert training_table(rows).splitlines() == [
        "model             state      exported                      minutes  mIoU",
        "sar_b3            trained    validation_miou 0.315 at 800     12.3  31.0",
        "sar_swin          was there  last at 1200                        -  25.5",
        "sar_b3_published  trained    last at 1200                      0.0     -",
        "IoU in %     mIoU  barel  range  devel   road   tree  water  agric  build",
        "SAR models, against val labels",
        "  sar_b3     31.0    0.0   12.5   25.0   37.5   50.0      -   75.0   87.5",
        "  sar_swin   25.5    0.0   12.5   25.0   37.5   50.0      -   75.0   87.5",
    ]


def test_without_labels_there_are_no_classes(tmp_path: Path) -> None:
    assert training_table([TrainedModel(folder_of(tmp_path, "sar_b3"), False)]).splitlines() == [
        "model   state      exported      minutes  mIoU",
        "sar_b3  was there  last at 1200        -     -",
    ]


def test_a_training_that_is_not_complete_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sar_b3/manifest\.json: expected the manifest of a finished stage, found"):
        training_table([TrainedModel(tmp_path / "sar_b3", True, 1.0)])


@pytest.mark.parametrize("scored", [True, False])
def test_the_table_reads_what_a_training_leaves(
    make_training: Callable[..., Training], one_process: Processes, tmp_path: Path, scored: bool
) -> None:
    options = ("choose=validation_miou", "validation_interval=1") if scored else ()
    train_model(make_training(tmp_path / "tiny", *options, iterations=2, scored=scored), one_process)
    _, row, *classes = training_table([TrainedModel(tmp_path / "tiny", True, 0.5)]).splitlines()
    name, state, rule, *_, minutes, miou = row.split()
    assert (name, state, minutes) == ("tiny", "trained", "0.5")
    if scored:
        assert rule == "validation_miou" and classes[-1].split()[:2] == ["tiny", miou]
    else:
        assert row.split()[2:5] == ["last", "at", "2"] and miou == "-" and classes == []
