import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from landcover.images.grid import read_georeference
from landcover.images.raster import read_sar, write_raster
from landcover.networks.model_file import load_model
from landcover.prediction import image_check
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities
from landcover.prediction.views import View
from landcover.score_files.score_file import encode, read_scores
from stage2_sar_seg.predict_sar import main
from stage2_sar_seg.train_sar_models import main as train
from tools.share_model import share_model

RunMain = Callable[..., tuple[int, str]]


def test_every_val_and_test_tile_gets_the_scores_of_every_model(
    run_main: RunMain, demo_root: Path, tiny_model: Path, label_folder: Path, tmp_path: Path
) -> None:
    data, run_dir = demo_root / "DFC2025Track1", tmp_path / "run"
    places = ["--dfc-root", data, "--run-dir", run_dir]
    words = [tiny_model, "--published", tiny_model, "--labels", label_folder, *places]
    assert run_main(train, *words)[0] == 0
    folders = {
        split: [run_dir / "scores" / split / name for name in ("tiny", "tiny_published")] for split in ("val", "test")
    }
    command = ["tiny", "tiny_published", *places, "--flips", "none", "vertical"]
    expected = "".join(
        f"wrote {count} score files in {folder}\n"
        for split, count in (("val", 1), ("test", 2))
        for folder in folders[split]
    )
    assert run_main(main, *command) == (0, expected)
    assert run_main(main, *command) == (0, expected.replace("wrote", "is there:"))

    settings = SlidingWindow(32, 16, (View(), View(1.0, "vertical")))
    for split in ("val", "test"):
        images = sorted((data / split / "sar_images").iterdir())
        for folder in folders[split]:
            model, _ = load_model(run_dir / "sar_models" / folder.name / "model.pth", torch.device("cpu"))
            assert sorted(path.name for path in folder.glob("*.tif")) == [image.name for image in images]
            for image in images:
                header, codes = read_scores(folder / image.name)
                assert (header.model, header.encoding) == (folder.name, "logit")
                probabilities = predict_probabilities(model, read_sar(image).pixels, settings, torch.device("cpu"))
                np.testing.assert_array_equal(codes, encode(probabilities.numpy(), "logit"))
                assert read_georeference(folder / image.name) == read_georeference(image)

    without_val = Path(shutil.copytree(data, tmp_path / "test_only"))
    shutil.rmtree(without_val / "val")
    other = tmp_path / "other_run"
    (other / "sar_models").mkdir(parents=True)
    share_model(run_dir / "sar_models" / "tiny", other / "sar_models" / "tiny.zip")
    code, output = run_main(main, "tiny", "--dfc-root", without_val, "--run-dir", other)
    assert (code, output) == (0, f"wrote 2 score files in {other / 'scores/test/tiny'}\n")
    for image in sorted((data / "test" / "sar_images").iterdir()):
        model, _ = load_model(run_dir / "sar_models" / "tiny" / "model.pth", torch.device("cpu"))
        expected_scores = predict_probabilities(
            model, read_sar(image).pixels, SlidingWindow(32, 16), torch.device("cpu")
        )
        _, codes = read_scores(other / "scores" / "test" / "tiny" / image.name)
        np.testing.assert_array_equal(codes, encode(expected_scores.numpy(), "logit"))


def test_the_training_tiles_are_predicted_where_they_are_asked_for(
    run_main: RunMain, demo_root: Path, tiny_model: Path, label_folder: Path, tmp_path: Path
) -> None:
    places = ["--dfc-root", demo_root / "DFC2025Track1", "--run-dir", tmp_path]
    assert run_main(train, tiny_model, "--labels", label_folder, *places)[0] == 0
    folder = tmp_path / "scores" / "train" / "tiny"
    assert run_main(main, "tiny", *places, "--splits", "train") == (0, f"wrote 4 score files in {folder}\n")
    tiles = sorted(path.name for path in (demo_root / "DFC2025Track1/train/sar_images").iterdir())
    assert sorted(path.name for path in folder.glob("*.tif")) == tiles
    assert [path.name for path in (tmp_path / "scores").iterdir()] == ["train"]


def test_images_in_another_unit_than_the_models_are_refused_in_one_line(
    run_main: RunMain, demo_root: Path, tiny_model: Path, label_folder: Path, tmp_path: Path
) -> None:
    run_dir, tile = tmp_path / "run", tmp_path / "decibel" / "test" / "sar_images" / "tile.tif"
    write_raster(tile, np.linspace(-30, -1, 40 * 40, dtype=np.float32).reshape(40, 40))
    places = ["--run-dir", run_dir, "--dfc-root"]
    assert run_main(train, tiny_model, "--labels", label_folder, *places, demo_root / "DFC2025Track1")[0] == 0
    assert run_main(main, "tiny", *places, tmp_path / "decibel") == (
        2,
        f"error: {tile}: expected amplitude values of at least 0, found -30; these look like decibels, set "
        "sar.unit=decibel for a new training, or convert the image: tiny was trained on amplitude",
    )


