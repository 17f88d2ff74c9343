import pytest

from landcover.errors import InputError
from landcover.profiles.words import join_words, split_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n", []),
        ("0.75 1\t1.25\n", ["0.75", "1", "1.25"]),
        ('"my configs/a.py" b.py', ["my configs/a.py", "b.py"]),
        ("'my configs/ä.py'", ["my configs/ä.py"]),
        ("'mine=/my labels' published", ["mine=/my labels", "published"]),
        (
            "rare_classes={'temperature': 0.1, 'min_pixels': 200}",
            ["rare_classes={'temperature': 0.1, 'min_pixels': 200}"],
        ),
        ("a={'b': [1, (2, 3)]} c=[1, 2]", ["a={'b': [1, (2, 3)]}", "c=[1, 2]"]),
        ("a='two words' b", ["a='two words'", "b"]),
        ("a='[' b", ["a='['", "b"]),
        ("a={'b': 'x} y'} c", ["a={'b': 'x} y'}", "c"]),
        ("'a' 'b'", ["a", "b"]),
        ("'a'='b'", ["'a'='b'"]),
        ("/data/l'ile /data/O'Brien's/x", ["/data/l'ile", "/data/O'Brien's/x"]),
        ("/data/'s-Gravenhage/labels b", ["/data/'s-Gravenhage/labels", "b"]),
        ("/Daten(neu)/x run)1 b", ["/Daten(neu)/x", "run)1", "b"]),
        ("*.py ~ $HOME `ls` a;b", ["*.py", "~", "$HOME", "`ls`", "a;b"]),
        ("'' b", ["", "b"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert list(split_words(text, "SAR_OPTIONS")) == expected


@pytest.mark.parametrize(
    ("text", "closing"), [("a={'b': 1", "}"), ('"my configs/a.py', '"'), ("b 'c d", "'"), ("a=[(1, 2]", "\\)")]
)
def test_what_is_not_closed_is_refused(text: str, closing: str) -> None:
    with pytest.raises(InputError, match=f"^SAR_OPTIONS: expected a closing {closing} in .*, found none; close it, or"):
        split_words(text, "SAR_OPTIONS")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a", "b=[1, 2]"], "a b=[1, 2]"),
        (["my configs/a.py", "b"], '"my configs/a.py" b'),
        (['say "a b"', "x"], "'say \"a b\"' x"),
        (["{x"], '"{x"'),
        (["'a'"], "\"'a'\""),
        ([], ""),
    ],
)
def test_words_in_one_text(words: list[str], expected: str) -> None:
    assert join_words(words, "X") == expected
    assert list(split_words(expected, "X")) == words
