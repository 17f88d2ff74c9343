import numpy as np
import pytest

from landcover.classes import OPEN_EARTH_MAP, counts
from landcover.classes.counts import byte_counts, label_counts


def test_every_label_is_counted_void_first() -> None:
    labels = np.array([[0, 0, 3], [8, 3, 3]], np.uint8)
    assert label_counts(labels, OPEN_EARTH_MAP).tolist() == [2, 0, 0, 3, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("exact", [100, 2**24])
def test_every_byte_is_counted_whatever_the_shape_and_however_many(exact, monkeypatch) -> None:
    monkeypatch.setattr(counts, "EXACT", exact)
    image = np.random.default_rng(0).integers(0, 256, (41, 60), dtype=np.uint8)
    for values in (image, image[::2, 1::3], image.T, image[0], image[:0]):
        found = byte_counts(values)
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, np.bincount(values.ravel(), minlength=256))
