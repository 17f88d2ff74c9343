import itertools
import math
import tempfile
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ensemble.average import (
    average_labels,
    average_tile,
    average_with_members,
    conversion_notes,
    labels_from_sums,
)
from ensemble.weights import integer_weights
from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.score_files.score_file import logit_to_probability_table, probability_to_logit_table


def brute_force_labels(arrays: list[np.ndarray], weights: list[float]) -> np.ndarray:
    """First class with the largest weighted sum, pixel by pixel in Python numbers."""
    classes, height, width = arrays[0].shape
    labels = np.zeros((height, width), np.uint8)
    for row, column in itertools.product(range(height), range(width)):
        sums = [
            sum(weight * int(codes[k, row, column]) for codes, weight in zip(arrays, weights, strict=True))
            for k in range(classes)
        ]
        labels[row, column] = 1 + sums.index(max(sums))
    return labels


@pytest.fixture
def paths(tmp_path: Path, write_file, random_codes) -> list[Path]:
    return [write_file(tmp_path / f"m{seed}" / "t.tif", random_codes(seed, 40, 11)) for seed in range(3)]


def test_sums_and_labels_equal_brute_force(paths, random_codes) -> None:
    arrays = [random_codes(seed, 40, 11) for seed in range(3)]
    sums = average_tile(paths, [1, 1, 1], "logits")
    np.testing.assert_array_equal(sums, sum(codes.astype(np.int64) for codes in arrays))
    labels = average_labels(paths, [1, 1, 1], "logits", OPEN_EARTH_MAP)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, brute_force_labels(arrays, [1, 1, 1]))


def test_blocks_join_in_tiles_larger_than_one_block(tmp_path, write_file, random_codes) -> None:
    arrays = [random_codes(seed, 300, 270) for seed in range(2)]
    files = [write_file(tmp_path / f"m{seed}" / "t.tif", codes) for seed, codes in enumerate(arrays)]
    sums = arrays[0].astype(np.float64) + 2.0 * arrays[1]
    np.testing.assert_array_equal(average_tile(files, [1, 2], "logits"), sums)
    labels = average_labels(files, [0.5, 1.0], "logits", OPEN_EARTH_MAP)
    np.testing.assert_array_equal(labels, sums.argmax(axis=0) + 1)


@pytest.mark.parametrize("weights", [[1.0, 2.0, 1.0], [0.1, 0.2, 0.7], [3.0, 0.25, 1.5]])
def test_weights_count_as_their_exact_ratio(paths, random_codes, weights) -> None:
    arrays = [random_codes(seed, 40, 11) for seed in range(3)]
    labels = average_labels(paths, weights, "logits", OPEN_EARTH_MAP)
    hundredths = [round(weight * 100) for weight in weights]
    np.testing.assert_array_equal(labels, brute_force_labels(arrays, hundredths))


def test_the_order_of_members_does_not_matter(paths) -> None:
    weights = [1.0, 2.0, 0.5]
    expected = average_labels(paths, weights, "probabilities", OPEN_EARTH_MAP)
    for order in itertools.permutations(range(3)):
        labels = average_labels([paths[i] for i in order], [weights[i] for i in order], "probabilities", OPEN_EARTH_MAP)
        np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("weight", [1.0, 0.3, 1e9])
def test_an_ensemble_of_one_is_itself(paths, random_codes, weight) -> None:
    codes = random_codes(0, 40, 11)
    np.testing.assert_array_equal(average_tile(paths[:1], [weight], "logits"), codes)
    labels = average_labels(paths[:1], [weight], "logits", OPEN_EARTH_MAP)
    np.testing.assert_array_equal(labels, codes.argmax(axis=0) + 1)


def test_ties_go_to_the_lowest_class() -> None:
    sums = np.zeros((8, 1, 4), np.uint16)
    sums[[1, 4], 0, 1] = 510
    sums[[6, 7], 0, 2] = 1
    sums[:, 0, 3] = 65535
    np.testing.assert_array_equal(labels_from_sums(sums, OPEN_EARTH_MAP), [[1, 2, 7, 1]])


def test_labels_want_one_plane_per_class() -> None:
    with pytest.raises(ValueError, match=r"expected sums of shape \(8, H, W\)"):
        labels_from_sums(np.zeros((7, 2, 2), np.uint16), OPEN_EARTH_MAP)


