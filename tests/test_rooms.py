"""Which folder may import which, and what may lie at the top of the repository."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "landcover": set(),
    "ensemble": {"landcover"},
    "stage1_optical_da": {"landcover", "ensemble"},
    "stage2_sar_seg": {"landcover"},
    "configs": set(),
    "tools": {"landcover", "ensemble", "stage1_optical_da", "stage2_sar_seg"},
}
ROOMS = {*MAY_IMPORT, "tests"}

TOP_LEVEL = {
    "README.md", "requirements.txt", "pyproject.toml", "LICENSE", "docs", "landcover", "ensemble",
    "stage1_optical_da", "stage2_sar_seg", "configs", "tools", "tests",
}  # fmt: skip


def rooms_named_in(source: str) -> Iterator[tuple[int, str]]:
    """Line and room of every import, and of every text that is the name of a module."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"\w+(\.\w+)+", node.value)
        ):
            names = [node.value]
        for name in names:
            room = name.split(".")[0]
            if room in ROOMS:
                yield node.lineno, room


def test_imports_are_found_in_every_form():
    source = (
        "import landcover.raster\ndef f():\n  from ensemble import average\nm = 'stage1_optical_da.ema'\nimport os\n"
    )
    assert sorted(rooms_named_in(source)) == [(1, "landcover"), (3, "ensemble"), (4, "stage1_optical_da")]
    assert list(rooms_named_in("from . import raster\nx = 'run tools/10.sh'\n'ensemble'\n")) == []


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_it_may(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    wrong = [
        f"{path.relative_to(ROOT)}:{line} names {other}"
        for path in files
        for line, other in rooms_named_in(path.read_text(encoding="utf-8"))
        if other != room and other not in MAY_IMPORT[room]
    ]
    assert wrong == []


def test_nothing_else_lies_at_the_top():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git working tree")
    top = {name.split("/")[0] for name in listed.stdout.split("\0") if name}
    assert {name for name in top if not name.startswith(".")} - TOP_LEVEL == set()
    assert {"landcover", "requirements.txt", "tests"} <= top
