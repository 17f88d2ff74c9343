from __future__ import annotations

from typing import Literal

import pytest

from landcover.errors import InputError
from landcover.profiles.key_values import checked_value, key_values, number_within


def test_values_are_literals_where_they_read_as_one_and_texts_elsewhere() -> None:
    found = key_values("MY_OPTIONS", ["count=3", "share=0.5", "on=True", "bands=[1, 2]", "name=a b", "empty="])
    assert found == {"count": 3, "share": 0.5, "on": True, "bands": [1, 2], "name": "a b", "empty": ""}
    assert key_values("MY_OPTIONS", []) == {}


@pytest.mark.parametrize("option", ["count", "a b=1", "=1"])
def test_what_is_no_key_and_value_is_told_with_its_variable(option: str) -> None:
    with pytest.raises(InputError, match=rf"^MY_OPTIONS: expected key=value, found '{option}'; correct it$"):
        key_values("MY_OPTIONS", [option])


def test_a_value_becomes_its_kind_or_is_told() -> None:
    share = checked_value("MY_OPTIONS", "share", 1, float)
    assert share == 1.0 and type(share) is float
    assert checked_value("MY_OPTIONS", "by", "region", Literal["region", "random"]) == "region"
    with pytest.raises(InputError, match=r"^MY_OPTIONS count=1.5: expected a whole number, found 1.5; correct it$"):
        checked_value("MY_OPTIONS", "count", 1.5, int)
    with pytest.raises(InputError, match=r"^MY_OPTIONS on=True: expected a number, found True; correct it$"):
        checked_value("MY_OPTIONS", "on", True, float)
    with pytest.raises(InputError, match=r"MY_OPTIONS by=x: expected region or random, found 'x'"):
        checked_value("MY_OPTIONS", "by", "x", Literal["region", "random"])


def test_a_number_outside_of_its_range_is_told() -> None:
    assert number_within("MY_OPTIONS", "share", 1, 0, 1) == 1.0
    with pytest.raises(InputError, match=r"^MY_OPTIONS share=2: expected a number from 0 to 1, found 2; correct it$"):
        number_within("MY_OPTIONS", "share", 2, 0, 1)
    with pytest.raises(InputError, match=r"^MY_OPTIONS side=2.5: expected a whole number, found 2.5; correct it$"):
        number_within("MY_OPTIONS", "side", 2.5, 1, 8, int)
