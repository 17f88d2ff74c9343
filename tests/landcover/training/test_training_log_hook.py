from types import SimpleNamespace

import pytest
import torch

from landcover.errors import InputError
from landcover.training.training_log_hook import TrainingLogHook
from landcover.training_log import append_log, read_log


def train(hook, losses, start=0, max_iters=6, rank=0):
    runner = SimpleNamespace(rank=rank, iter=start, max_iters=max_iters)
    runner.optim_wrapper = SimpleNamespace(get_lr=lambda: {"lr": [0.1 * (runner.iter + 1)]})
    hook.before_train(runner)
    for loss in losses:
        hook.after_train_iter(runner, runner.iter, outputs={"loss": torch.tensor(loss), "acc": torch.tensor(1.0)})
        runner.iter += 1
    hook.after_train(runner)


def test_lines_hold_means_over_the_interval_and_a_last_one_the_rest(tmp_path):
    train(TrainingLogHook(tmp_path / "log.jsonl", "model", 2), [1.0, 3.0, 5.0, 6.0, 8.0], max_iters=5)
    assert read_log(tmp_path / "log.jsonl") == [
        {"iteration": 2, "lr": pytest.approx(0.2), "loss": 2.0, "acc": 1.0},
        {"iteration": 4, "lr": pytest.approx(0.4), "loss": 5.5, "acc": 1.0},
        {"iteration": 5, "lr": pytest.approx(0.5), "loss": 8.0, "acc": 1.0},
    ]


def test_resuming_cuts_off_what_will_be_trained_again(tmp_path):
    path = tmp_path / "log.jsonl"
    train(TrainingLogHook(path, "model", 1), [1.0, 2.0, 3.0, 4.0])
    append_log(path, {"iteration": 4, "validation_miou": 0.5})
    path.write_text(path.read_text() + '{"iteration": 5, "lo')
    train(TrainingLogHook(path, "model", 1), [30.0, 40.0], start=2)
    assert [(line["iteration"], line["loss"]) for line in read_log(path)] == [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_training(tmp_path, value):
    with pytest.raises(InputError, match=rf"model: the loss is {value} at iteration 4; lower optim_wrapper"):
        train(TrainingLogHook(tmp_path / "log.jsonl", "model", 2), [1.0, 1.0, value, 1.0, 1.0])
    assert [line["iteration"] for line in read_log(tmp_path / "log.jsonl")] == [2]


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    hook, runner = TrainingLogHook(tmp_path / "log.jsonl", "model", 9), SimpleNamespace(iter=3)
    sound = {"a": torch.ones(2), "count": torch.tensor(3)}
    hook.before_save_checkpoint(runner, {"state_dict": sound})
    with pytest.raises(InputError, match="model: b is not finite at iteration 4; lower optim_wrapper"):
        hook.before_save_checkpoint(runner, {"state_dict": {**sound, "b": torch.tensor([0.0, float("inf")])}})


def test_other_processes_write_and_print_nothing(tmp_path, capsys):
    train(TrainingLogHook(tmp_path / "log.jsonl", "model", 1), [1.0], rank=1)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""


def test_the_end_shows_the_loss(tmp_path, capsys):
    train(TrainingLogHook(tmp_path / "log.jsonl", "model", 2), [1.0, 2.0], max_iters=2)
    first, last = capsys.readouterr().err.splitlines()
    assert first == "model: 0/2"
    assert last.startswith("model: 2/2, ") and last.endswith(", loss 1.500")
