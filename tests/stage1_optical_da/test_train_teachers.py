import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from landcover.model_file import load_model, read_model_info
from landcover.raster import write_raster
from stage1_optical_da.train_teachers import main

ROOT = Path(__file__).parents[2]

RunMain = Callable[..., tuple[int, str]]


@pytest.fixture
def arguments(demo_root: Path, tiny_teacher: Path, tmp_path: Path) -> list[str]:
    words = f"{tiny_teacher} --oem-root {demo_root / 'OpenEarthMap'} --dfc-root {demo_root / 'DFC2025Track1'}"
    return [*words.split(), "--run-dir", str(tmp_path / "run")]


def replaced(arguments: list[str], option: str, value: object) -> list[str]:
    changed = list(arguments)
    changed[changed.index(option) + 1] = str(value)
    return changed


def test_a_teacher_is_trained_scored_and_described(run_main: RunMain, arguments: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run" / "teachers" / "tiny"
    assert run_main(main, *arguments) == (0, f"wrote {folder / 'model.pth'}\n")
    info = read_model_info(folder / "model.pth")
    assert (info.name, info.modality, info.window) == ("tiny", "optical", 32)
    model, _ = load_model(folder / "model.pth", torch.device("cpu"))
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 32, 32), mode="tensor").shape == (1, 8, 8, 8)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["labels"] == "OpenEarthMap val"
    assert metrics["pixels"] > 0 and 0 <= metrics["miou"] < 1
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [1, 2, 3]
    for line in lines:
        parts = [value for name, value in line.items() if name.startswith(("source.decode.loss", "mix.loss"))]
        assert line["loss"] == pytest.approx(sum(parts), rel=1e-5)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [row["name"] for row in manifest["files"]] == ["config.py", "log.jsonl", "metrics.json", "model.pth"]
    assert sorted(manifest["inputs"]) == ["source", "target"]
    assert not (folder / "checkpoints").exists()

    before = (folder / "model.pth").stat().st_mtime_ns
    assert run_main(main, *arguments) == (0, f"is there: {folder / 'model.pth'}\n")
    assert (folder / "model.pth").stat().st_mtime_ns == before

    code, message = run_main(main, *arguments, "--seed", "1")
    assert code == 2
    assert "holds files made from something else (made_by.seed: 0 there, 1 now)" in message


def test_tiles_that_were_trained_on_are_told_in_the_score(
    run_main: RunMain, arguments: list[str], tmp_path: Path
) -> None:
    assert run_main(main, *arguments, "--source-splits", "train", "val", "--option", "iterations=2")[0] == 0
    metrics = json.loads((tmp_path / "run" / "teachers" / "tiny" / "metrics.json").read_text())
    assert metrics["labels"] == "OpenEarthMap val (part of the training)"


def test_mistakes_are_told_in_one_line(
    run_main: RunMain, arguments: list[str], tiny_teacher: Path, demo_root: Path, tmp_path: Path
) -> None:
    absent, empty = tmp_path / "absent", tmp_path / "empty" / "train" / "sar_images"
    empty.mkdir(parents=True)
    cases = {
        f"error: {absent}: expected the OpenEarthMap folder, found none; set OEM_ROOT": replaced(
            arguments, "--oem-root", absent
        ),
        f"error: {absent}: expected the OpenEarthMap-SAR folder, found none; set DFC_ROOT": replaced(
            arguments, "--dfc-root", absent
        ),
        f"error: {empty}: expected SAR tiles (.tif), found none": replaced(arguments, "--dfc-root", tmp_path / "empty"),
        f"error: {absent}: expected a training config, found none": [str(absent), *arguments[1:]],
        "error: option 'model.backbon.embed_dims': the config has no key 'backbon' (did you mean 'backbone'?)": [
            *arguments,
            "--option",
            "model.backbon.embed_dims=8",
        ],
        "error: iterations: expected at least 2, found 1": [*arguments, "--option", "iterations=1"],
        "error: model tiny: the config does not build": [*arguments, "--option", "self_training.type=Unknown"],
        f"error: {absent / 'mit_b3_20220624-13b1141c.pth'}: pretrained weights mit_b3 are not there": [
            *arguments,
            "--option",
            "pretrained=mit_b3",
            "--pretrained-dir",
            str(absent),
        ],
        f"error: {ROOT / 'configs/demo/sar_segformer.py'}: missing key 'self_training'": [
            str(ROOT / "configs/demo/sar_segformer.py"),
            *arguments[1:],
        ],
    }
    for number, (expected, words) in enumerate(cases.items()):
        code, message = run_main(main, *replaced(words, "--run-dir", tmp_path / f"run_{number}"))
        assert code == 2, expected
        assert message.startswith(expected), message


def test_an_unknown_config_key_is_refused(run_main: RunMain, arguments: list[str], tiny_teacher: Path) -> None:
    tiny_teacher.write_text(tiny_teacher.read_text() + "iteration = 5\n")
    code, message = run_main(main, *arguments)
    assert code == 2
    assert message.startswith(f"error: {tiny_teacher}: unknown key 'iteration' (did you mean 'iterations'?)")


