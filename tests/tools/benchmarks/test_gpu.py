"""The benchmark of a GPU, with its smallest sizes on the CPU."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from landcover.prediction.views import FLIPS
from tools.benchmarks import _gpu_parts, gpu
from tools.benchmarks._device import use_float32
from tools.benchmarks._gpu_parts import VARIANTS, Place, prediction_rates
from tools.benchmarks._own_process import Values, Work, measured
from tools.benchmarks.gpu import PEAKS, STAGE1, STAGE2, STUB, Part, Sizes, derived, measure, parts

RunMain = Callable[..., tuple[int, str]]


def test_all_parts_run_on_a_cpu_with_the_smallest_sizes() -> None:
    command = ["bash", str(Path(gpu.__file__).with_suffix(".sh")), "--stub"]
    call = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert call.returncode == 0, call.stderr
    lines = call.stdout.splitlines()
    found = json.loads(lines[-1])
    assert found["card"] == "none (stub)" and not [name for name in found if name.endswith("_error")]
    names = [part.name for part in parts(STAGE1, STAGE2, STUB, "cpu")]
    assert [line.split()[0] for line in lines[1:-1]] == names
    for stage in ("stage1", "stage2"):
        for name in STUB.variants:
            assert found[f"{stage}_{name}_steps_per_second"] > 0
            assert found[f"{stage}_{name}_share_of_peak"] > 0
        assert found[f"{stage}_fp32_tflop"] == found[f"{stage}_tf32_tflop"] > 0
        assert f"{stage}_recomputed_tflop" not in found and f"{stage}_compiled_error" not in found
        assert found[f"{stage}_loader_over_step"] > 0
    # Student on source and mix with gradients and the teacher, against one pass with gradients.
    assert 2 < found["stage1_default_tflop"] / found["stage2_default_tflop"] < 2.6
    assert found["prediction_bf16_batch_2_windows_per_second"] > 0


def test_floating_point_operations_are_those_of_products_and_convolutions() -> None:
    weight, image = torch.randn(5, 3, requires_grad=True), torch.randn(2, 3, 8, 8)
    kernel = torch.randn(4, 3, 3, 3, requires_grad=True)

    def call() -> None:
        rows = torch.randn(7, 3) @ weight.T
        (rows.sum() + torch.nn.functional.conv2d(image, kernel).sum()).backward()

    product, convolution = 2 * 7 * 3 * 5, 2 * 2 * 4 * 3 * 9 * 36
    assert _gpu_parts._tflop(call) * 1e12 == pytest.approx(2 * (product + convolution))  # forward, and of weights


def test_parts_share_the_time_by_weight_and_what_one_leaves_is_for_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, limits = [100.0], []
    monkeypatch.setattr(gpu.time, "monotonic", lambda: clock[0])

    def run(work: Work, seconds: float) -> Values:
        limits.append(seconds)
        clock[0] += {"quick": 10, "slow": 300}.get(str(work().get("kind")), seconds)
        return work()

    kinds = {"a": "quick", "b": "slow", "c": "error", "d": "quick"}
    waiting = [Part(name, partial(dict, kind=kind), 2.0 if name == "b" else 1.0) for name, kind in kinds.items()]
    found = measure(waiting, 250, run)
    assert limits == [50, 120, 1, 1]  # 250 / 5, (250 - 10) * 2 / 4, nothing left
    assert found == {"a_kind": "quick", "b_kind": "slow", "c_kind": "error", "d_kind": "quick"}
    assert capsys.readouterr().out.splitlines()[2].split(maxsplit=1) == ["c", "kind error"]


def test_a_part_that_fails_is_told_and_the_others_go_on() -> None:
    waiting = [Part("a", partial(int, "x")), Part("b", partial(dict, rate=2.0))]
    assert measure(waiting, 10, lambda work, _: measured(work)) == {
        "a_error": "ValueError: invalid literal for int() with base 10: 'x'",
        "b_rate": 2.0,
    }


def test_shares_of_the_peak_and_loaders_follow_from_what_was_measured() -> None:
    values: dict[str, float | str] = {
        "matrix_fp32_tflops": 50.0, "matrix_tf32_tflops": 400.0, "matrix_bf16_tflops": 800.0,
        "stage1_default_tflop": 10.0, "stage1_default_steps_per_second": 8.0,
        "stage1_bf16_error": "OutOfMemoryError: CUDA out of memory",
        "stage1_recomputed_steps_per_second": 20.0, "stage1_loader_samples_per_second": 120.0,
        "stage2_bf16_steps_per_second": 3.0,
    }  # fmt: skip
    assert derived(values, batch=2) == {
        "stage1_default_share_of_peak": 0.2,
        "stage1_recomputed_share_of_peak": 0.25,
        "stage1_loader_over_step": 3.0,
    }


def test_the_parts_are_those_of_contest_configs_and_variants_are_options_that_these_have() -> None:
    found = {part.name: part for part in parts(STAGE1, STAGE2, Sizes(), "cuda")}
    assert set(VARIANTS) == set(PEAKS) and len(found) == 1 + 2 * len(VARIANTS) + 2 + 2
    assert found["stage1_compiled"].weight > found["stage1_bf16"].weight
    for config in (STAGE1, STAGE2):
        assert config.is_file()
        for variant in VARIANTS.values():
            assert _gpu_parts.load_config(config, variant.options).crop_size >= 768


def test_windows_that_do_not_fit_are_told_and_the_others_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def seconds(call: partial, *_: object) -> float:
        calls.append(call.args[2].batch)
        if calls[-1] == 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried\nto allocate")
        return 0.5

    monkeypatch.setattr(_gpu_parts, "median_seconds", seconds)
    found = prediction_rates(Place(STAGE2, STUB.options, 1, "cpu", 0.0), "fp32", (2, 4, 16))
    assert calls == [2, 4, 16]
    assert found["batch_4_error"] == "OutOfMemoryError: CUDA out of memory. Tried"
    assert found["batch_2_windows_per_second"] == found["batch_16_windows_per_second"] == 2 * 2 * len(FLIPS) / 0.5


def test_float32_is_multiplied_as_it_was_asked_for() -> None:
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        for kind, expected in (("tf32", ("high", True)), ("fp32", ("highest", False)), ("default", ("highest", False))):
            use_float32(kind)
            assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == expected
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch", 0], "error: --batch: expected at least 1, found 0; correct it"),
        (["--minutes", -1], "error: --minutes: expected a time above 0, found -1.0; correct it"),
        (["--stage2", "no.py"], "error: --stage2 no.py: expected a training config, found none; see configs/"),
        ([], "error: expected a GPU that torch can use, found none; run it where `nvidia-smi` lists one whose driver"),
    ],
)
def test_mistakes_are_told_in_one_line(
    run_main: RunMain, monkeypatch: pytest.MonkeyPatch, words: list[object], message: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    code, told = run_main(gpu.main, *words)
    assert (code, told[: len(message)]) == (2, message)
