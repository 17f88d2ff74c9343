import pytest
import torch

from landcover.errors import InputError
from landcover.sar.stretch import check_stretch, stretch_values

PIXELS = torch.tensor([0, 10, 100, 250], dtype=torch.uint8)


@pytest.mark.parametrize(
    ("stretch", "unit", "expected"),
    [
        (None, "amplitude", [0.0, 10.0, 100.0, 250.0]),
        ({"type": "log", "floor": 1.0}, "amplitude", [0.0, 20.0, 40.0, 47.9588]),
        ({"type": "log", "floor": 100}, "intensity", [20.0, 20.0, 20.0, 23.9794]),
        ({"type": "percentile", "low": 5.0, "high": 200.0}, "amplitude", [5.0, 10.0, 100.0, 200.0]),
    ],
)
def test_stretched_values(stretch, unit, expected):
    check_stretch(stretch)
    result = stretch_values(PIXELS, stretch, unit)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, torch.tensor(expected))


def test_decibels_are_logarithms_already():
    decibels = torch.tensor([-30.0, 0.0, 5.0])
    assert torch.equal(stretch_values(decibels, {"type": "log", "floor": 1.0}, "decibel"), decibels)


@pytest.mark.parametrize(
    ("stretch", "message"),
    [
        ("log", "expected None or a type of 'log' or 'percentile', found 'log'"),
        ({"type": "gamma"}, "expected None or a type of 'log' or 'percentile', found {'type': 'gamma'}"),
        ({"type": "log"}, "expected the number floor for type 'log'"),
        ({"type": "log", "floor": 1.0, "low": 2.0}, "expected the number floor for type 'log'"),
        ({"type": "log", "floor": "1"}, "expected the number floor for type 'log'"),
        ({"type": "log", "floor": 0.0}, "expected a floor above 0, found 0.0"),
        ({"type": "percentile", "low": 1.0}, "expected the numbers low and high for type 'percentile'"),
        ({"type": "percentile", "low": 9.0, "high": 9.0}, "expected low below high, found 9.0 and 9.0"),
    ],
)
def test_wrong_settings_are_refused_by_key(stretch, message):
    with pytest.raises(InputError) as error:
        check_stretch(stretch)
    assert str(error.value).startswith("sar.stretch: ") and message in str(error.value)