@pytest.mark.parametrize("weights", [[1.0] * 256, [1.0] * 255 + [1 / 3]])
def test_256_members_at_the_largest_code_do_not_overflow(tmp_path, write_file, weights) -> None:
    high = np.full((8, 1, 1), 255, np.uint8)
    high[0] = 254
    path = write_file(tmp_path / "m" / "t.tif", high)
    sums = average_tile([path] * 256, weights, "logits")
    total = sum(integer_weights(weights))
    np.testing.assert_array_equal(sums[:, 0, 0].tolist(), [254 * total] + [255 * total] * 7)
    assert average_labels([path] * 256, weights, "logits", OPEN_EARTH_MAP).tolist() == [[2]]


def test_the_sums_have_the_smallest_type_that_holds_them(paths) -> None:
    assert average_tile(paths, [1, 1, 1], "logits").dtype == np.uint16
    assert average_tile(paths, [1, 1, 1 / 3], "logits").dtype == np.uint32


def test_files_of_the_other_encoding_are_converted_by_the_table(tmp_path, write_file, random_codes) -> None:
    logits, probabilities = random_codes(0), random_codes(1)
    files = [
        write_file(tmp_path / "a" / "t.tif", logits, "logit", 8.0),
        write_file(tmp_path / "b" / "t.tif", probabilities, "probability"),
    ]
    as_logits = logits.astype(int) + probability_to_logit_table(8.0)[probabilities]
    as_probabilities = logit_to_probability_table(8.0)[logits].astype(int) + probabilities
    np.testing.assert_array_equal(average_tile(files, [1, 1], "logits"), as_logits)
    np.testing.assert_array_equal(average_tile(files, [1, 1], "probabilities"), as_probabilities)


def test_converted_codes_are_rounded_not_cut_off(tmp_path, write_file) -> None:
    codes = np.zeros((8, 1, 256), np.uint8)
    codes[:] = np.arange(256)
    path = write_file(tmp_path / "a" / "t.tif", codes, "logit", 10.0)
    sums = average_tile([path], [1], "probabilities")
    exact = [255 * math.exp(10 * (code / 255 - 1)) for code in range(256)]
    np.testing.assert_array_equal(sums[0, 0], [round(value) for value in exact])


def test_another_logarithmic_range_is_brought_to_the_widest(tmp_path, write_file) -> None:
    ramp = np.zeros((8, 1, 256), np.uint8)
    ramp[:] = np.arange(256)
    files = [
        write_file(tmp_path / "narrow" / "t.tif", ramp, "logit", 5.0),
        write_file(tmp_path / "wide" / "t.tif", np.zeros_like(ramp), "logit", 10.0),
    ]
    expected = [round(255 * (1 + 5 * (code / 255 - 1) / 10)) for code in range(256)]
    sums = average_tile(files, [1, 1], "logits")
    np.testing.assert_array_less(np.abs(sums[3, 0].astype(int) - expected), 2)  # halves round either way
    assert sums[3, 0, 0] in (127, 128)
    assert sums[3, 0, 255] == 255


def test_logits_and_probabilities_rank_a_disagreement_differently(tmp_path, write_file) -> None:
    """One model all but excludes class 1; two mildly prefer it: the mean of logits hears the veto."""
    veto = np.zeros((8, 1, 1), np.uint8)
    veto[1] = 255
    mild = np.zeros((8, 1, 1), np.uint8)
    mild[:2, 0, 0] = 250, 230
    files = [write_file(tmp_path / f"m{i}" / "t.tif", codes) for i, codes in enumerate([veto, mild, mild])]
    assert average_labels(files, [1, 1, 1], "logits", OPEN_EARTH_MAP).tolist() == [[2]]
    assert average_labels(files, [1, 2.5, 2.5], "probabilities", OPEN_EARTH_MAP).tolist() == [[1]]


