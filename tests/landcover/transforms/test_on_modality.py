import numpy as np
import pytest

from landcover.errors import InputError
from landcover.transforms.albumentation import Albumentation
from landcover.transforms.on_modality import OnModality
from landcover.transforms.random_scale_crop import RandomScaleCrop
from landcover.transforms.sample import Sample

GAIN = {"type": "RandomGain", "decibels": 3.0, "probability": 1.0}

pytestmark = pytest.mark.usefixtures("registered")


def both(height: int = 12, width: int = 16) -> Sample:
    """Optical and SAR image whose grey values are those of the indices."""
    indices = np.random.default_rng(0).integers(1, 200, (height, width)).astype(np.uint8)
    return Sample({"optical": np.stack([indices] * 3, axis=-1), "sar": indices.astype(np.float32)}, indices)


@pytest.mark.parametrize("seed", range(5))
def test_geometry_moves_all_images_and_the_indices_alike(seed: int) -> None:
    chain = Albumentation([{"type": name, "p": 0.7} for name in ("HorizontalFlip", "VerticalFlip", "RandomRotate90")])
    rng = np.random.default_rng(seed)
    sample = RandomScaleCrop(8, scale=(1.0, 1.0))(chain(both(), rng), rng)
    assert sample.indices.shape == (8, 8)
    np.testing.assert_array_equal(sample.image["sar"], sample.indices)
    for band in range(3):
        np.testing.assert_array_equal(sample.image["optical"][..., band], sample.indices)
    assert (sample.image["optical"].dtype, sample.image["sar"].dtype) == (np.uint8, np.float32)


def test_grey_values_change_in_the_named_modality_alone() -> None:
    sample = both()
    changed = OnModality("sar", GAIN)(sample, np.random.default_rng(0))
    ratio = changed.image["sar"] / sample.image["sar"]
    assert abs(ratio[0, 0] - 1) > 0.01
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-5)
    assert changed.image["optical"] is sample.image["optical"] and changed.indices is sample.indices


def test_a_change_of_grey_values_without_a_modality_is_refused() -> None:
    jitter = Albumentation([{"type": "ColorJitter", "p": 1.0}])
    with pytest.raises(InputError, match="expected an image of one modality, found optical and sar; name the modality"):
        jitter(both(), np.random.default_rng(0))


def test_a_modality_that_the_sample_has_not_is_refused() -> None:
    with pytest.raises(InputError, match="expected a sample with sar, found an image of one modality"):
        OnModality("sar", GAIN)(Sample(np.ones((4, 4), np.uint8)), np.random.default_rng(0))
    with pytest.raises(InputError, match="expected a sample with thermal, found optical and sar"):
        OnModality("thermal", GAIN)(both(), np.random.default_rng(0))
