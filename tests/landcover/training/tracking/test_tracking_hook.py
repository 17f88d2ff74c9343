import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mmengine.hooks import Hook

from landcover.errors import InputError
from landcover.processes.group import Processes
from landcover.run_files.training_log import read_log
from landcover.training.tracking import tracking_hook
from landcover.training.tracking.tracking_hook import TRACKED_NAME, TrackingHook
from landcover.training.train_model import train_model

TENSORBOARD = "tracking/tensorboard"


class StopAt(Hook):
    """Raises before the given iteration, counted from 1."""

    def __init__(self, iteration):
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter + 1 == self.iteration:
            raise RuntimeError("power cut")


class Memory:
    """A tracker that keeps what it gets; `fails` names iterations at which it fails once each."""

    def __init__(self):
        self.opened, self.config, self.points, self.images, self.closed = [], None, [], [], 0
        self.fails = set()

    def open(self, name, folder, run_name, run):
        self.opened.append((name, folder, run_name, run))
        self.run = run or "first"
        return self

    def add_config(self, config):
        if "settings" in self.fails:
            raise RuntimeError("no such server\nlong story")
        self.config = config

    def add_scalars(self, scalars, step):
        if step in self.fails:
            self.fails.remove(step)
            raise ConnectionError("server is away")
        self.points += [(step, name, value) for name, value in scalars.items()]

    def add_image(self, name, image, step):
        self.images.append((step, name, image))

    def flush(self):
        pass

    def close(self):
        self.closed += 1

    def curve(self, name):
        return {step: value for step, curve, value in self.points if curve == name}


@pytest.fixture
def memory(monkeypatch):
    tracker = Memory()
    monkeypatch.setattr(tracking_hook, "build_tracker", tracker.open)
    return tracker


@pytest.fixture
def tracked(make_training):
    def make(folder, *options, **settings):
        options = ("validation_interval=2", "checkpoint_interval=2", *options)
        return replace(make_training(folder, *options, scored=True, **settings), tracker="tensorboard")

    return make


def logged(folder: Path, name: str) -> dict[float, float]:
    return {line["iteration"]: line[name] for line in read_log(folder / "log.jsonl") if name in line}


def test_a_tracker_gets_settings_every_value_of_the_log_and_maps_and_the_weights_stay_the_same(
    tracked, make_training, memory, one_process, tmp_path
):
    assert train_model(tracked(tmp_path / "tracked"), one_process)
    plain = make_training(tmp_path / "plain", "validation_interval=2", "checkpoint_interval=2", scored=True)
    assert train_model(plain, one_process)
    assert memory.opened == [("tensorboard", tmp_path / "tracked" / TENSORBOARD, "tiny", None)] and memory.closed == 1
    lines = read_log(tmp_path / "plain/log.jsonl")
    assert {"loss", "lr", "validation_miou"} <= {name for _, name, _ in memory.points}
    assert memory.points == [
        (line["iteration"], *item) for line in lines for item in line.items() if item[0] != "iteration"
    ]
    assert (memory.config.model_name, memory.config.seed, memory.config.crop_size) == ("tiny", 0, 32)
    assert Counter(step for step, _, _ in memory.images) == {2: 1, 4: 1, 6: 1}  # the only tile at every evaluation
    _, name, image = memory.images[0]
    assert name == "maps/TrainArea_001" and image.shape == (64, 3 * 64 + 2 * 4, 3) and image.dtype == np.uint8
    models = [(tmp_path / name / "model.pth").read_bytes() for name in ("tracked", "plain")]
    assert models[0] == models[1]
    assert json.loads((tmp_path / "tracked" / TENSORBOARD / TRACKED_NAME).read_text()) == {
        "run": "first",
        "iteration": 6,
    }


def test_a_training_that_goes_on_continues_its_curves_and_doubles_nothing(tracked, memory, one_process, tmp_path):
    with pytest.raises(RuntimeError, match="power cut"):
        train_model(tracked(tmp_path, hooks=[StopAt(6)]), one_process)  # iteration 5 is tracked, 4 is saved
    assert sorted(memory.curve("loss")) == [1, 2, 3, 4, 5]
    assert train_model(tracked(tmp_path), one_process)
    assert memory.opened[1][3] == "first"
    assert [step for step, name, _ in memory.points if name == "loss"] == [1, 2, 3, 4, 5, 6]
    for name in ("loss", "validation_miou"):
        assert memory.curve(name) == logged(tmp_path, name)


def test_a_tracker_that_comes_later_gets_what_was_logged_before(tracked, memory, one_process, tmp_path):
    with pytest.raises(RuntimeError, match="power cut"):
        train_model(replace(tracked(tmp_path, hooks=[StopAt(4)]), tracker="none"), one_process)
    assert memory.opened == []
    assert train_model(tracked(tmp_path), one_process)
    assert memory.curve("loss") == logged(tmp_path, "loss") and len(memory.curve("loss")) == 6
    assert [step for step, _, _ in memory.images] == [4, 6]


def test_a_tracker_that_fails_does_not_end_the_training_and_gets_what_it_lacks(
    tracked, memory, one_process, tmp_path, capsys
):
    memory.fails = {2, 4}
    assert train_model(tracked(tmp_path), one_process)
    told = "warning: tiny: TRACKER=tensorboard failed (server is away); the training goes on"
    assert capsys.readouterr().out.count(told) == 1
    assert memory.curve("loss") == logged(tmp_path, "loss")


def test_a_tracker_that_can_not_be_opened_is_refused_in_a_line(tracked, memory, one_process, tmp_path):
    memory.fails = {"settings"}
    told = r"^TRACKER=tensorboard: expected it to take the settings of tiny, found no such server; .*TRACKER=none$"
    with pytest.raises(InputError, match=told):
        train_model(tracked(tmp_path), one_process)


def test_only_the_first_process_tracks(tracked, memory, one_process, tmp_path):
    TrackingHook(tracked(tmp_path), Processes(1, 2, one_process.device)).before_train(None)
    assert memory.opened == []


def test_tensorboard_files_hold_the_curves_of_the_log(tracked, one_process, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed: tools/optional_requirements.txt")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(RuntimeError, match="power cut"):
        train_model(tracked(tmp_path, hooks=[StopAt(4)]), one_process)
    assert train_model(tracked(tmp_path), one_process)
    assert len([*(tmp_path / TENSORBOARD).glob("events.out.tfevents.*")]) == 2
    events = EventAccumulator(str(tmp_path / TENSORBOARD), size_guidance={"scalars": 0, "images": 0}).Reload()
    names = {name for line in read_log(tmp_path / "log.jsonl") for name in line} - {"iteration"}
    assert {"loss", "lr", "validation_miou"} <= names == {*events.Tags()["scalars"]}
    for name in names:
        found = [(event.step, event.value) for event in events.Scalars(name)]
        assert found == [(n, pytest.approx(value, rel=1e-6)) for n, value in logged(tmp_path, name).items()]
    assert [event.step for event in events.Images("maps/TrainArea_001")] == [2, 4, 6]
    assert b"crop_size = 32" in events.Tensors("config/text_summary")[0].tensor_proto.string_val[0]