def test_confidence_is_the_mean_probability_of_the_label_and_members_have_their_own(
    tmp_path, write_file, random_codes
) -> None:
    arrays = [random_codes(seed, 90, 11) for seed in range(3)]
    weights = [1.0, 0.5, 2.0]
    files = [write_file(tmp_path / f"m{i}" / "t.tif", codes, "probability") for i, codes in enumerate(arrays)]
    tile = average_with_members(files, weights, OPEN_EARTH_MAP)
    mean = np.average(np.stack(arrays).astype(np.float64) / 255, axis=0, weights=weights)
    assert (tile.labels.dtype, tile.confidence.dtype, tile.members.dtype) == (np.uint8, np.float32, np.uint8)
    np.testing.assert_array_equal(tile.labels, average_labels(files, weights, "probabilities", OPEN_EARTH_MAP))
    np.testing.assert_array_equal(tile.labels, brute_force_labels(arrays, weights))
    np.testing.assert_allclose(tile.confidence, mean.max(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(tile.members, [codes.argmax(axis=0) + 1 for codes in arrays])
    for label in range(1, 9):
        assert tile.confidence[tile.labels == label].mean() == pytest.approx(mean.max(0)[tile.labels == label].mean())


def test_a_class_that_all_members_prefer_is_that_of_the_average(tmp_path, write_file) -> None:
    """Few codes, so that ties are many."""
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 3, (8, 60, 60), dtype=np.uint8) for _ in range(2)]
    files = [write_file(tmp_path / f"m{i}" / "t.tif", codes, "probability") for i, codes in enumerate(arrays)]
    tile = average_with_members(files, [1, 1], OPEN_EARTH_MAP)
    same = tile.members[0] == tile.members[1]
    assert 0.1 < same.mean() < 0.9
    np.testing.assert_array_equal(tile.labels[same], tile.members[0][same])


def test_scores_of_logits_are_probabilities_before_confidence_is_taken(tmp_path, write_file) -> None:
    codes = np.zeros((8, 1, 1), np.uint8)
    codes[3] = 204  # log p = -2
    tile = average_with_members([write_file(tmp_path / "m" / "t.tif", codes, "logit", 10.0)], [1], OPEN_EARTH_MAP)
    assert (tile.labels.tolist(), tile.members.tolist()) == ([[4]], [[[4]]])
    assert tile.confidence[0, 0] == pytest.approx(round(255 * math.exp(-2)) / 255)


def test_files_of_another_size_or_class_count_are_refused(tmp_path, write_file, random_codes) -> None:
    first = write_file(tmp_path / "a" / "t.tif", random_codes(0))
    wide = write_file(tmp_path / "b" / "t.tif", random_codes(0, 6, 6))
    seven = write_file(tmp_path / "c" / "t.tif", random_codes(0, classes=7))
    with pytest.raises(InputError, match=r"b/t.tif: expected 6x5 .* found 6x6"):
        average_tile([first, wide], [1, 1], "logits")
    with pytest.raises(InputError, match=r"c/t.tif: expected .*8 classes .* found .*7 classes"):
        average_labels([first, seven], [1, 1], "logits", OPEN_EARTH_MAP)
    with pytest.raises(InputError, match=r"c/t.tif: expected scores of the 8 classes .* found 7"):
        average_labels([seven], [1], "logits", OPEN_EARTH_MAP)
    with pytest.raises(InputError, match=r"c/t.tif: expected scores of the 8 classes .* found 7"):
        average_with_members([seven], [1], OPEN_EARTH_MAP)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.integers(1, 5), st.integers(1, 12), st.integers(1, 9), st.booleans())
