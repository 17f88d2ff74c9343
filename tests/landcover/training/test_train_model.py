import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook

from landcover.errors import InputError
from landcover.model_cards.origins import Origins
from landcover.networks.model_file import load_model
from landcover.processes.group import Processes
from landcover.run_files.manifest import read_manifest
from landcover.run_files.training_log import read_log
from landcover.training.runner import batch_share, loader_settings, schedule
from landcover.training.train_model import train_model


class StopAt(Hook):
    """Raises before the given iteration, counted from 1."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter + 1 == self.iteration:
            raise RuntimeError("power cut")


class PoisonAt(Hook):
    """Makes one weight NaN before the given iteration."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter + 1 == self.iteration:
            with torch.no_grad():
                next(runner.model.parameters()).fill_(float("nan"))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_model(folder / "model.pth", torch.device("cpu"))[0].state_dict()


def assert_equal_weights(first: Path, second: Path) -> None:
    ours, theirs = weights(first), weights(second)
    assert ours.keys() == theirs.keys()
    assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []


def test_a_resumed_training_ends_like_an_uninterrupted_one(make_training, one_process, tmp_path):
    assert train_model(make_training(tmp_path / "whole"), one_process)
    with pytest.raises(RuntimeError, match="power cut"):
        train_model(make_training(tmp_path / "cut", hooks=[StopAt(6)]), one_process)
    assert not (tmp_path / "cut/model.pth").exists()
    assert train_model(make_training(tmp_path / "cut"), one_process)
    assert_equal_weights(tmp_path / "whole", tmp_path / "cut")
    whole, cut = (read_log(tmp_path / name / "log.jsonl") for name in ("whole", "cut"))
    assert [line["iteration"] for line in cut] == [1, 2, 3, 4, 5, 6]
    assert [line["loss"] for line in cut] == [line["loss"] for line in whole]
    assert [line["lr"] for line in cut] == [line["lr"] for line in whole]


def test_a_finished_training_is_skipped_and_another_one_refused(make_training, one_process, tmp_path):
    folder = tmp_path / "model"
    assert train_model(make_training(folder, iterations=2, scored=True), one_process)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["README.md", "config.py", "log.jsonl", "manifest.json", "metrics.json", "model.pth"]
    assert [row["name"] for row in read_manifest(folder / "manifest.json")["files"]] == sorted(
        {*names} - {"manifest.json", "README.md"}
    )
    scores = json.loads((folder / "metrics.json").read_text())
    assert scores["labels"] == "published labels" and 0 <= scores["miou"] <= 1
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert train_model(make_training(folder, iterations=2, scored=True), one_process) is False
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    with pytest.raises(InputError, match=r"made_by\.seed: 0 there, 1 now"):
        train_model(make_training(folder, iterations=2, seed=1), one_process)
    with pytest.raises(InputError, match=r"made_by\.iterations: 2 there, 4 now|made_by\.config"):
        train_model(make_training(folder, iterations=4), one_process)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_finished_training_has_a_card_and_gets_the_one_that_it_lacks(make_training, one_process, tmp_path):
    origins = Origins(("demo",), {"mit_b0": ("tiny",)}, "published with the data", "python -m here tiny.py")
    training = replace(make_training(tmp_path, iterations=2, scored=True), origins=origins)
    assert train_model(training, one_process)
    assert read_manifest(tmp_path / "manifest.json")["about"] == json.loads(json.dumps(origins.record()))
    card = (tmp_path / "README.md").read_text()
    miou = json.loads((tmp_path / "metrics.json").read_text())["miou"]
    assert "# tiny\n" in card and "**Not for commercial use**" in card and "python -m here tiny.py" in card
    assert re.search(rf"\| published labels +\|.*\| +{100 * miou:.1f} \|", card)
    (tmp_path / "README.md").unlink()
    assert train_model(training, one_process) is False
    assert (tmp_path / "README.md").read_text() == card


def test_a_training_finished_by_other_processes_is_finished(make_training, one_process, tmp_path):
    with pytest.raises(RuntimeError, match="power cut"):
        train_model(make_training(tmp_path, hooks=[StopAt(4)]), one_process)
    unfinished = tmp_path / "unfinished.json"
    unfinished.write_text(unfinished.read_text().replace('"processes": 1', '"processes": 4'))
    with pytest.raises(InputError, match=r"made_by\.processes: 4 there, 1 now"):
        train_model(make_training(tmp_path), one_process)
    unfinished.write_text(unfinished.read_text().replace('"processes": 4', '"processes": 1'))
    assert train_model(make_training(tmp_path), one_process)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"processes": 1', '"processes": 4'))
    assert train_model(make_training(tmp_path), one_process) is False


def test_only_the_first_process_reads_what_is_hashed(make_training, one_process, tmp_path, monkeypatch):
    assert train_model(make_training(tmp_path, iterations=2), one_process)
    monkeypatch.setattr(Processes, "gather", lambda self, value: [(True, True), value])  # the first one has found all
    asked, training = [], make_training(tmp_path, iterations=2)
    second = replace(training, inputs=lambda: asked.append(1) or training.inputs())
    assert train_model(second, Processes(1, 2, torch.device("cpu"))) is False
    assert asked == []
    assert train_model(second, one_process) is False
    assert asked == [1]


def test_an_interrupted_training_of_another_config_is_refused(make_training, one_process, tmp_path):
    with pytest.raises(RuntimeError, match="power cut"):
        train_model(make_training(tmp_path, hooks=[StopAt(4)]), one_process)
    with pytest.raises(InputError, match=r"holds files made from something else \(made_by\.config"):
        train_model(make_training(tmp_path, "optim_wrapper.optimizer.lr=0.5"), one_process)
    assert (tmp_path / "checkpoints/iter_2.pth").exists()