def test_an_optical_image_without_its_sar_image_is_refused(
    run_main: RunMain, arguments: list[str], tmp_path: Path
) -> None:
    train = tmp_path / "dfc" / "train"
    for name in ("a", "b"):
        write_raster(train / "rgb_images" / f"{name}.tif", np.zeros((32, 32, 3), np.uint8))
    write_raster(train / "sar_images" / "a.tif", np.zeros((32, 32), np.uint8))
    code, message = run_main(main, *replaced(arguments, "--dfc-root", tmp_path / "dfc"))
    assert code == 2
    assert message.startswith(
        f"error: {train / 'rgb_images' / 'b.tif'}: expected its SAR image {train / 'sar_images' / 'b.tif'}"
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_labels_of_another_size_are_refused_in_one_line_also_from_a_loader_process(
    run_main: RunMain, arguments: list[str], tiny_teacher: Path, tmp_path: Path, workers: int
) -> None:
    tiny_teacher.write_text(
        tiny_teacher.read_text().replace("dict(batch_size=2)", f"dict(batch_size=2, num_workers={workers})")
    )
    region = tmp_path / "oem" / "city"
    write_raster(region / "images" / "city_1.tif", np.zeros((40, 40, 3), np.uint8))
    write_raster(region / "labels" / "city_1.tif", np.ones((40, 41), np.uint8))
    for split in ("train", "val"):
        (tmp_path / "oem" / f"{split}.txt").write_text("city_1.tif\n")
    code, message = run_main(main, *replaced(arguments, "--oem-root", tmp_path / "oem"))
    assert code == 2
    assert message == (
        f"error: {region / 'labels' / 'city_1.tif'}: expected the size of {region / 'images' / 'city_1.tif'} (40, 40), "
        "found (40, 41); the label file belongs to another image"
    )


TWO_PROCESSES = """
import sys
from pathlib import Path
import torch
from mmengine.hooks import Hook
from landcover.data_sets.training_tiles import TrainingTile
from landcover.data_sets.open_earth_map import LabelledTile
from landcover.processes import start_processes
from landcover.registry import register_all
from landcover.training.config import load_config, network_to_train
from landcover.training.train_model import train_model
from dataclasses import replace
from stage1_optical_da.train_teachers import teacher_training


class Keep(Hook):
    priority = "VERY_LOW"

    def after_train(self, runner):
        model = getattr(runner.model, "module", runner.model)
        torch.save(model.state_dict(), out / f"{name}_{processes.world}_{processes.rank}.pth")


register_all()
processes = start_processes()
tiles, out = Path(sys.argv[1]), Path(sys.argv[2])
source = [LabelledTile(p.stem, p, tiles / "labels" / p.name) for p in sorted((tiles / "images").iterdir())]
target = [TrainingTile(p) for p in sorted((tiles / "images").iterdir())]
for path in map(Path, sys.argv[3:]):
    name = path.stem
    config = load_config(path)
    training = teacher_training(name, config, network_to_train(config, None), source, [], target,
                                out / f"{name}_{processes.world}", 0)
    training = replace(training, validation=None, hooks=[*training.hooks, Keep()])
    assert train_model(training, processes)
"""

LARGER = """
crop_size = 64  # with one image per process, smaller ones leave a batch norm a single value
"""

SOURCE_ONLY = """
self_training = dict(target_weight=0.0)
model["decode_head"]["norm_cfg"] = dict(type="GN", num_groups=4)
optim_wrapper = dict(optimizer=dict(_delete_=True, type="SGD", lr=0.05), paramwise_cfg=dict(head_lr_mult=1.0))
"""


def test_two_processes_train_equal_teachers_and_what_one_process_with_the_whole_batch_trains(
    tiny_teacher: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    for number in range(3):
        write_raster(tmp_path / "tiles/images" / f"t_{number}.tif", rng.integers(0, 256, (96, 96, 3), dtype=np.uint8))
        write_raster(tmp_path / "tiles/labels" / f"t_{number}.tif", rng.integers(1, 9, (96, 96), dtype=np.uint8))
    full, source_only = tiny_teacher.with_name("full.py"), tiny_teacher.with_name("source_only.py")
    full.write_text(tiny_teacher.read_text() + LARGER)
    source_only.write_text(full.read_text() + SOURCE_ONLY)
    script = tmp_path / "train.py"
    script.write_text(TWO_PROCESSES)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    alone = list(map(str, [script, tmp_path / "tiles", tmp_path, source_only]))
    for command in ([*launch, *alone, str(full)], alone):
        result = subprocess.run(
            [sys.executable, *command], env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert result.returncode == 0, result.stderr

    first, second = (torch.load(tmp_path / f"full_2_{rank}.pth") for rank in (0, 1))
    statistics = {name for name in first if "running_" in name}  # each process's own: synchronised on GPUs only
    assert [name for name in first.keys() - statistics if not torch.equal(first[name], second[name])] == []
    weight = "decode_head.conv_seg.weight"
    assert statistics and not torch.equal(first[f"student.{weight}"], first[f"teacher.{weight}"])

    together, single = (torch.load(tmp_path / f"source_only_{name}.pth") for name in ("2_0", "1_0"))
    for name, value in single.items():
        torch.testing.assert_close(together[name], value, rtol=1e-4, atol=1e-6, msg=name)
