import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.hooks import CheckpointHook
from mmengine.runner.priority import get_priority
from torch import nn

from landcover.data_sets.training_tiles import TrainingTile
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.processes.group import Processes
from landcover.run_files.training_log import read_log
from landcover.training.candidates import Candidates
from landcover.training.evaluation import Evaluation
from landcover.training.training_log_hook import TrainingLogHook
from landcover.training.validation_hook import ValidationHook, ValidationTiles, validate, validation_score


class ByGreyValue(nn.Module):
    """Logits that favour class v at grey value v."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.data_preprocessor = nn.Module()
        self.data_preprocessor.register_buffer("mean", torch.zeros(1, 1, 1))
        self.data_preprocessor.register_buffer("std", torch.ones(1, 1, 1))
        self.modes = []

    def forward(self, images, mode="tensor"):
        self.modes.append(self.training)
        classes = torch.arange(8.0).view(1, 8, 1, 1)
        return -10 * (images - classes).abs()


@pytest.fixture
def validation(tmp_path):
    """Two tiles; the model is right but for one pixel of class 1 (a road, index 3)."""
    grey = np.array([[0, 0], [3, 3]], np.uint8).repeat(4, 0).repeat(4, 1)
    labels = grey + np.uint8(1)
    labels[0, 0] = 4
    labels[7, 7] = 0
    for name in ("a", "b"):
        write_raster(tmp_path / f"{name}.tif", grey)
        write_raster(tmp_path / f"{name}_labels.tif", labels)
    tiles = [TrainingTile(tmp_path / f"{name}.tif", tmp_path / f"{name}_labels.tif") for name in ("a", "b")]
    return ValidationTiles(tiles, "test labels")


def expected_counts():
    counts = np.zeros((8, 8), np.int64)
    counts[0, 0], counts[3, 0], counts[3, 3] = 31, 1, 31
    return counts


def test_scores_are_those_of_the_tiles_and_the_mode_is_put_back(validation, one_process):
    model = ByGreyValue().train()
    matrix = validate(model, validation, "sar", 8, one_process)
    np.testing.assert_array_equal(matrix.counts, 2 * expected_counts())
    assert matrix.summary("x")["miou"] == pytest.approx(31 / 32)
    assert model.training and model.modes and not any(model.modes)


def test_labels_where_the_image_has_no_data_do_not_count(validation, one_process):
    grey = np.array([[0.0, np.nan], [3.0, 3.0]], np.float32).repeat(4, 0).repeat(4, 1)
    for tile in validation.tiles:
        write_raster(tile.image, grey)
    counts = expected_counts()
    counts[0, 0] = 15
    np.testing.assert_array_equal(validate(ByGreyValue(), validation, "sar", 8, one_process).counts, 2 * counts)


def test_processes_share_the_tiles(validation):
    shares = [Processes(rank, 2, torch.device("cpu")) for rank in range(2)]
    assert [processes.share(validation.tiles) for processes in shares] == [
        [validation.tiles[0]],
        [validation.tiles[1]],
    ]


def counts_of(processes, validation):
    return validate(ByGreyValue(), validation, "sar", 8, processes).counts


@pytest.mark.parametrize("tiles", [1, 2])
def test_all_processes_get_the_matrix_of_all_tiles(validation, in_two_processes, tiles):
    shared = in_two_processes(counts_of, replace(validation, tiles=validation.tiles[:tiles]))
    np.testing.assert_array_equal(shared, [tiles * expected_counts()] * 2)


class FakeRun:
    """Runs the hook for iterations of a model that is its own iteration."""

    def __init__(self, folder, evaluations, processes, interval=2, candidates=None):
        self.log = folder / "log.jsonl"
        self.hook = ValidationHook(self.log, evaluations, interval, processes, self.export, candidates)

    def export(self, model, path):
        path.write_text(str(model.iteration))

    def run(self, start, end, max_iters=10):
        for iteration in range(start, end):
            model = SimpleNamespace(iteration=iteration + 1)
            self.hook.after_train_iter(SimpleNamespace(iter=iteration, max_iters=max_iters, model=model), iteration)


def values_of(**by_iteration):
    """An evaluation that looks its values up."""
    return Evaluation(
        tuple(by_iteration), lambda model, _: {name: by[model.iteration] for name, by in by_iteration.items()}
    )


def test_the_score_is_that_of_the_exported_model(validation, one_process):
    model = ByGreyValue()
    score = validation_score(validation, lambda outer: outer.inner, "sar", 8)
    assert score.names == ("validation_miou",)
    assert score.values(SimpleNamespace(inner=model), one_process) == {"validation_miou": pytest.approx(31 / 32)}


def test_all_values_are_in_one_line_at_every_interval_and_at_the_end(one_process, tmp_path):
    first, second = (values_of(**{name: {3: 0.25, 6: 0.5, 7: 0.75}}) for name in ("a", "b"))
    FakeRun(tmp_path, [first, second], one_process, interval=3).run(0, 7, max_iters=7)
    assert read_log(tmp_path / "log.jsonl") == [
        {"iteration": 3, "a": 0.25, "b": 0.25},
        {"iteration": 6, "a": 0.5, "b": 0.5},
        {"iteration": 7, "a": 0.75, "b": 0.75},
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


def test_all_processes_evaluate_and_the_first_one_writes(tmp_path):
    calls = []
    evaluation = Evaluation(("a",), lambda model, processes: calls.append(processes.rank) or {"a": 0.5})
    for rank in range(2):
        folder = tmp_path / str(rank)
        folder.mkdir()
        candidates = Candidates(folder, "a")
        processes = Processes(rank, 2, torch.device("cpu"))
        FakeRun(folder, [evaluation], processes, candidates=candidates).run(0, 2)
    assert calls == [0, 1]
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == ["candidate_2.pth", "log.jsonl"]
    assert list((tmp_path / "1").iterdir()) == []


def test_candidates_are_kept_as_long_as_any_continuation_may_choose_them(one_process, tmp_path):
    values = values_of(a={2: 0.5, 4: 0.4, 6: 0.6, 8: 0.3, 10: 0.6})
    run = FakeRun(tmp_path, [values], one_process, candidates=Candidates(tmp_path, "a"))

    def kept():
        assert all(path.read_text() == path.stem.split("_")[1] for path in tmp_path.glob("candidate_*"))
        return sorted(int(path.stem.split("_")[1]) for path in tmp_path.glob("candidate_*"))

    run.run(0, 4)
    assert kept() == [2]
    (tmp_path / "iter_5.pth").touch()
    run.run(4, 6)
    assert kept() == [2, 6]  # from the checkpoint of iteration 5, iteration 2 is the best so far
    run.run(6, 8)
    assert kept() == [2, 6]
    (tmp_path / "iter_8.pth").touch()
    run.run(8, 9)
    assert kept() == [2, 6]  # the checkpoint of iteration 8 may be damaged
    (tmp_path / "iter_5.pth").unlink()
    run.run(9, 10)
    assert kept() == [6, 10]


def test_a_value_that_is_not_finite_stops_the_training(one_process, tmp_path):
    with pytest.raises(InputError, match=r"a is nan at iteration 2; lower optim_wrapper\.optimizer\.lr, delete this"):
        FakeRun(tmp_path, [values_of(a={2: math.nan})], one_process).run(0, 2)
    assert list(tmp_path.iterdir()) == []


def test_it_runs_behind_the_losses_and_before_the_checkpoint():
    losses, checkpoint = (get_priority(hook.priority) for hook in (TrainingLogHook, CheckpointHook))
    assert losses <= get_priority(ValidationHook.priority) < checkpoint
