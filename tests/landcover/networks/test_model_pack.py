import json
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch
from mmseg.registry import MODELS

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.networks.model_file import (
    ModelInfo,
    load_model,
    model_or_pack,
    read_content,
    read_model_info,
    save_model,
)
from landcover.networks.model_pack import MODEL_JSON, WEIGHTS, write_pack
from landcover.networks.starting_weights import load_starting_weights
from landcover.sar.training_values import TrainingValues
from tools.benchmarks._scenes import TINY_NETWORK

CPU = torch.device("cpu")
INFO = ModelInfo("tiny", "sar", OPEN_EARTH_MAP, 64, TrainingValues(("VV",), "uint8", ((1.0, 2.0, 3.0),)))


@pytest.fixture
def model(registered, tmp_path):
    torch.manual_seed(0)
    save_model(tmp_path / "model.pth", INFO, TINY_NETWORK, MODELS.build(TINY_NETWORK).state_dict())
    return tmp_path / "model.pth"


@pytest.fixture
def pack(model, tmp_path):
    write_pack(tmp_path / "tiny.zip", read_content(model), {"README.md": b"# tiny\n"})
    return tmp_path / "tiny.zip"


def rewritten(pack: Path, **changes: bytes | None) -> Path:
    """A pack with other members, by the first part of their names; None leaves one out."""
    with ZipFile(pack) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(pack, "w") as archive:
        for name, content in members.items():
            kept = changes.get(name.partition(".")[0], content)
            if kept is not None:
                archive.writestr(name, kept)
    return pack


def test_a_pack_is_the_model_file(model, pack):
    ours, info = load_model(pack, CPU)
    theirs, _ = load_model(model, CPU)
    assert info == INFO == read_model_info(pack)
    weights = theirs.state_dict()
    assert ours.state_dict().keys() == weights.keys()
    assert all(torch.equal(value, weights[name]) for name, value in ours.state_dict().items())


def test_a_training_starts_from_a_pack(model, pack):
    network = MODELS.build(TINY_NETWORK)
    load_starting_weights(network, pack)
    assert torch.equal(network.decode_head.conv_seg.weight, load_model(model, CPU)[0].decode_head.conv_seg.weight)


def test_the_same_model_makes_the_same_bytes_without_pickle_or_time(model, pack, tmp_path):
    write_pack(tmp_path / "again.zip", read_content(model), {"README.md": b"# tiny\n"})
    assert (tmp_path / "again.zip").read_bytes() == pack.read_bytes()
    with ZipFile(pack) as archive:
        assert archive.namelist() == ["README.md", MODEL_JSON, WEIGHTS]
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(archive.read(MODEL_JSON))["info"]["name"] == "tiny"
        header = archive.read(WEIGHTS)
    assert header[8:9] == b"{" and b"pickle" not in pack.read_bytes()


def test_tensors_that_share_memory_are_written_each(model, tmp_path):
    content = read_content(model)
    content["weights"] = {"a": (shared := torch.arange(4)), "b": shared}
    write_pack(tmp_path / "shared.zip", content, {})
    weights = read_content(tmp_path / "shared.zip")["weights"]
    assert weights["a"].dtype == torch.int64 and weights["a"].tolist() == weights["b"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"weights": None}, r"none of the name weights\.safetensors"),
        ({"weights": b"nothing"}, r"weights\.safetensors that can not be read"),
        ({"model": None}, r"none of the name model\.json"),
        ({"model": b"{"}, r"model\.json that is no JSON"),
        ({"model": b"[]"}, r"model\.json with a list"),
    ],
)
def test_a_pack_that_lacks_something_is_refused_in_a_line(pack, changes, found):
    with pytest.raises(
        InputError, match=rf"^\S+tiny\.zip: expected a model packed by .*found {found}.*; copy it again"
    ):
        read_model_info(rewritten(pack, **changes)) if "model" in changes else load_model(
            rewritten(pack, **changes), CPU
        )


def test_a_model_of_another_format_is_refused(pack):
    with pytest.raises(
        InputError, match=r"tiny\.zip: expected a model file \(landcover-model-1\), found the format 'x'"
    ):
        load_model(rewritten(pack, model=b'{"format": "x"}'), CPU)


def test_a_pack_cut_off_changed_or_of_another_kind_is_refused(pack, model, tmp_path):
    whole = pack.read_bytes()
    at = whole.index(b"decode_head")  # in the header of the weights
    for content in (whole[: len(whole) // 2], whole[:at] + b"x" + whole[at + 1 :], b"", model.read_bytes()):
        pack.write_bytes(content)
        with pytest.raises(InputError, match=r"^\S+tiny\.zip: expected a model packed by .*; copy it again"):
            load_model(pack, CPU)
    with pytest.raises(InputError, match="expected a trained model, found none"):
        load_model(tmp_path / "other.zip", CPU)


def test_a_pack_stands_beside_or_in_place_of_the_folder_of_a_model(tmp_path):
    folder = tmp_path / "sar_models" / "tiny"
    assert model_or_pack(folder) == folder / "model.pth"
    folder.mkdir(parents=True)
    pack = folder.with_name("tiny.zip")
    pack.touch()
    assert model_or_pack(folder) == pack
    (folder / "model.pth").touch()
    assert model_or_pack(folder) == folder / "model.pth"
