import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_networks import write_backbone_weights

from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.data_sets.hold_out import hold_out
from landcover.images.raster import read_sar, write_raster
from landcover.networks.model_file import load_model
from landcover.run_files.manifest import digest_all
from landcover.training.band_statistics import band_statistics
from stage2_sar_seg.train_sar_models import main

ROOT = Path(__file__).parents[2]

RunMain = Callable[..., tuple[int, str]]


@pytest.fixture
def arguments(demo_root: Path, tiny_model: Path, label_folder: Path, tmp_path: Path) -> list[str]:
    words = (
        f"{tiny_model} --dfc-root {demo_root / 'DFC2025Track1'} --labels {label_folder} --run-dir {tmp_path / 'run'}"
    )
    return words.split()


def replaced(arguments: list[str], option: str, value: object) -> list[str]:
    changed = list(arguments)
    changed[changed.index(option) + 1] = str(value)
    return changed


def test_pretrained_weights_are_an_input(
    run_main: RunMain, registered: None, arguments: list[str], tiny_model: Path, tmp_path: Path
) -> None:
    weights = write_backbone_weights(tmp_path / "weights.pth", tiny_model)
    words = [*arguments, "--option", "pretrained=mit_b0", "--pretrained-dir", str(weights)]
    assert run_main(main, *words)[0] == 0
    inputs = json.loads((tmp_path / "run" / "sar_models" / "tiny" / "manifest.json").read_text())["inputs"]
    assert sorted(inputs) == ["images", "labels", "pretrained"]
    assert inputs["pretrained"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    write_backbone_weights(weights, tiny_model, seed=1)
    code, message = run_main(main, *words)
    assert code == 2 and "holds files made from something else (inputs.pretrained" in message


def test_models_are_trained_on_pseudo_labels_and_on_published_labels(
    run_main: RunMain, arguments: list[str], demo_root: Path, tiny_model: Path, tmp_path: Path
) -> None:
    truth = str(demo_root / "truth")
    words = [*arguments, "--published", str(tiny_model), "--truth-root", truth, "--data", "demo"]
    folders = [tmp_path / "run" / "sar_models" / name for name in ("tiny", "tiny_published")]
    expected = "".join(f"wrote {folder / 'model.pth'}\n" for folder in folders)
    code, output = run_main(main, *words)
    assert code == 0 and output.startswith(expected)
    table = output.removeprefix(expected).splitlines()
    assert table[0].split() == ["model", "state", "exported", "minutes", "mIoU"]
    assert [line.split()[:5] for line in table[1:3]] == [
        [folder.name, "trained", "last", "at", "2"] for folder in folders
    ]

    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in folders]
    assert manifests[0]["inputs"]["images"] == manifests[1]["inputs"]["images"]
    assert manifests[0]["inputs"]["labels"] != manifests[1]["inputs"]["labels"]
    command = (
        "python -m stage2_sar_seg.train_sar_models tiny.py --run-dir RUN_DIR --seed 0 --dfc-root DFC_ROOT "
        "--classes openearthmap --published tiny.py --labels LABELS --labelled-tiles 1 --truth-root TRUTH_ROOT "
        "--hold-out-by auto --only "
    )
    assert [manifest["about"] for manifest in manifests] == [
        {"data": ["demo"], "weights": {}, "labels": labels, "command": command + name}
        for labels, name in ((Path(arguments[4]).name, "tiny"), ("published with the data", "tiny_published"))
    ]
    assert all((folder / "README.md").read_text().count("synthetic scenes") for folder in folders)
    tiles = dfc2025_tiles(demo_root / "DFC2025Track1", "train")
    statistics = band_statistics([tile.sar for tile in tiles])
    for folder, name in zip(folders, ("tiny", "tiny_published"), strict=True):
        model, info = load_model(folder / "model.pth", torch.device("cpu"))
        assert (info.name, info.modality, info.window, info.sar) == (name, "sar", 32, statistics.values)
        assert model.data_preprocessor.mean.item() == pytest.approx(statistics.mean, rel=1e-6)
        assert model.data_preprocessor.std.item() == pytest.approx(statistics.std, rel=1e-6)
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["labels"] == "val labels" and metrics["pixels"] > 0
        *lines, last = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        assert [line["iteration"] for line in lines] == [1, 2]
        assert last == {"iteration": 2, "validation_miou": metrics["miou"]}
        assert metrics["chosen"] == {"rule": "last", **last}
        assert all(
            line["loss"] == pytest.approx(line["decode.loss_sce"] + line["decode.loss_lovasz"], rel=1e-5)
            for line in lines
        )
    weights = [torch.load(folder / "model.pth", weights_only=True)["weights"] for folder in folders]
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    code, output = run_main(main, *words)
    assert code == 0 and output.startswith(expected.replace("wrote", "is there:"))
    assert [line.split()[1:3] for line in output.splitlines()[3:5]] == [["was", "there"]] * 2


