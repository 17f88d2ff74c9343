"""The codec of our loader's files alone: what the loader could reach if nothing else took time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from unittest import mock

from landcover.images import segments
from tools.benchmarks._measure import Call


def decoding_of(data_set: Any, ordinals: Iterable[int]) -> Call:
    """What decodes again, from memory, every strip and tile that these samples of a data set are made of."""
    calls: list[Call] = []

    def noted(decode: Callable[..., Any]) -> Callable[..., Any]:
        def note(*arguments: Any, **keywords: Any) -> Any:
            calls.append(partial(decode, *arguments, **keywords))
            return calls[-1]()

        return note

    one_by_one = {number: noted(decode) for number, decode in segments.DECODERS.items()}
    together = noted(segments.decode_excerpt)
    with mock.patch.multiple(segments, DECODERS=one_by_one, decode_excerpt=together):
        for ordinal in ordinals:
            data_set[ordinal]

    def call() -> None:
        for decode in calls:
            decode()

    return call
