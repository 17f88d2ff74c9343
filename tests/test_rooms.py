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

# From the ground up: a room of landcover imports rooms of earlier lines alone, and of these only the ones named.
LANDCOVER_MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "places": {"errors"},
    "optional_packages": {"errors"},
    "profiles": {"errors", "places"},
    "quiet_mmseg": set(),
    "registry": {"errors", "quiet_mmseg"},  # names the modules that it imports as texts
    "classes": {"errors"},
    "metrics": {"classes", "errors"},
    "transport_solver": set(),
    "optimal_transport": {"errors", "transport_solver"},
    "processes": set(),
    "run_files": {"errors", "places", "processes"},
    "images": {"classes", "errors", "run_files"},
    "score_files": {"classes", "errors", "images", "run_files"},
    "sar": {"errors", "quiet_mmseg"},
    "transforms": {"classes", "errors", "images", "quiet_mmseg", "sar"},
    "losses": {"errors", "processes", "quiet_mmseg"},
    "networks": {
        "classes", "errors", "images", "optional_packages", "processes", "quiet_mmseg", "run_files", "sar",
    },
    "data_sets": {"classes", "errors", "images", "processes", "run_files", "transforms"},
    "data_check": {"classes", "data_sets", "errors", "images", "processes"},
    "demo_scenes": {"classes", "errors", "images", "processes", "run_files"},
    "prediction": {
        "classes", "errors", "images", "networks", "optional_packages", "places", "processes", "run_files", "sar",
        "score_files",
    },
    "labels": {
        "classes", "data_sets", "errors", "images", "metrics", "optimal_transport", "processes", "run_files",
    },
    "report": {"classes", "data_sets", "errors", "images", "metrics", "run_files", "score_files"},
    "model_cards": {"classes", "errors", "images", "networks", "report", "run_files", "sar"},
    "training": {
        "classes", "data_check", "data_sets", "errors", "images", "metrics", "model_cards", "networks",
        "optional_packages", "prediction", "processes", "quiet_mmseg", "report", "run_files", "sar",
    },
}  # fmt: skip

TOP_LEVEL = {
    "README.md", "requirements.txt", "pyproject.toml", "LICENSE", "docs", "landcover", "ensemble",
    "stage1_optical_da", "stage2_sar_seg", "configs", "tools", "tests",
}  # fmt: skip


def modules_named_in(source: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, and of every text that looks like the name of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"\w+(\.\w+)+", node.value)
        ):
            yield node.lineno, node.value


def rooms_named_in(source: str) -> Iterator[tuple[int, str]]:
    """Line and top-level room of everything that `modules_named_in` finds."""
    for line, name in modules_named_in(source):
        if name.split(".")[0] in ROOMS:
            yield line, name.split(".")[0]


def test_imports_are_found_in_every_form():
    source = (
        "import landcover.images\ndef f():\n  from ensemble import average\nm = 'stage1_optical_da.ema'\nimport os\n"
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


def test_the_rooms_of_landcover_are_those_of_the_table_and_stand_on_each_other_without_a_circle():
    found = {path.stem for path in (ROOT / "landcover").iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert found - {"__init__"} == set(LANDCOVER_MAY_IMPORT)
    below: set[str] = set()
    for room, others in LANDCOVER_MAY_IMPORT.items():
        assert others <= below, room
        below.add(room)


@pytest.mark.parametrize("room", sorted(LANDCOVER_MAY_IMPORT))
def test_a_room_of_landcover_imports_only_what_it_may(room):
    place = ROOT / "landcover" / room
    wrong = []
    for path in sorted(place.rglob("*.py")) or [place.with_suffix(".py")]:
        for line, name in modules_named_in(path.read_text(encoding="utf-8")):
            first, _, rest = name.partition(".")
            other = rest.split(".")[0]
            if first == "landcover" and other in LANDCOVER_MAY_IMPORT and other != room and room != "registry":
                wrong += [] if other in LANDCOVER_MAY_IMPORT[room] else [f"{path.name}:{line} names {name}"]
    assert wrong == []


def test_nothing_else_lies_at_the_top():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git working tree")
    top = {name.split("/")[0] for name in listed.stdout.split("\0") if name}
    assert {name for name in top if not name.startswith(".")} - TOP_LEVEL == set()
    assert {"landcover", "requirements.txt", "tests"} <= top
