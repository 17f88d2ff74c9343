import numpy as np
import pytest

from landcover.demo_scenes.street_plan import PAVEMENT, Plan, Rectangle, cut_blocks


def area(rectangle: Rectangle) -> float:
    return rectangle.width * rectangle.height


@pytest.mark.parametrize("seed", range(5))
def test_blocks_and_streets_tile_the_whole(seed):
    whole = Rectangle(-200, -150, 200, 150)
    blocks, streets = cut_blocks(np.random.default_rng(seed), whole, block=80, street_share=0.5)
    assert sum(map(area, blocks)) + sum(area(street.area) for street in streets) == pytest.approx(400 * 300)
    assert max(max(block.width, block.height) for block in blocks) <= 100
    assert min(min(s.area.width, s.area.height) for s in streets) > 2 * PAVEMENT


def test_the_main_road_comes_first_and_only_once():
    _, streets = cut_blocks(np.random.default_rng(0), Rectangle(-200, -200, 200, 200), 80, 1.0)
    assert [street.depth for street in streets].count(0) == 1
    assert streets[0].depth == 0


def test_an_unbent_plan_turns_and_moves():
    plan = Plan(np.pi / 2, (10.0, 20.0), 0.0, 100.0, 0.0)
    np.testing.assert_allclose(plan.place(np.array([[3.0, 0.0], [0.0, 5.0]])), [[10, 23], [5, 20]], atol=1e-12)
    corners = plan.box(0, 0, 4, 2)
    np.testing.assert_allclose(corners.mean(0), [10, 20])
    np.testing.assert_allclose(np.ptp(corners, axis=0), [2, 4], atol=1e-12)
