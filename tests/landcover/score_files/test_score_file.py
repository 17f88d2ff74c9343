from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.errors import InputError
from landcover.images.grid import Georeference
from landcover.score_files.score_file import (
    DEFAULT_LOG_RANGE,
    ScoreFile,
    ScoreHeader,
    decode,
    encode,
    logit_to_probability_table,
    probability_to_logit_table,
    read_header,
    read_score_window,
    read_scores,
    write_scores,
)
from landcover.score_files.tiles import TileReader

HEADER = ScoreHeader("segformer", "openearthmap", "logit", 10.0, 300, 520, 3)
PIXEL_SCALE = (33550, 12, 3, (0.5, 0.5, 0.0))
TIE_POINT = (33922, 12, 6, (0.0, 0.0, 0.0, 500000.0, 4000000.0, 0.0))


@pytest.fixture
def codes() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (3, 300, 520), dtype=np.uint8)


@pytest.fixture
def written(tmp_path: Path, codes: NDArray[np.uint8]) -> Path:
    path = tmp_path / "scores" / "TestArea_001.tif"
    write_scores(path, codes, HEADER)
    return path


def softmax(seed: int, shape: tuple[int, int, int] = (8, 16, 16)) -> NDArray[np.float32]:
    scores = np.exp(np.random.default_rng(seed).normal(0, 3, shape))
    return (scores / scores.sum(axis=0)).astype(np.float32)


def pixel(*probabilities: float) -> NDArray[np.float32]:
    return np.array(probabilities, dtype=np.float32).reshape(-1, 1, 1)


def test_probability_codes_are_rounded_and_not_truncated() -> None:
    # 255 p = 254.6, 0.4, 0.6, 127.4
    codes = encode(pixel(254.6 / 255, 0.4 / 255, 0.6 / 255, 127.4 / 255), "probability")
    assert codes.ravel().tolist() == [255, 0, 1, 127]
    assert codes.dtype == np.uint8


def test_logit_codes_are_rounded_and_floored_at_the_range() -> None:
    # log p = 0, -10, below -10, -5, -1 of R = 10: codes 255, 0, 0, 127.5 - a little, 229.5 + a little
    codes = encode(pixel(1.0, math.exp(-10), 0.0, math.exp(-5.001), math.exp(-0.999)), "logit", 10.0)
    assert codes.ravel().tolist() == [255, 0, 0, 127, 230]


def test_probabilities_that_exceed_one_by_a_rounding_error_do_not_wrap() -> None:
    assert encode(pixel(1.0001), "logit").item() == 255
    assert encode(pixel(1.01), "probability").item() == 255


def test_encoding_refuses_not_a_number() -> None:
    for encoding in ("logit", "probability"):
        with pytest.raises(ValueError, match="NaN"):
            encode(pixel(0.5, math.nan), encoding)


def test_encoding_leaves_its_input_alone() -> None:
    probabilities = softmax(0)
    before = probabilities.copy()
    encode(probabilities, "logit")
    np.testing.assert_array_equal(probabilities, before)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(2.0, 30.0))
def test_codes_are_the_formula_in_float64(seed: int, log_range: float) -> None:
    probabilities = softmax(seed)
    exact = np.log(np.maximum(probabilities.astype(np.float64), math.exp(-log_range)))
    expected = 255 * (1 + exact / log_range)
    assert np.abs(encode(probabilities, "logit", log_range) - expected).max() <= 0.5 + 1e-3
    assert np.abs(encode(probabilities, "probability") - 255.0 * probabilities).max() <= 0.5 + 1e-4


def test_decoded_logits_are_probabilities_near_the_encoded_ones() -> None:
    probabilities = softmax(1)
    decoded = decode(encode(probabilities, "logit"), replace(HEADER, log_range=DEFAULT_LOG_RANGE))
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded.sum(axis=0), 1, atol=1e-6)
    # half a step is a factor exp(5/255), once more for the normalisation
    assert np.abs(decoded - probabilities).max() < 2 * (math.exp(5 / 255) - 1)


def test_decoded_logits_of_a_known_pixel() -> None:
    decoded = decode(np.array([[[255]], [[0]]], dtype=np.uint8), replace(HEADER, log_range=1.0))
    expected = 1 / (1 + math.exp(-1))
    np.testing.assert_allclose(decoded.ravel(), [expected, 1 - expected], rtol=1e-6)


def test_decoded_probabilities_are_code_over_255() -> None:
    decoded = decode(np.array([[[255]], [[51]]], dtype=np.uint8), replace(HEADER, encoding="probability"))
    np.testing.assert_allclose(decoded.ravel(), [1.0, 0.2], rtol=1e-6)
    assert decoded.dtype == np.float32


