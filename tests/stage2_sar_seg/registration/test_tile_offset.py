from dataclasses import replace

import numpy as np
import pytest
import torch
from matching_pairs import pair

from landcover.errors import InputError
from landcover.images.no_data import Raster
from stage2_sar_seg.registration.build import build_matcher
from stage2_sar_seg.registration.matcher import Correspondences
from stage2_sar_seg.registration.tile_offset import STAY, TileSettings, register_tile

AREA_MATCHERS = ["descriptor", "phase"]


def matcher(name="descriptor", patch=64, search=12):
    return build_matcher(name, torch.device("cpu"), patch=patch, search=search)


class Given:
    """Point matcher that finds points on a grid, all moved by `offset`, but a share of them anywhere."""

    patch, search = 64, 12

    def __init__(self, offset, wrong=0.0, step=16):
        self._offset, self._wrong, self._step = np.array(offset), wrong, step
        self.sizes = []

    def settings(self):
        return {}

    def match(self, sar, optical):
        self.sizes.append((sar.shape, optical.shape))
        rows, columns = np.mgrid[: sar.shape[0] : self._step, : sar.shape[1] : self._step]
        points = np.stack([rows.ravel(), columns.ravel()], axis=1).astype(np.float64)
        rng = np.random.default_rng(0)
        found = points + self.search + self._offset
        wrong = rng.random(len(points)) < self._wrong
        found[wrong] = rng.uniform(0, optical.shape[1], (wrong.sum(), 2))
        return Correspondences(points, found, np.ones(len(points)))


def rasters(offset=(3, -5), side=128, **changes):
    sar, optical = pair(side, offset, **changes)
    return Raster(sar), Raster(optical)


@pytest.mark.parametrize("name", AREA_MATCHERS)
@pytest.mark.parametrize("offset", [(0, 0), (3, -5), (-9, 7)])
def test_a_planted_offset_is_found_between_different_looks(name, offset):
    result = register_tile(matcher(name), *rasters(offset), "tile")
    assert result.status == "registered"
    assert result.offset == pytest.approx(offset, abs=0.35) and result.found == result.offset
    assert result.transform == ((1.0, 0.0, result.offset[0]), (0.0, 1.0, result.offset[1]))
    assert result.points == 9 and result.inliers >= 6


@pytest.mark.parametrize("name", AREA_MATCHERS)
def test_a_shifted_copy_of_itself_is_found_exactly(name):
    grey = pair(160, (0, 0), looks=100)[0]
    sar, optical = grey[16:144, 16:144], np.stack([grey[12:140, 23:151]] * 3, axis=-1)
    result = register_tile(matcher(name), Raster(sar), Raster(optical), "tile")
    assert result.offset == pytest.approx((4, -7), abs=0.05) and result.inliers == result.points


def test_patches_that_are_unsure_alone_are_sure_together():
    images = rasters((4, 2), side=176, looks=2)
    together = register_tile(matcher(patch=48), *images, "tile")
    alone = register_tile(matcher(patch=48), *(Raster(image.pixels[:72, :72]) for image in images), "tile")
    assert together.status == "registered" and together.points > 30
    assert alone.points == 1 and alone.confidence < together.confidence


@pytest.mark.parametrize("name", AREA_MATCHERS)
def test_an_offset_larger_than_the_search_is_not_applied(name):
    result = register_tile(matcher(name), *rasters((14, 0)), "tile")
    assert result.status in ("beyond the search", "unsure")
    assert (result.offset, result.transform) == ((0.0, 0.0), STAY)


def test_a_peak_at_the_border_is_beyond_the_search():
    result = register_tile(matcher(), *rasters((12, 0)), "tile")
    assert (result.status, result.confidence, result.offset) == ("beyond the search", 0.0, (0.0, 0.0))
    assert result.found == pytest.approx((12, 0), abs=0.5)
    assert register_tile(Given((13.5, 0)), *rasters(), "tile").status == "beyond the search"


