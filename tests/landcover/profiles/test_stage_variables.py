from __future__ import annotations

from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.profiles.defaults import Value
from landcover.profiles.profile import Profile
from landcover.profiles.stage_variables import stage_variables

NEEDED = {"OEM_ROOT": "/o", "DFC_ROOT": "/d", "RUN_DIR": "/r", "TEACHERS": "x/t.py", "SAR_MODELS": "x/a.py x/b.py"}


def variables(**values: str | tuple[str, ...]) -> dict[str, Value]:
    return stage_variables(Profile("my profiles/mine.sh", {**NEEDED, **values}, {}), Path("/re po"))


def test_names_and_words_behind_their_options() -> None:
    found = variables(PUBLISHED_MODELS="x/a.py", TEACHER_OPTIONS="i=1 c={'a': 1, 'b': 2}", SAR_OPTIONS=("k=x y",))
    assert found["TEACHER_NAMES"] == ("t",)
    assert found["SAR_NAMES"] == ("a", "b")
    assert found["PUBLISHED_NAMES"] == ("a_published",)
    assert found["TEACHER_OPTION_ARGUMENTS"] == ("--option", "i=1", "--option", "c={'a': 1, 'b': 2}")
    assert found["SAR_OPTION_ARGUMENTS"] == ("--option", "k=x y")
    assert variables(REASSIGN_OPTIONS="side=4")["REASSIGN_OPTION_ARGUMENTS"] == ("--option", "side=4")
    assert variables(REGISTER_OPTIONS="search=8 a='b c'")["REGISTER_OPTION_ARGUMENTS"] == (
        "--option",
        "search=8",
        "--option",
        "a='b c'",
    )
    assert found["MEMBER_ARGUMENTS"] == ("--member", "a", "--member", "b")


def test_arguments_of_trainings() -> None:
    assert variables()["PRETRAINED_ARGUMENTS"] == ("--pretrained-dir", "/re po/pretrained")
    assert variables(PRETRAINED="0", PRETRAINED_DIR="/w")["PRETRAINED_ARGUMENTS"] == ()
    hub = variables(PRETRAINED="hub", PRETRAINED_DIR="/my weights")["PRETRAINED_ARGUMENTS"]
    assert hub == ("--pretrained-dir", "/my weights", "--fetch-pretrained")
    assert variables()["HOLD_OUT_ARGUMENTS"] == ()
    assert variables(HOLD_OUT="0.1")["HOLD_OUT_ARGUMENTS"] == ("--hold-out", "0.1", "--hold-out-by", "auto")


def test_sar_models_start_from_every_teacher_in_turn_or_from_a_file_that_must_fit() -> None:
    assert variables()["START_ARGUMENTS"] == variables(SAR_START="none")["START_ARGUMENTS"] == ()
    found = variables(SAR_START="teachers", TEACHERS="x/t.py y/u.py")["START_ARGUMENTS"]
    assert found == ("--start-from", "/r/teachers/t/model.pth", "/r/teachers/u/model.pth")
    assert variables(SAR_START="/my model.pth")["START_ARGUMENTS"] == (
        "--start-from",
        "/my model.pth",
        "--start-must-fit",
    )
    assert variables(SAR_START="teachers")["SETTINGS"][-1] == "SAR_START=teachers"
    assert variables(SAR_START="none")["SETTINGS"] == variables()["SETTINGS"]


def test_sar_models_train_by_themselves_or_beside_an_optical_branch() -> None:
    assert variables()["MULTIMODAL_ARGUMENTS"] == variables(SAR_TRAINING="sar")["MULTIMODAL_ARGUMENTS"] == ()
    found = variables(SAR_TRAINING="multimodal")
    assert found["MULTIMODAL_ARGUMENTS"] == ("--multimodal", "/re po/configs/_base_/multimodal/dllr.py")
    assert "SAR_TRAINING=multimodal" in found["SETTINGS"]
    with pytest.raises(InputError, match="SAR_TRAINING"):
        variables(SAR_TRAINING="both")


def test_arguments_of_predictions() -> None:
    found = variables(SCALES="0.5  1", FLIPS="none both", PREDICTION_DTYPE="bf16")["VIEW_ARGUMENTS"]
    expected = "--scales 0.5 1 --flips none both --stride 0.5 --weighting uniform --dtype bf16"
    assert found == tuple(expected.split())
    assert variables(ENGINE="openvino")["VIEW_ARGUMENTS"][-2:] == ("--engine", "openvino")
    assert variables(ENGINE="openvino")["SETTINGS"][-1] == "ENGINE=openvino"


