"""What the README quotes from measured documents is what they say; what documents tell to type is understood."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from stage_configs import CONFIGS, refusals

from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.profiles.profile import read_profile
from landcover.profiles.stage_variables import stage_variables
from landcover.profiles.variables import NAMES
from landcover.training.band_statistics import band_statistics
from landcover.training.config import KEYS, load_config
from landcover.transforms.albumentation import IN_ITS_PLACE
from stage2_sar_seg.sar_training import sar_config

ROOT = Path(__file__).parents[1]


def tables(path: Path) -> list[str]:
    """Markdown tables of a document, each as one text."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line if line.startswith("|") else "" for line in lines).replace("\n\n", "\0").split("\0")


@pytest.mark.parametrize(("study", "heading"), [("stage1", "what it adds"), ("stage2", "| mIoU, n = ")])
def test_the_readme_quotes_the_measured_table(study: str, heading: str) -> None:
    (measured,) = [table.strip() for table in tables(ROOT / "docs" / f"{study}.md") if heading in table]
    assert measured in [table.strip() for table in tables(ROOT / "README.md")]


@pytest.mark.parametrize("study", ["stage1", "stage2"])
def test_the_reading_stands_in_the_document(study: str) -> None:
    reading = (ROOT / "tools" / "ablation" / f"{study}_reading.md").read_text(encoding="utf-8").strip()
    assert reading in (ROOT / "docs" / f"{study}.md").read_text(encoding="utf-8")


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OF_OTHER_PROGRAMS = {"PYTHONPATH", "PYTHON", "CUDA_VISIBLE_DEVICES"}


class Parsed(Exception):
    """A command has understood its arguments; it shall not run."""


def commands(path: Path) -> list[list[str]]:
    """Words of every command in the code of a document: of its bash blocks, and of spans that begin as one."""
    text = path.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^ *```bash\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL))
    plain = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", plain)]
    lines = [*blocks.replace("\\\n", " ").splitlines(), *(span for span in spans if re.match(r"(bash|python) ", span))]
    return [words for words in (shlex.split(line, comments=True) for line in lines) if assignments(words)[1]]


def assignments(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Variables before a command, and the command."""
    count = next((n for n, word in enumerate(words) if not re.match(r"[A-Z_]+=", word)), len(words))
    return dict(word.split("=", 1) for word in words[:count]), list(words[count:])


def module_of(words: Sequence[str]) -> tuple[str, list[str]]:
    """The Python module that a command starts, and its arguments."""
    start = list(words).index("python") if "python" in words else 0
    if words[0] == "bash":
        return "tools.map_scene", list(words[2:])
    if words[start + 1] == "-m":
        return words[start + 2], list(words[start + 3 :])
    return words[start + 1].removesuffix(".py").replace("/", "."), list(words[start + 2 :])


EVERY = [(path, words) for path in DOCUMENTS for words in commands(path)]
OF_STAGES = [(path, *assignments(words)) for path, words in EVERY if re.search(r"bash tools/(run|\d)", " ".join(words))]
OF_MODULES = [(path, assignments(words)[1]) for path, words in EVERY if {"python", "tools/map_scene.sh"} & set(words)]


def named(found: Sequence[tuple]) -> list[str]:
    return [f"{path.stem}-{number}" for number, (path, *_) in enumerate(found)]


def test_the_documents_hold_commands_and_none_is_of_another_kind() -> None:
    assert len(OF_STAGES) >= 8 and len(OF_MODULES) >= 12
    known = [words for _, *_, words in [*OF_STAGES, *OF_MODULES]]
    others = [words for _, words in EVERY if assignments(words)[1] not in known]
    assert others in ([], [["source", "tools/environment.sh"]] * len(others))


@pytest.mark.parametrize(("path", "words"), OF_MODULES, ids=named(OF_MODULES))
def test_a_command_is_understood(path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    name, arguments = module_of(words)
    folder = (ROOT / name.replace(".", "/")).is_dir()
    assert folder or (ROOT / f"{name.replace('.', '/')}.py").is_file()
    if not arguments:  # only named
        return

    def parse(parser: argparse.ArgumentParser, *given: object) -> None:
        original(parser, *given)
        raise Parsed

    original = argparse.ArgumentParser.parse_args
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    monkeypatch.setattr(sys, "argv", [name, *("0" if word == "S" else word for word in arguments)])  # any seed
    with pytest.raises(Parsed):
        importlib.import_module(f"{name}.__main__" if folder else name).main()
    missing = [word for word in arguments if re.match(r"configs/[\w/.-]+$", word) and not (ROOT / word).exists()]
    assert missing == []


@pytest.mark.parametrize(("path", "given", "words"), OF_STAGES, ids=named(OF_STAGES))
def test_a_stage_takes_its_variables_and_the_configs_their_options(
    path: Path, given: dict[str, str], words: list[str]
) -> None:
    script, *arguments = words[1:]
    assert (ROOT / script).is_file() and set(given) <= {*NAMES, *OF_OTHER_PROGRAMS}
    if script == "tools/run_tests.sh" or "--help" in arguments:
        return
    profile = ROOT / (arguments[0] if arguments else "configs/profiles/demo.sh")
    environment = {"PATH": os.environ["PATH"], "OEM_ROOT": "/o", "DFC_ROOT": "/d", **given}
    values = stage_variables(read_profile(str(profile), ROOT, environment), ROOT)
    for configs, options, stage in (("TEACHERS", "TEACHER_OPTIONS", 1), ("SAR_MODELS", "SAR_OPTIONS", 2)):
        for config in values[configs]:
            assert load_config(Path(config), values[options], stage)


OPTIONS = sorted(
    {
        option
        for path in DOCUMENTS
        for option in re.findall(r"[`\"]([a-z_]+(?:\.\w+)*=[^`\"\s]+)[`\"]", path.read_text(encoding="utf-8"))
        if "..." not in option and ("." in option.partition("=")[0] or option.partition("=")[0] in KEYS)
    }
)


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_a_document_names_is_one_of_every_config_of_a_stage(option: str) -> None:
    refused = refusals(option)
    assert len(refused) < 2, refused


