"""A trained model packed for others, and its card, as a user makes them."""

import json
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from mmseg.registry import MODELS

from landcover.classes import OPEN_EARTH_MAP
from landcover.images.raster import read_raster, write_raster
from landcover.networks.model_file import ModelInfo, save_model
from landcover.run_files.manifest import OutputFolder
from tools.benchmarks._scenes import TINY_NETWORK
from tools.map_scene import main as map_scene_main
from tools.map_tiles import main as map_tiles_main
from tools.model_card import main as card_main
from tools.share_model import main as share_main


@pytest.fixture
def folder(registered, tmp_path):
    """Of a finished training."""
    folder = tmp_path / "sar_models" / "tiny"
    made_by = {"stage": "sar_model", "model": "tiny", "iterations": 2, "seed": 0, "processes": 1}
    output = OutputFolder(folder, made_by, {"labels": "0" * 64})
    output.begin()
    torch.manual_seed(0)
    info = ModelInfo("tiny", "sar", OPEN_EARTH_MAP, 64)
    save_model(folder / "model.pth", info, TINY_NETWORK, MODELS.build(TINY_NETWORK).state_dict())
    (folder / "config.py").write_text("pretrained = None\n")
    output.finish([folder / "model.pth", folder / "config.py"], {"data": ["demo"]})
    return folder


def test_prediction_takes_a_pack_as_it_takes_the_model(run_main, folder, tmp_path):
    code, told = run_main(share_main, folder)
    pack = folder.with_name("tiny.zip")
    assert code == 0 and told.startswith(f"wrote {pack} (")
    first = pack.read_bytes()
    with ZipFile(pack) as archive:
        names = ["README.md", "config.py", "manifest.json", "model.json", "weights.safetensors"]
        assert archive.namelist() == names
        assert archive.read("README.md") == (folder / "README.md").read_bytes()
        assert json.loads(archive.read("manifest.json"))["about"] == {"data": ["demo"]}
    assert run_main(share_main, folder, tmp_path / "again.zip")[0] == 0
    assert (tmp_path / "again.zip").read_bytes() == first
    pixels = np.random.default_rng(0).integers(1, 200, (80, 90), dtype=np.uint8)
    write_raster(tmp_path / "images" / "a.tif", pixels)
    maps = {}
    for name, model in (("file", folder / "model.pth"), ("pack", pack)):
        out = tmp_path / name
        tiles = run_main(map_tiles_main, "--images", tmp_path / "images", "--models", model, "--out", out)
        scene = ["--scene", tmp_path / "images" / "a.tif", "--models", model, "--out", tmp_path / f"{name}.tif"]
        assert tiles[0] == 0 and run_main(map_scene_main, *scene)[0] == 0
        maps[name] = [read_raster(path).pixels for path in (out / "a.tif", tmp_path / f"{name}.tif")]
    for ours, theirs in zip(maps["pack"], maps["file"], strict=True):
        assert (ours == theirs).all() and len(np.unique(ours)) > 1


def test_what_is_no_finished_training_or_no_zip_is_refused_in_a_line(run_main, folder, tmp_path):
    code, error = run_main(share_main, tmp_path)
    assert code == 2 and "model.pth: expected a trained model, found none" in error
    code, error = run_main(share_main, folder, tmp_path / "out.tar")
    assert code == 2 and error.endswith("out.tar: expected a name that ends in .zip, found '.tar'; correct it")
    (folder / "manifest.json").unlink()
    code, error = run_main(share_main, folder)
    assert code == 2 and "manifest.json: expected the manifest of a finished stage" in error
    assert not folder.with_name("tiny.zip").exists()


def test_a_broken_pack_is_refused_by_prediction_in_a_line(run_main, folder, tmp_path):
    assert run_main(share_main, folder, tmp_path / "tiny.zip")[0] == 0
    whole = (tmp_path / "tiny.zip").read_bytes()
    (tmp_path / "tiny.zip").write_bytes(whole[:-100])
    write_raster(tmp_path / "images" / "a.tif", np.ones((70, 70), np.uint8))
    models = ["--models", tmp_path / "tiny.zip"]
    code, error = run_main(map_tiles_main, "--images", tmp_path / "images", *models, "--out", tmp_path / "maps")
    assert code == 2 and f"{tmp_path}/tiny.zip: expected a model packed by tools/share_model.sh" in error
    assert not (tmp_path / "maps").exists()


def test_cards_are_written_for_models_that_are_there_and_own_ones_stay(run_main, folder):
    code, told = run_main(card_main, folder, "--data", "my_city")
    assert code == 0 and told == f"wrote {folder}/README.md\n"
    assert "synthetic scenes" in (folder / "README.md").read_text()  # its manifest names the data
    (folder / "README.md").write_text("# Mine\n")
    assert run_main(card_main, folder)[1] == f"stays as somebody has changed it: {folder}/README.md\n"