def test_the_same_training_gives_the_same_weights_and_another_seed_others(make_training, one_process, tmp_path):
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        train_model(make_training(tmp_path / name, iterations=2, seed=seed), one_process)
    assert_equal_weights(tmp_path / "one", tmp_path / "again")
    assert (tmp_path / "one/model.pth").read_bytes() == (tmp_path / "again/model.pth").read_bytes()
    key = "decode_head.conv_seg.weight"
    assert not torch.equal(weights(tmp_path / "one")[key], weights(tmp_path / "other")[key])


# 300 iterations log every third, so that the loss is looked at after the checkpoint of iteration 4
@pytest.mark.parametrize(("iterations", "poisoned"), [(6, 4), (300, 4)])
def test_a_loss_that_is_not_finite_stops_and_keeps_a_sound_checkpoint(
    make_training, one_process, tmp_path, iterations, poisoned
):
    with pytest.raises(InputError, match=r"tiny: .*lower optim_wrapper\.optimizer\.lr, delete \S+ and run again"):
        train_model(make_training(tmp_path, iterations=iterations, hooks=[PoisonAt(poisoned)]), one_process)
    assert Path((tmp_path / "checkpoints/last_checkpoint").read_text()).name == "iter_2.pth"
    checkpoint = torch.load(tmp_path / "checkpoints/iter_2.pth", weights_only=False)
    assert all(bool(value.isfinite().all()) for value in checkpoint["state_dict"].values())
    assert not (tmp_path / "model.pth").exists() and not (tmp_path / "manifest.json").exists()


def test_a_training_whose_newest_checkpoint_is_damaged_goes_on_from_the_one_before(
    make_training, one_process, tmp_path
):
    train_model(make_training(tmp_path / "whole"), one_process)
    folder = tmp_path / "cut"
    with pytest.raises(RuntimeError, match="power cut"):
        train_model(make_training(folder, hooks=[StopAt(5)]), one_process)
    path = folder / "checkpoints/iter_4.pth"
    path.write_bytes(path.read_bytes()[:1000])
    (folder / "checkpoints/last_checkpoint").write_text("")  # what a kill can leave of it
    train_model(make_training(folder), one_process)
    assert_equal_weights(tmp_path / "whole", folder)


def test_checkpoints_are_on_the_disk_before_the_one_before_is_deleted(
    make_training, one_process, tmp_path, disk_events
):
    train_model(make_training(tmp_path, iterations=6), one_process)
    checkpoints = [f"iter_{n}.pth" for n in (2, 4, 6)]
    synced = [disk_events.index(("name", name)) for name in checkpoints]
    assert synced == sorted(synced)
    for name, at in zip(checkpoints, synced, strict=True):
        assert disk_events[at - 1] == ("content", name) and disk_events[at + 1] == ("names in", "checkpoints")
        assert ("content", "log.jsonl") in disk_events[:at]


def test_a_damaged_checkpoint_is_named(make_training, one_process, tmp_path):
    with pytest.raises(RuntimeError, match="power cut"):
        train_model(make_training(tmp_path, hooks=[StopAt(4)]), one_process)
    path = tmp_path / "checkpoints/iter_2.pth"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"iter_2\.pth: expected a training checkpoint.*checkpoints to start"):
        train_model(make_training(tmp_path), one_process)
    assert (tmp_path / "unfinished.json").exists()


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ("model.backbone", "embed_dim", 8),
        ("model.decode_head", "channel", 8),
        ("model.backbone", "type", "MixVisionTransfomer"),
        ("optim_wrapper.optimizer", "weight_decoy", 0.1),
        ("optim_wrapper", "type", "OptimWraper"),
        ("train_dataloader", "batchsize", 2),
    ],
)
def test_a_config_that_does_not_build_is_refused_by_name(make_training, one_process, tmp_path, place, key, value):
    training = make_training(tmp_path)
    node = training.config
    for part in place.split("."):
        node = node[part]
    node[key] = value
    named = value if key == "type" else key
    with pytest.raises(InputError, match=f"model tiny: the config does not build .*{named}"):
        train_model(training, one_process)
    # a corrected config is another one, and the folder must not refuse it
    assert train_model(make_training(tmp_path, iterations=2), one_process)


def test_a_training_of_one_iteration_is_refused(make_training, one_process, tmp_path):
    with pytest.raises(InputError, match="iterations: expected at least 2, found 1"):
        train_model(make_training(tmp_path, iterations=1), one_process)
    assert not (tmp_path / "unfinished.json").exists()


def test_a_batch_that_does_not_divide_by_the_processes_is_refused(make_training, tmp_path):
    three = Processes(0, 3, torch.device("cpu"))
    with pytest.raises(InputError, match=r"batch_size: expected a multiple of the 3 processes .* found 2"):
        batch_share(make_training(tmp_path).config, three)


@pytest.mark.parametrize(("device", "pinned"), [("cpu", False), ("cuda", True)])
def test_loaders_pin_their_memory_beside_a_gpu(make_training, tmp_path, device, pinned):
    settings = loader_settings(make_training(tmp_path), Processes(0, 1, torch.device(device)))
    assert (settings["pin_memory"], settings["batch_size"]) == (pinned, 2)
    assert settings["persistent_workers"] == (settings["num_workers"] > 0) == pinned


def test_a_short_training_warms_up_for_a_tenth(make_training, tmp_path):
    warm_up, decay = schedule(make_training(tmp_path, iterations=400).config)
    assert (warm_up["begin"], warm_up["end"]) == (0, 40)
    assert (decay["begin"], decay["end"]) == (40, 400)
    warm_up, decay = schedule(make_training(tmp_path, iterations=80000).config)
    assert (warm_up["end"], decay["begin"], decay["end"]) == (1500, 1500, 80000)
