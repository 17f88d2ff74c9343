from pathlib import Path

import numpy as np
import pytest

from ensemble.members import Member, check_members, find_members, scheme_of, shorten
from landcover.errors import InputError
from landcover.score_file import read_header


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