def test_the_report_shows_values_as_they_were_given() -> None:
    given = {
        "SCALES": "0.5  1",
        "AGREE_WITH": ("/my labels", "published"),
        "LABELS": "/l 1",
        "ENSEMBLE_WEIGHTS": "w.json",
    }
    assert variables(**given)["SETTINGS"][1::2] == (
        "PROFILE=mine",
        "SOURCE_SPLITS=train",
        "LABEL_SET=average",
        'AGREE_WITH="/my labels" published',
        "LABELS=/l 1",
        "HOLD_OUT=",
        "SCALES=0.5  1",
        "FLIPS=none",
        "STRIDE=0.5",
        "WEIGHTING=uniform",
        "PREDICTION_DTYPE=fp32",
        "SEED=0",
        "ENSEMBLE_WEIGHTS=w.json",
        "AVERAGE=",
        "PRETRAINED=1",
        "TEACHER_OPTIONS=",
        "SAR_OPTIONS=",
    )
    assert set(variables()["SETTINGS"][::2]) == {"--setting"}


def test_the_report_shows_reassignment_and_plugins_where_there_are_any() -> None:
    assert variables(REASSIGN="none")["SETTINGS"] == variables()["SETTINGS"]
    shown = variables(REASSIGN="ot", REGISTER="phase", PLUGINS="mine.parts")["SETTINGS"]
    assert shown[-5::2] == ("REASSIGN=ot", "REGISTER=phase", "PLUGINS=mine.parts")


def test_sar_models_learn_what_the_last_stage_that_changes_labels_writes() -> None:
    def folders(**values: str) -> tuple[Value, Value]:
        found = variables(**values)
        return found["UNREGISTERED_LABELS"], found["CHOSEN_LABELS"]

    reassigned, registered = "/r/reassigned_labels", "/r/registered_labels"
    assert folders() == ("", "")
    assert folders(LABELS="/l 1", REGISTER="none") == ("/l 1", "/l 1")
    assert folders(LABELS="/l 1", REASSIGN="ot") == (reassigned, reassigned)
    assert folders(REGISTER="phase") == ("", registered)
    assert folders(LABELS="/l 1", REGISTER="/my matcher/model.pth") == ("/l 1", registered)
    assert folders(LABELS="/l 1", REASSIGN="ot", REGISTER="phase") == (reassigned, registered)


def test_manual_labels_stand_beside_others_or_alone() -> None:
    assert variables()["LABEL_ARGUMENTS"] == ("--labels", "/r/pseudo_labels")
    assert variables(LABELS="/l 1")["LABEL_ARGUMENTS"] == ("--labels", "/l 1")
    manual = ("--manual-labels", "/my manual", "--labelled-tiles", "1")
    found = variables(MANUAL_LABELS="/my manual", REGISTER="phase")
    assert found["LABEL_ARGUMENTS"] == ("--labels", "/r/registered_labels", *manual)
    alone = variables(MANUAL_LABELS="/my manual", LABELS="none", LABELLED_TILES="1/8")
    assert alone["LABEL_ARGUMENTS"] == (*manual[:-1], "1/8")
    assert (alone["CHOSEN_LABELS"], alone["UNREGISTERED_LABELS"]) == ("/my manual", "none")
    assert alone["SETTINGS"][-3::2] == ("MANUAL_LABELS=/my manual", "LABELLED_TILES=1/8")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"LABELS": "none"}, "LABELS=none: expected MANUAL_LABELS to train on, found none; set it to a folder"),
        ({"LABELLED_TILES": "1/8"}, "LABELLED_TILES: expected MANUAL_LABELS with it, found none; set it to a folder"),
        (
            {"LABELS": "none", "MANUAL_LABELS": "/m", "REGISTER": "phase"},
            "LABELS=none: expected REGISTER=none, since there is nothing to change, found phase; set one of them",
        ),
    ],
)
def test_labels_that_contradict_each_other_are_refused(values: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        variables(**values)


def test_classes_are_arguments_in_one_word_each() -> None:
    found = variables(CLASSES="my classes.toml", LABEL_VALUES="-1:0 +1")
    assert found["CLASS_ARGUMENTS"] == ("--classes", "my classes.toml", "--label-values=-1:0 +1")
    assert variables()["CLASS_ARGUMENTS"] == ("--classes", "openearthmap", "--label-values=")
