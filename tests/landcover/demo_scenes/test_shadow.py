import numpy as np

from landcover.demo_scenes.shadow import cast_shadow, translate


def test_translate_moves_right_and_down():
    pixels = np.zeros((4, 4), np.float32)
    pixels[1, 1] = 1
    moved = translate(pixels, 2, 1)
    assert moved[2, 3] == 1 and moved.sum() == 1
    assert translate(pixels, 0.5, 0)[1].tolist() == [0, 0.5, 0.5, 0]


def test_a_wall_of_two_metres_shades_four_pixels_at_45_degrees():
    heights = np.zeros((3, 12), np.float32)
    heights[:, 3] = 2.0
    shadow = cast_shadow(heights, azimuth=0.0, elevation=np.pi / 4)
    # 2 m at 45 degrees is 2 m of ground, 4 pixels of 0.5 m; the last one is lit, rays graze it
    assert shadow[1].tolist() == [False] * 4 + [True] * 3 + [False] * 5


def test_the_shadow_falls_where_the_rays_go():
    heights = np.zeros((12, 3), np.float32)
    heights[6] = 2.0
    down = cast_shadow(heights, np.pi / 2, np.pi / 4)
    up = cast_shadow(heights, -np.pi / 2, np.pi / 4)
    assert down[7:10].all() and not down[:7].any()
    assert up[3:6].all() and not up[6:].any()
