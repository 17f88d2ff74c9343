import numpy as np
import pytest
import torch
from matching_pairs import pair

from landcover.images.no_data import Raster
from stage2_sar_seg.registration.build import build_matcher
from stage2_sar_seg.registration.matcher import MATCHERS
from stage2_sar_seg.registration.published_matcher import PublishedMatcher
from stage2_sar_seg.registration.tile_offset import register_tile


class StandIn(PublishedMatcher):
    """Speaks like a matcher of image-matching-models: x and y of points on a grid that moved by (row 4, column -6)."""

    def __init__(self, patch=512, search=32):
        super().__init__("stand-in of weights 1", patch, search)
        self.seen = []

    def find(self, sar, optical):
        self.seen.append((sar, optical))
        rows, columns = np.mgrid[10 : sar.shape[1] : 40, 10 : sar.shape[2] : 40]
        points = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
        places = points + np.float32([self.search - 6, self.search + 4])
        rng = np.random.default_rng(0)
        places[::3] = rng.uniform(0, 500, places[::3].shape)
        return points, places


@pytest.fixture
def named():
    MATCHERS.register_module(name="stand-in", module=StandIn)
    yield
    del MATCHERS.module_dict["stand-in"]


def test_a_published_matcher_that_a_user_has_named_registers_a_tile(named):
    matcher = build_matcher("stand-in", torch.device("cpu"))
    sar, optical = pair(600, (4, -6))
    result = register_tile(matcher, Raster(sar), Raster(optical), "tile")
    assert result.status == "registered" and result.offset == pytest.approx((4, -6), abs=0.1)
    assert result.points == 4 * 169 - sum_of_lost(matcher) and result.inliers >= 4 * 112
    assert len(matcher.seen) == 4  # patches of 512 with half overlap in 600 - 2 * 32 pixels
    assert matcher.settings() == {"matcher": "stand-in of weights 1", "patch": 512, "search": 32, "contrast": 3.0}


def sum_of_lost(matcher):
    lost = 0
    for sar, optical in matcher.seen:
        places = matcher.find(sar, optical)[1]
        matcher.seen.pop()
        lost += int(((places < -0.5) | (places > optical.shape[1] - 0.5)).any(axis=1).sum())
    return lost


def test_pictures_are_grey_at_the_mean_and_three_bands_each():
    matcher = StandIn(patch=64, search=8)
    sar = np.linspace(-5, 5, 64 * 64, dtype=np.float32).reshape(64, 64)
    optical = np.zeros((3, 80, 80), dtype=np.float32)
    optical[1] = 1.5
    matcher.match(sar, optical)
    ((grey, colours),) = matcher.seen
    assert grey.shape == (3, 64, 64) and torch.equal(grey[0], grey[2]) and grey.dtype == torch.float32
    assert (grey.min(), grey.max()) == (0, 1) and float(grey.mean()) == pytest.approx(0.5, abs=1e-3)
    np.testing.assert_allclose(colours[:, 0, 0], [0.5, 0.75, 0.5])


def test_points_outside_of_the_images_and_those_that_are_no_numbers_are_left_out():
    class Some(StandIn):
        def find(self, sar, optical):
            return [[1, 2], [70, 2], [3, 3], [4, 4], [5, 6]], [[9, 10], [9, 9], [-2, 3], [np.nan, 4], [79.4, 6]]

    found = Some(64, 8).match(np.zeros((64, 64), np.float32), np.zeros((3, 80, 80), np.float32))
    assert found.sar.tolist() == [[2, 1], [6, 5]] and found.optical.tolist() == [[10, 9], [6, 79.4]]
    assert found.confidence.tolist() == [1, 1]


def test_a_matcher_that_draws_its_points_gives_the_same_for_the_same_pair_and_leaves_the_generator_alone():
    class Drawing(StandIn):
        def find(self, sar, optical):
            points = 60 * torch.rand(5, 2)
            return points.numpy(), points.numpy() + 8

    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    images = np.zeros((64, 64), np.float32), np.zeros((3, 80, 80), np.float32)
    first, second = (Drawing(64, 8).match(*images) for _ in range(2))
    np.testing.assert_array_equal(first.sar, second.sar)
    assert len(first.sar) == 5 and torch.equal(torch.rand(1), expected)


def test_no_points_are_none():
    class Blind(StandIn):
        def find(self, sar, optical):
            return np.empty((0, 2)), np.empty((0, 2))

    assert len(Blind(64, 8).match(np.zeros((64, 64), np.float32), np.zeros((3, 80, 80), np.float32)).sar) == 0
