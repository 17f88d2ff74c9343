"""What messages tell the user to set, call or read is there, and is taken."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from stage_configs import CONFIGS, refusals

from landcover.profiles.defaults import all_values
from landcover.profiles.profile import Profile
from landcover.profiles.stage_variables import stage_variables
from landcover.profiles.variables import NAMES
from landcover.training.config import load_config
from stage2_sar_seg.label_folder import OF_PUBLISHED

ROOT = Path(__file__).parents[1]
ROOMS = ("landcover", "ensemble", "stage1_optical_da", "stage2_sar_seg", "tools")


def messages() -> Iterator[tuple[str, str]]:
    """Place and text of every constant of a module that raises `InputError`; what is filled in is `{}`."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if "InputError(" not in source:
                continue
            nodes = list(ast.walk(ast.parse(source)))
            comments = {node.value for node in nodes if isinstance(node, ast.Expr)}
            for node in nodes:
                if node in comments:
                    continue
                if isinstance(node, ast.JoinedStr):
                    parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", "".join(map(str, parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and ";" in node.value:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


ALL = list(messages())


def found(pattern: str) -> list[tuple[str, ...]]:
    """What a pattern finds in all messages, each once."""
    texts = {match if isinstance(match, tuple) else (match,) for _, text in ALL for match in re.findall(pattern, text)}
    return sorted(texts)


def names_in(config: object) -> set[str]:
    """All keys of a config, however deep."""
    if isinstance(config, Mapping):
        return {*config, *(name for value in config.values() for name in names_in(value))}
    return {name for value in config for name in names_in(value)} if isinstance(config, list) else set()


# A key from the depth of a config must be told with those above it.
KNOWN = {name for paths in CONFIGS.values() for path in paths for name in names_in(load_config(path).to_dict())}
OPTIONS = [
    option
    for (option,) in found(r"\b([a-z_]+(?:\.\w+)*=[\w{}':,.]+)")
    if option.partition("=")[0].partition(".")[0] in KNOWN and not option.endswith("=FOLDER")  # of tools.map_tiles
]


def test_there_are_messages() -> None:
    assert len(ALL) > 200 and len(OPTIONS) >= 5


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_a_message_names_is_taken(option: str) -> None:
    refused = refusals(option.replace("{}", "1").rstrip(".,:"))
    assert len(refused) < len(CONFIGS), refused


@pytest.mark.parametrize(("name", "value"), found(r"\b([A-Z][A-Z_]{2,})=(\w*[a-z\d]\w*)"))
def test_a_value_of_a_variable_that_a_message_names_is_taken(name: str, value: str) -> None:
    assert name in NAMES
    assert all_values(Profile("mine.sh", {name: value}, {}), ROOT)[name] in (value, (value,))


@pytest.mark.parametrize("name", [name for (name,) in found(r"(?:set|correct|in|to) ([A-Z]{3,}(?:_[A-Z]+)+)\b")])
def test_a_variable_that_a_message_names_is_declared(name: str) -> None:
    assert name in NAMES


@pytest.mark.parametrize("script", [script for (script,) in found(r"\b(tools/[\w.]+\.sh|configs/[\w/]+)")])
def test_a_file_that_a_message_names_is_there(script: str) -> None:
    assert (ROOT / script).exists()


@pytest.mark.parametrize("module", [module for (module,) in found(r"python -m ([\w.]+)")])
def test_a_module_that_a_message_names_is_there(module: str) -> None:
    assert importlib.util.find_spec(module) is not None


def test_published_models_can_be_set_to_nothing() -> None:
    assert OF_PUBLISHED.endswith("set PUBLISHED_MODELS to nothing")
    given = {"OEM_ROOT": "/o", "DFC_ROOT": "/d", "RUN_DIR": "r", "TEACHERS": "a.py", "SAR_MODELS": "b.py"}
    values = stage_variables(Profile("mine.sh", given, {}), ROOT)
    assert values["PUBLISHED_MODELS"] == values["PUBLISHED_NAMES"] == ()
