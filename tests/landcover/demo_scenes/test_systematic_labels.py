import numpy as np
import pytest
from scipy.stats import multivariate_normal

from landcover.demo_scenes.agreement import AGREEMENT
from landcover.demo_scenes.appearance import Appearance, appearance
from landcover.demo_scenes.layout import CITY, SUBURB, lay_out
from landcover.demo_scenes.looks import LATE_AUTUMN
from landcover.demo_scenes.optical import render_optical
from landcover.demo_scenes.random_labels import random_labels
from landcover.demo_scenes.source_tiles import REGIONS
from landcover.demo_scenes.systematic_labels import LEAST_VARIANCE, log_likelihoods, systematic_labels

TOLERANCE = 0.1  # of a share: what is asked of published labels


def drawn(number: int, style, look):
    rng = np.random.default_rng([31, number])
    scene = lay_out(rng, 256, 256, style)
    return rng, scene, render_optical(scene, look, rng)


def looks(number: int, style, look) -> tuple[np.ndarray, Appearance]:
    rng, scene, image = drawn(number, style, look)
    return np.ascontiguousarray(scene.crop(scene.labels)), appearance(scene, image, rng)


@pytest.fixture(scope="module")
def source():
    return [looks(number, *REGIONS[number % len(REGIONS)][1:])[1] for number in range(24)]


@pytest.fixture(scope="module")
def target():
    return [looks(100 + number, CITY if number % 3 else SUBURB, LATE_AUTUMN) for number in range(24)]


@pytest.fixture(scope="module")
def by_chance(target):
    maps = []
    for number, (truth, _) in enumerate(target):
        rng, scene, _ = drawn(100 + number, CITY if number % 3 else SUBURB, LATE_AUTUMN)
        maps.append(random_labels(truth, scene.crop(scene.ids), scene.objects.variant, rng))
    return maps


@pytest.fixture(scope="module")
def published(source, target):
    return systematic_labels(source, [tile for _, tile in target])


def confusion(target, published) -> np.ndarray:
    pairs = zip(target, published, strict=True)
    counts = sum(np.bincount(truth.ravel() * 9 + labels.ravel(), minlength=81) for (truth, _), labels in pairs)
    return np.asarray(counts).reshape(9, 9)[1:, 1:]


def test_agreement_per_class_comes_near_that_of_the_real_ones(target, published):
    counts = confusion(target, published)
    np.testing.assert_allclose(counts.diagonal() / counts.sum(1), AGREEMENT, atol=TOLERANCE)


def test_what_looks_alike_is_labelled_alike_in_every_tile(source, target):
    tile = target[0][1]
    first, second = systematic_labels(source, [tile, tile])
    np.testing.assert_array_equal(first, second)


def foreseen(target, maps) -> float:
    """Share of the wrong pieces of half of the tiles whose label a classifier of the other half's labels gives."""
    tiles = [tile for _, tile in target]
    given = [
        np.array([np.bincount(labels[tile.piece == number]).argmax() for number in range(tile.labels.size)])
        for tile, labels in zip(tiles, maps, strict=True)
    ]
    known = [Appearance(t.piece, g.astype(np.uint8), t.area, t.features) for t, g in zip(tiles, given, strict=True)]
    half = len(tiles) // 2
    found = log_likelihoods(known[:half], np.concatenate([tile.features for tile in tiles[half:]])).argmax(1) + 1
    truth, labels = np.concatenate([tile.labels for tile in tiles[half:]]), np.concatenate(given[half:])
    wrong = truth != labels
    return float((found == labels)[wrong].mean())


def test_errors_are_told_by_appearance_and_those_of_the_random_set_are_not(target, published, by_chance):
    assert foreseen(target, published) > 0.5
    assert foreseen(target, by_chance) < 0.3


def test_likelihoods_are_those_of_normal_distributions(source):
    features = source[1].features[:50]
    known = source[0]
    found = log_likelihoods([known], features)
    for label in range(1, 9):
        members = known.labels == label
        if not members.any():
            assert np.isneginf(found[:, label - 1]).all()
            continue
        weights = known.area[members]
        mean = np.average(known.features[members], axis=0, weights=weights)
        covariance = np.cov(known.features[members].T, aweights=weights, ddof=0) + LEAST_VARIANCE * np.eye(mean.size)
        expected = multivariate_normal(mean, covariance).logpdf(features) + mean.size / 2 * np.log(2 * np.pi)
        np.testing.assert_allclose(found[:, label - 1], expected, rtol=1e-9)


def test_a_class_that_the_source_does_not_have_is_never_given(source, target):
    known = [
        Appearance(tile.piece, np.where(tile.labels == 6, 2, tile.labels).astype(np.uint8), tile.area, tile.features)
        for tile in source[:6]
    ]
    labels = systematic_labels(known, [tile for _, tile in target[:3]])
    assert all(found.dtype == np.uint8 and found.min() >= 1 and found.max() <= 8 for found in labels)
    assert not any((found == 6).any() for found in labels)