def test_a_rule_of_the_teachers_is_refused(
    run_main: RunMain, arguments: list[str], demo_root: Path, tmp_path: Path
) -> None:
    words = [*arguments, "--truth-root", str(demo_root / "truth"), "--option", "choose=target_agreement"]
    code, message = run_main(main, *words)
    assert code == 2
    assert "expected one of last, validation_miou, which are logged for it, found 'target_agreement'" in message
    assert not (tmp_path / "run" / "sar_models" / "tiny").exists()


def test_bf16_and_recomputed_activations_change_losses_by_no_more_than_rounding(
    check_bf16_and_recomputation: Callable[..., None], arguments: list[str]
) -> None:
    check_bf16_and_recomputation(main, arguments, "sar_models/tiny")


def test_mistakes_are_told_in_one_line(
    run_main: RunMain, arguments: list[str], label_folder: Path, tmp_path: Path
) -> None:
    absent, teacher = tmp_path / "absent", ROOT / "configs/demo/teacher_segformer.py"
    cases = {
        f"error: {absent}: expected the OpenEarthMap-SAR folder, found none": replaced(arguments, "--dfc-root", absent),
        f"error: {absent}: expected a folder of label files, found none": replaced(arguments, "--labels", absent),
        f"error: {teacher}: missing key 'class_balance'": [str(teacher), *arguments[1:]],
        "error: option 'crop_sise': the config has no key 'crop_sise' (did you mean 'crop_size'?)": [
            *arguments,
            "--option",
            "crop_sise=32",
        ],
        "error: model tiny: choose: expected one of last, which are logged for it, found 'validation_miou'": [
            *arguments,
            "--option",
            "choose=validation_miou",
        ],
        "error: model other: expected one of tiny; correct the name, or SAR_MODELS": [*arguments, "--only", "other"],
        "error: HOLD_OUT: expected a share above 0 and up to 0.5, found 0.7": [*arguments, "--hold-out", "0.7"],
        "error: sar.stretch: expected None or 'log' or 'percentile', found 'sqrt'": [
            *arguments,
            "--option",
            "sar.stretch=sqrt",
        ],
        "error: class_balance: expected None or beta in (0, 1), found 2": [*arguments, "--option", "class_balance=2"],
        "error: weight_ema: expected None or a share in [0, 1), found 1.5": [*arguments, "--option", "weight_ema=1.5"],
    }
    for expected, words in cases.items():
        code, message = run_main(main, *words)
        assert code == 2, expected
        assert message.startswith(expected), message


def test_a_sar_image_without_its_optical_image_is_refused(
    run_main: RunMain, arguments: list[str], demo_root: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(demo_root / "DFC2025Track1", tmp_path / "dfc"))
    lost = sorted((data / "train" / "rgb_images").iterdir())[1]
    lost.unlink()
    code, message = run_main(main, *replaced(arguments, "--dfc-root", data))
    assert code == 2
    assert message.startswith(f"error: {data / 'train/sar_images' / lost.name}: expected its optical image {lost}")


def test_one_model_is_trained_by_name(
    run_main: RunMain, arguments: list[str], tiny_model: Path, tmp_path: Path
) -> None:
    words = [*arguments, "--published", str(tiny_model), "--only", "tiny_published"]
    code, output = run_main(main, *words)
    folder = tmp_path / "run" / "sar_models"
    assert code == 0 and output.startswith(f"wrote {folder / 'tiny_published' / 'model.pth'}\n")
    assert [path.name for path in folder.iterdir()] == ["tiny_published"]


