from __future__ import annotations

import os
import subprocess
from pathlib import Path

from landcover.data_sets.open_earth_map import open_earth_map_tiles
from landcover.training.config import load_config
from tools.ablation.folds import fold_root
from tools.ablation.stage1 import PROFILE, SEGFORMER, UPERNET, demo_views, stage1_study
from tools.ablation.study import Study


def test_every_row_changes_what_it_says(study: Study) -> None:
    found = {}
    for row in study.rows:
        for model in row.models:
            config = load_config(model.config, model.options, stage=1)
            data = config.train_dataloader.dataset
            changed = (
                config.self_training.target_weight,
                data.resolution_alignment.probability,
                data.source.rare_classes,
            )
            found[row.name, model.name] = (model.config.stem, *changed)
    rare = {"temperature": 0.1, "min_pixels": 200}
    assert found == {
        ("source_only", "source_only"): ("teacher_segformer_efficientnet_lite0", 0.0, 0.0, None),
        ("dacs", "dacs"): ("teacher_segformer_efficientnet_lite0", 1.0, 0.0, None),
        ("resolution_alignment", "resolution_alignment"): ("teacher_segformer_efficientnet_lite0", 1.0, 0.5, None),
        ("rare_classes", "rare_classes"): ("teacher_segformer_efficientnet_lite0", 1.0, 0.5, rare),
        ("test_time_views", "resolution_alignment"): ("teacher_segformer_efficientnet_lite0", 1.0, 0.5, None),
        ("two_seeds", "resolution_alignment"): ("teacher_segformer_efficientnet_lite0", 1.0, 0.5, None),
        ("two_networks", "resolution_alignment"): ("teacher_segformer_efficientnet_lite0", 1.0, 0.5, None),
        ("two_networks", "resolution_alignment_upernet"): ("teacher_upernet_efficientnet_lite1", 1.0, 0.5, None),
        ("second_network", "resolution_alignment_upernet"): ("teacher_upernet_efficientnet_lite1", 1.0, 0.5, None),
        ("oracle", "oracle_0"): ("teacher_segformer_efficientnet_lite0", 0.0, 0.0, None),
        ("oracle", "oracle_1"): ("teacher_segformer_efficientnet_lite0", 0.0, 0.0, None),
    }


def test_the_row_of_the_demo_is_the_demo(study: Study) -> None:
    (model,) = study.rows[2].models
    assert (model.config, model.options) == (SEGFORMER, ())


def test_both_architectures_are_trained_with_the_same_settings() -> None:
    first, second = (load_config(path).to_dict() for path in (SEGFORMER, UPERNET))
    assert first.pop("model") != second.pop("model")
    assert (first.pop("pretrained"), second.pop("pretrained")) == ("efficientnet_lite0", "efficientnet_lite1")
    assert first == second


def test_views_are_those_of_the_profile_in_the_last_rows_only(study: Study) -> None:
    script = f'REPO_ROOT=. ; source "{PROFILE}"; echo $SCALES; echo $FLIPS'
    clean = {"PATH": os.environ["PATH"]}
    output = subprocess.run(["bash", "-c", script], env=clean, capture_output=True, text=True, check=True).stdout
    scales, flips = output.splitlines()
    assert demo_views().scales == tuple(map(float, scales.split()))
    assert demo_views().flips == tuple(flips.split())
    one = [row.name for row in study.rows if (row.views.scales, row.views.flips) == ((1.0,), ("none",))]
    assert one == ["source_only", "dacs", "resolution_alignment", "rare_classes", "oracle"]
    assert {row.views for row in study.rows if row.name not in one} == {demo_views()}


def test_a_shortened_study_shortens_every_training(demo_root: Path, tmp_path: Path) -> None:
    study = stage1_study(demo_root, tmp_path, iterations=7)
    assert {load_config(m.config, m.options).iterations for m in study.needed(study.rows)} == {7}


def test_an_oracle_never_saw_the_tiles_that_it_is_scored_on(study: Study, demo_root: Path, tmp_path: Path) -> None:
    for _ in range(2):  # the second time over the first links
        study.prepare()
    scored = []
    for fold, part in enumerate(study.rows[-1].parts):
        root = fold_root(tmp_path / "folds", fold)
        assert part.models[0].arguments[:2] == ("--oem-root", str(root))
        trained, missing = open_earth_map_tiles(root, ["train"])
        held_out, _ = open_earth_map_tiles(root, ["val"])
        assert missing == [] and len(trained) == 2
        assert {tile.name for tile in trained} | set(part.tiles) == set(study.truth)
        assert {tile.name for tile in trained} & set(part.tiles) == set()
        for tile in trained:
            assert tile.labels.read_bytes() == study.truth[tile.name].read_bytes()
        assert [tile.name for tile in held_out] == [
            tile.name for tile in open_earth_map_tiles(demo_root / "OpenEarthMap", ["val"])[0]
        ]
        scored += part.tiles
    assert sorted(scored) == sorted(study.truth)
