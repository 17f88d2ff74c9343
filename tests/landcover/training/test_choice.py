"""Trainings that export the model of the iteration that a rule chooses."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from landcover.errors import InputError
from landcover.networks.model_file import load_model
from landcover.run_files.manifest import read_manifest
from landcover.run_files.training_log import read_log
from landcover.training import train_model as train_model_module
from landcover.training import validation_hook
from landcover.training.candidates import Candidates
from landcover.training.evaluation import Evaluation
from landcover.training.train_model import train_model
from landcover.training.training_log_hook import TrainingLogHook

VALUES = {"early": {2: 0.3, 4: 0.8, 6: 0.5, 8: 0.4}, "tied": {2: 0.5, 4: 0.2, 6: 0.5, 8: 0.1}}


class Script(Hook):
    """Gives the values of `VALUES` for the iteration it is at, and keeps the weights that were evaluated."""

    priority = "VERY_HIGH"

    def __init__(self):
        self.iteration, self.weights = 0, {}
        self.evaluation = Evaluation(tuple(VALUES), self.values)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.iteration = runner.iter + 1

    def values(self, model, processes):
        self.weights[self.iteration] = {name: value.clone() for name, value in model.state_dict().items()}
        return {name: values[self.iteration] for name, values in VALUES.items()}


@pytest.fixture
def scripted(make_training):
    """A training of eight iterations, evaluated at every second, saved at 3 and 6."""

    def make(folder, rule, scored=True, script=None):
        script = script or Script()
        options = (f"choose={rule}", "validation_interval=2", "checkpoint_interval=3")
        training = make_training(folder, *options, iterations=8, hooks=[script], scored=scored)
        return replace(training, further_evaluations=[script.evaluation])

    return make


def exported(folder: Path) -> dict[str, torch.Tensor]:
    return load_model(folder / "model.pth", torch.device("cpu"))[0].state_dict()


def assert_equal(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []


def evaluated(folder: Path) -> list[dict[str, float]]:
    return [line for line in read_log(folder / "log.jsonl") if "early" in line]


@pytest.mark.parametrize(("rule", "iteration"), [("last", 8), ("early", 4), ("tied", 6)])
def test_the_model_of_the_chosen_iteration_is_exported_and_told(
    scripted, one_process, tmp_path, capsys, rule, iteration
):
    script = Script()
    assert train_model(scripted(tmp_path, rule, script=script), one_process)
    assert_equal(exported(tmp_path), script.weights[iteration])
    lines = {line["iteration"]: line for line in evaluated(tmp_path)}
    assert sorted(lines) == [2, 4, 6, 8]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["chosen"] == {"rule": rule, **lines[iteration]}
    assert metrics["miou"] == metrics["chosen"]["validation_miou"] and metrics["labels"] == "published labels"
    told = {"last": "", "early": "tiny: chose iteration 4 of 8 by early (0.800)\n"}
    assert capsys.readouterr().out == told.get(rule, "tiny: chose iteration 6 of 8 by tied (0.500)\n")
    manifest = read_manifest(tmp_path / "manifest.json")
    assert [row["name"] for row in manifest["files"]] == ["config.py", "log.jsonl", "metrics.json", "model.pth"]
    listed = [row["name"] for row in manifest["files"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*listed, "README.md", "manifest.json"])


def test_validation_miou_chooses_the_largest_logged_score_and_its_tiles_are_inputs(scripted, one_process, tmp_path):
    script = Script()
    assert train_model(scripted(tmp_path, "validation_miou", script=script), one_process)
    best = max(evaluated(tmp_path), key=lambda line: (line["validation_miou"], line["iteration"]))
    assert_equal(exported(tmp_path), script.weights[best["iteration"]])
    assert json.loads((tmp_path / "metrics.json").read_text())["miou"] == best["validation_miou"]
    assert sorted(read_manifest(tmp_path / "manifest.json")["inputs"]) == ["images", "validation"]


def test_a_rule_does_not_change_the_training(scripted, one_process, tmp_path):
    scripts = {rule: Script() for rule in ("last", "early")}
    for rule, script in scripts.items():
        train_model(scripted(tmp_path / rule, rule, script=script), one_process)
    for iteration in (2, 4, 6, 8):
        assert_equal(*(script.weights[iteration] for script in scripts.values()))
    assert evaluated(tmp_path / "last") == evaluated(tmp_path / "early")


@pytest.fixture(scope="module")
def whole():
    """Weights and log lines of uninterrupted trainings by rule, made once."""
    return {}


def interrupt(monkeypatch, owner, name, call):
    """Makes the `call`-th call (counted from 1) of a function fail before it does anything."""
    original, calls = getattr(owner, name), []

    def failing(*arguments, **named):
        calls.append(None)
        if len(calls) == call:
            raise RuntimeError("power cut")
        return original(*arguments, **named)

    monkeypatch.setattr(owner, name, failing)


KILLS = {
    "before the first checkpoint": ("early", TrainingLogHook, "after_train_iter", 3),
    "behind the best, before the second checkpoint": ("early", TrainingLogHook, "after_train_iter", 5),
    "behind the second checkpoint": ("early", TrainingLogHook, "after_train_iter", 7),
    "between the best candidate and its line": ("early", validation_hook, "append_log", 2),
    "between a later candidate and its line": ("tied", validation_hook, "append_log", 3),
    "between a line and its pruning": ("tied", Candidates, "prune", 3),
    "between a pruning and the checkpoint": ("tied", Runner, "save_checkpoint", 2),
    "at the last evaluation": ("early", validation_hook, "append_log", 4),
    "while the model is exported": ("early", train_model_module.shutil, "copyfile", 1),
    "while the exported model is scored": ("tied", train_model_module, "load_model", 1),
}
"""Rule, and what fails there at its n-th call."""


@pytest.mark.parametrize(("rule", "owner", "name", "call"), KILLS.values(), ids=KILLS.keys())
def test_a_killed_training_chooses_like_an_uninterrupted_one(
    scripted, one_process, tmp_path, monkeypatch, whole, rule, owner, name, call
):
    if rule not in whole:
        train_model(scripted(tmp_path / "whole", rule), one_process)
        whole[rule] = exported(tmp_path / "whole"), evaluated(tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupt(patch, owner, name, call)
        with pytest.raises(RuntimeError, match="power cut"):
            train_model(scripted(tmp_path / "cut", rule), one_process)
    assert not (tmp_path / "cut/manifest.json").exists()
    assert train_model(scripted(tmp_path / "cut", rule), one_process)
    weights, lines = whole[rule]
    assert_equal(exported(tmp_path / "cut"), weights)
    assert evaluated(tmp_path / "cut") == lines


def test_rules_that_nothing_is_logged_for_are_refused_before_the_training(
    scripted, make_training, one_process, tmp_path
):
    with pytest.raises(InputError, match=r"expected one of last, validation_miou, early, tied, .* found 'earlier'"):
        train_model(scripted(tmp_path / "a", "earlier"), one_process)
    with pytest.raises(InputError, match=r"expected one of last, early, tied, .* found 'validation_miou'"):
        train_model(scripted(tmp_path / "b", "validation_miou", scored=False), one_process)
    with pytest.raises(InputError, match=r"expected one of last, which are logged for it, found 'target_agreement'"):
        train_model(make_training(tmp_path / "c", "choose=target_agreement"), one_process)
    assert list(tmp_path.iterdir()) == []
