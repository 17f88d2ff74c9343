"""The table is complete: what the shell files read is declared, and what is declared is read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ensemble.evaluate_run import AVERAGES
from landcover.data_sets.tile_groups import GROUPINGS
from landcover.prediction.merging import WEIGHTINGS
from landcover.prediction.sliding_window import PREDICTION_DTYPES
from landcover.prediction.views import FLIPS
from landcover.profiles.defaults import COMPUTED
from landcover.profiles.variables import NAMES, VARIABLES
from landcover.training.tracking.trackers import TRACKERS
from stage1_optical_da.write_pseudo_labels import LABEL_SETS

ROOT = Path(__file__).parents[3]
TOOLS = sorted((ROOT / "tools").glob("*.sh"))
DERIVED = {
    "TEACHER_NAMES": {"TEACHERS"},
    "SAR_NAMES": {"SAR_MODELS"},
    "PUBLISHED_NAMES": {"PUBLISHED_MODELS"},
    "TEACHER_OPTION_ARGUMENTS": {"TEACHER_OPTIONS"},
    "SAR_OPTION_ARGUMENTS": {"SAR_OPTIONS"},
    "REASSIGN_OPTION_ARGUMENTS": {"REASSIGN_OPTIONS"},
    "REGISTER_OPTION_ARGUMENTS": {"REGISTER_OPTIONS"},
    "MEMBER_ARGUMENTS": {"ENSEMBLE", "SAR_MODELS"},
    "CLASS_ARGUMENTS": {"CLASSES", "LABEL_VALUES"},
    "PRETRAINED_ARGUMENTS": {"PRETRAINED", "PRETRAINED_DIR"},
    "START_ARGUMENTS": {"SAR_START", "RUN_DIR", "TEACHERS"},
    "HOLD_OUT_ARGUMENTS": {"HOLD_OUT", "HOLD_OUT_BY"},
    "MULTIMODAL_ARGUMENTS": {"SAR_TRAINING"},
    "VIEW_ARGUMENTS": {"SCALES", "FLIPS", "STRIDE", "WEIGHTING", "PREDICTION_DTYPE", "ENGINE"},
    "UNREGISTERED_LABELS": {"LABELS", "REASSIGN"},
    "CHOSEN_LABELS": {"LABELS", "MANUAL_LABELS", "REASSIGN", "REGISTER"},
    "LABEL_ARGUMENTS": {"LABELS", "MANUAL_LABELS", "LABELLED_TILES", "REASSIGN", "REGISTER", "RUN_DIR"},
    "SETTINGS": set(),
}
BY_RUN = {"GPUS", "LAUNCHER", "SLURM_OPTIONS"}
BY_PYTHON = {"PLUGINS"}
OF_OTHERS = {"REPO_ROOT", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BASH_SOURCE", "SECONDS"}  # of environment.sh, of bash
NO_PROFILE = {"environment.sh", "run_tests.sh"}


def read_by(script: Path) -> set[str]:
    """Variables of profiles that a script reads, itself and through what follows from them."""
    text = re.sub(r"^\s*#.*$", "", script.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]+)", text)) - OF_OTHERS
    for name in found & set(DERIVED):
        found = found - {name} | DERIVED[name]
    return found | (BY_RUN if re.search(r"^run ", text, re.MULTILINE) else set())


def test_every_variable_that_a_script_reads_is_declared() -> None:
    undeclared = {script.name: read_by(script) - set(NAMES) for script in TOOLS if script.name not in NO_PROFILE}
    assert {name: names for name, names in undeclared.items() if names} == {}


@pytest.mark.parametrize(
    "script", [script for script in TOOLS if script.name[:2].isdecimal()], ids=lambda path: path.stem
)
def test_a_stage_reads_what_the_table_says(script: Path) -> None:
    declared = {variable.name for variable in VARIABLES if script.name[:2] in variable.stages.split()}
    assert read_by(script) == declared - BY_PYTHON


def test_every_declared_variable_is_read() -> None:
    read = set().union(*map(read_by, TOOLS)) | BY_PYTHON
    assert set(NAMES) - read == set()


def test_names_are_unique_and_help_is_one_short_line() -> None:
    assert len(set(NAMES)) == len(NAMES)
    for variable in VARIABLES:
        assert 0 < len(variable.help) <= 90 and "\n" not in variable.help, variable.name


def test_defaults_are_those_of_always() -> None:
    defaults = {variable.name: variable.default for variable in VARIABLES if variable.default}
    assert defaults == {
        "TRUTH_ROOT": "$DFC_ROOT",
        "CLASSES": "openearthmap",
        "SOURCE_DATA": "openearthmap",
        "TARGET_DATA": "dfc2025",
        "SOURCE_SPLITS": "train",
        "LABEL_SET": "average",
        "REASSIGN": "none",
        "REGISTER": "none",
        "HOLD_OUT_BY": "auto",
        "LABELLED_TILES": "1",
        "ENSEMBLE": "all SAR_MODELS",
        "AVERAGE": "logits",
        "QUICK_LOOKS": "0",
        "SCALES": "1",
        "FLIPS": "none",
        "STRIDE": "0.5",
        "WEIGHTING": "uniform",
        "PREDICTION_DTYPE": "fp32",
        "SEED": "0",
        "PRETRAINED": "1",
        "PRETRAINED_DIR": "$REPO_ROOT/pretrained",
        "SAR_START": "none",
        "SAR_TRAINING": "sar",
        "TRACKER": "none",
        "JOBS": "1",
        "GPUS": "1",
        "LAUNCHER": "torchrun",
        "SLURM_OPTIONS": "--gpus-per-task=1",
    }
    required = [variable.name for variable in VARIABLES if variable.required]
    assert required == ["OEM_ROOT", "DFC_ROOT", "RUN_DIR", "TEACHERS", "SAR_MODELS"]
    assert set(COMPUTED) == {"ENSEMBLE", "AVERAGE"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("LABEL_SET", LABEL_SETS),
        ("HOLD_OUT_BY", ("auto", *GROUPINGS)),
        ("AVERAGE", AVERAGES),
        ("FLIPS", FLIPS),
        ("WEIGHTING", WEIGHTINGS),
        ("PREDICTION_DTYPE", PREDICTION_DTYPES),
        ("TRACKER", tuple(TRACKERS)),
    ],
)
def test_the_help_tells_the_values_that_the_stages_take(name: str, values: tuple[str, ...]) -> None:
    (told,) = [variable.help for variable in VARIABLES if variable.name == name]
    assert set(values) <= set(re.findall(r"\w+", told))


def test_a_stage_starts_without_heavy_packages() -> None:
    code = "import sys, tools.profile; print(sorted({'torch', 'numpy', 'mmengine', 'mmseg'} & set(sys.modules)))"
    call = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert call.stdout == "[]\n"