def test_tables_turn_one_code_into_the_other() -> None:
    to_probability, to_logit = logit_to_probability_table(10.0), probability_to_logit_table(10.0)
    assert to_probability.dtype == to_logit.dtype == np.uint8
    assert to_probability.shape == to_logit.shape == (256,)
    for code in range(256):
        assert to_probability[code] == round(255 * math.exp((code / 255 - 1) * 10))
        log = max(math.log(code / 255), -10) if code else -10
        assert to_logit[code] == round(255 * (1 + log / 10))
    assert (np.diff(to_probability.astype(int)) >= 0).all()
    assert (np.diff(to_logit.astype(int)) >= 0).all()
    # half a logit step is a factor of exp(5 / 255), 2%, thus at most 5 of 255 codes, and rounding once more half a code
    back = to_probability[to_logit].astype(int)
    assert np.abs(back - np.arange(256)).max() <= 5


def test_file_gives_back_header_and_codes(written: Path, codes: NDArray[np.uint8]) -> None:
    header, read = read_scores(written)
    assert header == HEADER == read_header(written)
    np.testing.assert_array_equal(read, codes)
    assert read.dtype == np.uint8


@pytest.mark.parametrize("encoding", ["logit", "probability"])
def test_header_carries_every_field(tmp_path: Path, encoding: str) -> None:
    header = ScoreHeader("Modell Übung", "openearthmap", encoding, 7.5, 5, 4, 8)  # type: ignore[arg-type]
    write_scores(tmp_path / "a.tif", np.zeros((8, 5, 4), dtype=np.uint8), header)
    assert read_header(tmp_path / "a.tif") == header


@pytest.mark.parametrize(
    "window",
    [(0, 0, 300, 520), (0, 0, 1, 1), (299, 519, 1, 1), (250, 250, 20, 20), (256, 256, 44, 256), (10, 500, 290, 20)],
)
def test_window_is_the_slice_of_the_whole(
    written: Path, codes: NDArray[np.uint8], window: tuple[int, int, int, int]
) -> None:
    top, left, height, width = window
    expected = codes[:, top : top + height, left : left + width]
    np.testing.assert_array_equal(read_score_window(written, *window), expected)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """Grows by the place (plane, row, column) of every tile that is decoded."""
    places: list[tuple[int, int, int]] = []
    decode_one = TileReader.decode

    def counting(reader: TileReader, place: tuple[int, int, int], out: NDArray[np.uint8]) -> None:
        places.append(place)
        decode_one(reader, place, out)

    monkeypatch.setattr(TileReader, "decode", counting)
    return places


def test_window_decodes_only_the_tiles_it_touches(written: Path, decoded: list[tuple[int, int, int]]) -> None:
    read_score_window(written, 260, 300, 30, 30)
    assert decoded == [(0, 1, 1), (1, 1, 1), (2, 1, 1)]


def test_reading_the_header_decodes_no_tile(written: Path, decoded: list[tuple[int, int, int]]) -> None:
    read_header(written)
    ScoreFile(written)
    assert decoded == []


def test_the_header_tells_the_largest_code_of_every_tile(written: Path, codes: NDArray[np.uint8]) -> None:
    largest = ScoreFile(written).largest
    assert largest.shape == (3, 2, 3)
    for plane, row, column in np.ndindex(3, 2, 3):
        part = codes[plane, 256 * row : 256 * (row + 1), 256 * column : 256 * (column + 1)]
        assert largest[plane, row, column] == part.max()


@pytest.mark.parametrize("compression", ["deflate", "lzw", "zstd"])
@pytest.mark.parametrize("predictor", [True, False])
def test_files_without_largest_codes_and_of_other_compressions_are_read(
    tmp_path: Path, codes: NDArray[np.uint8], compression: str, predictor: bool
) -> None:
    content = json.dumps({"format": "landcover-scores", "version": 1, **vars(HEADER)})
    tifffile.imwrite(
        tmp_path / "a.tif", codes, photometric="minisblack", planarconfig="separate", tile=(256, 256),
        compression=compression, predictor=predictor, description=content, metadata=None,
    )  # fmt: skip
    np.testing.assert_array_equal(read_scores(tmp_path / "a.tif")[1], codes)
    assert (ScoreFile(tmp_path / "a.tif").largest == 255).all()


def test_window_outside_the_image_is_refused(written: Path) -> None:
    with pytest.raises(InputError, match="found 300x520"):
        read_score_window(written, 290, 0, 20, 20)


def test_same_codes_give_the_same_bytes(tmp_path: Path, codes: NDArray[np.uint8]) -> None:
    write_scores(tmp_path / "a.tif", codes, HEADER)
    write_scores(tmp_path / "b.tif", codes, HEADER)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "b.tif"]


def test_the_place_is_carried(tmp_path: Path, codes: NDArray[np.uint8]) -> None:
    path = tmp_path / "a.tif"
    write_scores(path, codes, HEADER, Georeference((PIXEL_SCALE, TIE_POINT)))
    with tifffile.TiffFile(path) as file:
        tags = file.pages.first.tags
        assert tags[33550].value == (0.5, 0.5, 0.0)
        assert tags[33922].value == TIE_POINT[3]


