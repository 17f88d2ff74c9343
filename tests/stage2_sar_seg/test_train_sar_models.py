import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from landcover.data_sets.dfc2025 import SarTile, dfc2025_tiles
from landcover.errors import InputError
from landcover.model_file import load_model
from landcover.raster import write_raster
from landcover.training.band_statistics import band_statistics
from landcover.training.config import load_config
from stage2_sar_seg.train_sar_models import main, pseudo_labels, published_labels, sar_config

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


def test_heads_get_the_losses_and_the_auxiliary_head_a_factor() -> None:
    config = load_config(ROOT / "configs/demo/sar_upernet_swinv2.py")
    changed = sar_config(config, 61.5, 40.25)
    assert changed.model.data_preprocessor.mean == [61.5]
    assert changed.model.data_preprocessor.std == [40.25]
    assert [dict(loss) for loss in changed.model.decode_head.loss_decode] == [
        {"type": "SymmetricCrossEntropy", "alpha": 1.0, "beta": 1.0, "loss_name": "loss_sce"},
        {"type": "LovaszSoftmax", "loss_name": "loss_lovasz"},
    ]
    assert [dict(loss) for loss in changed.model.auxiliary_head.loss_decode] == [
        {"type": "SymmetricCrossEntropy", "alpha": 1.0, "beta": 1.0, "loss_name": "loss_sce", "loss_weight": 0.4},
        {"type": "LovaszSoftmax", "loss_name": "loss_lovasz", "loss_weight": 0.4},
    ]


def test_the_config_itself_stays_as_it_is_and_a_model_may_have_one_head() -> None:
    config = load_config(ROOT / "configs/demo/sar_segformer.py")
    before = config.pretty_text
    changed = sar_config(config, 1.0, 2.0)
    assert config.pretty_text == before
    assert "auxiliary_head" not in changed.model
    assert [loss.loss_name for loss in changed.model.decode_head.loss_decode] == ["loss_sce", "loss_lovasz"]


def test_loss_weights_of_the_config_are_multiplied_by_the_factor() -> None:
    config = load_config(ROOT / "configs/demo/sar_upernet_convnextv2.py")
    config.losses[1]["loss_weight"] = 0.5
    changed = sar_config(config, 1.0, 2.0)
    assert [loss.loss_weight for loss in changed.model.auxiliary_head.loss_decode] == [0.4, 0.2]
    assert changed.model.decode_head.loss_decode[1].loss_weight == 0.5


def test_tiles_get_the_label_files_of_their_name(demo_root: Path, label_folder: Path) -> None:
    tiles = dfc2025_tiles(demo_root / "DFC2025Track1", "train")
    labelled = pseudo_labels(tiles, label_folder)
    assert [(tile.image, tile.labels) for tile in labelled] == [
        (tile.sar, label_folder / f"{tile.name}.tif") for tile in tiles
    ]


def test_labels_of_an_unfinished_stage_are_refused(demo_root: Path, label_folder: Path) -> None:
    (label_folder / "manifest.json").unlink()
    with pytest.raises(InputError, match="expected the manifest of a finished stage, found none; run that stage first"):
        pseudo_labels(dfc2025_tiles(demo_root / "DFC2025Track1", "train"), label_folder)


def test_labels_of_other_tiles_are_refused(label_folder: Path) -> None:
    tiles = [SarTile(name, Path(f"{name}.tif"), None, None) for name in ("elsewhere_1", "elsewhere_2")]
    with pytest.raises(InputError, match=r"for each of 2 training tiles, found none for 2 \(elsewhere_1, ...\)"):
        pseudo_labels(tiles, label_folder)


def test_published_labels_belong_to_their_tiles_and_must_be_there(demo_root: Path) -> None:
    tiles = dfc2025_tiles(demo_root / "DFC2025Track1", "train")
    labelled = published_labels(tiles)
    assert [(tile.image, tile.labels) for tile in labelled] == [(tile.sar, tile.labels) for tile in tiles]
    without = [*tiles[:-1], SarTile("last", tiles[-1].sar, None, None)]
    with pytest.raises(InputError, match="expected published labels in labels/, found none"):
        published_labels(without)


def test_models_are_trained_on_pseudo_labels_and_on_published_labels(
    run_main: RunMain, arguments: list[str], demo_root: Path, tiny_model: Path, tmp_path: Path
) -> None:
    words = [*arguments, "--published", str(tiny_model), "--truth-root", str(demo_root / "truth")]
    folders = [tmp_path / "run" / "sar_models" / name for name in ("tiny", "tiny_published")]
    expected = "".join(f"wrote {folder / 'model.pth'}\n" for folder in folders)
    assert run_main(main, *words) == (0, expected)

    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in folders]
    assert manifests[0]["inputs"]["images"] == manifests[1]["inputs"]["images"]
    assert manifests[0]["inputs"]["labels"] != manifests[1]["inputs"]["labels"]
    tiles = dfc2025_tiles(demo_root / "DFC2025Track1", "train")
    mean, std = band_statistics([tile.sar for tile in tiles])
    for folder, name in zip(folders, ("tiny", "tiny_published"), strict=True):
        model, info = load_model(folder / "model.pth", torch.device("cpu"))
        assert (info.name, info.modality, info.window) == (name, "sar", 32)
        assert model.data_preprocessor.mean.item() == pytest.approx(mean, rel=1e-6)
        assert model.data_preprocessor.std.item() == pytest.approx(std, rel=1e-6)
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
    assert run_main(main, *words) == (0, expected.replace("wrote", "is there:"))


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
        f"error: {absent / 'manifest.json'}: expected the manifest of a finished stage": replaced(
            arguments, "--labels", absent
        ),
        f"error: {teacher}: missing key 'losses'": [str(teacher), *arguments[1:]],
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
    }
    for expected, words in cases.items():
        code, message = run_main(main, *words)
        assert code == 2, expected
        assert message.startswith(expected), message


def test_labels_of_another_size_than_their_sar_tile_are_refused(
    run_main: RunMain, arguments: list[str], label_folder: Path, demo_root: Path
) -> None:
    for path in label_folder.glob("*.tif"):
        write_raster(path, np.ones((64, 60), np.uint8))
    code, message = run_main(main, *arguments)
    assert code == 2
    assert message.startswith(f"error: {label_folder}/")
    assert f"expected the size of {demo_root / 'DFC2025Track1/train/sar_images'}/" in message
    assert message.endswith("(64, 64), found (64, 60); the label file belongs to another image")


def test_a_sar_image_without_its_optical_image_is_refused(
    run_main: RunMain, arguments: list[str], demo_root: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(demo_root / "DFC2025Track1", tmp_path / "dfc"))
    lost = sorted((data / "train" / "rgb_images").iterdir())[1]
    lost.unlink()
    code, message = run_main(main, *replaced(arguments, "--dfc-root", data))
    assert code == 2
    assert message.startswith(f"error: {data / 'train/sar_images' / lost.name}: expected its optical image {lost}")
