from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.images.raster import write_raster
from stage2_sar_seg.registration.pairs import stored_pairs
from stage2_sar_seg.registration.pairs.image_pair import ImagePair
from stage2_sar_seg.registration.pairs.stored_pairs import StoredPairs, read_pair


def write(folder: Path, sar: np.ndarray, optical: np.ndarray) -> ImagePair:
    pair = ImagePair("a", folder / "sar.tif", folder / "optical.tif")
    write_raster(pair.sar, sar)
    write_raster(pair.optical, optical)
    return pair


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 256, shape, dtype=np.uint8)


def test_images_are_normalised_over_their_pixels_with_data(tmp_path: Path) -> None:
    sar = noise(80, 80)
    sar[:, :20] = 0
    found = read_pair(write(tmp_path, sar, noise(80, 80, 3)))
    assert found.data.sum(axis=(1, 2)).tolist() == [80 * 60, 80 * 80]
    assert not found.sar[0, :, :20].any()
    inside = found.sar[0, :, 20:]
    assert (inside.mean(), inside.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))
    np.testing.assert_allclose(found.optical.mean(axis=(1, 2)), 0, atol=1e-5)


def test_pairs_stay_while_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = write(tmp_path, noise(40, 40), noise(40, 40, 3))
    size = read_pair(pair).bytes
    monkeypatch.setattr(stored_pairs, "DECODED_BYTES", size + 10)
    stored = StoredPairs([pair, pair])
    first, second = stored.open(0), stored.open(1)
    assert stored.open(0) is first and stored.open(1) is not second


def test_images_that_do_not_go_together_or_show_nothing_are_told(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"optical\.tif: expected the size of \S+sar\.tif \(40, 40\), found \(40, 50\)"
    ):
        read_pair(write(tmp_path, noise(40, 40), noise(40, 50, 3)))
    for sar in (np.zeros((40, 40), np.uint8), np.full((40, 40), 7, np.uint8)):
        with pytest.raises(InputError, match=r"sar\.tif: expected an image that shows something, found one value"):
            read_pair(write(tmp_path, sar, noise(40, 40, 3)))
