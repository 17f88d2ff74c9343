from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.training.config import load_config
from landcover.training.sar_bands import SarBands

CONFIG = Path(__file__).parents[3] / "configs/stage2/segformer_mit-b3_768.py"


@pytest.mark.parametrize(
    ("options", "read", "count"),
    [
        ([], (), 1),
        (["sar.bands=3"], (), 3),
        (["sar.band=2"], (2,), 1),
        (["sar.band=VV"], ("VV",), 1),
        (["sar.band=VV", "sar.bands=3"], ("VV",), 3),
        (["sar.bands=[VV,VH]"], ("VV", "VH"), 2),
        (["sar.bands=[Sigma0_VV-db, 'VH', 3]"], ("Sigma0_VV-db", "VH", 3), 3),
        (["sar.bands=[2,1]"], (2, 1), 2),
        (["sar.bands=['gamma nought, VH']"], ("gamma nought, VH",), 1),
    ],
)
def test_options_choose_bands_by_number_or_description(options, read, count):
    assert SarBands.of(load_config(CONFIG, options).sar) == SarBands(read, count)


def test_configs_without_the_key_read_the_only_band():
    assert SarBands.of({"bands": 3}) == SarBands((), 3)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("sar.bands=2", r"found 2; set sar.band=2 for that band, sar.bands=\[1,2\] to stack them"),
        ("sar.bands=VV", r"sar\.bands: expected 1 \(one band\), 3 .* or a list .*, found 'VV'; set sar.band=VV"),
        ("sar.bands=VV,VH", r"found 'VV,VH'; set sar\.bands=\[VV,VH\]"),
        ("sar.bands=None", "found None; correct it in the config"),
        ("sar.bands=[VV,VV]", r"sar\.bands: expected a list of different bands, .*, found \['VV', 'VV'\]"),
        ("sar.bands=[0,1]", r"expected a list of different bands, numbers from 1 .*, found \[0, 1\]"),
        ("sar.bands=[]", r"expected a list of different bands, .* found \[\]"),
        ("sar.band=0", r"sar\.band: expected None, a number from 1 or a description such as VV, found 0"),
        ("sar.band=[VV,VH]", r"sar\.band: expected None, .* found \['VV', 'VH'\]; .* set sar\.bands to a list"),
    ],
)
def test_what_chooses_no_bands_is_refused_with_what_does(option, message):
    with pytest.raises(InputError, match=message):
        SarBands.of(load_config(CONFIG, [option]).sar)


def test_a_band_beside_a_list_of_bands_is_refused():
    with pytest.raises(InputError, match=r"sar\.band: expected None beside sar\.bands=\['VV', 'VH'\], found 1"):
        SarBands.of(load_config(CONFIG, ["sar.band=1", "sar.bands=[VV,VH]"]).sar)
