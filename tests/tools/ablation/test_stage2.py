from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.sar.training_values import TrainingValues
from landcover.training.band_statistics import BandStatistics
from landcover.training.config import load_config
from stage2_sar_seg.sar_training import sar_config
from tools.ablation.stage2 import LABELS, LOSSES, SEGFORMER, _prepare, stage2_study
from tools.ablation.study import Study

VALUES = TrainingValues((), "uint8", ((3.0, 50.0, 190.0),))
STATISTICS = BandStatistics("amplitude", (43.0,), (30.0,), None, (), VALUES)


@pytest.fixture
def study(demo_root: Path, tmp_path: Path) -> Study:
    return stage2_study(demo_root, tmp_path)


def test_every_label_set_is_learned_with_every_loss(study: Study) -> None:
    rows = {row.name: row for row in study.rows}
    assert study.matrix is not None
    names = [name for line in study.matrix.names for name in line]
    assert len(names) == len(set(names)) == len(LABELS) * len(LOSSES) == 15
    for line, loss in zip(study.matrix.names, LOSSES, strict=True):
        for name, labels in zip(line, LABELS, strict=True):
            (model,) = rows[name].models
            folder = {"published": "DFC2025Track1/train/labels", "ours": "labels/pseudo_labels"}
            assert model.arguments[-1].endswith(folder.get(labels, "truth/train/labels"))
            config = load_config(model.config, model.options, stage=2)
            (first, *others) = config.losses
            kind = "GeneralizedCrossEntropy" if loss == "gce" else "SymmetricCrossEntropy"
            assert (first["type"], len(others)) == (kind, loss == "sce_lovasz")
            if loss != "gce":
                expected = {"ce": (1.0, 0.0), "3ce": (3.0, 0.0)}.get(loss, (1.0, 1.0))
                assert (first["alpha"], first["beta"]) == expected


def test_every_model_is_a_config_that_the_stage_takes(registered: None, study: Study) -> None:
    models = list(study.needed(study.rows))
    assert len({model.name for model in models}) == len(models)
    texts = {}
    for model in models:
        config = sar_config(load_config(model.config, model.options, stage=2), STATISTICS)
        texts[model.name] = (model.arguments, config.pretty_text)
    assert len(set(texts.values())) == len(models)  # no two trainings are the same


def test_groups_begin_with_the_same_model(study: Study) -> None:
    first = {}
    for row in study.rows:
        first.setdefault(row.group, row)
    others = [row for group, row in first.items() if group != "Labels and losses"]
    assert len(others) == 4
    assert {row.models for row in others} == {others[0].models}
    assert (others[0].models[0].config, others[0].models[0].options) == (SEGFORMER, ())


def test_a_shortened_study_keeps_the_ratio_of_lengths(demo_root: Path, tmp_path: Path) -> None:
    study = stage2_study(demo_root, tmp_path, iterations=9)
    lengths = {model.name: load_config(model.config, model.options).iterations for model in study.needed(study.rows)}
    assert lengths.pop("iterations_third") == 3
    assert lengths.pop("iterations_two_thirds") == 6
    assert set(lengths.values()) == {9}


def test_scored_tiles_are_those_of_val_and_test(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.ablation.stage2.subprocess.run", lambda *_, **__: type("", (), {"returncode": 0}))
    study = stage2_study(demo_root, tmp_path)
    for _ in range(2):  # the second time over the first links
        study.prepare()
    assert sorted(path.stem for path in study.images.iterdir()) == sorted(study.truth)
    assert {name.partition("_")[0] for name in study.truth} == {"ValArea", "TestArea"}
    assert all(path.resolve().is_file() for path in study.images.iterdir())


def test_labels_that_can_not_be_made_stop_the_study(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.ablation.stage2.subprocess.run", lambda *_, **__: type("", (), {"returncode": 2}))
    with pytest.raises(InputError, match=r"tools/10_train_teachers\.sh stopped with exit code 2"):
        _prepare(demo_root, tmp_path / "labels", tmp_path / "tiles")
