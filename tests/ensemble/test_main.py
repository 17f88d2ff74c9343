import sys
from pathlib import Path

import numpy as np
import pytest

from ensemble.__main__ import main, parse_members
from landcover.errors import InputError
from landcover.raster import Georeference, read_georeference, read_raster

GEOREFERENCE = Georeference(
    (
        (33550, 12, 3, (0.5, 0.5, 0.0)),
        (33922, 12, 6, (0.0, 0.0, 0.0, 500000.0, 4000000.0, 0.0)),
        (34735, 3, 8, (1, 1, 0, 1, 3072, 0, 1, 32633)),
    )
)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["ensemble", *map(str, arguments)])
    main()


def test_label_maps_carry_the_georeference_of_the_scores(
    tmp_path, monkeypatch, capsys, write_member, random_codes
) -> None:
    a = write_member("a", {"s": random_codes(0), "t": random_codes(1, 9, 3)}, georeference=GEOREFERENCE)
    write_member("b", {"s": random_codes(2), "t": random_codes(3, 9, 3)})
    write_member("c", {"s": random_codes(4), "t": random_codes(5, 9, 3)})
    out = tmp_path / "maps"
    run(monkeypatch, "--scores", a.folder.parent, "--member", "a=3", "--member", "b", "--out", out)
    labels = read_raster(out / "s.tif")
    np.testing.assert_array_equal(labels.pixels, (3 * random_codes(0).astype(int) + random_codes(2)).argmax(axis=0) + 1)
    assert labels.pixels.dtype == np.uint8
    assert read_georeference(out / "t.tif") == GEOREFERENCE
    assert sorted(path.name for path in out.iterdir()) == ["s.tif", "t.tif"]
    assert f"2 label maps of 2 members in {out}" in capsys.readouterr().out


def test_all_folders_are_members_by_default(tmp_path, monkeypatch, write_member, random_codes) -> None:
    arrays = [random_codes(seed) for seed in range(3)]
    for name, codes in zip("abc", arrays, strict=True):
        write_member(name, {"s": codes}, encoding="probability")
    run(monkeypatch, "--scores", tmp_path / "scores", "--average", "probabilities", "--out", tmp_path / "maps")
    expected = sum(codes.astype(int) for codes in arrays).argmax(axis=0) + 1
    np.testing.assert_array_equal(read_raster(tmp_path / "maps" / "s.tif").pixels, expected)


def test_a_mistake_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys) -> None:
    with pytest.raises(SystemExit) as raised:
        run(monkeypatch, "--scores", tmp_path / "nowhere", "--out", tmp_path / "maps")
    assert raised.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("out", ["scores", "scores/a", "scores/maps"])
def test_maps_are_not_written_among_the_scores(tmp_path, monkeypatch, capsys, write_member, random_codes, out) -> None:
    write_member("a", {"s": random_codes(0)})
    with pytest.raises(SystemExit):
        run(monkeypatch, "--scores", tmp_path / "scores", "--out", tmp_path / out)
    assert "expected a folder outside --scores" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "scores").iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["a=x"], "--member a=x: expected NAME or NAME=WEIGHT"),
        (["a="], "--member a=: expected NAME or NAME=WEIGHT"),
        (["a=0"], "member a: expected a weight > 0"),
        (["a", "a=2"], "a is named twice"),
        (["z"], "no member z; found a"),
    ],
)
def test_wrong_member_options_are_told(tmp_path: Path, write_member, random_codes, options, message) -> None:
    write_member("a", {"s": random_codes(0)})
    with pytest.raises(InputError, match=message):
        parse_members(tmp_path / "scores", options)
