import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from tiny_networks import write_backbone_weights

from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.networks.model_file import load_model, read_model_info
from landcover.run_files.training_log import read_log
from landcover.training.train_model import train_model
from stage1_optical_da.train_teachers import main

ROOT = Path(__file__).parents[2]

RunMain = Callable[..., tuple[int, str]]

TARGET_VALUES = ("target_confidence", "target_confident_share", "target_agreement")


@pytest.fixture
def arguments(demo_root: Path, tiny_teacher: Path, tmp_path: Path) -> list[str]:
    words = f"{tiny_teacher} --oem-root {demo_root / 'OpenEarthMap'} --dfc-root {demo_root / 'DFC2025Track1'}"
    return [*words.split(), "--run-dir", str(tmp_path / "run")]


def replaced(arguments: list[str], option: str, value: object) -> list[str]:
    changed = list(arguments)
    changed[changed.index(option) + 1] = str(value)
    return changed


def test_pretrained_weights_are_an_input(
    run_main: RunMain, registered: None, arguments: list[str], tiny_teacher: Path, tmp_path: Path
) -> None:
    weights = write_backbone_weights(tmp_path / "weights.pth", tiny_teacher)
    words = [*arguments, "--option", "pretrained=mit_b0", "--pretrained-dir", str(weights)]
    assert run_main(main, *words)[0] == 0
    inputs = json.loads((tmp_path / "run" / "teachers" / "tiny" / "manifest.json").read_text())["inputs"]
    assert sorted(inputs) == ["pretrained", "source", "target"]
    assert inputs["pretrained"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    write_backbone_weights(weights, tiny_teacher, seed=1)
    code, message = run_main(main, *words)
    assert code == 2 and "holds files made from something else (inputs.pretrained" in message


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
    *lines, last = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [1, 2, 3]
    assert last.keys() == {"iteration", "validation_miou", *TARGET_VALUES}
    assert (last["iteration"], last["validation_miou"]) == (3, metrics["miou"])
    assert metrics["chosen"] == {"rule": "last", **last}
    for line in lines:
        parts = [value for name, value in line.items() if name.startswith(("source.decode.loss", "mix.decode.loss"))]
        assert line["loss"] == pytest.approx(sum(parts), rel=1e-5)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [row["name"] for row in manifest["files"]] == ["config.py", "log.jsonl", "metrics.json", "model.pth"]
    assert sorted(manifest["inputs"]) == ["source", "target"]
    assert (manifest["made_by"]["stage"], manifest["made_by"]["model"]) == ("teacher", "tiny")
    assert not (folder / "checkpoints").exists()

    before = (folder / "model.pth").stat().st_mtime_ns
    assert run_main(main, *arguments) == (0, f"is there: {folder / 'model.pth'}\n")
    assert (folder / "model.pth").stat().st_mtime_ns == before

    code, message = run_main(main, *arguments, "--seed", "1")
    assert code == 2
    assert "holds files made from something else (made_by.seed: 0 there, 1 now)" in message


class Keep(Hook):
    """Keeps the weights of the module in training before and after it."""

    def before_train(self, runner: Runner) -> None:
        self.before = {name: value.clone() for name, value in runner.model.state_dict().items()}

    def after_train(self, runner: Runner) -> None:
        self.after = {name: value.clone() for name, value in runner.model.state_dict().items()}


@pytest.mark.parametrize("kept", [0.0, 0.999])
def test_the_teacher_follows_the_student_from_step_to_step(
    run_main: RunMain, arguments: list[str], monkeypatch: pytest.MonkeyPatch, kept: float
) -> None:
    keep = Keep()
    monkeypatch.setattr(
        "landcover.training.train_all.train_model",
        lambda training, processes: train_model(replace(training, hooks=[*training.hooks, keep]), processes),
    )
    assert run_main(main, *arguments, "--option", f"self_training.ema_limit={kept}")[0] == 0
    weight = "decode_head.conv_seg.weight"
    student, teacher = keep.after[f"student.{weight}"], keep.after[f"teacher.{weight}"]
    assert not torch.equal(student, keep.before[f"student.{weight}"])
    assert not torch.equal(teacher, keep.before[f"teacher.{weight}"])
    assert torch.equal(student, teacher) is (kept == 0)


def test_a_teacher_is_chosen_by_what_it_says_of_the_target(
    run_main: RunMain, arguments: list[str], tmp_path: Path
) -> None:
    options = ["choose=target_agreement", "validation_interval=1", "iterations=4"]
    folder = tmp_path / "run" / "teachers" / "tiny"
    code, printed = run_main(main, *arguments, *(word for option in options for word in ("--option", option)))
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    lines = [line for line in lines if "target_agreement" in line]
    assert [line["iteration"] for line in lines] == [1, 2, 3, 4]
    best = max(lines, key=lambda line: (line["target_agreement"], line["iteration"]))
    told = f"tiny: chose iteration {best['iteration']} of 4 by target_agreement ({best['target_agreement']:.3f})\n"
    assert (code, printed) == (0, f"{told}wrote {folder / 'model.pth'}\n")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["chosen"] == {"rule": "target_agreement", **best}
    assert metrics["miou"] == best["validation_miou"]


def test_tiles_that_were_trained_on_are_told_in_the_score(
    run_main: RunMain, arguments: list[str], tmp_path: Path
) -> None:
    assert run_main(main, *arguments, "--source-splits", "train", "val", "--option", "iterations=2")[0] == 0
    metrics = json.loads((tmp_path / "run" / "teachers" / "tiny" / "metrics.json").read_text())
    assert metrics["labels"] == "OpenEarthMap val (part of the training)"


def test_bf16_and_recomputed_activations_change_losses_by_no_more_than_rounding(
    check_bf16_and_recomputation: Callable[..., None], arguments: list[str]
) -> None:
    check_bf16_and_recomputation(main, arguments, "teachers/tiny")


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
        f"error: {empty}: expected SAR tiles (.tif or .tiff), found none": replaced(
            arguments, "--dfc-root", tmp_path / "empty"
        ),
        f"error: {absent}: expected a training config, found none": [str(absent), *arguments[1:]],
        "error: option 'model.backbon.embed_dims': the config has no key 'backbon' (did you mean 'backbone'?)": [
            *arguments,
            "--option",
            "model.backbon.embed_dims=8",
        ],
        "error: iterations: expected at least 2, found 1": [*arguments, "--option", "iterations=1"],
        "error: model tiny: choose: expected one of last, validation_miou, target_confidence, "
        "target_confident_share, target_agreement, which are logged for it, found 'target_agrement'": [
            *arguments,
            "--option",
            "choose=target_agrement",
        ],
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


@pytest.mark.parametrize("asked", [False, True])
def test_pretrained_weights_are_fetched_where_that_is_asked_for(
    run_main: RunMain, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    def refuse(name: str, folder: Path, fetch: bool) -> Path:
        raise InputError(f"{name} from {folder}, fetch {fetch}")

    monkeypatch.setattr("landcover.training.config.find_weights", refuse)
    words = ["--option", "pretrained=mit_b3", "--pretrained-dir", tmp_path, *(["--fetch-pretrained"] if asked else [])]
    assert run_main(main, *arguments, *words) == (2, f"error: mit_b3 from {tmp_path}, fetch {asked}")


def test_what_the_command_needs_is_told(run_main: RunMain) -> None:
    code, message = run_main(main)
    assert code == 2 and message.endswith("arguments are required: configs, --run-dir, --dfc-root, --oem-root")


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


TRAINING = """
import sys
from pathlib import Path
import torch
from mmengine.hooks import Hook
from landcover.data_sets.training_tiles import TrainingTile
from landcover.data_sets.open_earth_map import LabelledTile
from landcover.processes.group import start_processes
from landcover.registry import register_all
from landcover.training.config import load_config, network_to_train
from landcover.training.train_model import train_model
from dataclasses import replace
from mmseg.registry import MODELS
from stage1_optical_da.train_teachers import teacher_training
from stage1_optical_da.training_parts import TrainingPart


@MODELS.register_module()
class SourceScale(TrainingPart):  # its parameter has no gradient in the pass in which processes meet
    def __init__(self, num_classes, channels):
        super().__init__(num_classes, channels)
        self.scale = torch.nn.Parameter(torch.zeros(channels))

    def source_losses(self, step):
        return {"loss_scale": (self.scale * step.source.features.mean((0, 2, 3))).sum()}


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

# Statistics of a batch norm would be those of each process's share: only GPUs synchronise them.
JOINT = """
model["decode_head"]["norm_cfg"] = dict(type="GN", num_groups=4)
optim_wrapper = dict(optimizer=dict(_delete_=True, type="SGD", lr=0.05), paramwise_cfg=dict(head_lr_mult=1.0))
"""

FULL_RECIPE = """
crop_size = 64
self_training = dict(
    confidence=0.2, ema_limit=0.5, augmentation=dict(jitter_probability=0.5, blur_probability=0.5),
    parts=dict(scale=dict(type="SourceScale")),
)
train_dataloader["dataset"] = dict(source=dict(scale=(0.5, 1.0)), target=dict(scale=(0.5, 1.0)))
"""

ALIGNMENT = "parts.alignment.prototypes"

ALIGNED = """
self_training["parts"]["alignment"] = dict(
    type="GaussianPrototypeAlignment", components=2, begin=1, ramp=2, memory=20, confidence=0.2, rare_confidence=0.1,
    posterior_weight=0.5,
)
"""

WITH_BATCH_NORM = """
crop_size = 64  # with one image per process, smaller ones leave a batch norm a single value
"""


# Of each backbone a tiny teacher that skips blocks at random: recomputed blocks must be skipped again.
BACKBONES = {
    "mit": """
model["backbone"]["drop_path_rate"] = 0.5
""",
    "swinv2": """
model["backbone"] = dict(
    _delete_=True, type="TimmFeatures", model_name="swinv2_tiny_window8_256", img_size=64, drop_path_rate=0.5,
    architecture=dict(embed_dim=8, depths=(1, 1, 2, 1), num_heads=(1, 2, 4, 8)),
)
model["decode_head"]["in_channels"] = [8, 16, 32, 64]
""",
    "convnext": """
model["backbone"] = dict(
    _delete_=True, type="TimmFeatures", model_name="convnext_atto", drop_path_rate=0.5,
    architecture=dict(dims=(8, 16, 32, 64), depths=(1, 1, 2, 1)),
)
model["decode_head"]["in_channels"] = [8, 16, 32, 64]
""",
}


def write_tiles(folder: Path, void: int, block: int = 1) -> None:
    """Three random tiles, labels in blocks of pixels; those of the first `void` tiles are unknown everywhere."""
    rng = np.random.default_rng(0)
    for number in range(3):
        labels = np.zeros((96, 96), np.uint8)
        if number >= void:
            labels = rng.integers(1, 9, (96 // block, 96 // block), dtype=np.uint8).repeat(block, 0).repeat(block, 1)
        write_raster(folder / "images" / f"t_{number}.tif", rng.integers(0, 256, (96, 96, 3), dtype=np.uint8))
        write_raster(folder / "labels" / f"t_{number}.tif", labels)


def train(script: Path, processes: int, *arguments: Path) -> None:
    script.write_text(TRAINING)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    command = [sys.executable, *(launch if processes > 1 else []), str(script), *map(str, arguments)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr


def test_two_processes_train_what_one_process_with_the_whole_batch_trains(tiny_teacher: Path, tmp_path: Path) -> None:
    write_tiles(tmp_path / "tiles", void=1, block=16)
    full, source_only = tiny_teacher.with_name("full.py"), tiny_teacher.with_name("source_only.py")
    full.write_text(tiny_teacher.read_text() + FULL_RECIPE + ALIGNED + JOINT)
    source_only.write_text(full.read_text() + "self_training = dict(target_weight=0.0)\n")
    for processes in (1, 2):
        train(tmp_path / "train.py", processes, tmp_path / "tiles", tmp_path, full, source_only)
    for config in ("full", "source_only"):
        first, second, whole = (torch.load(tmp_path / f"{config}_{name}.pth") for name in ("2_0", "2_1", "1_0"))
        assert [name for name in first if not torch.equal(first[name], second[name])] == []
        for name, value in whole.items():
            torch.testing.assert_close(first[name], value, rtol=1e-4, atol=1e-6, msg=f"{config} {name}")
        alone, shared = (read_log(tmp_path / f"{config}_{processes}" / "log.jsonl")[-1] for processes in (1, 2))
        assert alone.keys() == {"iteration", *TARGET_VALUES} and alone["target_confidence"] > 1 / 8
        assert shared == pytest.approx(alone, abs=2e-3)  # a pixel in 500 may be a tie
    ours, others = (torch.load(tmp_path / f"{config}_1_0.pth") for config in ("full", "source_only"))
    weight = "decode_head.conv_seg.weight"
    assert not torch.equal(ours[f"student.{weight}"], ours[f"teacher.{weight}"])
    assert not torch.allclose(ours[f"student.{weight}"], others[f"student.{weight}"])
    assert ours["parts.scale.scale"].abs().min() > 0
    prototypes = {name.removeprefix(f"{ALIGNMENT}."): value for name, value in ours.items() if ALIGNMENT in name}
    assert prototypes["mixtures.fitted"].sum() >= 4 and prototypes["mixtures.updates"] == 1
    assert prototypes["source.seen"].sum() > 60 and prototypes["target.seen"].sum() > 0


def test_two_processes_recompute_what_they_would_keep(tiny_teacher: Path, tmp_path: Path) -> None:
    write_tiles(tmp_path / "tiles", void=1)
    configs = []
    for network, text in BACKBONES.items():
        kept, recomputed = (tiny_teacher.with_name(f"{network}_{name}.py") for name in ("kept", "recomputed"))
        kept.write_text(tiny_teacher.read_text() + FULL_RECIPE + text)
        recomputed.write_text(kept.read_text() + 'model["backbone"]["with_cp"] = True\n')
        configs += [kept, recomputed]
    train(tmp_path / "train.py", 2, tmp_path / "tiles", tmp_path, *configs)
    for network, rank in itertools.product(BACKBONES, (0, 1)):
        kept, recomputed = (torch.load(tmp_path / f"{network}_{name}_2_{rank}.pth") for name in ("kept", "recomputed"))
        for name, value in kept.items():
            torch.testing.assert_close(recomputed[name], value, rtol=1e-4, atol=1e-6, msg=f"{network} {name}")


def test_processes_that_see_no_label_train_on_with_the_others(tiny_teacher: Path, tmp_path: Path) -> None:
    write_tiles(tmp_path / "tiles", void=3)
    config = tiny_teacher.with_name("void.py")
    config.write_text(tiny_teacher.read_text() + WITH_BATCH_NORM)
    train(tmp_path / "train.py", 2, tmp_path / "tiles", tmp_path, config)
    first, second = (torch.load(tmp_path / f"void_2_{rank}.pth") for rank in (0, 1))
    statistics = {name for name in first if "running_" in name}  # each process's own on CPUs
    assert statistics and all(bool(value.isfinite().all()) for value in first.values())
    assert [name for name in first.keys() - statistics if not torch.equal(first[name], second[name])] == []


RARE = "train_dataloader.dataset.source.rare_classes="


def test_a_teacher_is_trained_with_rare_class_sampling(
    run_main: RunMain, arguments: list[str], tmp_path: Path, demo_root: Path
) -> None:
    option = ["--option", RARE + "{'temperature':0.1,'min_pixels':20}", "--option", "iterations=2"]
    folder, kept = tmp_path / "run" / "teachers" / "tiny", tmp_path / "run" / "class_statistics.json"
    assert run_main(main, *arguments, *option) == (0, f"wrote {folder / 'model.pth'}\n")
    counts = np.array(json.loads(kept.read_text())["counts"])
    names = (demo_root / "OpenEarthMap" / "train.txt").read_text().split()
    assert counts.shape == (len(names), 8) and 0 < counts.sum() <= len(names) * 64 * 64
    assert "rare_classes=dict(min_pixels=20, temperature=0.1)" in (folder / "config.py").read_text()
    written = kept.stat().st_mtime_ns
    assert run_main(main, *arguments, *option) == (0, f"is there: {folder / 'model.pth'}\n")
    assert kept.stat().st_mtime_ns == written
    code, message = run_main(main, *arguments, "--option", "iterations=2")
    assert code == 2 and "made_by.config" in message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{'temperature':0,'min_pixels':20}", "rare_classes.temperature: expected a number above 0, found 0;"),
        ("{'temperature':1,'min_pixels':0}", "rare_classes.min_pixels: expected a whole number of at least 1, found 0"),
        ("{'temp':1,'min_pixels':2}", "rare_classes: expected None or a dict with keys temperature and min_pixels"),
        ("on", "rare_classes: expected None or a dict with keys temperature and min_pixels, found 'on'"),
    ],
)
def test_bad_rare_class_settings_are_told_in_one_line(
    run_main: RunMain, arguments: list[str], tmp_path: Path, value: str, message: str
) -> None:
    code, line = run_main(main, *arguments, "--option", RARE + value)
    assert code == 2
    assert line.startswith(f"error: {message}"), line
    assert not (tmp_path / "run").exists()
