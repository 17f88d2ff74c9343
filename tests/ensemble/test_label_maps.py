from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from ensemble.average import average_labels
from ensemble.label_maps import Ensemble, label_maps
from ensemble.members import Member, class_factors, weights_of
from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError


@pytest.fixture
def members(write_member: Callable[..., Member], random_codes) -> list[Member]:
    """Three models of another weight, one of them with probability codes, on a tile of two by two blocks."""
    codes = [random_codes(seed, 270, 300) for seed in range(3)]
    return [
        write_member("a", {"t": codes[0]}),
        write_member("b", {"t": codes[1]}, weight=2.5),
        write_member("c", {"t": codes[2]}, encoding="probability"),
    ]


def test_maps_are_those_of_every_ensemble_alone(members) -> None:
    ensembles = [
        Ensemble(members, "logits", {"road": 1.7}),
        Ensemble(members, "probabilities"),
        Ensemble(members[1:2], "logits"),
        Ensemble(members[2:], "probabilities"),
    ]
    found = label_maps(ensembles, "t", OPEN_EARTH_MAP)
    assert (found.shape, found.dtype) == ((4, 270, 300), np.uint8)
    for ensemble, labels in zip(ensembles, found, strict=True):
        expected = average_labels(
            [member.score_file("t") for member in ensemble.members],
            weights_of(ensemble.members, OPEN_EARTH_MAP),
            ensemble.average,
            OPEN_EARTH_MAP,
            class_factors(ensemble.class_weights, OPEN_EARTH_MAP),
        )
        np.testing.assert_array_equal(labels, expected)
    assert len({labels.tobytes() for labels in found}) == 4


def test_every_part_of_a_file_is_decoded_once_at_most(members, decoded) -> None:
    ensembles = [Ensemble(members, "logits"), Ensemble(members, "probabilities"), Ensemble(members[:1], "logits")]
    label_maps(ensembles, "t", OPEN_EARTH_MAP)
    assert set(Counter(decoded).values()) == {1}
    assert len(decoded) == 3 * 8 * 4  # random codes: every class may win somewhere


def test_members_of_two_ensembles_must_fit_together(members, write_member, random_codes) -> None:
    small = write_member("small", {"t": random_codes(0, 8, 8)})
    with pytest.raises(InputError, match=r"small/t.tif: expected 270x300 pixels, .* found 8x8 pixels"):
        label_maps([Ensemble(members, "logits"), Ensemble([small], "logits")], "t", OPEN_EARTH_MAP)
