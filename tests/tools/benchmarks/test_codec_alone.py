from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from landcover.images import segments
from landcover.images.raster import read_raster
from tools.benchmarks._codec_alone import decoding_of


class Images:
    """Images by number, read anew every time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, number: int) -> NDArray[Any]:
        return read_raster(self.folder / f"{number}.tif").pixels


@pytest.mark.parametrize(("compression", "calls"), [("deflate", 3), ("lzw", 1)])
def test_what_samples_are_made_of_is_decoded_again_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str, calls: int
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 60, 70), np.uint8)
    for number in range(2):
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(path, pixels[number], compression=compression, rowsperstrip=20, metadata=None)
    filled: list[NDArray[np.uint8]] = []
    together, one_by_one = segments.decode_excerpt, segments.DECODERS[32946]

    def filling_together(stored: Any, sizes: Any, place: NDArray[np.uint8], *settings: Any) -> None:
        together(stored, sizes, place, *settings)
        filled.append(place)

    def filling_one(data: bytes, out: NDArray[np.uint8]) -> Any:
        filled.append(out)
        return one_by_one(data, out=out)

    monkeypatch.setattr(segments, "SHORT", 0)
    monkeypatch.setattr(segments, "decode_excerpt", filling_together)
    monkeypatch.setattr(segments, "DECODERS", {**segments.DECODERS, 32946: filling_one})
    decode = decoding_of(Images(tmp_path), range(2))
    for path in tmp_path.iterdir():
        path.unlink()
    for place in filled:
        place[...] = 0
    filled.clear()
    decode()
    assert len(filled) == 2 * calls
    np.testing.assert_array_equal(np.concatenate([place.ravel() for place in filled]), pixels.ravel())
