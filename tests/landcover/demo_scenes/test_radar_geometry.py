import numpy as np
import pytest

from landcover.demo_scenes.canvas import Canvas
from landcover.demo_scenes.radar_geometry import RadarView, project_to_ground_range

VIEW = RadarView(azimuth=0.0, incidence=np.pi / 4)  # from the left; 1 m of height moves by 2 pixels


def scene_with_building(height: float):
    canvas = Canvas(41, 61, 4, np.random.default_rng(0))
    if height:
        canvas.building(np.array([[25, 10], [34, 10], [34, 29], [25, 29]], float), height, gabled=False)
    return canvas.finish()


def test_flat_ground_stays_where_it_is():
    scene = scene_with_building(0)
    intensity = np.random.default_rng(1).random((41, 61)).astype(np.float32)
    projected = project_to_ground_range(intensity, scene, VIEW, np.random.default_rng(0))
    np.testing.assert_allclose(projected, intensity, rtol=1e-5)


def test_a_building_is_laid_over_towards_the_sensor_and_leaves_a_shadow_behind():
    scene = scene_with_building(4.0)
    projected = project_to_ground_range(np.ones((41, 61), np.float32), scene, VIEW, np.random.default_rng(0))
    middle = projected[15:25].mean(0)
    np.testing.assert_allclose(middle[:15], 1)  # before the building
    assert (middle[18:24] > 2).all()  # roof, ground and wall in one pixel
    assert middle[24:26].max() > 2.2  # double bounce at the foot of the wall
    np.testing.assert_allclose(middle[27:41], 0, atol=0.01)  # roof gone, shadow of 8 pixels behind
    np.testing.assert_allclose(middle[43:], 1)


def test_the_look_direction_turns_the_picture():
    scene = scene_with_building(4.0)
    ones = np.ones((41, 61), np.float32)
    from_right = project_to_ground_range(ones, scene, RadarView(np.pi, np.pi / 4), np.random.default_rng(0))
    middle = from_right[15:25].mean(0)
    assert (middle[36:42] > 2).all()
    np.testing.assert_allclose(middle[19:32], 0, atol=1e-5)


@pytest.mark.parametrize(("degrees", "expected"), [(45, 2.0), (60, 2 / 3**0.5)])
def test_layover_per_metre_falls_with_incidence(degrees, expected):
    assert RadarView(0.0, np.deg2rad(degrees)).layover == pytest.approx(expected)
