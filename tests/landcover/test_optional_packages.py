import sys
from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.optional_packages import REQUIREMENTS, optional_package

ROOT = Path(__file__).parents[2]


def test_a_package_that_is_there_is_imported() -> None:
    assert optional_package("json", "--out").loads("[1]") == [1]


def test_a_missing_one_is_told_in_one_line_with_the_cure() -> None:
    with pytest.raises(InputError, match=r"run_1: expected the package no_such, found no module") as told:
        optional_package("no_such", "run_1")
    assert f"pip install -r {REQUIREMENTS}" in str(told.value) and (ROOT / REQUIREMENTS).is_file()


def test_a_package_whose_own_needs_are_missing_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_installed.py").write_text("import absent_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "half_installed", raising=False)
    with pytest.raises(InputError, match="package half_installed, found no module absent_dependency"):
        optional_package("half_installed", "--engine")