@pytest.mark.parametrize("name", AREA_MATCHERS)
def test_images_of_different_places_are_unsure(name):
    sar, optical = rasters(seed=1)[0], rasters(seed=2)[1]
    result = register_tile(matcher(name), sar, optical, "tile")
    assert result.status in ("unsure", "beyond the search") and result.offset == (0.0, 0.0)
    assert result.found is not None and result.found != (0.0, 0.0)


@pytest.mark.parametrize("name", AREA_MATCHERS)
def test_a_wedge_without_data_does_not_draw_the_offset(name):
    sar, optical = rasters((3, -5), side=160)
    rows, columns = np.ogrid[:160, :160]
    sar.pixels[rows + columns < 100] = 0  # the edge of the acquisition, where the optical image has none
    result = register_tile(matcher(name), sar, optical, "tile")
    assert result.status == "registered" and result.offset == pytest.approx((3, -5), abs=0.35)
    assert result.points < 16


def test_settings_decide_what_is_applied():
    images = rasters()
    sure = register_tile(matcher(), *images, "tile")
    strict = TileSettings(least_confidence=1.01, least_inliers=10)
    unsure = register_tile(matcher(), *images, "tile", strict)
    assert unsure == replace(sure, status="unsure", offset=(0.0, 0.0), transform=STAY)
    clipped = register_tile(matcher(), *images, "tile", TileSettings(normalisation="percentiles"))
    assert clipped.offset == pytest.approx((3, -5), abs=0.35) and clipped != sure
    fewer = register_tile(matcher(), *images, "tile", TileSettings(overlap=0.0))
    assert (sure.points, fewer.points) == (9, 4)


def test_most_patches_at_one_place_are_enough_without_a_lead():
    images = rasters(side=160)
    doubtful = TileSettings(least_confidence=1.01)
    together = register_tile(matcher(), *images, "tile", replace(doubtful, least_inliers=4))
    assert together.status == "registered" and 2 * together.inliers > together.points >= 16
    more = replace(doubtful, least_inliers=together.points + 1)
    assert register_tile(matcher(), *images, "tile", more).status == "unsure"
    one_patch = [Raster(image.pixels[:88, :88]) for image in images]
    assert register_tile(matcher(), *one_patch, "tile", doubtful).status == "unsure"


def test_points_of_all_patches_agree_on_one_offset():
    given = Given((2.5, -3.0), wrong=0.4)
    result = register_tile(given, *rasters(), "tile")
    assert result.status == "registered" and result.offset == pytest.approx((2.5, -3.0), abs=0.2)
    assert given.sizes == [((64, 64), (3, 88, 88))] * 9
    assert result.points == 9 * 16 and result.inliers == pytest.approx(0.6 * 144, abs=15)
    assert result.confidence == pytest.approx(result.inliers / result.points)


def test_too_few_or_too_discordant_points_are_unsure():
    images = rasters(side=88)
    few = register_tile(Given((1.0, 1.0), step=40), *images, "tile", TileSettings(least_inliers=5))
    assert (few.status, few.inliers, few.offset, few.found) == ("unsure", 4, (0.0, 0.0), (1.0, 1.0))
    discordant = register_tile(Given((1.0, 1.0), wrong=0.95), *rasters(), "tile")
    assert discordant.status == "unsure" and discordant.confidence < 0.2
    none = register_tile(Given((1.0, 1.0), wrong=1.0), *images, "tile", TileSettings(tolerance=1e-9))
    assert none.status == "unsure"


def test_a_matcher_that_finds_no_point_is_unsure():
    class Blind(Given):
        def match(self, sar, optical):
            return Correspondences(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))

    result = register_tile(Blind((0, 0)), *rasters(), "tile")
    assert (result.status, result.points, result.found) == ("unsure", 0, None)


