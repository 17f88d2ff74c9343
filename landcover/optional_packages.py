"""Packages that some commands use and most do without."""

from __future__ import annotations

import importlib
from types import ModuleType

from landcover.errors import InputError

REQUIREMENTS = "tools/optional_requirements.txt"
"""File of their pins, below the root of the repository."""


def optional_package(name: str, wanted_by: str, install: str = f"-r {REQUIREMENTS}") -> ModuleType:
    """The module of an optional package, imported now.

    Args:
        name: of the module, such as `tensorboard`.
        wanted_by: what needs it, a file or a setting, for the message.
        install: what pip is told to install.

    Raises:
        InputError: it, or a package that it needs, is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{wanted_by}: expected the package {name}, found no module {error.name}; pip "
            f"install {install}, or do without"
        ) from None
