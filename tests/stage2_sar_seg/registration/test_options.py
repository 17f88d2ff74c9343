from __future__ import annotations

import pytest

from landcover.errors import InputError
from stage2_sar_seg.registration.options import registration_options
from stage2_sar_seg.registration.tile_offset import TileSettings


def test_settings_of_tiles_and_of_the_matcher_are_told_apart() -> None:
    assert registration_options([]) == (TileSettings(), {})
    of_tiles, of_matcher = registration_options(
        ["tolerance=2", "model=affine", "least_inliers=7", "search=16", "name=a b", "scales=[1, 2.5]"]
    )
    assert of_tiles == TileSettings(tolerance=2.0, model="affine", least_inliers=7)
    assert type(of_tiles.tolerance) is float
    assert of_matcher == {"search": 16, "name": "a b", "scales": [1, 2.5]}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("search", r"REGISTER_OPTIONS: expected key=value, found 'search'; correct it"),
        ("a b=1", r"REGISTER_OPTIONS: expected key=value, found 'a b=1'; correct it"),
        ("model=homography", r"model=homography: expected translation or affine, found 'homography'; correct it"),
        ("least_inliers=2.5", r"least_inliers=2.5: expected a whole number, found 2.5; correct it"),
        ("tolerance=big", r"REGISTER_OPTIONS tolerance=big: expected a number, found 'big'; correct it"),
        ("overlap=True", r"REGISTER_OPTIONS overlap=True: expected a number, found True; correct it"),
    ],
)
def test_what_is_no_setting_is_told_in_one_line(option: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        registration_options([option])
