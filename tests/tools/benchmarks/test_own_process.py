import os
import time
from functools import partial

import pytest

from tools.benchmarks._own_process import LONGEST, Values, measured, measured_alone, one_line


@pytest.mark.parametrize(
    ("work", "found"),
    [
        (partial(dict, rate=1.5), {"rate": 1.5}),
        (partial(int, "x"), {"error": "ValueError: invalid literal for int() with base 10: 'x'"}),
        (partial(os._exit, 3), {"error": "its process ended with exit code 3"}),
    ],
)
def test_a_process_tells_what_it_found_or_why_it_found_nothing(work: partial, found: Values) -> None:
    assert measured_alone(work, seconds=60) == found


def test_a_process_that_takes_too_long_is_ended() -> None:
    begin = time.monotonic()
    assert measured_alone(partial(time.sleep, 600), 1) == {"error": "not finished within 1 s; try --minutes with more"}
    assert time.monotonic() - begin < 300


def test_an_error_is_told_in_one_line() -> None:
    assert measured(partial(int, "x"))["error"] == one_line(ValueError("invalid literal for int() with base 10: 'x'"))
    assert (
        one_line(RuntimeError("CUDA error: out of memory\nCompile with ..."))
        == "RuntimeError: CUDA error: out of memory"
    )
    assert one_line(KeyError()) == "KeyError: " and len(one_line(ValueError("a" * 999))) == LONGEST
