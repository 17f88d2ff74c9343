import json

import pytest

from ensemble.weight_file import WeightFile, choose_ensemble, read_weights
from landcover.errors import InputError


def test_weights_come_back_and_find_their_members(tmp_path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / "scores" / name).mkdir(parents=True)
    written = WeightFile("probabilities", {"c": 0.25, "a": 1.0}, {"road": 2.0}, {"c": {"tree": 3.0}}, {"seed": 0})
    written.write(tmp_path / "w.json")
    read = read_weights(tmp_path / "w.json")
    assert read == written
    found = read.find_members(tmp_path / "scores")
    assert [(member.name, member.weight, member.class_weights) for member in found] == [
        ("a", 1.0, {}),
        ("c", 0.25, {"tree": 3.0}),
    ]


def test_class_weights_and_report_may_be_left_out(tmp_path) -> None:
    path = tmp_path / "w.json"
    path.write_text(json.dumps({"version": 1, "average": "logits", "members": {"a": 2}}))
    assert read_weights(path) == WeightFile("logits", {"a": 2.0})


@pytest.mark.parametrize(
    "content",
    [
        "[",
        "[]",
        "{}",
        '{"version": 2, "average": "logits", "members": {}}',
        '{"version": 1, "average": "mean", "members": {}}',
        '{"version": 1, "average": "logits", "members": ["a"]}',
        '{"version": 1, "average": "logits", "members": {"a": "x"}}',
    ],
)
def test_other_files_are_refused(tmp_path, content) -> None:
    (tmp_path / "w.json").write_text(content)
    with pytest.raises(InputError, match=r"w.json: expected weights of version 1"):
        read_weights(tmp_path / "w.json")


def test_weights_made_for_another_average_are_taken_when_that_is_left_out_as_the_message_says(tmp_path) -> None:
    (tmp_path / "scores" / "a").mkdir(parents=True)
    WeightFile("logits", {"a": 2.0}).write(tmp_path / "w.json")
    with pytest.raises(InputError, match=r"average of probabilities: expected logits, .* leave it out, or fit weights"):
        choose_ensemble(tmp_path / "scores", None, tmp_path / "w.json", "probabilities")
    assert choose_ensemble(tmp_path / "scores", None, tmp_path / "w.json", None)[1] == "logits"


def test_a_missing_file_says_what_makes_it(tmp_path) -> None:
    with pytest.raises(InputError, match=r"found none; write it with `python -m ensemble.fit_weights`"):
        read_weights(tmp_path / "w.json")
