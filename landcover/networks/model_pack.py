"""A model to be given away: one zip file with weights as safetensors, network, card and manifest, and no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from safetensors import SafetensorError
from safetensors.torch import load, save

from landcover.errors import InputError
from landcover.run_files.atomic import atomic_path

PACK_SUFFIX = ".zip"

MODEL_JSON = "model.json"
"""What a model file holds beside its weights: format, info, network."""

WEIGHTS = "weights.safetensors"

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every file in a pack, the first that a zip can tell: the same model makes the same bytes."""


def write_pack(path: Path, content: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Writes a pack, atomically; the same content makes the same bytes.

    Args:
        path: file to write.
        content: of a model file, see `save_model`.
        files: what else lies in the pack, by name.
    """
    described = {"format": content["format"], **{key: json.loads(content[key]) for key in ("info", "network")}}
    # Tensors that share memory are refused, and all are copied while they are written.
    weights = {name: tensor.clone() for name, tensor in content["weights"].items()}
    members = {MODEL_JSON: _json(described), WEIGHTS: save(weights), **files}
    with atomic_path(path) as temporary, ZipFile(temporary, "w") as archive:
        for name in sorted(members):
            member = ZipInfo(name, EPOCH)
            member.compress_type, member.create_system, member.external_attr = ZIP_STORED, 3, 0o644 << 16
            archive.writestr(member, members[name])


def read_pack(path: Path) -> dict[str, Any]:
    """Content of the model file that a pack was made of; no code in it is run.

    Raises:
        InputError: no pack, or a damaged one.
    """
    described = read_pack_json(path, MODEL_JSON)
    stored = _member(path, WEIGHTS)
    try:
        weights = load(stored)
    except SafetensorError as error:
        raise _broken(path, f"{WEIGHTS} that can not be read ({error})") from error
    return {
        "format": described.get("format"),
        **{key: json.dumps(described.get(key)) for key in ("info", "network")},
        "weights": weights,
    }


def read_pack_json(path: Path, name: str) -> dict[str, Any]:
    """Content of a JSON file in a pack.

    Raises:
        InputError: no pack, or a damaged one.
    """
    text = _member(path, name)
    try:
        content = json.loads(text)
    except ValueError as error:
        raise _broken(path, f"{name} that is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise _broken(path, f"{name} with a {type(content).__name__}")
    return content


def _member(path: Path, name: str) -> bytes:
    """A file of a pack; its checksum is that of the pack."""
    try:
        with ZipFile(path) as archive:
            return archive.read(name)
    except KeyError:
        raise _broken(path, f"none of the name {name}") from None
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise _broken(path, f"a damaged or foreign file ({error})") from error


def _broken(path: Path, found: str) -> InputError:
    return InputError(
        f"{path}: expected a model packed by tools/share_model.sh ({MODEL_JSON}, {WEIGHTS}), found {found}; copy it "
        "again from where it came"
    )


def _json(content: object) -> bytes:
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()
