"""What a stage gets: the values of all variables, and arguments that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from landcover.errors import InputError
from landcover.profiles.defaults import Value, all_values, require, stem
from landcover.profiles.profile import Profile
from landcover.profiles.words import join_words

REPORTED = (
    "SOURCE_SPLITS", "LABEL_SET", "AGREE_WITH", "LABELS", "HOLD_OUT", "SCALES", "FLIPS", "STRIDE", "WEIGHTING",
    "PREDICTION_DTYPE", "SEED", "ENSEMBLE_WEIGHTS", "AVERAGE", "PRETRAINED", "TEACHER_OPTIONS", "SAR_OPTIONS",
)  # fmt: skip
"""Variables that the report shows always, in its order."""

REPORTED_IF_SET = (
    "SOURCE_DATA",
    "TARGET_DATA",
    "CLASSES",
    "LABEL_VALUES",
    "MANUAL_LABELS",
    "LABELLED_TILES",
    "REASSIGN",
    "REASSIGN_OPTIONS",
    "SAR_SCORES",
    "REGISTER",
    "REGISTER_OPTIONS",
    "SAR_TRAINING",
    "SAR_START",
    "ENGINE",
    "PLUGINS",
)
"""Variables that the report shows where they are not the default."""


MULTIMODAL = "configs/_base_/multimodal/dllr.py"
"""Settings of SAR_TRAINING=multimodal, below the repository."""


def stage_variables(profile: Profile, root: Path) -> dict[str, Value]:
    """Variables of a stage's shell by name: texts, and lists as arrays.

    Beside those of the profile: TEACHER_NAMES, SAR_NAMES and PUBLISHED_NAMES, the names of the models;
    TEACHER_OPTION_ARGUMENTS, SAR_OPTION_ARGUMENTS, REASSIGN_OPTION_ARGUMENTS, REGISTER_OPTION_ARGUMENTS and
    MEMBER_ARGUMENTS, every word behind its option;
    CHOSEN_LABELS, the folder of label files that SAR models are to learn, MANUAL_LABELS where there are no others, and
    UNREGISTERED_LABELS, the one before stage 22, both empty for the run's pseudo-labels; LABEL_ARGUMENTS, the labels of
    the SAR models;
    CLASS_ARGUMENTS of all that reads labels, PRETRAINED_ARGUMENTS of both trainings, START_ARGUMENTS,
    HOLD_OUT_ARGUMENTS and MULTIMODAL_ARGUMENTS of the SAR models, VIEW_ARGUMENTS of both predictions; SETTINGS, what
    the report shows.

    Args:
        profile: values as given.
        root: the repository.

    Raises:
        InputError: a required variable without a value, or a value that its kind does not allow.
    """
    values = all_values(profile, root)
    require(values, profile)
    _check_labels(profile, values)
    return {
        **values,
        "TEACHER_NAMES": tuple(stem(config) for config in values["TEACHERS"]),
        "SAR_NAMES": tuple(stem(config) for config in values["SAR_MODELS"]),
        "PUBLISHED_NAMES": tuple(f"{stem(config)}_published" for config in values["PUBLISHED_MODELS"]),
        "TEACHER_OPTION_ARGUMENTS": _each("--option", values["TEACHER_OPTIONS"]),
        "SAR_OPTION_ARGUMENTS": _each("--option", values["SAR_OPTIONS"]),
        "REASSIGN_OPTION_ARGUMENTS": _each("--option", values["REASSIGN_OPTIONS"]),
        "REGISTER_OPTION_ARGUMENTS": _each("--option", values["REGISTER_OPTIONS"]),
        "MEMBER_ARGUMENTS": _each("--member", values["ENSEMBLE"]),
        "UNREGISTERED_LABELS": _unregistered_labels(values),
        "CHOSEN_LABELS": _chosen_labels(values),
        "LABEL_ARGUMENTS": _labels(values),
        "CLASS_ARGUMENTS": _classes(values),
        "PRETRAINED_ARGUMENTS": _pretrained(values),
        "START_ARGUMENTS": _start(values),
        "HOLD_OUT_ARGUMENTS": _hold_out(values),
        "MULTIMODAL_ARGUMENTS": _multimodal(values, root),
        "VIEW_ARGUMENTS": _views(values),
        "SETTINGS": _each("--setting", settings(profile, values)),
    }


def settings(profile: Profile, values: Mapping[str, Value]) -> list[str]:
    """NAME=VALUE of what the report shows of a profile, lists as they were given."""
    shown = [*REPORTED, *(name for name in REPORTED_IF_SET if profile.values.get(name) and values[name] != "none")]
    texts = {name: profile.values.get(name) or values[name] for name in shown}
    return [
        f"PROFILE={Path(profile.path).name.removesuffix('.sh')}",
        *(f"{name}={text if isinstance(text, str) else join_words(text, name)}" for name, text in texts.items()),
    ]


def _check_labels(profile: Profile, values: Mapping[str, Value]) -> None:
    changed = [name for name in ("REASSIGN", "REGISTER") if values[name] != "none"]
    if values["LABELS"] == "none" and changed:
        raise InputError(
            f"LABELS=none: expected {changed[0]}=none, since there is nothing to change, found "
            f"{values[changed[0]]}; set one of them otherwise"
        )
    if not values["MANUAL_LABELS"]:
        if values["LABELS"] == "none":
            raise InputError("LABELS=none: expected MANUAL_LABELS to train on, found none; set it to a folder")
        if profile.values.get("LABELLED_TILES"):
            raise InputError("LABELLED_TILES: expected MANUAL_LABELS with it, found none; set it to a folder")


def _each(option: str, words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for value in words for word in (option, value))


def _unregistered_labels(values: Mapping[str, Value]) -> str:
    """What the label filter writes; without one, what the profile names."""
    return f"{values['RUN_DIR']}/reassigned_labels" if values["REASSIGN"] != "none" else str(values["LABELS"])


def _chosen_labels(values: Mapping[str, Value]) -> str:
    """What the last stage that changes labels writes; without any, what the profile names."""
    if values["LABELS"] == "none":
        return str(values["MANUAL_LABELS"])
    registered = f"{values['RUN_DIR']}/registered_labels"
    return registered if values["REGISTER"] != "none" else _unregistered_labels(values)


def _labels(values: Mapping[str, Value]) -> tuple[str, ...]:
    folder = _chosen_labels(values) or f"{values['RUN_DIR']}/pseudo_labels"
    others = () if values["LABELS"] == "none" else ("--labels", folder)
    manual, which = str(values["MANUAL_LABELS"]), str(values["LABELLED_TILES"])
    return (*others, "--manual-labels", manual, "--labelled-tiles", which) if manual else others


def _classes(values: Mapping[str, Value]) -> tuple[str, ...]:
    # in one word: a value such as -1:0 would be taken for an option
    return "--classes", str(values["CLASSES"]), f"--label-values={values['LABEL_VALUES']}"


def _pretrained(values: Mapping[str, Value]) -> tuple[str, ...]:
    if values["PRETRAINED"] == "0":
        return ()
    fetch = ("--fetch-pretrained",) if values["PRETRAINED"] == "hub" else ()
    return ("--pretrained-dir", str(values["PRETRAINED_DIR"]), *fetch)


def _start(values: Mapping[str, Value]) -> tuple[str, ...]:
    start = str(values["SAR_START"])
    if start == "none":
        return ()
    if start == "teachers":
        return ("--start-from", *(f"{values['RUN_DIR']}/teachers/{stem(t)}/model.pth" for t in values["TEACHERS"]))
    return "--start-from", start, "--start-must-fit"


def _multimodal(values: Mapping[str, Value], root: Path) -> tuple[str, ...]:
    return ("--multimodal", str(root / MULTIMODAL)) if values["SAR_TRAINING"] == "multimodal" else ()


def _hold_out(values: Mapping[str, Value]) -> tuple[str, ...]:
    share, by = str(values["HOLD_OUT"]), str(values["HOLD_OUT_BY"])
    return ("--hold-out", share, "--hold-out-by", by) if share else ()


def _views(values: Mapping[str, Value]) -> tuple[str, ...]:
    stride, weighting, dtype = (str(values[name]) for name in ("STRIDE", "WEIGHTING", "PREDICTION_DTYPE"))
    views = ("--scales", *values["SCALES"], "--flips", *values["FLIPS"])
    engine = ("--engine", str(values["ENGINE"])) if values["ENGINE"] else ()
    return (*views, "--stride", stride, "--weighting", weighting, "--dtype", dtype, *engine)
