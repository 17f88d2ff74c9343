from pathlib import Path

import pytest

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.classes.convention import Convention
from landcover.classes.scheme_file import FOLDER, find_scheme, manifest_input, read_scheme, scheme_of_record
from landcover.errors import InputError

TWO = """
[[classes]]
name = "dry land"
colour = "#010203"
[[classes]]
name = "wet"
colour = "#0a0B0c"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_schemes_that_come_along():
    names = ["isprs", "isprs_six", "loveda", "openearthmap", "whu_opt_sar"]
    assert sorted(path.stem for path in FOLDER.glob("*.toml")) == names
    isprs, six, love, _, whu = map(find_scheme, names)
    assert love.classes == ("background", "building", "road", "water", "barren", "forest", "agriculture")
    assert love.convention == Convention()
    assert (isprs.num_classes, isprs.unscored, isprs.convention.files) == (6, ("clutter",), "colours")
    assert isprs.palette[1] == (0, 0, 255) and isprs.convention.unknown_colours == ((0, 0, 0),)
    assert (six.classes, six.palette, six.convention) == (isprs.classes, isprs.palette, isprs.convention)
    assert six.unscored == () and isprs.convention.tolerance == 90
    assert whu.convention.numbers(7) == {0: 0, 10: 1, 20: 2, 30: 3, 40: 4, 50: 5, 60: 6, 70: 7}


def test_a_file_says_no_more_than_it_must(tmp_path):
    scheme = read_scheme(written(tmp_path, TWO))
    assert scheme == ClassScheme("mine", ("dry land", "wet"), ((1, 2, 3), (10, 11, 12)))
    assert scheme.palette == ((1, 2, 3), (10, 11, 12)) and scheme.convention == Convention()
    assert scheme.scored.tolist() == [True, True]


def test_values_what_is_unknown_and_what_to_score(tmp_path):
    text = 'unknown = [7, "#FFFFFF"]\nfiles = "one-hot"' + TWO.replace('"wet"', '"wet"\nvalue = 0\nscore = false')
    scheme = read_scheme(written(tmp_path, text))
    assert scheme.convention == Convention("one-hot", (1, 0), (7,), ((255, 255, 255),))
    assert scheme.unscored == ("wet",) and scheme.scored.tolist() == [True, False]
    zero_based = read_scheme(written(tmp_path, TWO.replace('"wet"', '"wet"\nvalue = 0')))
    assert zero_based.convention.unknown == (255,)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "wet"', "", r"mine\.toml, class 2: expected a name without .*found None"),
        ('"wet"', '"dry land"', r"expected different names of classes, found 'dry land' twice"),
        ('"wet"', '"we\\tt"', r"class 2: expected a name without .*found 'we\\tt'"),
        ('"wet"', '"we\\rt"', r"class 2: expected a name without .*found 'we\\rt'"),
        ('"wet"', '"unknown"', r"class 2: expected a name .* that is not unknown, found 'unknown'"),
        ('"#0a0B0c"', '"#010203"', r"expected different colours of classes, found #010203 twice"),
        ('"#0a0B0c"', '"blue"', r'class wet: expected a colour such as "#0045FF", found \'blue\''),
        ('"wet"', '"wet"\nvalue = 1', r"expected different values of classes, found 1 twice"),
        ('"wet"', '"wet"\nvalue = "2"', r"expected whole numbers as values of classes, found \[1, '2'\]"),
        ('"wet"', '"wet"\ncolor = 1', r"class 2: unknown key 'color' \(did you mean 'colour'\?\)"),
        ('"wet"', '"wet"\nscore = 1', r"class wet: score: expected true or false, found 1"),
        (
            '\n[[classes]]\nname = "wet"\ncolour = "#0a0B0c"\n',
            "",
            r"expected 2 to 254 tables \[\[classes\]\], found 1;",
        ),
        ('[[classes]]\nname = "dry', 'unknown = [2]\n[[classes]]\nname = "dry', r"expected what is no class, found 2"),
        ('[[classes]]\nname = "dry', 'files = 1\n[[classes]]\nname = "dry', r"files: expected numbers, colours, one"),
        *(
            (
                '[[classes]]\nname = "dry',
                f'tolerance = {value}\n[[classes]]\nname = "dry',
                rf"tolerance: expected a whole number from 0 to 1, with which no .* of these, found {value};",
            )
            for value in ("2", "-1", "0.5")
        ),
        ('[[classes]]\nname = "dry', "[[classes]\n", r"mine\.toml: not a usable class scheme \("),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, old, new, message):
    assert old in TWO
    with pytest.raises(InputError, match=message) as refused:
        read_scheme(written(tmp_path, TWO.replace(old, new)))
    assert "\n" not in str(refused.value)


def test_files_of_windows_are_read_or_told_their_encoding(tmp_path):
    text = TWO.replace("wet", "Grünland")
    path = tmp_path / "mine.toml"
    path.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert read_scheme(path).classes == ("dry land", "Grünland")
    for encoding in ("cp1252", "utf-16"):
        path.write_bytes(text.encode(encoding))
        with pytest.raises(
            InputError, match=r"mine\.toml: expected a class scheme in UTF-8, found another encoding; save"
        ):
            read_scheme(path)


def test_a_scheme_is_named_by_a_path_or_a_name_and_label_values_come_on_top(tmp_path, monkeypatch):
    path = written(tmp_path, TWO)
    monkeypatch.chdir(tmp_path)
    assert find_scheme(str(path)) == find_scheme("mine.toml")
    assert find_scheme("configs/classes/loveda.toml") == find_scheme("loveda")
    assert find_scheme("mine.toml", "9:0").convention.pairs == ((9, 0),)
    with pytest.raises(InputError, match=r"CLASSES: expected a file, or one of isprs, .*found 'love'; correct"):
        find_scheme("love")


def test_a_manifest_tells_the_classes_and_the_convention_but_of_the_default(tmp_path):
    assert manifest_input(find_scheme("openearthmap")) == {} == manifest_input(OPEN_EARTH_MAP)
    texts = [manifest_input(find_scheme(*words))["class_scheme"] for words in (["loveda"], ["openearthmap", "1:2"])]
    assert manifest_input(find_scheme("openearthmap", "255:0 -1:0")) == {}
    assert len(set(texts)) == 2 and {len(text) for text in texts} == {64}


def test_a_tolerance_changes_the_identity_and_none_leaves_it_as_it_was(tmp_path):
    without = read_scheme(written(tmp_path, TWO)).identity()
    assert "tolerance" not in without
    assert '"tolerance": 1' in read_scheme(written(tmp_path, "tolerance = 1\n" + TWO)).identity()
    assert read_scheme(written(tmp_path, "tolerance = 0\n" + TWO)).identity() == without


def test_a_record_gives_the_scheme_back():
    isprs = find_scheme("isprs")
    back = scheme_of_record(isprs.record(), Path("a"))
    assert (back, back.palette, back.unscored) == (isprs, isprs.palette, ("clutter",))
    assert back.convention == Convention()
    assert scheme_of_record("openearthmap", Path("a")) is OPEN_EARTH_MAP
    for wrong in ("potsdam", {"name": "a"}, None):
        with pytest.raises(InputError, match=r"a\.tif: expected the names and colours of classes, or one of openearth"):
            scheme_of_record(wrong, Path("a.tif"))
