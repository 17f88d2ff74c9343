from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from landcover.errors import InputError
from landcover.networks.model_file import read_weights
from landcover.processes.group import Processes
from landcover.run_files.manifest import read_manifest
from landcover.run_files.training_log import read_log
from landcover.training.config import load_config
from landcover.training.train_model import train_model
from landcover.training.training import Training
from stage2_sar_seg.registration.matcher_training import matcher_training
from stage2_sar_seg.registration.model_file import read_matcher
from stage2_sar_seg.registration.pairs.demo import demo_pairs
from stage2_sar_seg.registration.pairs.pair_split import split_pairs
from stage2_sar_seg.registration.train import main

RunMain = Callable[..., tuple[int, str]]


@pytest.fixture
def arguments(demo_root: Path, tiny_matcher: Path, tmp_path: Path) -> list[str]:
    words = f"{tiny_matcher} --pairs demo --root {demo_root} --labelled 1/2 --run-dir {tmp_path / 'run'}"
    return words.split()


@pytest.fixture
def make_training(registered: None, demo_root: Path, tiny_matcher: Path) -> Callable[..., Training]:
    def make(folder: Path, *options: str) -> Training:
        split = split_pairs(demo_pairs(demo_root), 0.5, None, "footprint", seed=0)
        return matcher_training("tiny", load_config(tiny_matcher, options, "registration"), split, folder, seed=0)

    return make


class StopAt(Hook):
    """Raises before the given iteration, counted from 1."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        if runner.iter + 1 == self.iteration:
            raise RuntimeError("power cut")


def test_a_matcher_is_trained_tested_and_written_to_a_model_file(
    run_main: RunMain, arguments: list[str], tmp_path: Path
) -> None:
    words = [*arguments, "--hold-out", "0.25"]
    code, output = run_main(main, *words)
    folder = tmp_path / "run" / "matchers" / "tiny"
    assert code == 0, output
    counts, note, wrote, heads, row = output.splitlines()
    assert counts == "2 labelled pairs, 1 unlabelled, 1 of the test"
    assert note == "1 of 4 tiles held out: 1 of 4 groups of overlapping footprints"
    assert wrote == f"wrote {folder / 'model.pth'}"
    assert heads.split("  ")[0] == "matcher" and row.split()[:2] == ["tiny", "trained"]

    *lines, last = read_log(folder / "log.jsonl")
    names = {"loss", "loss_deep", "loss_shallow", "loss_pseudo", "loss_dependence"}
    assert [line["iteration"] for line in lines] == [1, 2, 3, 4] and names <= set(lines[0])
    assert row.split()[3:] == [
        f"{last['test_mean_error']:.2f}",
        f"{last['test_rmse']:.2f}",
        *(f"{100 * last[f'test_cmr_{limit}']:.1f}" for limit in (1, 2, 5)),
    ]
    assert sorted(read_manifest(folder / "manifest.json")["inputs"]) == ["labelled", "test", "unlabelled"]
    matcher = read_matcher(folder / "model.pth")
    assert (matcher.patch, matcher.search) == (32, 8)

    code, output = run_main(main, *words)
    assert code == 0 and output.splitlines()[-1].split()[:3] == ["tiny", "was", "there"]
    code, message = run_main(main, *words, "--labelled", "1")
    assert code == 2 and "holds files made from something else (inputs.labelled differs)" in message


def test_a_resumed_training_ends_like_an_uninterrupted_one(
    make_training: Callable[..., Training], tmp_path: Path
) -> None:
    alone = Processes(0, 1, torch.device("cpu"))
    assert train_model(make_training(tmp_path / "whole"), alone)
    with pytest.raises(RuntimeError, match="power cut"):
        train_model(replace(make_training(tmp_path / "cut"), hooks=[StopAt(4)]), alone)
    assert train_model(make_training(tmp_path / "cut"), alone)
    whole, cut = (read_weights(tmp_path / name / "model.pth") for name in ("whole", "cut"))
    assert whole.keys() == cut.keys() and not any(name.startswith("network.") for name in whole)
    assert [name for name in whole if not torch.equal(whole[name], cut[name])] == []


def trained(processes: Processes, training: Training) -> list[dict[str, float]]:
    """The log of a training by two processes."""
    assert train_model(training, processes)
    return read_log(training.folder / "log.jsonl")


def test_two_processes_train_on_what_one_would(
    make_training: Callable[..., Training],
    in_two_processes: Callable[..., list[list[dict[str, float]]]],
    tmp_path: Path,
) -> None:
    # One of the two gets all labelled samples, the other none.
    options = ("matching.independence_weight=0", "iterations=2")
    alone = trained(Processes(0, 1, torch.device("cpu")), make_training(tmp_path / "one", *options))
    first, second = in_two_processes(trained, make_training(tmp_path / "two", *options))
    assert first == second and [line["iteration"] for line in first] == [1, 2]
    weights = [read_weights(tmp_path / name / "model.pth") for name in ("one", "two")]
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, rtol=1e-3, atol=1e-4)
    assert len(alone) == 2


def test_supervised_training_takes_the_labelled_pairs_alone(
    run_main: RunMain, arguments: list[str], tmp_path: Path
) -> None:
    option = ["--option", "train_dataloader.dataset.unlabelled_per_labelled=0", "--option", "iterations=2"]
    code, output = run_main(main, *arguments, *option)
    assert code == 0, output
    folder = tmp_path / "run" / "matchers" / "tiny"
    assert "loss_pseudo" not in read_log(folder / "log.jsonl")[0]
    assert sorted(json.loads((folder / "manifest.json").read_text())["inputs"]) == ["labelled"]
    assert output.splitlines()[-1].split()[-5:] == ["-"] * 5  # nothing was held out


def test_mistakes_are_told_in_one_line(run_main: RunMain, arguments: list[str], tmp_path: Path) -> None:
    absent, segmentor = tmp_path / "absent", Path(__file__).parents[3] / "configs/demo/sar_segformer.py"
    cases = {
        f"error: {absent / 'DFC2025Track1'}: expected the OpenEarthMap-SAR folder": [*arguments, "--root", str(absent)],
        f"error: {segmentor}: missing key 'matching' (matchers only": [str(segmentor), *arguments[1:]],
        "error: --labelled: expected a share above 0 and up to 1, found 2": [*arguments, "--labelled", "2"],
        "error: option 'matching.bin': the config has no key 'bin' (did you mean 'bins'?)": [
            *arguments, "--option", "matching.bin=3"
        ],
        "error: compile: expected False for a matcher, found True": [*arguments, "--option", "compile=True"],
        "error: model tiny: choose: expected one of last, test_cmr_1": [
            *arguments, "--hold-out", "0.25", "--option", "choose=validation_miou"
        ],
        "error: model tiny: the config does not build": [*arguments, "--option", "model.type=S2M3"],
    }  # fmt: skip
    for expected, words in cases.items():
        code, message = run_main(main, *words)
        assert code == 2 and message.startswith(expected), message


def test_tiles_that_are_smaller_than_the_window_are_refused(
    make_training: Callable[..., Training], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"TrainArea_\d+\.tif: expected 66 pixels or more in every direction"):
        train_model(make_training(tmp_path / "large", "crop_size=50"), Processes(0, 1, torch.device("cpu")))
    assert not (tmp_path / "large").exists()
