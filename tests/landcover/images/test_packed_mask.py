import numpy as np
import pytest

from landcover.images.packed_mask import PackedMask


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (64, 64), (3, 5, 7)])
def test_a_mask_comes_back(shape: tuple[int, ...]) -> None:
    for share in (0.01, 0.5, 1.0):
        mask = np.random.default_rng(0).random(shape) < share
        mask.flat[-1] = True
        unpacked = PackedMask.of(mask).unpacked()
        assert unpacked is not None and unpacked.dtype == np.bool_
        np.testing.assert_array_equal(unpacked, mask)


def test_a_mask_that_is_nowhere_set_takes_nothing() -> None:
    packed = PackedMask.of(np.zeros((5, 7), np.bool_))
    assert packed == PackedMask((5, 7), b"") and packed.unpacked() is None


def test_a_wedge_takes_the_stated_bytes() -> None:
    rows, columns = np.mgrid[:1024, :1024]
    assert len(PackedMask.of(3 * rows + 2 * columns < 1100).data) < 2048
