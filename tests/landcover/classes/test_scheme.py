from pathlib import Path

import numpy as np
import pytest

from landcover.classes import IGNORE_INDEX, OPEN_EARTH_MAP, SCHEMES, VOID, ClassScheme
from landcover.errors import InputError


def test_the_scheme_is_the_published_one():
    assert OPEN_EARTH_MAP.classes == (
        "bareland", "rangeland", "developed", "road", "tree", "water", "agriculture", "building",
    )  # fmt: skip
    hexadecimal = ["".join(f"{value:02X}" for value in colour) for colour in OPEN_EARTH_MAP.palette]
    assert " ".join(hexadecimal) == "800000 00FF24 949494 FFFFFF 226126 0045FF 4BB549 DE1F07"
    assert OPEN_EARTH_MAP.num_classes == 8
    assert SCHEMES == {"openearthmap": OPEN_EARTH_MAP}


def test_labels_become_indices_and_back():
    labels = np.array([[0, 1, 2], [7, 8, 0]], np.uint8)
    indices = OPEN_EARTH_MAP.to_indices(labels)
    np.testing.assert_array_equal(indices, [[255, 0, 1], [6, 7, 255]])
    assert indices.dtype == np.uint8 and indices[0, 0] == IGNORE_INDEX
    np.testing.assert_array_equal(labels, [[0, 1, 2], [7, 8, 0]])
    back = OPEN_EARTH_MAP.to_labels(indices.astype(np.int64))
    np.testing.assert_array_equal(back, labels)
    assert back.dtype == np.uint8 and back[0, 0] == VOID


def test_colours_follow_the_palette_and_void_is_black():
    colours = OPEN_EARTH_MAP.to_colours(np.array([[0, 1], [6, 8]], np.uint8))
    np.testing.assert_array_equal(colours, [[[0, 0, 0], [128, 0, 0]], [[0, 69, 255], [222, 31, 7]]])
    assert colours.dtype == np.uint8


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.full((2, 2), 9, np.uint8), r"a\.tif: expected label values 0\.\.8 \(scheme openearthmap\), found 9"),
        (np.zeros((2, 2), np.int64), r"a\.tif: expected a one-band uint8 label map, found int64 of shape \(2, 2\)"),
        (np.zeros((2, 2, 3), np.uint8), r"a\.tif: expected a one-band uint8 label map, found uint8 of shape"),
    ],
)
def test_what_is_no_label_map_is_refused(labels, message):
    with pytest.raises(InputError, match=message):
        OPEN_EARTH_MAP.check(labels, Path("a.tif"))


@pytest.mark.parametrize("labels", [np.array([[0, 8]], np.uint8), np.zeros((0, 4), np.uint8)])
def test_a_label_map_passes(labels):
    assert OPEN_EARTH_MAP.check(labels, Path("a.tif")) is None


def test_a_scheme_with_too_few_colours_is_refused():
    with pytest.raises(ValueError, match="scheme two: 2 classes but 1 colours"):
        ClassScheme("two", ("a", "b"), ((0, 0, 0),))