def test_variables_that_documents_name_are_declared() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    found = set(re.findall(r"`([A-Z][A-Z_]+)=", text))
    assert len(found) >= 10 and found - {*NAMES, *OF_OTHER_PROGRAMS} == set()


JITTER = re.search(r"`(train_dataloader\.dataset\.augmentations\.\S+)`", DOCUMENTS[0].read_text(encoding="utf-8"))


@pytest.mark.parametrize("config", [*CONFIGS[2], *sorted((ROOT / "configs" / "demo").glob("sar_*.py"))])
def test_the_jitter_of_the_readme_takes_the_place_of_that_for_uint8_and_flips_stay(
    registered: None, tmp_path: Path, config: Path
) -> None:
    assert JITTER and JITTER[1] == IN_ITS_PLACE  # the message that an image of another type gets
    rng = np.random.default_rng(0)
    decibels = np.round(rng.normal(-12, 3, (64, 64)), 1).astype(np.float32)
    write_raster(tmp_path / "a.tif", decibels)
    write_raster(tmp_path / "labels.tif", np.ones((64, 64), np.uint8))
    tile = [TrainingTile(tmp_path / "a.tif", tmp_path / "labels.tif")]

    def samples(options: Sequence[str]) -> list[np.ndarray]:
        changed = sar_config(load_config(config, options, 2), band_statistics([tmp_path / "a.tif"], "decibel"))
        data = {**changed.train_dataloader.dataset, "scale": (1.0, 1.0)}
        return [TrainingTiles(tile, "sar", 64, **data).sample(number).image for number in range(12)]

    with pytest.raises(
        InputError, match="RandomBrightnessContrast: expected uint8 images, found float32; put one"
    ) as told:
        samples(["sar.unit=decibel"])
    assert f"with {JITTER[1]} in SAR_OPTIONS" in str(told.value)
    found = samples(["sar.unit=decibel", JITTER[1]])
    gains = [float(image.mean() - decibels.mean()) for image in found]
    assert 0.01 < max(map(abs, gains)) <= 2.01
    assert len({image.argmax() for image in found}) > 3  # flipped and turned
