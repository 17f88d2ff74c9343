import numpy as np
import pytest

from landcover.transforms.sample import Sample


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_indices_lie_on_the_image(shape):
    sample = Sample(np.zeros(shape, np.uint8), np.ones((4, 5), np.uint8))
    assert sample.indices is not None and int(sample.indices.sum()) == 20
    assert Sample(np.zeros(shape, np.uint8)).indices is None


def test_indices_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"indices \(5, 4\) do not lie on the image \(4, 5\)"):
        Sample(np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4), np.uint8))
