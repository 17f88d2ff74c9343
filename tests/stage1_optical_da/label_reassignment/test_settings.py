from __future__ import annotations

import pytest

from landcover.errors import InputError
from stage1_optical_da.label_reassignment.settings import LIMITS, ReassignmentSettings


def test_every_setting_but_words_has_limits() -> None:
    assert set(vars(ReassignmentSettings())) == {*LIMITS, "side", "shares", "regions", "soft"}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"threshold": 2}, r"^REASSIGN_OPTIONS threshold=2: expected a number from 0 to 1, found 2; correct it$"),
        ({"slack": "much"}, r"slack=much: expected a number, found 'much'"),
        ({"sharpness": 0}, r"sharpness=0: expected a number from 0.1 to 100, found 0"),
        ({"side": 2.5}, r"side=2.5: expected a whole number, found 2.5"),
        ({"shares": "truth"}, r"shares=truth: expected scores or labels, found 'truth'"),
        ({"regions": "fields"}, r"regions=fields: expected superpixels or cells, found 'fields'"),
        ({"soft": "yes"}, r"soft=yes: expected True or False, found 'yes'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_told(setting: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ReassignmentSettings(**setting)
