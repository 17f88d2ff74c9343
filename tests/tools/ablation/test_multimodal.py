from __future__ import annotations

import json
from pathlib import Path

import pytest

from landcover.classes import OPEN_EARTH_MAP
from tools.ablation.multimodal import FRACTIONS, ITERATIONS, STEPS, label_sections, multimodal_study
from tools.ablation.study import Model, Study


@pytest.fixture
def study(demo_root: Path, tmp_path: Path) -> Study:
    return multimodal_study(demo_root, tmp_path / "multimodal")


def words(model: Model) -> dict[str, str]:
    """Arguments of the training command by their option."""
    return dict(zip(model.arguments[::2], model.arguments[1::2], strict=True))


def model_of(study: Study, name: str) -> Model:
    (model,) = next(row for row in study.rows if row.name == name).models
    return model


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_every_row_adds_the_part_that_it_says(study: Study, fraction: str) -> None:
    found = {}
    for name in STEPS:
        model = model_of(study, f"{fraction}_{name}")
        given = words(model)
        assert given["--labelled-tiles"] == FRACTIONS[fraction]
        assert given["--manual-labels"].endswith("truth/train/labels")
        config = model.loaded()
        parts = config.get("multimodal")
        told = (
            parts and (parts.masking.probability > 0, parts.complementary_weight > 0, parts.cross.weight > 0),
            parts and parts.data.sar_only_share > 0,
        )
        found[name] = (Path(given.get("--multimodal", "sar")).stem, Path(given.get("--labels", "none")).name, *told)
    pseudo, reassigned = ("none", "none") if fraction == "all" else ("pseudo_labels", "reassigned_labels")
    assert found == {
        "supervised": ("sar", "none", None, None),
        "pseudo": ("sar", pseudo, None, None),
        "masking": ("dllr", pseudo, (True, False, False), False),
        "complementary": ("dllr", pseudo, (True, True, False), False),
        "reassignment": ("dllr", reassigned, (True, True, False), False),
        "cross": ("dllr", reassigned, (True, True, True), True),
    }


def test_our_labels_are_those_of_the_study_of_stage_2(study: Study, tmp_path: Path) -> None:
    labels = words(model_of(study, "8th_pseudo"))["--labels"]
    assert labels == str(tmp_path / "stage2" / "labels" / "pseudo_labels")


def test_rows_that_differ_in_unused_labels_alone_share_their_training(study: Study) -> None:
    assert model_of(study, "all_supervised") == model_of(study, "all_pseudo")
    assert model_of(study, "all_complementary") == model_of(study, "all_reassignment")
    models = list(study.needed(study.rows))
    assert len(models) == len({model.name for model in models}) == 6 * 4 - 2
    commands = {(model.arguments, model.options) for model in models}
    assert len(commands) == len(models)


def test_the_matrix_has_every_row_once(study: Study) -> None:
    assert study.matrix is not None
    names = [name for line in study.matrix.names for name in line]
    assert sorted(names) == sorted(row.name for row in study.rows)
    assert study.matrix.columns == ("1/16", "1/8", "1/4", "all")


def test_all_models_train_as_long_as_each_other(demo_root: Path, tmp_path: Path, study: Study) -> None:
    def lengths(of: Study) -> set[int]:
        rows = [row for row in of.rows if row.name.startswith("8th")]
        assert len(rows) == len(STEPS)
        return {model.loaded().iterations for model in of.needed(rows)}

    assert lengths(study) == {ITERATIONS}
    assert lengths(multimodal_study(demo_root, tmp_path, iterations=7)) == {7}


def test_labels_are_told_before_and_after_reassignment(tmp_path: Path) -> None:
    def scores(miou: float) -> dict[str, object]:
        return {"on_all": {"miou": miou, "iou": dict.fromkeys(OPEN_EARTH_MAP.classes, miou / 2)}}

    (tmp_path / "quality.json").write_text(json.dumps({"truth_before": scores(0.6), "truth": scores(0.64)}))
    sections = label_sections(tmp_path, [0])
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in sections.parts[-1].splitlines()]
    assert lines[2:] == [["before", "60.0", *["30.0"] * 8], ["after", "64.0", *["32.0"] * 8]]
    assert sections.values["labels"]["after"]["miou"] == 0.64


def test_our_labels_are_made_and_reassigned_first(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def run(command: list[str], **options: dict[str, str]) -> object:
        environment = options["env"]
        calls.append((command[-1], environment["RUN_DIR"], environment.get("REASSIGN")))
        return type("", (), {"returncode": 0})

    monkeypatch.setattr("tools.ablation.steps.subprocess.run", run)
    study.prepare()
    made = str(tmp_path / "stage2" / "labels")
    assert calls == [
        ("tools/10_train_teachers.sh", made, None),
        ("tools/20_write_pseudo_labels.sh", made, None),
        ("tools/21_reassign_labels.sh", made, "ot"),
    ]
    assert sorted(path.stem for path in study.images.iterdir()) == sorted(study.truth)
