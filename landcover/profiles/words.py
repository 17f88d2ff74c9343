"""Words of a list variable that is given as one text."""

from __future__ import annotations

from collections.abc import Sequence

from landcover.errors import InputError

CLOSING = {"(": ")", "[": "]", "{": "}"}
QUOTES = "\"'"


def split_words(text: str, name: str) -> tuple[str, ...]:
    """Words of `text`: separated by white space, except inside quotes and brackets.

    Quotes around a whole word are taken off, others stay: `"my configs/a.py" rare={'share': 0.1}` is `my configs/a.py`
    and `rare={'share': 0.1}`. An apostrophe after a letter, a digit or a slash is no quote: `/data/l'ile` is a word.

    Args:
        text: value of a list variable.
        name: its name, for the message.

    Raises:
        InputError: a quote or bracket that is not closed.
    """
    words: list[str] = []
    word = ""
    awaited: list[str] = []  # what closes the quotes and brackets that are open
    for character in text:
        if character.isspace() and not awaited:
            words.append(word)
            word = ""
            continue
        if awaited and character == awaited[-1]:
            awaited.pop()
        elif not awaited or awaited[-1] not in QUOTES:
            if _opens_quote(character, word):
                awaited.append(character)
            elif character in CLOSING:
                awaited.append(CLOSING[character])
        word += character
    if awaited:
        raise InputError(
            f"{name}: expected a closing {awaited[-1]} in {text!r}, found none; "
            "close it, or put quotes around the whole word"
        )
    return tuple(_without_quotes(word) for word in [*words, word] if word)


def join_words(words: Sequence[str], name: str) -> str:
    """One text that `split_words` takes apart into these words."""
    return " ".join(_quoted(word, name) for word in words)


def _opens_quote(character: str, before: str) -> bool:
    return character == '"' or (character == "'" and not (before[-1:].isalnum() or before[-1:] == "/"))


def _without_quotes(word: str) -> str:
    """The word inside quotes that open at its start and close at its end; any other word as it is."""
    if len(word) > 1 and word[0] in QUOTES and word.index(word[0], 1) == len(word) - 1:
        return word[1:-1]
    return word


def _quoted(word: str, name: str) -> str:
    try:
        if split_words(word, name) == (word,):
            return word
    except InputError:
        pass
    return f"'{word}'" if '"' in word else f'"{word}"'