@pytest.mark.parametrize("model", ["translation", "affine"])
def test_an_affine_offset_is_that_of_the_centre(model):
    class Turned(Given):
        def match(self, sar, optical):
            points = super().match(sar, optical)
            turned = points.optical + 0.0
            turned[:, 0] += 0.02 * (points.sar[:, 1] - 31.5)
            return Correspondences(points.sar, turned, points.confidence)

    result = register_tile(Turned((1.0, 2.0)), *rasters(side=88), "tile", TileSettings(model=model))
    assert result.status == "registered" and result.offset == pytest.approx((1.0, 2.0), abs=0.2)
    assert result.transform[0][1] == pytest.approx(0.02 if model == "affine" else 0.0, abs=1e-6)


def test_patches_of_an_area_matcher_make_an_affine_transform():
    result = register_tile(matcher(), *rasters(side=160), "tile", TileSettings(model="affine"))
    assert result.status == "registered" and result.offset == pytest.approx((3, -5), abs=0.35)
    np.testing.assert_allclose(np.array(result.transform)[:, :2], np.eye(2), atol=0.01)


def test_a_tile_smaller_than_the_search_is_told():
    result = register_tile(matcher(search=32), *rasters(side=80), "tile")
    assert (result.status, result.offset, result.points, result.found) == ("too small", (0.0, 0.0), 0, None)


def test_a_tile_that_is_not_square_is_registered():
    images = [Raster(image.pixels[:100]) for image in rasters(side=180)]
    result = register_tile(matcher(), *images, "tile")
    assert result.status == "registered" and result.offset == pytest.approx((3, -5), abs=0.35)


@pytest.mark.parametrize("constant", [0, 1])
def test_a_constant_image_is_told(constant):
    images = list(rasters())
    images[constant] = Raster(np.full_like(images[constant].pixels, 77))
    result = register_tile(matcher(), *images, "tile")
    assert (result.status, result.offset, result.confidence) == ("constant", (0.0, 0.0), 0.0)


@pytest.mark.parametrize("empty", [0, 1])
def test_an_image_without_data_is_told(empty):
    images = list(rasters())
    images[empty] = Raster(np.zeros_like(images[empty].pixels))
    assert register_tile(matcher(), *images, "tile").status == "no data"


def test_data_in_different_halves_is_no_data():
    sar, optical = rasters()
    sar.pixels[:, :75] = 0
    optical.pixels[:, 53:] = 0
    assert register_tile(matcher(), sar, optical, "tile").status == "no data"


def test_images_of_different_sizes_are_refused():
    sar, optical = rasters()
    with pytest.raises(InputError, match=r"^a tile: expected .* 128x128 pixels, found 100x128; resample"):
        register_tile(matcher(), sar, Raster(optical.pixels[:100]), "a tile")


def test_a_heatmap_of_another_size_than_the_search_is_told(monkeypatch):
    broken = matcher()
    monkeypatch.setattr(broken, "heatmap", lambda sar, optical: np.zeros((24, 25), np.float32))
    with pytest.raises(InputError, match=r"^DescriptorMatcher: expected heatmaps of 25x25 offsets, found \(24, 25\)"):
        register_tile(broken, *rasters(), "tile")


def test_inputs_stay_and_the_same_pair_gives_the_same_result():
    sar, optical = rasters()
    before = sar.pixels.copy(), optical.pixels.copy()
    first, second = (register_tile(matcher(), sar, optical, "tile") for _ in range(2))
    assert first == second
    assert (sar.pixels == before[0]).all() and (optical.pixels == before[1]).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("overlap", 1.0), ("overlap", -0.1), ("least_data", 0.0), ("tolerance", 0.0), ("least_inliers", 0)],
)
def test_settings_that_make_no_sense_are_refused(name, value):
    with pytest.raises(InputError, match=rf"^registration: {name}: expected .* found {value}; correct it$"):
        TileSettings(**{name: value})
