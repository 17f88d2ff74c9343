"""What many tests need: registered classes, a tiny demo data set, commands run in this process."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from mmseg.registry import MODELS

from landcover.classes import OPEN_EARTH_MAP
from landcover.demo_scenes import DemoSizes, write_demo
from landcover.networks.model_file import ModelInfo, save_model
from landcover.prediction.export import export_to_onnx
from landcover.processes.group import Processes
from landcover.registry import register_all
from landcover.run_files.digest_cache import keep_digests
from landcover.sar.training_values import TrainingValues
from tools.benchmarks._scenes import TINY_NETWORK


@pytest.fixture(scope="session")
def registered() -> None:
    """Classes that configs name are known to mmengine."""
    register_all()


@pytest.fixture(scope="session")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `OpenEarthMap`, `DFC2025Track1` and `truth`; read only."""
    root = tmp_path_factory.mktemp("demo_root") / "data"
    sizes = DemoSizes(source_train=4, source_val=2, target_train=4, target_val=1, target_test=2, tile=64)
    write_demo(root, seed=1, sizes=sizes, quiet=True)
    return root


@pytest.fixture(scope="session")
def exported_pair(registered: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny SAR model of windows of 64 pixels, `model.pth` and `model.onnx`; read only.

    Tests are skipped where the optional packages are not installed.
    """
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason=f"the optional package {name} is not installed")
    folder = tmp_path_factory.mktemp("exported_pair")
    torch.manual_seed(0)
    network = MODELS.build(TINY_NETWORK)
    network.init_weights()
    torch.nn.init.normal_(network.decode_head.conv_seg.weight, std=2.0)
    info = ModelInfo("tiny", "sar", OPEN_EARTH_MAP, 64, TrainingValues((), "uint8", ((5.0, 60.0, 200.0),)))
    save_model(folder / "model.pth", info, TINY_NETWORK, network.state_dict())
    export_to_onnx(folder / "model.pth", folder / "model.onnx")
    return folder / "model.pth", folder / "model.onnx"


@pytest.fixture(autouse=True)
def no_digests_from_other_tests() -> Iterator[None]:
    """Commands leave this process with the digests of their run."""
    yield
    keep_digests(None)


@pytest.fixture
def disk_events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What gets on the disk, in order: the `content` of a file, its `name`, the `names in` a folder.

    Content is told by the name that the file is about to have, temporary or not.
    """
    events: list[tuple[str, str]] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        events.append(("names in" if path.is_dir() else "content", re.sub(r"^\.\d+\.", "", path.name)))
        fsync(descriptor)

    def renamed(old: Path, new: Path) -> None:
        replace(old, new)
        events.append(("name", Path(new).name))

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    return events


@pytest.fixture
def run_main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a main function with arguments: exit code, and the last line of stderr or all of stdout."""

    def run(main: Callable[[], None], *arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
        except SystemExit as end:
            errors = capsys.readouterr().err
            assert "Traceback" not in errors
            return int(end.code or 0), errors.strip().splitlines()[-1]
        return 0, capsys.readouterr().out

    return run


@pytest.fixture
def check_bf16_and_recomputation(
    run_main: Callable[..., tuple[int, str]], tmp_path: Path
) -> Callable[[Callable[[], None], Sequence[str], str], None]:
    """Trains `folder` of a run by `main`: bf16 and recomputed activations change losses by no more than rounding."""

    def check(main: Callable[[], None], arguments: Sequence[str], folder: str) -> None:
        losses, weights = [], []
        options = [
            "model.backbone.drop_path_rate=0.3",
            "optim_wrapper.type=Bf16OptimWrapper",
            "model.backbone.with_cp=True",
        ]
        for count in (1, 2, 3):
            words = [word for option in ["iterations=2", *options[:count]] for word in ("--option", option)]
            run = tmp_path / f"with_{count}"
            assert run_main(main, *arguments, "--run-dir", run, *words)[0] == 0
            lines = (run / folder / "log.jsonl").read_text().splitlines()
            losses.append([line["loss"] for line in map(json.loads, lines) if "loss" in line])
            weights.append(torch.load(run / folder / "model.pth", weights_only=True)["weights"])
        assert losses[1] == pytest.approx(losses[0], rel=0.02) and losses[1] != losses[0]
        assert losses[2] == pytest.approx(losses[1], rel=1e-4)
        assert {value.dtype for value in weights[1].values()} == {torch.float32, torch.int64}

    return check


@pytest.fixture
def in_two_processes(tmp_path: Path) -> Callable[..., list[Any]]:
    """Calls a function of a process and further arguments in both of two processes; returns what each has returned."""

    def run(function: Callable[..., Any], *arguments: Any) -> list[Any]:
        context = multiprocessing.get_context("fork")  # as loaders do; spawned ones would import for seconds
        found = context.Queue()
        store = f"file://{tmp_path / 'meeting'}"
        running = [context.Process(target=_in_process, args=(r, store, function, arguments, found)) for r in range(2)]
        for process in running:
            process.start()
        results = {}
        try:
            for _ in running:
                rank, result, error = found.get(timeout=60)
                assert error is None, error
                results[rank] = result
        finally:
            for process in running:
                process.join(10 if len(results) == 2 else 0)
                process.kill()
        return [results[rank] for rank in range(2)]

    return run


def _in_process(rank: int, store: str, function: Callable[..., Any], arguments: Sequence[Any], found: Any) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2")  # as torchrun does
    torch.set_num_threads(1)  # threads of the process that forked are not here
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    try:
        found.put((rank, function(Processes(rank, 2, torch.device("cpu")), *arguments), None))
    except BaseException:
        found.put((rank, None, traceback.format_exc()))
    dist.destroy_process_group()