def test_network_type_and_weighting_reach_the_manifest(
    run_main: RunMain, demo_root: Path, tiny_model: Path, label_folder: Path, tmp_path: Path
) -> None:
    places = ["--dfc-root", demo_root / "DFC2025Track1", "--run-dir", tmp_path]
    assert run_main(train, tiny_model, "--labels", label_folder, *places)[0] == 0
    options = ["--dtype", "bf16", "--weighting", "cosine", "--batch", "2"]
    assert run_main(main, "tiny", *places, *options)[0] == 0
    made_by = json.loads((tmp_path / "scores/test/tiny/manifest.json").read_text())["made_by"]
    assert (made_by["dtype"], made_by["weighting"]) == ("bf16", "cosine")
    code, message = run_main(main, "tiny", *places, "--weighting", "cosine")
    assert code == 2 and "made_by.dtype: bf16 there, fp32 now" in message


def test_mistakes_are_told_in_one_line(run_main: RunMain, demo_root: Path, tmp_path: Path) -> None:
    data, run_dir = demo_root / "DFC2025Track1", tmp_path / "run"
    empty = tmp_path / "empty" / "test" / "sar_images"
    empty.mkdir(parents=True)
    foreign = run_dir / "sar_models" / "foreign" / "model.pth"
    foreign.parent.mkdir(parents=True)
    torch.save({"state_dict": {"weight": torch.zeros(3)}}, foreign)
    cases = {
        f"error: {tmp_path / 'absent'}: expected the OpenEarthMap-SAR folder, found none": [
            "foreign",
            "--dfc-root",
            tmp_path / "absent",
        ],
        f"error: {empty}: expected SAR tiles (.tif or .tiff), found none": [
            "foreign",
            "--dfc-root",
            tmp_path / "empty",
        ],
        f"error: {run_dir / 'sar_models/untrained/model.pth'}: expected a trained model, found none": [
            "untrained",
            "--dfc-root",
            data,
        ],
        f"error: {foreign}: expected a model file (landcover-model-1), found a checkpoint of mmengine": [
            "foreign",
            "--dfc-root",
            data,
        ],
        "error: STRIDE: expected a share of the window in (0, 1], found 2.0": [
            "foreign",
            "--dfc-root",
            data,
            "--stride",
            "2",
        ],
        "error: PREDICTION_DTYPE: expected fp32 or bf16, found 'fp16'; correct it": [
            "foreign",
            "--dfc-root",
            data,
            "--dtype",
            "fp16",
        ],
    }
    for expected, words in cases.items():
        code, message = run_main(main, *words, "--run-dir", run_dir)
        assert code == 2, expected
        assert message.startswith(expected), message


def test_images_that_are_unlike_the_training_images_are_told_of_once_for_all_models(
    run_main: RunMain,
    demo_root: Path,
    tiny_model: Path,
    label_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, run_dir, told = Path(shutil.copytree(demo_root / "DFC2025Track1", tmp_path / "dfc")), tmp_path / "run", []
    monkeypatch.setattr(image_check, "_warn", told.append)
    places = ["--dfc-root", data, "--run-dir", run_dir]
    assert run_main(train, tiny_model, "--published", tiny_model, "--labels", label_folder, *places)[0] == 0
    images = sorted((data / "test" / "sar_images").iterdir())
    for image in images:
        write_raster(image, read_sar(image).pixels.astype(np.uint16) * 200 + 1)
    assert run_main(main, "tiny", "tiny_published", *places)[0] == 0
    first, further = told
    assert first.startswith(f"{images[0]}: uint16, the training images of tiny are uint8; median ")
    assert further == f"1 more image is unlike the training images: {images[1].name}"


def test_an_engine_takes_the_exported_model_beside_the_trained_one(
    run_main: RunMain, demo_root: Path, exported_pair: tuple[Path, Path], tmp_path: Path
) -> None:
    scores = []
    for run_dir, words in ((tmp_path / "torch", []), (tmp_path / "engine", ["--engine", "onnxruntime"])):
        folder = run_dir / "sar_models" / "tiny"
        folder.mkdir(parents=True)
        shutil.copy(exported_pair[0], folder)
        command = ["tiny", "--dfc-root", demo_root / "DFC2025Track1", "--run-dir", run_dir, "--splits", "test", *words]
        if words:
            code, told = run_main(main, *command)
            assert code == 2 and told.startswith(f"error: {folder / 'model.onnx'}: expected an exported model, found n")
            shutil.copy(exported_pair[1], folder)
        written = run_dir / "scores" / "test" / "tiny"
        assert run_main(main, *command) == (0, f"wrote 2 score files in {written}\n")
        scores.append([read_scores(path)[1].astype(int) for path in sorted(written.glob("*.tif"))])
    assert json.loads((tmp_path / "engine/scores/test/tiny/manifest.json").read_text())["made_by"]["engine"]
    for trained, exported in zip(*scores, strict=True):
        assert np.abs(trained - exported).max() <= 1 and len(np.unique(trained)) > 2
