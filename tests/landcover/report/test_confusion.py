from __future__ import annotations

import pytest

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.errors import InputError
from landcover.report.confusion import NO_CONFUSION, confusion_table

TWO = ClassScheme("two", ("land", "sea"), ((1, 2, 3), (4, 5, 6)))


def test_rows_are_percent_of_the_true_class_with_counts_in_the_tooltip():
    table = confusion_table({"confusion": [[3, 1], [0, 2000]], "labels": "truth"}, TWO)

    assert '<td class="hit" style="--share:75.0%" title="true land, mapped as land: 3 of 4 pixels">75.0</td>' in table
    assert '<td class="error" style="--share:25.0%" title="true land, mapped as sea: 1 of 4 pixels">25.0</td>' in table
    assert "<td>2,000</td>" in table
    assert "not mapped" not in table


def test_pixels_that_were_not_mapped_have_their_column():
    table = confusion_table({"confusion": [[3, 0], [0, 4]], "missed": [1, 0], "labels": "truth"}, TWO)

    assert 'title="true land, mapped as not mapped: 1 of 4 pixels">25.0</td>' in table


def test_a_class_without_pixels_has_dashes():
    table = confusion_table({"confusion": [[0, 0], [0, 4]], "labels": "truth"}, TWO)

    assert '<td title="true land, mapped as land: 0 of 0 pixels">\N{EN DASH}</td>' in table


def test_without_counts_a_sentence_says_so():
    assert confusion_table(None, TWO) == NO_CONFUSION
    assert confusion_table({"miou": 0.4, "labels": "truth"}, TWO) == NO_CONFUSION


def test_counts_of_another_scheme_are_told_in_one_line():
    with pytest.raises(InputError, match="expected 8x8 counts"):
        confusion_table({"confusion": [[1]], "labels": "truth"}, OPEN_EARTH_MAP)
