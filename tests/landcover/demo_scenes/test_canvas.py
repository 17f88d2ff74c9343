import numpy as np

from landcover.demo_scenes.canvas import Canvas
from landcover.demo_scenes.scene import AGRICULTURE, BUILDING, RANGELAND, ROAD, TREE, WATER


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


def make_canvas(size: int = 8) -> Canvas:
    return Canvas(size, size, 1, np.random.default_rng(0))


def test_later_objects_lie_on_top_and_labels_come_from_the_object_table():
    canvas = make_canvas(6)
    canvas.polygon(box(0, 0, 5, 1), ROAD)
    canvas.polygon(box(4, 0, 5, 5), WATER)
    scene = canvas.finish()
    expected = np.full((6, 6), RANGELAND, np.uint8)
    expected[:2] = ROAD
    expected[:, 4:] = WATER
    np.testing.assert_array_equal(scene.labels, expected)
    assert scene.objects.classes.tolist() == [RANGELAND, ROAD, WATER]
    np.testing.assert_array_equal(scene.crop(scene.labels), expected[1:-1, 1:-1])


def test_a_gabled_roof_has_two_sides_and_its_height():
    canvas = make_canvas(10)
    canvas.building(box(2, 2, 7, 7), 5.0, gabled=True)
    scene = canvas.finish()
    assert (scene.heights[2:8, 2:8] == 5.0).all()
    assert scene.heights.sum() == 36 * 5.0
    assert set(np.unique(scene.roof_side)) == {-1, 0, 1}
    assert scene.roof_side[2, 4] == -1
    assert scene.roof_side[7, 4] == 1


def test_buildings_avoid_water_and_trees_avoid_roads_and_roofs():
    canvas = make_canvas(20)
    canvas.polygon(box(0, 0, 19, 9), WATER)
    canvas.polygon(box(0, 15, 19, 19), ROAD)
    canvas.building(box(2, 5, 8, 12), 4.0, gabled=False)
    canvas.tree(5, 17, 2.0)
    canvas.tree(5, 4, 2.0)
    canvas.tree(12, 12, 2.0)
    scene = canvas.finish()
    assert not (scene.labels == BUILDING).any()
    lines, columns = np.nonzero(scene.labels == TREE)
    assert abs(lines.mean() - 12) < 1 and abs(columns.mean() - 12) < 1
    assert 5 <= lines.size <= 21
    assert scene.heights[12, 12] > 1.3


def test_a_covered_object_leaves_no_height_and_no_roof_behind():
    canvas = make_canvas(10)
    canvas.building(box(2, 2, 7, 7), 5.0, gabled=True)
    canvas.polygon(box(0, 0, 9, 9), ROAD)
    scene = canvas.finish()
    assert scene.heights.max() == 0
    assert not scene.roof_side.any()


def test_rows_have_the_period_of_their_field_and_end_at_its_border():
    canvas = make_canvas(16)
    canvas.polygon(box(0, 0, 15, 7), AGRICULTURE, row_angle=0.0, row_period=4.0)
    rows = canvas.finish().row_pattern()
    np.testing.assert_allclose(rows[3, :8], [0, 1, 0, -1, 0, 1, 0, -1], atol=1e-5)
    assert not rows[8:].any()
