"""What the README says of measurements is what was measured; what documents tell to type is understood."""

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
from landcover.demo_scenes.agreement import AGREEMENT
from landcover.demo_scenes.scene import GROUND_SAMPLE_DISTANCE
from landcover.demo_scenes.sizes import DemoSizes
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.profiles.defaults import all_values
from landcover.profiles.profile import Profile, read_profile
from landcover.profiles.stage_variables import stage_variables
from landcover.profiles.variables import NAMES, VARIABLES
from landcover.training.band_statistics import band_statistics
from landcover.training.config import KEYS, load_config
from landcover.transforms.albumentation import IN_ITS_PLACE
from stage2_sar_seg.sar_training import sar_config

ROOT = Path(__file__).parents[1]


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150 and max(map(len, lines)) <= 120


def test_figures_in_the_text_of_the_demo_are_printed_by_it_or_measured_by_a_study() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## What the demo shows\n")[2]
    before, printed, after = section.partition("\n## ")[0].split("```")
    studies = [(ROOT / "docs" / f"{study}.md").read_text(encoding="utf-8") for study in ("stage1", "stage2")]
    figures = re.findall(r"\d+\.\d", before + after)
    assert len(figures) >= 6 and set(figures) <= set(re.findall(r"\d+\.\d", "\n".join([printed, *studies])))


