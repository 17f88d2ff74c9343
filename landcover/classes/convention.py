"""How label files of other origin tell classes, and the setting of a profile that adds to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

from landcover.errors import InputError

Colour = tuple[int, int, int]

FilesHold = Literal["numbers", "colours", "one-hot"]
"""What a label file holds: a number per pixel; an RGB colour; or a band per class, in which that class is not 0."""

SETTING = "LABEL_VALUES"
"""The profile's variable with what `changed` reads; `--label-values` of the commands."""

GRAMMAR = "words such as 255:0 (255 is read as 0), +1 or -1 (added to all others), numbers, colours, one-hot"


@dataclass(frozen=True)
class Convention:
    """What the pixels of label files mean.

    Args:
        files: what they hold.
        values: number of each class; empty for 1..C.
        unknown: numbers of unknown pixels.
        unknown_colours: colours of unknown pixels.
        pairs: numbers in files, and the numbers above that they stand for.
        shift: added to numbers in files that are in no pair.
        tolerance: how far each band of a colour in files may be from that of the colour that is meant, 0..127.
    """

    files: FilesHold = "numbers"
    values: tuple[int, ...] = ()
    unknown: tuple[int, ...] = (0,)
    unknown_colours: tuple[Colour, ...] = ((0, 0, 0),)
    pairs: tuple[tuple[int, int], ...] = ()
    shift: int = 0
    tolerance: int = 0

    def numbers(self, classes: int) -> dict[int, int]:
        """Label 0..C by number, before pairs and shift.

        Args:
            classes: C.
        """
        values = self.values or range(1, classes + 1)
        return {**dict.fromkeys(self.unknown, 0), **{value: label for label, value in enumerate(values, start=1)}}

    def in_effect(self, classes: int) -> Convention:
        """What of this convention changes label maps, and not only whether there is one.

        A pair that makes a number without a meaning unknown changes none: label files that could be read without it
        have no such number.

        Args:
            classes: C.
        """
        known = self.numbers(classes)
        pairs = sorted(pair for pair in self.pairs if pair[0] + self.shift in known or known[pair[1]])
        return replace(self, pairs=tuple(pairs))

    def words(self) -> list[str]:
        """The words of `LABEL_VALUES` that this convention was changed by, as far as they are about numbers."""
        return [f"{number}:{meant}" for number, meant in self.pairs] + ([f"{self.shift:+d}"] if self.shift else [])

    def changed(self, text: str, classes: int) -> Convention:
        """This convention with the words of `LABEL_VALUES` on top.

        Args:
            text: words with spaces or commas between them, see `GRAMMAR`; an empty one changes nothing.
            classes: C.

        Raises:
            InputError: a word that is none of these, two words for the same numbers, or a pair that leads to a number
                that the class scheme does not have.
        """
        pairs: dict[int, int] = {}
        shift: int | None = None
        files: FilesHold | None = None
        known = self.numbers(classes)
        for word in re.split(r"[\s,]+", text.strip()) if text.strip() else ():
            if found := re.fullmatch(r"([+-]?\d+):([+-]?\d+)", word):
                number, meant = int(found[1]), int(found[2])
                if number in pairs:
                    raise InputError(f"{SETTING}: expected one word for the number {number}, found two; leave one out")
                if meant not in known:
                    raise InputError(
                        f"{SETTING}: expected a number of the class scheme behind the colon "
                        f"({', '.join(map(str, sorted(known)))}), found {word}; correct it"
                    )
                pairs[number] = meant
            elif re.fullmatch(r"[+-]\d{1,9}", word) and shift is None:
                shift = int(word)
            elif word in get_args(FilesHold) and files is None:
                files = word  # type: ignore[assignment]  # one of its values
            else:
                raise InputError(f"{SETTING}: expected {GRAMMAR}, found {word!r} in {text!r}; correct it")
        if files not in (None, "numbers") and (pairs or shift is not None):
            raise InputError(f"{SETTING}: expected {files} alone, or numbers, found {text!r}; leave one of both out")
        if pairs or shift is not None:
            files = "numbers"
        return replace(self, files=files or self.files, pairs=tuple(pairs.items()), shift=shift or 0)