def test_no_data_is_kept_as_a_mask_that_other_programs_understand(tmp_path: Path, codes: NDArray[np.uint8]) -> None:
    no_data = np.zeros(codes.shape[1:], bool)
    no_data[3:, :2] = True
    path = tmp_path / "t.tif"
    write_scores(path, codes, HEADER, no_data=no_data)
    found = ScoreFile(path).no_data()
    assert found is not None
    np.testing.assert_array_equal(found, no_data)
    np.testing.assert_array_equal(read_scores(path)[1], codes)
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(), codes)
        np.testing.assert_array_equal(file.read_masks(1) == 0, no_data)


def test_a_file_knows_that_all_pixels_have_data_or_does_not_know(tmp_path: Path, codes: NDArray[np.uint8]) -> None:
    path = tmp_path / "t.tif"
    write_scores(path, codes, HEADER, no_data=np.zeros(codes.shape[1:], bool))
    found = ScoreFile(path).no_data()
    assert found is not None and found.shape == codes.shape[1:] and not found.any()
    write_scores(path, codes, HEADER)
    assert ScoreFile(path).no_data() is None


def test_other_programs_see_a_multi_band_image(tmp_path: Path, codes: NDArray[np.uint8]) -> None:
    rasterio = pytest.importorskip("rasterio")
    path = tmp_path / "a.tif"
    write_scores(path, codes, HEADER, Georeference((PIXEL_SCALE, TIE_POINT)))
    with rasterio.open(path) as image:
        assert (image.count, image.height, image.width) == (3, 300, 520)
        assert image.block_shapes == [(256, 256)] * 3
        assert (image.transform.a, image.transform.c, image.transform.f) == (0.5, 500000.0, 4000000.0)
        np.testing.assert_array_equal(image.read(), codes)


def test_writing_refuses_codes_that_are_not_what_the_header_says(tmp_path: Path, codes: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="expected uint8 codes of shape"):
        write_scores(tmp_path / "a.tif", codes[:2], HEADER)
    with pytest.raises(ValueError, match="float32"):
        write_scores(tmp_path / "a.tif", codes.astype(np.float32), HEADER)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.tif: expected a score file, found none; predict"):
        read_header(tmp_path / "nothing.tif")


def test_other_tiff_is_not_taken_for_scores(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image.tif", np.zeros((4, 4), dtype=np.uint8))
    with pytest.raises(InputError, match="found a TIFF without its header"):
        read_scores(tmp_path / "image.tif")


CHANGES: list[dict[str, object]] = [
    {"version": 99}, {"encoding": "softmax"}, {"log_range": -1}, {"log_range": "a"}, {"log_range": math.inf},
    {"model": ""}, {"scheme": 3}, {"height": 0}, {"classes": "8"}, {"largest": "!"}, {"largest": "AAAA"},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_header_that_is_not_ours_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    content = {"format": "landcover-scores", "version": 1, **vars(HEADER), **change}
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((4, 4), dtype=np.uint8), description=json.dumps(content), metadata=None
    )
    with pytest.raises(InputError, match=r"a\.tif: expected .*(score|largest codes)") as caught:
        read_header(tmp_path / "a.tif")
    assert "\n" not in str(caught.value)


def test_rewritten_file_of_another_size_is_refused(tmp_path: Path) -> None:
    content = json.dumps({"format": "landcover-scores", "version": 1, **vars(HEADER)})
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), dtype=np.uint8), description=content, metadata=None)
    with pytest.raises(InputError, match="rewritten by another program"):
        read_scores(tmp_path / "a.tif")


@pytest.mark.parametrize("kept", [0, 6, 100, 5000])
def test_cut_off_file_is_an_input_error(written: Path, kept: int) -> None:
    written.write_bytes(written.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"TestArea_001\.tif"):
        read_scores(written)
    with pytest.raises(InputError, match=r"TestArea_001\.tif"):
        read_score_window(written, 200, 200, 100, 300)


def test_a_score_file_carries_its_classes_and_an_old_one_names_their_scheme(tmp_path: Path) -> None:
    own = ClassScheme("mine", ("wet", "dry"), ((1, 2, 3), (4, 5, 6)), ("dry",))
    codes = np.zeros((2, 5, 4), dtype=np.uint8)
    write_scores(tmp_path / "own.tif", codes, ScoreHeader("m", "mine", "logit", 10.0, 5, 4, 2, own))
    found = read_header(tmp_path / "own.tif").class_scheme
    assert found is not None
    assert (found, found.palette, found.unscored) == (own, own.palette, ("dry",))
    for name, scheme in (("openearthmap", OPEN_EARTH_MAP), ("potsdam", None)):
        write_scores(tmp_path / "old.tif", codes, ScoreHeader("m", name, "logit", 10.0, 5, 4, 2))
        assert read_header(tmp_path / "old.tif").class_scheme == scheme
