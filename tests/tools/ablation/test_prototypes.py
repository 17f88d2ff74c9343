from __future__ import annotations

from pathlib import Path

from landcover.training.config import load_config
from tools.ablation.prototypes import prototypes_study
from tools.ablation.stage1 import SEGFORMER


def test_every_row_changes_what_it_says(demo_root: Path, tmp_path: Path) -> None:
    study = prototypes_study(demo_root, tmp_path)
    plain, *others = study.rows
    (model,) = plain.models
    assert (plain.before, model.config, model.options) == (None, SEGFORMER, ())
    found = {}
    for row in others:
        (model,) = row.models
        part = load_config(model.config, model.options, stage=1).self_training.parts.alignment
        found[row.name] = (row.before, part.contrast_weight, part.forward_weight, part.reverse, part.components)
    assert found == {
        "contrast": ("plain", 0.1, 0.0, 0.0, 5),
        "forward": ("contrast", 0.1, 0.1, 0.0, 5),
        "whole": ("forward", 0.1, 0.1, 0.5, 5),
        "components_1": ("whole", 0.1, 0.1, 0.5, 1),
        "components_3": ("whole", 0.1, 0.1, 0.5, 3),
        "components_8": ("whole", 0.1, 0.1, 0.5, 8),
    }
    study.prepare()
    assert list(tmp_path.iterdir()) == []


def test_all_teachers_train_as_long_as_each_other_and_differ_in_their_parts_alone(
    demo_root: Path, tmp_path: Path
) -> None:
    study = prototypes_study(demo_root, tmp_path, iterations=7)
    configs = [load_config(model.config, model.options).to_dict() for model in study.needed(study.rows)]
    parts = [config["self_training"].pop("parts") for config in configs]
    assert len(configs) == 7 and all(config == configs[0] for config in configs)
    assert configs[0]["iterations"] == 7 and parts[0] == {} and all(parts[1:])
