import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmseg.registry import MODELS

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.errors import InputError
from landcover.networks.model_file import FORMAT, ModelInfo, load_model, read_model_info, save_model
from landcover.sar.training_values import TrainingValues

CPU = torch.device("cpu")
INFO = ModelInfo("tiny", "sar", OPEN_EARTH_MAP, 64)
NETWORK = {
    "type": "FCNHead", "in_channels": 2, "channels": 2, "num_convs": 1, "concat_input": False, "num_classes": 8,
    "norm_cfg": {"type": "SyncBN"},
}  # fmt: skip


class Trap:
    """Unpickling it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture
def head(registered):
    torch.manual_seed(0)
    return MODELS.build(NETWORK)


@pytest.fixture
def saved(head, tmp_path):
    save_model(tmp_path / "model.pth", INFO, NETWORK, head.state_dict())
    return tmp_path / "model.pth"


def test_weights_and_info_survive(saved, head):
    model, info = load_model(saved, CPU)
    assert info == INFO == read_model_info(saved)
    assert not model.training
    assert model.state_dict().keys() == head.state_dict().keys()
    assert all(torch.equal(value, head.state_dict()[key]) for key, value in model.state_dict().items())


def test_the_values_of_the_training_images_survive_and_older_files_have_none(head, tmp_path):
    path = tmp_path / "model.pth"
    values = TrainingValues(("VV", 2), "float32", ((-22.0, -11.0, -2.0), (-30.0, -18.0, -9.0)))
    save_model(path, replace(INFO, sar=values), NETWORK, head.state_dict())
    assert load_model(path, CPU)[1].sar == read_model_info(path).sar == values
    assert read_model_info(path).bands == ("VV", 2)
    content = torch.load(path, weights_only=True)
    older = {"name": "tiny", "modality": "sar", "scheme": "openearthmap", "window": 64}
    torch.save({**content, "info": json.dumps(older)}, path)
    assert load_model(path, CPU)[1] == read_model_info(path) == INFO
    assert INFO.sar is None and INFO.bands == ()


def test_synchronised_norms_become_plain_ones_that_run_anywhere(saved):
    model, _ = load_model(saved, CPU)
    assert model([torch.zeros(1, 2, 4, 4)]).shape == (1, 8, 4, 4)


def test_the_same_model_gives_the_same_bytes(saved, head, tmp_path, monkeypatch):
    monkeypatch.setattr("os.getpid", lambda: 1)
    save_model(tmp_path / "again" / "model.pth", INFO, NETWORK, head.state_dict())
    assert saved.read_bytes() == (tmp_path / "again/model.pth").read_bytes()


def test_a_missing_file_names_the_cure(tmp_path):
    with pytest.raises(InputError, match=r"model\.pth: expected a trained model, found none; run the training stage"):
        load_model(tmp_path / "model.pth", CPU)


@pytest.mark.parametrize("read", [read_model_info, lambda path: load_model(path, CPU)])
def test_code_in_a_foreign_file_is_not_run(tmp_path, read):
    path, sprung = tmp_path / "model.pth", tmp_path / "sprung"
    for write in (torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))):
        write({"format": FORMAT, "weights": Trap(sprung)}, path)
        with pytest.raises(InputError, match=r"model\.pth: expected a model file of this project, found") as refused:
            read(path)
        assert "\n" not in str(refused.value)
        assert not sprung.exists()


@pytest.mark.parametrize("size", [0, 10, 1000])
def test_a_file_cut_off_is_refused(saved, size):
    saved.write_bytes(saved.read_bytes()[:size])
    with pytest.raises(InputError, match=r"model\.pth: expected a model file of this project, found something else"):
        load_model(saved, CPU)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"state_dict": {}, "meta": {"epoch": 1}}, "a checkpoint of mmengine or mmsegmentation"),
        ({"format": "other-2"}, "the format 'other-2'"),
        ({"weights": {}}, "another dictionary"),
        ([1], "a list"),
    ],
)
def test_weights_of_another_kind_are_refused(tmp_path, content, found):
    torch.save(content, tmp_path / "model.pth")
    with pytest.raises(InputError, match=rf"expected a model file \({FORMAT}\), found {found}; pass the model\.pth"):
        read_model_info(tmp_path / "model.pth")


def test_a_folder_of_a_training_names_the_file_in_it(saved, tmp_path):
    with pytest.raises(InputError, match=r"expected a model file, found a folder; pass (.*)$") as told:
        load_model(saved.parent, CPU)
    assert load_model(Path(str(told.value).rpartition("; pass ")[2]), CPU)[1] == INFO
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"found a folder; pass the model\.pth of a finished training"):
        load_model(tmp_path / "empty", CPU)


def save_with_scheme(path, scheme, weights):
    """A model file whose scheme is told in another way."""
    save_model(path, INFO, NETWORK, weights)
    content = torch.load(path, weights_only=True)
    content["info"] = json.dumps({**json.loads(content["info"]), "scheme": scheme})
    torch.save(content, path)


def test_a_model_file_carries_its_classes_and_an_old_one_names_their_scheme(head, tmp_path):
    own = ClassScheme("mine", ("wet", "dry"), ((1, 2, 3), (4, 5, 6)), ("dry",))
    save_model(tmp_path / "own.pth", replace(INFO, scheme=own), {**NETWORK, "num_classes": 2}, {})
    scheme = read_model_info(tmp_path / "own.pth").scheme
    assert (scheme, scheme.palette, scheme.unscored) == (own, own.palette, ("dry",))
    save_with_scheme(tmp_path / "old.pth", "openearthmap", head.state_dict())
    assert load_model(tmp_path / "old.pth", CPU)[1] == INFO


def test_weights_that_do_not_fit_and_unknown_schemes_are_refused(head, tmp_path):
    path = tmp_path / "model.pth"
    weights = head.state_dict()
    save_model(path, INFO, {**NETWORK, "channels": 3}, weights)
    with pytest.raises(InputError, match=r"the weights do not fit the network \(size mismatch.*retrain") as refused:
        load_model(path, CPU)
    assert "\n" not in str(refused.value)
    save_with_scheme(path, "potsdam", weights)
    with pytest.raises(InputError, match=r"expected the names and colours of classes, or one of openearthmap, found"):
        load_model(path, CPU)


def test_a_network_of_classes_that_nobody_has_registered_names_the_cure(head, tmp_path):
    path = tmp_path / "model.pth"
    save_model(path, INFO, {**NETWORK, "type": "HeadOfAGuest"}, head.state_dict())
    with pytest.raises(
        InputError, match=r"the network can not be built \(.*HeadOfAGuest.*; name the Python module"
    ) as told:
        load_model(path, CPU)
    assert "\n" not in str(told.value)


def test_weights_on_gradient_are_saved_without_it(saved):
    content = torch.load(saved, weights_only=True)
    assert json.loads(content["network"]) == NETWORK
    assert not any(value.requires_grad for value in content["weights"].values())
