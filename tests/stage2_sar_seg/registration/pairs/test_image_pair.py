from __future__ import annotations

from pathlib import Path

import pytest

from landcover.errors import InputError
from stage2_sar_seg.registration.pairs.image_pair import ImagePair, co_registered


def test_files_of_one_name_are_a_pair() -> None:
    sar, optical = ({name: Path(folder) / name for name in names} for folder, names in (("s", "ba"), ("o", "ab")))
    assert co_registered(sar, optical) == [
        ImagePair("a", Path("s/a"), Path("o/a"), (0.0, 0.0)),
        ImagePair("b", Path("s/b"), Path("o/b"), (0.0, 0.0)),
    ]


def test_a_file_without_partner_is_named() -> None:
    with pytest.raises(InputError, match=r"^s/b: expected its optical image, found none \(files without one: 2\)"):
        co_registered({name: Path("s") / name for name in "abc"}, {"a": Path("o/a")})
    with pytest.raises(InputError, match=r"^o/b: expected its SAR image, found none"):
        co_registered({"a": Path("s/a")}, {name: Path("o") / name for name in "ab"})
