from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from landcover.errors import InputError
from stage2_sar_seg.registration.pairs.qxs_saropt import qxs_saropt_pairs


def test_the_official_layout_is_read(tmp_path: Path, write_png: Callable[[Path, int], None]) -> None:
    for number in (1, 2, 10):
        write_png(tmp_path / f"sar_256_oc_0.2/{number}.png", 1)
        write_png(tmp_path / f"opt_256_oc_0.2/{number}.png", 3)
    pairs = qxs_saropt_pairs(tmp_path)
    assert [pair.name for pair in pairs] == ["1", "10", "2"]
    assert pairs[1].sar == tmp_path / "sar_256_oc_0.2/10.png"
    assert pairs[1].optical == tmp_path / "opt_256_oc_0.2/10.png"


def test_another_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sar_256_oc_0\.2: expected a folder of QXS-SAROPT, found none"):
        qxs_saropt_pairs(tmp_path)
    for name in ("sar_256_oc_0.2", "opt_256_oc_0.2"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"sar_256_oc_0\.2: expected \.png files, found none"):
        qxs_saropt_pairs(tmp_path)
