from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.sar.training_values import TrainingValues
from landcover.training.band_statistics import BandStatistics
from landcover.training.config import load_config
from stage2_sar_seg.sar_training import sar_config
from tools.ablation.stage1 import PRETRAINED
from tools.ablation.stage2 import DEEPER, DEFAULT, LABELS, LOSSES, UPERNET, _prepare, stage2_study
from tools.ablation.study import Study

VALUES = TrainingValues((), "uint8", ((3.0, 50.0, 190.0),))
STATISTICS = BandStatistics("amplitude", (43.0,), (30.0,), None, (), VALUES)
FOLDERS = {
    "published": "DFC2025Track1/train/labels",
    "random": "truth/train/random_labels",
    "ours": "labels/pseudo_labels",
    "truth": "truth/train/labels",
}


@pytest.fixture
def study(demo_root: Path, tmp_path: Path) -> Study:
    return stage2_study(demo_root, tmp_path)


def test_every_label_set_is_learned_with_every_loss(study: Study) -> None:
    rows = {row.name: row for row in study.rows}
    assert study.matrix is not None
    names = [name for line in study.matrix.names for name in line]
    assert len(names) == len(set(names)) == len(LABELS) * len(LOSSES) == 12
    for line, loss in zip(study.matrix.names, LOSSES, strict=True):
        for name, labels in zip(line, LABELS, strict=True):
            (model,) = rows[name].models
            assert model.arguments[-1].endswith(FOLDERS[labels])
            config = load_config(model.config, model.options, stage=2)
            (first, *others) = config.losses
            assert (first["type"], len(others)) == ("SymmetricCrossEntropy", loss.endswith("lovasz"))
            assert (first["alpha"], first["beta"]) == (1.0, 0.0 if loss.startswith("ce") else 1.0)


def test_every_model_is_a_config_that_the_stage_takes(registered: None, study: Study) -> None:
    models = list(study.needed(study.rows))
    assert len({model.name for model in models}) == len(models)
    texts = {}
    for model in models:
        config = sar_config(load_config(model.config, model.options, stage=2), STATISTICS)
        texts[model.name] = (model.arguments, config.pretty_text)
    assert len(set(texts.values())) == len(models)  # no two trainings are the same


def test_groups_of_variants_begin_with_the_default(study: Study) -> None:
    first = {}
    for row in study.rows:
        first.setdefault(row.group, row)
    variants = [row for group, row in first.items() if not group.startswith(("Labels", "Networks"))]
    assert len(variants) == 4
    assert {row.models for row in variants} == {variants[0].models}
    assert (variants[0].models[0].config, variants[0].models[0].options) == (DEFAULT, ())


@pytest.mark.parametrize("labels", ["published", "ours", "truth"])
def test_every_network_learns_every_label_set_and_their_mean_is_scored(study: Study, labels: str) -> None:
    rows = [row for row in study.rows if row.group == f"Networks on {labels} labels"]
    *alone, together = rows
    assert [row.models[0].config for row in alone] == [DEFAULT, DEEPER, UPERNET]
    assert together.models == tuple(row.models[0] for row in alone)
    assert all(model.arguments[-1].endswith(FOLDERS[labels]) for model in together.models)


def test_a_shortened_study_keeps_the_ratio_of_lengths(demo_root: Path, tmp_path: Path) -> None:
    study = stage2_study(demo_root, tmp_path, iterations=9)
    lengths = {model.name: load_config(model.config, model.options).iterations for model in study.needed(study.rows)}
    assert lengths.pop("longer") == 18
    assert set(lengths.values()) == {9}


def test_a_model_that_starts_from_a_teacher_takes_that_of_the_labels(study: Study, tmp_path: Path) -> None:
    (model,) = next(row for row in study.rows if row.name == "from_teacher").models
    teacher = tmp_path / "labels/teachers/teacher_segformer_efficientnet_lite0/model.pth"
    assert model.arguments[:3] == ("--start-from", str(teacher), "--start-must-fit")


def test_models_from_random_weights_differ_from_their_pretrained_ones_in_nothing_else(study: Study) -> None:
    rows = [row for row in study.rows if row.group == "ImageNet weights of Lite0"]
    models = {row.name: row.models[0] for row in rows}
    for pretrained, random in (("pretrained", "random_weights"), ("upernet_pretrained", "upernet_random_weights")):
        before, after = models[pretrained], models[random]
        assert (before.config, before.options) == (after.config, after.options)
        assert before.arguments[:2] == ("--pretrained-dir", str(PRETRAINED))
        assert before.arguments[2:] == after.arguments


def test_scored_tiles_are_those_of_val_and_test(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def run(command: list[str], **options: object) -> object:
        calls.append((command, options["env"]))
        return type("", (), {"returncode": 0})

    monkeypatch.setattr("tools.ablation.steps.subprocess.run", run)
    study = stage2_study(demo_root, tmp_path)
    for _ in range(2):  # the second time over the first links
        study.prepare()
    assert sorted(path.stem for path in study.images.iterdir()) == sorted(study.truth)
    assert {name.partition("_")[0] for name in study.truth} == {"ValArea", "TestArea"}
    assert all(path.resolve().is_file() for path in study.images.iterdir())
    made = str(tmp_path / "labels")
    assert [(command[-1], env["RUN_DIR"]) for command, env in calls[:5]] == [
        ("tools/10_train_teachers.sh", made),
        ("tools/20_write_pseudo_labels.sh", made),
        ("tools/30_train_sar_models.sh", made),
        ("sar_upernet_efficientnet_lite0", made),
        ("tools/21_reassign_labels.sh", f"{made}/second_round"),
    ]


def test_labels_that_can_not_be_made_stop_the_study(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.ablation.steps.subprocess.run", lambda *_, **__: type("", (), {"returncode": 2}))
    with pytest.raises(InputError, match=r"tools/10_train_teachers\.sh stopped with exit code 2"):
        _prepare(demo_root, tmp_path / "labels", tmp_path / "tiles")
