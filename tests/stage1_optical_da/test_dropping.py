import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stage1_optical_da.dropping import keep_agreed

LABELS = arrays(np.uint8, (3, 4), elements=st.integers(0, 8))


@given(LABELS, st.lists(LABELS, max_size=3))
def test_a_label_is_kept_unless_an_opinion_names_another_class(labels: np.ndarray, opinions: list[np.ndarray]) -> None:
    before = labels.copy()
    expected = np.zeros((3, 4), np.uint8)
    for place in np.ndindex(3, 4):
        named = {int(opinion[place]) for opinion in opinions} - {0}
        expected[place] = labels[place] if named <= {int(labels[place])} else 0
    kept = keep_agreed(labels, opinions)
    assert kept.dtype == np.uint8
    np.testing.assert_array_equal(kept, expected)
    np.testing.assert_array_equal(labels, before)


def test_unknown_is_no_opinion_and_stays_unknown() -> None:
    labels = np.array([[1, 2, 3, 0]], np.uint8)
    opinions = [np.array([[0, 2, 0, 4]], np.uint8), np.array([[1, 0, 5, 0]], np.uint8)]
    assert keep_agreed(labels, opinions).tolist() == [[1, 2, 0, 0]]