def test_models_that_are_trained_side_by_side_are_byte_for_byte_the_same(
    run_main: RunMain,
    arguments: list[str],
    demo_root: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    words = [*arguments, "--published", str(tiny_model), "--truth-root", str(demo_root / "truth"), "--hold-out", "0.4"]
    outputs, models = [], []
    for jobs in ("1", "2"):
        run = tmp_path / f"run_{jobs}"
        code, output = run_main(main, *replaced(words, "--run-dir", run), "--jobs", jobs)
        assert code == 0, output
        outputs.append([line.replace(str(run), "RUN") for line in output.splitlines()])
        files = [path for path in sorted((run / "sar_models").rglob("*")) if path.is_file()]
        models.append({path.relative_to(run): path.read_bytes() for path in files})
    assert len(models[0]) == 2 * 6 and models[0] == models[1]
    note, first, second, head, *rows = outputs[0]
    assert outputs[1][0] == note and sorted(outputs[1][1:3]) == [first, second] and outputs[1][3] == head
    assert [line.split()[:2] for line in outputs[1][4:6]] == [["tiny", "trained"], ["tiny_published", "trained"]]
    assert outputs[1][6:] == rows[2:]  # IoU per class

    code, output = run_main(main, *replaced(words, "--run-dir", tmp_path / "run_2"), "--jobs", "2")
    assert code == 0 and [line.split()[0] for line in output.splitlines()[1:3]] == ["is", "is"]
    assert [line.split()[1:3] for line in output.splitlines()[4:6]] == [["was", "there"]] * 2
    code, message = run_main(main, *words, "--jobs", "0")
    assert (code, message) == (2, "error: JOBS: expected 1 or more, found 0; correct it")


def test_a_part_of_the_training_tiles_is_held_out_and_scored(
    run_main: RunMain, arguments: list[str], demo_root: Path, label_folder: Path, tmp_path: Path
) -> None:
    words = [*arguments, "--hold-out", "0.4", "--option", "choose=validation_miou"]
    code, output = run_main(main, *words)
    assert code == 0, output
    count = len(list(label_folder.glob("*.tif")))
    held = round(0.4 * count)
    assert output.startswith(f"{held} of {count} tiles held out: {held} of {count} groups of overlapping footprints\n")
    folder = tmp_path / "run" / "sar_models" / "tiny"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["labels"] == f"labels of {held} held-out train tiles"
    assert metrics["chosen"]["rule"] == "validation_miou"
    split = hold_out([tile.sar for tile in dfc2025_tiles(demo_root / "DFC2025Track1", "train")], 0.4)
    trained_on = [sorted(label_folder.glob("*.tif"))[n] for n in split.training]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["inputs"]["labels"] == digest_all(trained_on)


def test_the_average_of_the_weights_is_exported(run_main: RunMain, arguments: list[str], tmp_path: Path) -> None:
    models = []
    for run, decay in (("last", "None"), ("average", "0.9")):
        words = replaced(arguments, "--run-dir", tmp_path / run)
        assert run_main(main, *words, "--option", f"weight_ema={decay}", "--option", "iterations=4")[0] == 0
        models.append(load_model(tmp_path / run / "sar_models/tiny/model.pth", torch.device("cpu"))[0].state_dict())
    last, average = models
    assert list(last) == list(average)
    name = "decode_head.conv_seg.weight"
    assert not torch.equal(last[name], average[name])
    torch.testing.assert_close(last[name], average[name], rtol=0, atol=0.1)


def test_decibels_must_be_declared_and_are_trained_on_with_a_gain(
    run_main: RunMain, arguments: list[str], demo_root: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(demo_root / "DFC2025Track1", tmp_path / "dfc"))
    for path in (data / "train" / "sar_images").iterdir():
        amplitude = read_sar(path).pixels.astype(np.float32)
        decibels = np.where(amplitude > 0, 20 * np.log10(np.maximum(amplitude, 1) / 100), 0).astype(np.float32)
        write_raster(path, decibels)
    words = replaced(arguments, "--dfc-root", data)
    code, message = run_main(main, *words)
    assert code == 2
    assert message.startswith("error: sar.unit: expected 'amplitude', 'intensity' or 'decibel' for float32 SAR images")
    code, message = run_main(main, *words, "--option", "sar.unit=intensity")
    assert code == 2 and "these look like decibels, set sar.unit=decibel" in message
    code, message = run_main(main, *words, "--option", "sar.unit=decibel")
    assert code == 2 and "expected uint8 images, found float32" in message

    gain = "train_dataloader.dataset.augmentations=[{'type': 'RandomGain', 'decibels': 2.0, 'probability': 1.0}]"
    code, message = run_main(main, *words, "--option", "sar.unit=decibel", "--option", gain)
    assert code == 0, message
    model, _ = load_model(tmp_path / "run/sar_models/tiny/model.pth", torch.device("cpu"))
    assert model.data_preprocessor.unit == "decibel"
    assert -30 < model.data_preprocessor.mean.item() < 0


def test_a_tile_without_data_is_named_and_teaches_nothing(
    run_main: RunMain, arguments: list[str], demo_root: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(demo_root / "DFC2025Track1", tmp_path / "dfc"))
    tiles = sorted((data / "train" / "sar_images").iterdir())
    write_raster(tiles[0], np.zeros_like(read_sar(tiles[0]).pixels))
    code, output = run_main(main, *replaced(arguments, "--dfc-root", data))
    assert code == 0
    warning = f"warning: 1 of {len(tiles)} SAR tiles hold no data, nothing is learned from them: {tiles[0].stem}\n"
    assert output.startswith(warning)
    for path in tiles:
        write_raster(path, np.zeros_like(read_sar(path).pixels))
    code, message = run_main(main, *replaced(replaced(arguments, "--dfc-root", data), "--run-dir", tmp_path / "second"))
    assert code == 2 and f"expected SAR images with data, found only no-data pixels in all {len(tiles)}" in message
