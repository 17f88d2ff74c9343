"""Where a published set of optical-SAR scenes has its files: `configs/data_sets/*.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from landcover.data_sets.dfc2025 import SarTile, require_partners
from landcover.errors import InputError
from landcover.images.listing import IMAGE_SUFFIXES, LABEL_SUFFIXES, files_by_stem, image_files, in_any_case
from landcover.images.same_grid import check_same_grid

FOLDER = Path(__file__).parents[2] / "configs" / "data_sets"


@dataclass(frozen=True)
class SceneLayout:
    """Folders of a set of scenes; the files of one scene have one name in all of them.

    Args:
        optical: names of the folder of optical images; the first one that is there counts, in any case of letters.
        sar: likewise of the SAR images.
        labels: likewise of the label files.
        doubtful: names of scenes whose labels are said to be wrong.
        published_test: names of the scenes on which published results are scored; empty if there is no such list.
    """

    optical: tuple[str, ...]
    sar: tuple[str, ...]
    labels: tuple[str, ...]
    doubtful: tuple[str, ...] = ()
    published_test: tuple[str, ...] = ()


def find_layout(named: str) -> SceneLayout:
    """The layout of a file, or of the file of that name in `configs/data_sets`.

    Raises:
        InputError: there is none, or it is not usable.
    """
    path = next((place for place in (Path(named), FOLDER / f"{named}.toml") if place.is_file()), None)
    if path is None:
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise InputError(f"--layout: expected a file, or one of {known}, found {named!r}; correct it")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a usable layout ({error}); correct it") from None
    known_keys = [field.name for field in fields(SceneLayout)]
    for key, value in content.items():
        if key not in known_keys:
            raise InputError(f"{path}: unknown key {key!r}; known keys are {', '.join(known_keys)}")
        if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
            raise InputError(f'{path}: {key}: expected a list such as ["image"], found {value!r}; correct it')
    for key in ("optical", "sar", "labels"):
        if not content.get(key):
            raise InputError(f'{path}: expected folders {key}, such as {key} = ["{key}"], found none; add them')
    return SceneLayout(**{key: tuple(value) for key, value in content.items()})


def scenes(root: Path, layout: SceneLayout) -> list[SarTile]:
    """All scenes with optical image, SAR image and labels, sorted by name; only headers are read.

    Args:
        root: folder of the data set.
        layout: where its files are.

    Raises:
        InputError: a folder is missing or empty, a scene lacks one of its files, or they do not lie on one grid.
    """
    if not root.is_dir():
        raise InputError(f"--root {root}: expected the folder of a data set, found none; check the path")
    optical_folder, sar_folder, label_folder = (
        _folder(root, names) for names in (layout.optical, layout.sar, layout.labels)
    )
    cure = "download the data set again"
    sar = image_files(sar_folder, "SAR images", cure)
    optical, labels = files_by_stem(optical_folder, IMAGE_SUFFIXES), files_by_stem(label_folder, LABEL_SUFFIXES)
    require_partners(sar, optical, optical_folder, "optical image", cure)
    require_partners(optical, sar, sar_folder, "SAR image", cure)
    require_partners(sar, labels, label_folder, "label file", cure)
    for name, path in sar.items():
        check_same_grid(optical[name], path, "bilinear")
        check_same_grid(labels[name], path)
    return [SarTile(name, path, optical[name], labels[name]) for name, path in sar.items()]


def _folder(root: Path, names: tuple[str, ...]) -> Path:
    found = next((folder for name in names if (folder := in_any_case(root, name)).is_dir()), None)
    if found is None:
        raise InputError(
            f"{root}: expected a folder {' or '.join(names)}, found none; name the folder that holds it, or another "
            "--layout"
        )
    return found
