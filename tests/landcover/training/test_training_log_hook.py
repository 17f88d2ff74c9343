from types import SimpleNamespace

import pytest
import torch
from mmseg.structures import SegDataSample

from landcover.errors import InputError
from landcover.run_files.training_log import append_log, read_log
from landcover.training import training_log_hook
from landcover.training.training_log_hook import CHECK_INTERVAL, TrainingLogHook

NAN = float("nan")


def train(hook, losses, start=0, max_iters=6, rank=0, batch_of=lambda iteration: None):
    runner = SimpleNamespace(rank=rank, iter=start, max_iters=max_iters)
    runner.optim_wrapper = SimpleNamespace(get_lr=lambda: {"lr": [0.1 * (runner.iter + 1)]})
    hook.before_train(runner)
    for loss in losses:
        outputs = {"loss": torch.tensor(loss), "acc": torch.tensor(1.0)}
        hook.after_train_iter(runner, runner.iter, batch_of(runner.iter + 1), outputs)
        runner.iter += 1
    hook.after_train(runner)


def batch(*names):
    return {"inputs": [], "data_samples": [SegDataSample(metainfo={"img_path": name}) for name in names]}


def numbered(iteration):
    """Two files per batch, named after the iteration."""
    return batch(f"{iteration}a.tif", f"{iteration}b.tif")


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


@pytest.mark.parametrize("value", [NAN, float("inf")])
def test_a_loss_that_is_not_finite_stops_the_training_and_tells_its_batch(tmp_path, value):
    message = (
        rf"model: the loss is {value} at iteration 3 \(files of this batch: 3a\.tif, 3b\.tif\); lower optim_wrapper"
    )
    with pytest.raises(InputError, match=message):
        train(TrainingLogHook(tmp_path / "log.jsonl", "model", 2), [1.0, 1.0, value, NAN, 1.0], batch_of=numbered)
    assert [line["iteration"] for line in read_log(tmp_path / "log.jsonl")] == [2]


def test_batches_of_two_domains_tell_the_files_of_both(tmp_path):
    pair = {"source": batch("s.tif"), "target": batch("t.tif"), "seed": [1]}
    with pytest.raises(InputError, match=r"at iteration 1 \(files of this batch: s\.tif, t\.tif\);"):
        train(TrainingLogHook(tmp_path / "log.jsonl", "model", 1), [NAN], batch_of=lambda _: pair)


@pytest.mark.parametrize(("checkpoint_interval", "steps"), [(1000, CHECK_INTERVAL), (20, 20)])
def test_the_loss_is_looked_at_between_lines_and_before_checkpoints(tmp_path, checkpoint_interval, steps):
    hook = TrainingLogHook(tmp_path / "log.jsonl", "model", 1000, checkpoint_interval)
    losses = [1.0, 1.0, NAN, *[1.0] * 97]
    train(hook, losses[: steps - 1], max_iters=1000, batch_of=numbered)
    hook = TrainingLogHook(tmp_path / "log.jsonl", "model", 1000, checkpoint_interval)
    with pytest.raises(InputError, match=r"the loss is nan at iteration 3 \(files of this batch: 3a\.tif, 3b\.tif\)"):
        train(hook, losses[:steps], max_iters=1000, batch_of=numbered)


def test_the_device_is_waited_for_once_per_look(tmp_path, monkeypatch):
    looks = []
    monkeypatch.setattr(training_log_hook, "all_gather_object", lambda found: looks.append(found) or [found])
    train(TrainingLogHook(tmp_path / "log.jsonl", "model", 40), [1.0] * 120, max_iters=120)
    assert looks == [None] * 5  # at 40, 50, 80, 100 and 120
    assert [line["iteration"] for line in read_log(tmp_path / "log.jsonl")] == [40, 80, 120]


def train_in_process(processes, folder):
    """One of two processes that train; the loss of the second one breaks first."""
    rank = processes.rank
    losses = [1.0, 1.0, 1.0, NAN, NAN, NAN] if rank == 0 else [1.0, 1.0, NAN, NAN, NAN, NAN]
    with pytest.raises(InputError) as told:
        hook = TrainingLogHook(folder / "log.jsonl", "model", 6)
        train(hook, losses, rank=rank, batch_of=lambda iteration: batch(f"{rank}_{iteration}.tif"))
    return str(told.value)


def test_all_processes_stop_and_tell_the_files_of_the_one_that_broke_first(tmp_path, in_two_processes):
    told = in_two_processes(train_in_process, tmp_path)
    assert told[0] == told[1]
    assert told[0].startswith(
        "model: the loss is nan at iteration 3 (files of this batch: 1_3.tif); lower optim_wrapper"
    )


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
