from pathlib import Path

import numpy as np
import pytest

from ensemble.members import (
    Member,
    add_class_weights,
    check_members,
    class_factors,
    find_members,
    scheme_of,
    shorten,
    weights_of,
)
from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.errors import InputError
from landcover.score_files.score_file import ScoreHeader, read_header, write_scores


def error_line(members: list[Member]) -> str:
    with pytest.raises(InputError) as raised:
        check_members(members)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_every_subfolder_is_a_member_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("swin", "b5", ".cache"):
        (tmp_path / name).mkdir()
    (tmp_path / "manifest.json").write_text("{}")
    assert find_members(tmp_path) == [Member("b5", tmp_path / "b5", 1.0), Member("swin", tmp_path / "swin", 1.0)]
    assert find_members(tmp_path, ["swin"]) == [Member("swin", tmp_path / "swin")]


def test_a_missing_root_an_empty_root_and_an_unknown_name_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: expected a folder"):
        find_members(tmp_path / "nowhere")
    with pytest.raises(InputError, match="found no folder"):
        find_members(tmp_path)
    (tmp_path / "b5").mkdir()
    with pytest.raises(InputError, match="no member b6; found b5"):
        find_members(tmp_path, ["b5", "b6"])


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_is_not_positive_is_refused(weight: float) -> None:
    with pytest.raises(InputError, match="member b5: expected a weight > 0"):
        Member("b5", Path("b5"), weight)


def test_members_with_the_same_tiles_give_them_sorted(write_member, random_codes) -> None:
    tiles = {"t10": random_codes(0), "t2": random_codes(1, 7, 9)}
    members = [write_member("a", tiles), write_member("b", tiles, encoding="probability")]
    (members[0].folder / ".1.t3.tif").write_bytes(b"half written")
    (members[0].folder / "manifest.json").write_text("{}")
    assert check_members(members) == ["t10", "t2"]


def test_missing_tiles_are_listed_per_member_in_one_line(write_member, random_codes) -> None:
    tiles = {f"t{number}": random_codes(number) for number in range(6)}
    members = [
        write_member("a", tiles),
        write_member("b", {"t5": tiles["t5"]}),
        write_member("c", {name: tiles[name] for name in list(tiles)[1:]}),
    ]
    line = error_line(members)
    assert "same 6 tiles" in line
    assert "b lacks 5 (t0, t1, t2 and 2 more); c lacks 1 (t0)" in line
    assert "a lacks" not in line


def test_an_empty_member_lacks_every_tile(write_member, random_codes) -> None:
    line = error_line([write_member("a", {"t": random_codes(0)}), write_member("b", {})])
    assert "b lacks 1 (t)" in line
    assert "found none" in error_line([write_member("b", {})])


def test_another_size_is_refused_naming_both_files(write_member, random_codes) -> None:
    line = error_line(
        [write_member("a", {"t": random_codes(0, 6, 5)}), write_member("b", {"t": random_codes(0, 6, 4)})]
    )
    assert "b/t.tif: expected 6x5 pixels" in line
    assert "a/t.tif, found 6x4 pixels" in line


def test_another_class_count_is_refused_naming_both_files(write_member, random_codes) -> None:
    line = error_line([write_member("a", {"t": random_codes(0)}), write_member("b", {"t": random_codes(0, classes=7)})])
    assert "b/t.tif: expected 6x5 pixels, 8 classes" in line
    assert "found 6x5 pixels, 7 classes" in line


def test_another_class_scheme_is_refused(write_member, random_codes) -> None:
    members = [
        write_member("a", {"t": random_codes(0)}),
        write_member("b", {"t": random_codes(0)}, scheme="loveda"),
    ]
    assert "found 6x5 pixels, 8 classes of scheme loveda" in error_line(members)
    path = members[1].score_file("t")
    with pytest.raises(InputError, match="unknown class scheme 'loveda'"):
        scheme_of(path, read_header(path))


def test_no_member_and_a_member_named_twice_are_refused(write_member) -> None:
    assert "at least one member" in error_line([])
    member = write_member("a", {"t": np.zeros((8, 2, 2), np.uint8)})
    assert "member a is named twice" in error_line([member, member])


def test_long_lists_are_shortened() -> None:
    assert shorten(["a", "b", "c"]) == "a, b, c"
    assert shorten(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_files_of_another_model_or_scale_within_a_member_are_refused(write_member, write_file, random_codes) -> None:
    member = write_member("a", {"s": random_codes(0), "t": random_codes(1)})
    write_file(member.score_file("t"), random_codes(1), log_range=5.0)
    assert "a/t.tif: expected scores of model a, logit codes of range 10" in error_line([member])
    write_file(member.score_file("t"), random_codes(1), encoding="probability")
    assert "found model a, probability codes" in error_line([member])
    other = write_file(member.folder.parent / "b" / "t.tif", random_codes(1))
    other.replace(member.score_file("t"))
    assert "found model b, logit codes" in error_line([member])


def test_class_weights_are_of_a_class_or_of_a_member_and_a_class() -> None:
    members = [Member("a", Path("a"), 2.0), Member("b/c", Path("b"))]
    weighted, of_class = add_class_weights(members, ["road=2", "a/tree=0.5", "b/c/road=3", "water=1.5"])
    assert of_class == {"road": 2.0, "water": 1.5}
    assert [member.class_weights for member in weighted] == [{"tree": 0.5}, {"road": 3.0}]
    assert class_factors(of_class, OPEN_EARTH_MAP) == [1, 1, 1, 2, 1, 1.5, 1, 1]
    assert weights_of(weighted, OPEN_EARTH_MAP) == [[2, 2, 2, 2, 0.5, 2, 2, 2], [1, 1, 1, 3, 1, 1, 1, 1]]
    assert weights_of(members, OPEN_EARTH_MAP) == [2.0, 1.0]
    assert class_factors({}, OPEN_EARTH_MAP) is None


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("road", "expected CLASS=WEIGHT or MEMBER/CLASS=WEIGHT"),
        ("road=x", "expected CLASS=WEIGHT or MEMBER/CLASS=WEIGHT"),
        ("=2", "expected CLASS=WEIGHT or MEMBER/CLASS=WEIGHT"),
        ("z/road=2", "no member z; found a"),
        ("a/road=0", "member a: expected a weight > 0"),
    ],
)
def test_wrong_class_weights_are_told(option: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        add_class_weights([Member("a", Path("a"))], [option])


def test_unknown_classes_are_told() -> None:
    with pytest.raises(InputError, match="class weights: no class lake in scheme openearthmap; it has bareland"):
        class_factors({"lake": 2.0}, OPEN_EARTH_MAP)
    with pytest.raises(InputError, match="member a: no class lake"):
        weights_of([Member("a", Path("a"), class_weights={"lake": 2.0})], OPEN_EARTH_MAP)


def test_members_of_other_classes_under_one_name_are_refused(write_member, random_codes) -> None:
    members = [write_member(name, {"t": random_codes(0)}) for name in "ab"]
    codes = random_codes(1)
    other = ClassScheme("openearthmap", tuple("abcdefgh"), OPEN_EARTH_MAP.palette)
    header = ScoreHeader("b", "openearthmap", "logit", 10.0, *codes.shape[1:], 8, other)
    write_scores(members[1].score_file("t"), codes, header)
    assert "b/t.tif: expected scores of the same classes as" in error_line(members)
