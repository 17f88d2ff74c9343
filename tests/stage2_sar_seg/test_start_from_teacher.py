"""SAR models that start from a teacher's weights."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmseg.registry import MODELS

from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.networks.model_file import ModelInfo, load_model, save_model
from landcover.training.band_statistics import band_statistics
from landcover.training.config import load_config
from stage2_sar_seg.train_sar_models import main

RunMain = Callable[..., tuple[int, str]]
FIRST = "backbone.layers.0.0.projection.weight"
STILL = ("--option", "optim_wrapper.optimizer.lr=0.0")


@pytest.fixture
def arguments(demo_root: Path, tiny_model: Path, label_folder: Path, tmp_path: Path) -> list[str]:
    words = (
        f"{tiny_model} --dfc-root {demo_root / 'DFC2025Track1'} --labels {label_folder} --run-dir {tmp_path / 'run'}"
    )
    return words.split()


def write_teacher(path: Path, config: Path, seed: int, *options: str) -> Path:
    """An optical model file of the SAR model's architecture and random weights."""
    network = load_config(config, ["model.backbone.in_channels=3", *options]).model
    torch.manual_seed(seed)
    info = ModelInfo("teacher", "optical", OPEN_EARTH_MAP, 32)
    save_model(path, info, network.to_dict(), MODELS.build(network).state_dict())
    return path


def test_a_model_learns_from_the_first_teacher_of_its_network_and_is_another_model_than_without(
    run_main: RunMain, registered: None, arguments: list[str], demo_root: Path, tiny_model: Path, tmp_path: Path
) -> None:
    wide = write_teacher(tmp_path / "wide.pth", tiny_model, 1, "model.decode_head.channels=24")
    teacher = write_teacher(tmp_path / "teacher.pth", tiny_model, 2)
    words = [*arguments, *STILL, "--start-from", wide, teacher]
    code, output = run_main(main, *words)
    folder = tmp_path / "run" / "sar_models" / "tiny"
    assert code == 0 and output.startswith(f"tiny: starts from {teacher}\nwrote {folder / 'model.pth'}\n")
    model, _ = load_model(folder / "model.pth", torch.device("cpu"))
    expected = torch.load(teacher, weights_only=True)["weights"]
    assert torch.equal(model.get_parameter(FIRST), expected.pop(FIRST).sum(dim=1, keepdim=True))
    parameters = dict(model.named_parameters())  # buffers of norms move with the images
    assert len(parameters) > 50
    assert [name for name in parameters if name != FIRST and not torch.equal(parameters[name], expected[name])] == []
    statistics = band_statistics([tile.sar for tile in dfc2025_tiles(demo_root / "DFC2025Track1", "train")])
    assert model.data_preprocessor.mean.item() == pytest.approx(statistics.mean, rel=1e-6)  # not the teacher's

    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["about"]["weights"] == {"of unknown name": ["teacher"]}  # nothing lies beside that file
    inputs = manifest["inputs"]
    assert inputs["start"] == hashlib.sha256(teacher.read_bytes()).hexdigest()
    assert run_main(main, *words)[1].startswith(f"tiny: starts from {teacher}\nis there:")
    code, message = run_main(main, *arguments, *STILL)
    assert code == 2 and "holds files made from something else (inputs.start" in message
    write_teacher(teacher, tiny_model, 3)
    code, message = run_main(main, *words)
    assert code == 2 and "holds files made from something else (inputs.start" in message


def test_a_model_whose_network_no_teacher_has_starts_as_ever_and_says_so(
    run_main: RunMain, registered: None, arguments: list[str], tiny_model: Path, tmp_path: Path
) -> None:
    wide = write_teacher(tmp_path / "wide.pth", tiny_model, 1, "model.decode_head.channels=24")
    folders = []
    for run, words in (("with", ["--start-from", str(wide)]), ("without", [])):
        code, output = run_main(main, *arguments, "--run-dir", tmp_path / run, *words)
        assert code == 0
        line = "tiny: no teacher has its network, starts from random weights\n"
        assert output.startswith(line) == bool(words) and (line in output) == bool(words)
        folders.append(tmp_path / run / "sar_models" / "tiny")
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in folders]
    assert sorted(manifests[0]["inputs"]) == ["images", "labels"] and manifests[0]["files"] == manifests[1]["files"]


def test_a_teacher_takes_the_place_of_pretrained_weights_and_where_none_fits_they_stay(
    run_main: RunMain, registered: None, arguments: list[str], tiny_model: Path, tmp_path: Path
) -> None:
    teacher = write_teacher(tmp_path / "teacher.pth", tiny_model, 2)
    absent = ["--option", "pretrained=mit_b0", "--pretrained-dir", str(tmp_path / "nothing")]
    code, output = run_main(main, *arguments, *absent, "--start-from", teacher)
    assert code == 0 and output.startswith(f"tiny: starts from {teacher}\n")
    wide = write_teacher(tmp_path / "wide.pth", tiny_model, 1, "model.decode_head.channels=24")
    code, message = run_main(main, *arguments, *absent, "--start-from", wide)
    assert code == 2 and "pretrained weights mit_b0 are not there" in message


def test_a_file_that_must_fit_is_refused_in_one_line(
    run_main: RunMain, registered: None, arguments: list[str], tiny_model: Path, tmp_path: Path
) -> None:
    wide = write_teacher(tmp_path / "wide.pth", tiny_model, 1, "model.decode_head.channels=24")
    code, message = run_main(main, *arguments, "--start-from", wide, "--start-must-fit")
    assert code == 2 and message.startswith(f"error: {wide}: weights of another model: decode_head.")
    assert "start from a model of the same backbone and heads, or from none (SAR_START)" in message
    code, message = run_main(main, *arguments, "--start-from", "teacher", "--start-must-fit")
    assert code == 2 and message.startswith("error: teacher: expected a trained model, found none; ")
    assert not (tmp_path / "run" / "sar_models").exists()
