from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.memory.__main__ import main

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / "configs"

RunMain = Callable[..., tuple[int, str]]


def test_a_row_for_each_config_and_the_largest_figure_last(run_main: RunMain) -> None:
    names = ("teacher_segformer", "sar_segformer")
    options = ["--gpus", 2, "--option", "optim_wrapper.type=Bf16OptimWrapper", "--option", "crop_size=256"]
    code, printed = run_main(main, *(CONFIGS / "demo" / f"{name}.py" for name in names), *options)
    heads, teacher, sar_model, excluded, last = printed.splitlines()
    assert code == 0
    assert re.split(" {2,}", heads)[:3] == ["config", "stage", "batch"]
    assert teacher.split()[:6] == ["demo/teacher_segformer", "1", "4", "256", "bf16", "no"]
    assert sar_model.split()[:6] == ["demo/sar_segformer", "2", "2", "256", "bf16", "no"]
    totals = [float(row.split()[-1]) for row in (teacher, sar_model)]
    assert totals[0] > totals[1] > 0.0
    assert "fragmentation" in excluded
    assert re.fullmatch(r"\d+\.\d GiB", last) and last == f"{max(totals):.1f} GiB"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["absent.py"], "error: absent.py: expected a training config, found none"),
        ([CONFIGS / "demo/sar_segformer.py", "--gpus", "0"], "error: --gpus: expected at least 1, found 0"),
        ([CONFIGS / "demo/sar_segformer.py", "--gpus", "3"], "error: train_dataloader.batch_size: expected a multiple"),
        ([CONFIGS / "demo/sar_segformer.py", "--option", "crop=1"], "error: option 'crop': the config has no key"),
    ],
)
def test_mistakes_are_told_in_one_line(run_main: RunMain, words: list[object], message: str) -> None:
    code, line = run_main(main, *words)
    assert code == 2 and line.startswith(message), line
