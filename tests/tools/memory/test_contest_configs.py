"""The table of docs/stages.md is what the tool prints, and every contest config leaves 3 of 24 GiB free."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from landcover.training.config import load_config
from tools.memory.__main__ import main

ROOT = Path(__file__).parents[3]
CONFIGS = sorted([*(ROOT / "configs/stage1").glob("*.py"), *(ROOT / "configs/stage2").glob("*.py")])
LARGEST = ROOT / "configs/stage2/upernet_convnextv2-b_1024.py"

GPUS, LIMIT = 4, 21.0

RunMain = Callable[..., tuple[int, str]]


def quoted() -> list[str]:
    """Lines that the document quotes."""
    text = (ROOT / "docs" / "stages.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```\n(config +stage.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    return block.splitlines()


def test_every_contest_config_fits():
    _, *rows, _, last = quoted()
    totals = {row.split()[0]: float(row.split()[-1]) for row in rows}
    assert list(totals) == [f"{path.parent.name}/{path.stem}" for path in CONFIGS]
    assert max(totals.values()) <= LIMIT
    assert last == f"{max(totals.values()):.1f} GiB"
    assert f"at most {last} of each" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_row_says_what_its_config_says(path):
    (row,) = [line.split() for line in quoted() if line.split()[0] == f"{path.parent.name}/{path.stem}"]
    config = load_config(path)
    precision = {"OptimWrapper": "fp32", "Bf16OptimWrapper": "bf16"}[config.optim_wrapper.type]
    recomputed = "yes" if config.model.backbone.with_cp else "no"
    share = str(config.train_dataloader.batch_size // GPUS)
    assert row[1:6] == [path.parent.name[-1], share, str(config.crop_size), precision, recomputed]


def test_the_largest_row_is_what_the_tool_prints(run_main: RunMain):
    code, printed = run_main(main, LARGEST, "--gpus", GPUS)
    _, row, _, last = printed.splitlines()
    assert code == 0 and last == quoted()[-1]
    assert row.split() in [line.split() for line in quoted()]


@pytest.mark.slow
def test_the_tool_prints_the_table(run_main: RunMain):
    assert run_main(main, *CONFIGS, "--gpus", GPUS) == (0, "\n".join(quoted()) + "\n")
