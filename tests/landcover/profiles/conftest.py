"""Profiles written by a test."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from landcover.profiles.profile import Profile, read_profile

ReadText = Callable[..., Profile]


@pytest.fixture
def read_text(tmp_path: Path) -> ReadText:
    """Reads a profile with this text, in an environment of PATH and what is given."""

    def read(text: str, **environment: str) -> Profile:
        path = tmp_path / "mein käfer.sh"
        path.write_text(text, encoding="utf-8")
        return read_profile(str(path), Path("/re po"), {"PATH": os.environ["PATH"], **environment})

    return read
