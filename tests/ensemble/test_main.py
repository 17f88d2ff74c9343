import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from ensemble.__main__ import main
from ensemble.members import parse_members
from ensemble.weight_file import WeightFile
from landcover.demo_scenes.geotiff import utm_georeference
from landcover.errors import InputError
from landcover.images.grid import read_georeference
from landcover.images.raster import read_raster

GEOREFERENCE = utm_georeference(32633, 500_000.0, 4_000_000.0, 0.5)


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


def test_an_unknown_word_is_refused_with_those_that_are_known(tmp_path, monkeypatch, capsys, write_member) -> None:
    for option, known in (
        ("--average", "'logits', 'probabilities'"),
        ("--by-product", "'agreement', 'entropy', 'margin'"),
        ("--by-product-type", "'uint8', 'float32'"),
    ):
        with pytest.raises(SystemExit) as raised:
            run(monkeypatch, "--scores", tmp_path / "scores", "--out", tmp_path / "maps", option, "other")
        assert raised.value.code == 2
        assert f"argument {option}: invalid choice: 'other' (choose from {known})" in capsys.readouterr().err


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


def test_by_products_are_written_beside_the_labels(tmp_path, monkeypatch, write_member, random_codes) -> None:
    a = write_member("a", {"s": random_codes(0)}, georeference=GEOREFERENCE)
    write_member("b", {"s": random_codes(1)})
    options = ("--scores", a.folder.parent, "--by-product", "agreement", "margin")
    run(monkeypatch, *options, "--out", tmp_path / "bytes")
    run(monkeypatch, *options, "--out", tmp_path / "floats", "--by-product-type", "float32")
    assert sorted(path.name for path in (tmp_path / "bytes").iterdir()) == ["agreement", "margin", "s.tif"]
    for name in ("agreement", "margin"):
        coded = read_raster(tmp_path / "bytes" / name / "s.tif")
        exact = read_raster(tmp_path / "floats" / name / "s.tif").pixels
        assert (coded.pixels.dtype, exact.dtype) == (np.uint8, np.float32)
        np.testing.assert_array_equal(coded.pixels, np.rint(255 * exact))
        assert read_georeference(tmp_path / "bytes" / name / "s.tif") == GEOREFERENCE
        assert exact.max() > 0
    labels = read_raster(tmp_path / "bytes" / "s.tif").pixels
    votes = np.mean([random_codes(seed).argmax(axis=0) + 1 == labels for seed in (0, 1)], axis=0)
    np.testing.assert_allclose(read_raster(tmp_path / "floats" / "agreement" / "s.tif").pixels, votes)


def test_maps_and_by_products_have_no_data_where_the_images_have_none(
    tmp_path, monkeypatch, write_member, random_codes
) -> None:
    no_data = np.zeros((4, 5), bool)
    no_data[1:3, :2] = True
    write_member("a", {"t": random_codes(1, 4, 5)}, no_data=no_data)
    by_products = ("entropy", "margin", "agreement")
    run(monkeypatch, "--scores", tmp_path / "scores", "--out", tmp_path / "maps", "--by-product", *by_products)
    np.testing.assert_array_equal(read_raster(tmp_path / "maps" / "t.tif").pixels == 0, no_data)
    for name in by_products:
        with rasterio.open(tmp_path / "maps" / name / "t.tif") as file:
            np.testing.assert_array_equal(file.read_masks(1) == 0, no_data)


def test_score_files_that_do_not_know_of_no_data_are_warned_of(
    tmp_path, monkeypatch, capsys, write_member, random_codes
) -> None:
    write_member("a", {"t": random_codes(1, 4, 5), "u": random_codes(2, 4, 5)})
    run(monkeypatch, "--scores", tmp_path / "scores", "--out", tmp_path / "maps")
    assert "score files of 2 of 2 tiles do not tell where their images have no data" in capsys.readouterr().err


def test_weights_of_a_file_choose_members_and_average(
    tmp_path, monkeypatch, capsys, write_member, random_codes
) -> None:
    for seed, name in enumerate("abc"):
        write_member(name, {"s": random_codes(seed)}, encoding="probability")
    WeightFile("probabilities", {"a": 3.0, "c": 1.0}, {"road": 2.0}).write(tmp_path / "w.json")
    options = ("--scores", tmp_path / "scores", "--weights", tmp_path / "w.json")
    run(monkeypatch, *options, "--out", tmp_path / "maps", "--class-weight", "c/tree=9")
    assert "of 2 members" in capsys.readouterr().out
    scores = 3.0 * random_codes(0) + random_codes(2)
    scores[3] *= 2
    scores[4] = 4 * (3.0 * random_codes(0)[4] + 9.0 * random_codes(2)[4]) / 12
    np.testing.assert_array_equal(read_raster(tmp_path / "maps" / "s.tif").pixels, scores.argmax(axis=0) + 1)
    for other, message in ((("--average", "logits"), "were made"), (("--member", "a"), "give one of both")):
        with pytest.raises(SystemExit):
            run(monkeypatch, *options, "--out", tmp_path / "maps", *other)
        assert message in capsys.readouterr().err


def test_conversions_are_told(tmp_path, monkeypatch, capsys, write_member, random_codes) -> None:
    write_member("a", {"s": random_codes(0)})
    write_member("b", {"s": random_codes(1)}, encoding="probability")
    run(monkeypatch, "--scores", tmp_path / "scores", "--out", tmp_path / "maps")
    printed = capsys.readouterr().out
    assert "b: probability codes converted to logit codes of range 10" in printed
    assert "mean of logits" in printed
