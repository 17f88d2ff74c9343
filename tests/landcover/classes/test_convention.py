import pytest

from landcover.classes.convention import Convention
from landcover.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Convention()),
        (" +1 ", Convention(shift=1)),
        ("-1", Convention(shift=-1)),
        ("255:0", Convention(pairs=((255, 0),))),
        ("255:0, -1:0\t9:3,+1", Convention(pairs=((255, 0), (-1, 0), (9, 3)), shift=1)),
        ("colours", Convention("colours")),
        ("one-hot", Convention("one-hot")),
        ("numbers 255:0", Convention(pairs=((255, 0),))),
    ],
)
def test_words_change_a_convention(text, expected):
    assert Convention().changed(text, 8) == expected


def test_words_about_numbers_make_files_of_colours_files_of_numbers():
    assert Convention("colours").changed("+1", 8) == Convention("numbers", shift=1)
    assert Convention("colours").changed("", 8).files == "colours"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("255", r"expected words such as 255:0 .*, found '255' in '255'; correct it"),
        ("+9999999999", r"expected words such as 255:0 .*, found '\+9999999999'"),
        ("255=0", r"found '255=0'"),
        ("+1 +2", r"found '\+2' in '\+1 \+2'"),
        ("255:0 255:1", r"expected one word for the number 255, found two"),
        ("255:9", r"expected a number of the class scheme behind the colon \(0, 1, 2, 3\), found 255:9"),
        ("colours 255:0", r"expected colours alone, or numbers, found 'colours 255:0'"),
        ("colours one-hot", r"found 'one-hot'"),
    ],
)
def test_mistakes_name_the_variable(text, message):
    with pytest.raises(InputError, match=f"^LABEL_VALUES: .*{message}"):
        Convention().changed(text, 3)


def test_the_words_of_a_convention_make_it_again():
    changed = Convention().changed("255:0 -1:0 +1", 8)
    assert changed.words() == ["255:0", "-1:0", "+1"]
    assert Convention().changed(" ".join(changed.words()), 8) == changed
    assert Convention("colours").words() == []


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("255:0 -1:0", ""),
        ("9:8 255:0 3:0 2:1", "2:1 3:0 9:8"),
        ("255:0 -1:0 +1", "-1:0 +1"),
        ("one-hot", "one-hot"),
    ],
)
def test_a_pair_that_only_makes_numbers_without_a_meaning_unknown_has_no_effect(text, effect):
    assert Convention().changed(text, 8).in_effect(8) == Convention().changed(effect, 8)