def test_any_ensemble_is_brute_force_in_fractions(write_file, data, members, height, width, few_codes) -> None:
    """Any size, number of members and weights; rows without data are equal in all classes; few codes tie often."""
    seed = data.draw(st.integers(0, 10_000))
    tenths = data.draw(st.lists(st.integers(1, 50), min_size=members, max_size=members))
    empty = data.draw(st.integers(0, height))
    rng = np.random.default_rng(seed)
    arrays = [rng.integers(0, 3 if few_codes else 256, (8, height, width), dtype=np.uint8) for _ in range(members)]
    for codes in arrays:
        codes[:, :empty] = 0
    weights = [Fraction(number, 10) for number in tenths]
    with tempfile.TemporaryDirectory() as folder:
        files = [write_file(Path(folder) / str(m) / "t.tif", codes) for m, codes in enumerate(arrays)]
        floats = [float(weight) for weight in weights]
        labels = average_labels(files, floats, "logits", OPEN_EARTH_MAP)
        np.testing.assert_array_equal(labels, brute_force_labels(arrays, weights))
        sums = average_tile(files, floats, "logits")
        order = data.draw(st.permutations(range(members)))
        shuffled = [[values[i] for i in order] for values in (files, floats)]
        np.testing.assert_array_equal(average_labels(*shuffled, "logits", OPEN_EARTH_MAP), labels)
        own = average_labels(files[:1], floats[:1], "probabilities", OPEN_EARTH_MAP)
    unit = integer_weights(floats)[0] / weights[0]
    for place in np.ndindex(sums.shape):
        assert sums[place] == unit * sum(w * int(codes[place]) for w, codes in zip(weights, arrays, strict=True))
    to_probability = logit_to_probability_table(10.0)[arrays[0]]
    np.testing.assert_array_equal(own, to_probability.argmax(axis=0) + 1)


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_class_weights_move_the_labels_as_their_formula_says(tmp_path, write_file, random_codes, average) -> None:
    encoding = "logit" if average == "logits" else "probability"
    arrays = [random_codes(seed, 20, 11) for seed in range(3)]
    files = [write_file(tmp_path / str(m) / "t.tif", codes, encoding) for m, codes in enumerate(arrays)]
    weights, factors = [1.0, 2.0, 1.0], [1, 1.5, 1, 0.25, 1, 8, 1, 1]
    mean = np.average(np.stack(arrays) / 255, axis=0, weights=weights)
    scores = 10 * (mean - 1) + np.log(factors)[:, None, None] if average == "logits" else None
    scores = mean * np.array(factors)[:, None, None] if scores is None else scores
    labels = average_labels(files, weights, average, OPEN_EARTH_MAP, factors)
    chosen = np.take_along_axis(scores, labels[None].astype(int) - 1, axis=0)[0]
    assert (scores.max(axis=0) - chosen).max() <= (10 / 255 / 4 if average == "logits" else 1e-12)
    assert (labels != mean.argmax(axis=0) + 1).mean() > 0.1
    np.testing.assert_array_equal(
        labels, labels_from_sums(average_tile(files, weights, average, factors), OPEN_EARTH_MAP)
    )


def test_a_member_counts_differently_for_one_class(tmp_path, write_file) -> None:
    """One member all but decides about class 2, the other about class 1; then the other way round."""
    codes = np.zeros((2, 8, 1, 2), np.uint8)
    codes[0, :2, 0] = [[200, 0], [100, 90]]
    codes[1, :2, 0] = [[50, 10], [0, 250]]
    files = [write_file(tmp_path / str(m) / "t.tif", member, "probability") for m, member in enumerate(codes)]
    first, second = [1.0] * 8, [1.0] * 8
    first[1] = second[0] = 1e4
    labels = average_labels(files, [first, second], "probabilities", OPEN_EARTH_MAP)
    assert labels.tolist() == [[2, 2]]  # 50 and 10 of class 1 against 100 and 90 of class 2
    assert average_labels(files, [second, first], "probabilities", OPEN_EARTH_MAP).tolist() == [[1, 2]]


def peak(call: Callable[[], object]) -> int:
    call()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_grows_neither_with_members_nor_with_the_image_beyond_its_labels(tmp_path, write_file) -> None:
    small = write_file(tmp_path / "small" / "t.tif", np.full((8, 256, 256), 7, np.uint8))
    large = write_file(tmp_path / "large" / "t.tif", np.full((8, 1024, 512), 7, np.uint8))
    two = peak(lambda: average_labels([small] * 2, [1] * 2, "logits", OPEN_EARTH_MAP))
    many = peak(lambda: average_labels([small] * 40, [1] * 40, "logits", OPEN_EARTH_MAP))
    wide = peak(lambda: average_labels([large] * 2, [1] * 2, "logits", OPEN_EARTH_MAP))
    codes_of_a_member = 8 * 256 * 256
    assert many - two < 38 * codes_of_a_member / 10
    assert wide - 1024 * 512 - two < codes_of_a_member


def test_what_is_converted_is_told(write_member, random_codes) -> None:
    tiles = {"t": random_codes(0)}
    members = [
        write_member("a", tiles),
        write_member("b", tiles, encoding="probability"),
        write_member("c", tiles, log_range=5.0),
    ]
    assert conversion_notes(members, "t", "logits") == [
        "b: probability codes converted to logit codes of range 10",
        "c: logit codes of range 5 converted to logit codes of range 10",
    ]
    assert conversion_notes(members, "t", "probabilities") == [
        "a: logit codes of range 10 converted to probability codes",
        "c: logit codes of range 5 converted to probability codes",
    ]
    assert conversion_notes(members[:1], "t", "logits") == []
