from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmark_folders import write_loveda

from landcover.classes import OPEN_EARTH_MAP
from landcover.classes.scheme_file import find_scheme
from landcover.data_sets.domains import DOMAINS, SOURCE, TARGET, check_pair, find_domain
from landcover.errors import InputError
from landcover.profiles.variables import VARIABLES


def test_the_usual_data_set_is_no_domain_of_a_benchmark() -> None:
    assert find_domain(SOURCE, SOURCE, "SOURCE_DATA", OPEN_EARTH_MAP) is None
    assert find_domain("loveda-rural", TARGET, "TARGET_DATA", find_scheme("loveda")) is DOMAINS["loveda-rural"]


@pytest.mark.parametrize(("variable", "usual"), [("SOURCE_DATA", SOURCE), ("TARGET_DATA", TARGET)])
def test_the_help_of_a_profile_tells_all_domains(variable: str, usual: str) -> None:
    (found,) = [declared for declared in VARIABLES if declared.name == variable]
    assert found.default == usual
    assert re.findall(r"[\w-]+", found.help.partition(": ")[2]) == list(DOMAINS)


def test_a_name_that_is_none_and_classes_of_openearthmap_are_refused() -> None:
    with pytest.raises(InputError, match=r"TARGET_DATA: expected one of dfc2025, loveda-.*found 'vaihingen-rgb'"):
        find_domain("vaihingen-rgb", TARGET, "TARGET_DATA", find_scheme("isprs"))
    with pytest.raises(InputError, match=r"expected isprs_six or isprs for SOURCE_DATA=potsdam-rgb, found openearth"):
        find_domain("potsdam-rgb", SOURCE, "SOURCE_DATA", OPEN_EARTH_MAP)
    mapped = find_scheme("openearthmap", "1:0 2:8 3:4 4:6 6:5")  # LoveDA's numbers, told as OpenEarthMap's classes
    assert find_domain("loveda-urban", SOURCE, "SOURCE_DATA", mapped) is DOMAINS["loveda-urban"]


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (SOURCE, "loveda-rural", "expected dfc2025 beside SOURCE_DATA=openearthmap"),
        ("loveda-rural", TARGET, "expected loveda-urban beside SOURCE_DATA=loveda-rural"),
        ("potsdam-rgb", "loveda-urban", "expected potsdam-irrg or vaihingen-irrg beside SOURCE_DATA=potsdam-rgb"),
    ],
)
def test_source_and_target_must_have_the_same_classes(source: str, target: str, expected: str) -> None:
    with pytest.raises(InputError, match=f"TARGET_DATA: {expected}, whose classes it has, found {target}"):
        check_pair(source, target)


def test_domains_of_one_data_set_and_the_usual_pair_go_together() -> None:
    check_pair(SOURCE, TARGET)
    check_pair("potsdam-rgb", "vaihingen-irrg")
    check_pair("loveda-urban", "loveda-rural")


def test_tiles_come_from_the_splits_that_are_asked_for_each_once(tmp_path: Path) -> None:
    root = write_loveda(tmp_path, side=8)
    domain = DOMAINS["loveda-rural"]
    names = [tile.name for tile in domain.tiles(root, ("val", "train", "val"))]
    assert names == ["2522", "2523", "0", "9", "10"]
    with pytest.raises(InputError, match=r"SOURCE_SPLITS: expected train or val for loveda, found 'test'; correct it"):
        domain.tiles(root, ("train", "test"))