def row(text: str, name: str) -> list[str]:
    """Cells of the row of a Markdown table that begins with a name."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} ")]
    return [cell.strip() for cell in line.strip("| ").split("|")[1:]]


def test_the_document_of_the_demo_has_the_sizes_and_the_agreement_of_the_code() -> None:
    text = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    sizes = DemoSizes()
    told = [int(row(text, f"`{folder}")[0]) for folder in ("OpenEarthMap/`, `train.txt`", "OpenEarthMap/`, `val.txt`")]
    told += [int(row(text, f"`DFC2025Track1/{split}/`")[0]) for split in ("train", "val", "test")]
    assert told == [
        sizes.source_train, sizes.source_val, sizes.target_train, sizes.target_val, sizes.target_test
    ]  # fmt: skip
    assert f"{sizes.tile} x {sizes.tile} pixels of {GROUND_SAMPLE_DISTANCE} m" in text
    assert row(text, "right, real ones")[:-1] == [f"{100 * share:.1f}" for share in AGREEMENT]
    assert row(text, "right, real ones")[-1] == f"{100 * AGREEMENT.mean():.1f}"
    for name in ("right, published", "right, random"):  # what is asked of both
        shares = np.array(row(text, name)[:-1], float)
        assert np.abs(shares / 100 - AGREEMENT).max() < 0.1


@pytest.mark.parametrize("study", ["stage1", "stage2", "registration", "prototypes", "multimodal"])
def test_the_reading_stands_in_the_document(study: str) -> None:
    reading = (ROOT / "tools" / "ablation" / f"{study}_reading.md").read_text(encoding="utf-8").strip()
    assert reading in (ROOT / "docs" / f"{study}.md").read_text(encoding="utf-8")


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES_OF_SCRIPTS = {
    "tools/map_scene.sh": "tools.map_scene",
    "tools/share_model.sh": "tools.share_model",
    "tools/slurm/map_scenes.sh": "tools.map_scene",
    "tools/benchmarks/gpu.sh": "tools.benchmarks.gpu",
}
OF_OTHER_PROGRAMS = {"OMP_NUM_THREADS", "PYTHONPATH", "PYTHON", "CUDA_VISIBLE_DEVICES"}


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
        count = 3 if words[1] == "tools/slurm/map_scenes.sh" else 2  # behind the number of tasks
        return MODULES_OF_SCRIPTS[words[1]], list(words[count:])
    if words[start + 1] == "-m":
        return words[start + 2], list(words[start + 3 :])
    return words[start + 1].removesuffix(".py").replace("/", "."), list(words[start + 2 :])


EVERY = [(path, words) for path in DOCUMENTS for words in commands(path)]
OF_STAGES = [
    (path, *assignments(words)) for path, words in EVERY if re.search(r"bash tools/(slurm/)?(run|\d)", " ".join(words))
]
OF_MODULES = [(path, assignments(words)[1]) for path, words in EVERY if {"python", *MODULES_OF_SCRIPTS} & set(words)]


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
    if not arguments or "--help" in arguments:  # only named
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
    multimodal = values["MULTIMODAL_ARGUMENTS"]
    defaults = Path(multimodal[1]) if multimodal else None
    for config in values["TEACHERS"]:
        assert load_config(Path(config), values["TEACHER_OPTIONS"], 1)
    for config in values["SAR_MODELS"]:
        assert load_config(Path(config), values["SAR_OPTIONS"], 2, defaults=defaults)


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
    assert len(refused) < len(CONFIGS), refused


NO_VARIABLES = {"LICENSE", "EPSG", "PNG", "SAR"}
VALUE = re.compile(r"`([A-Z][A-Z_]+)=([^`]*)`")
DEFAULT = re.compile(VALUE.pattern + r",? \(?the (?:(demo|contest)'s )?default\b")
PROFILES = {"": "", "demo": "configs/profiles/demo.sh", "contest": "configs/profiles/dfc2025.sh"}
PROSE = "\n\n".join(
    re.sub(r"^ *```.*?^ *```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for path in DOCUMENTS
)


def test_variables_that_documents_name_are_declared() -> None:
    found = set(re.findall(r"`\$?([A-Z][A-Z_]+)(?=[`=/])", PROSE)) - NO_VARIABLES
    assert len(found) >= 20 and found - {*NAMES, *OF_OTHER_PROGRAMS} == set()


def test_the_readme_names_the_most_used_variables_and_what_lists_all() -> None:
    text = DOCUMENTS[0].read_text(encoding="utf-8")
    assert {variable.name for variable in VARIABLES if variable.required} <= set(re.findall(r"`([A-Z_]+)`", text))
    assert "`bash tools/run_all.sh --help` lists all" in text


def test_values_that_documents_give_are_those_of_the_help() -> None:
    texts = {variable.name: variable for variable in VARIABLES if variable.kind == "text"}
    found = {(name, value) for name, value in VALUE.findall(PROSE) if name in texts}
    found -= {("REASSIGN", "copy")}  # a label filter of the document's own
    for name, value in found:
        words = {word.strip(":;,") for word in f"{texts[name].default} {texts[name].help}".split()}
        assert (name, set(re.split(r"[|, ]", value.strip('"'))) - words) == (name, set())
    assert len(found) >= 10


def test_a_default_that_a_document_tells_is_that_of_the_code() -> None:
    told = DEFAULT.findall(" ".join(PROSE.split()))
    for name, value, profile in told:
        environment = {"PATH": os.environ["PATH"]}
        given = read_profile(str(ROOT / PROFILES[profile]), ROOT, environment) if profile else Profile("", {}, {})
        assert (name, all_values(given, ROOT)[name]) == (name, value)
    assert len(told) >= 2
    sentences = re.split(r"(?<=[.;:]) |\n\n", re.sub(r"(?<!\n)\n(?!\n)", " ", PROSE))
    variables = re.compile(rf"`({'|'.join(NAMES)})\b")
    others = [text for text in sentences if variables.search(text) and re.search(r"\bdefault\b", text)]
    assert [text for text in others if not DEFAULT.search(text)] == []


JITTER = re.search(r"`(train_dataloader\.dataset\.augmentations\.\S+)`", PROSE)


@pytest.mark.parametrize("config", [*CONFIGS[2], *sorted((ROOT / "configs" / "demo").glob("sar_*.py"))])
def test_the_jitter_of_the_documents_takes_the_place_of_that_for_uint8_and_flips_stay(
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
