"""Folders of images that a user names on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from landcover.errors import InputError, shorten
from landcover.images.listing import IMAGE_SUFFIXES, LABEL_SUFFIXES, image_files
from landcover.images.modality import ImageFile, Modality, names_of
from landcover.places import local_path


def image_folders(options: Sequence[str], modality: Modality) -> dict[str, ImageFile]:
    """Image files of a modality by stem.

    Args:
        options: one folder, or one for each of several modalities as MODALITY=FOLDER.
        modality: of the models.

    Raises:
        InputError: folders of other modalities, without images, or without an image that another folder has.
    """
    names = names_of(modality)
    if len(names) == 1:
        if len(options) > 1:
            raise InputError(f"--images: expected one folder of {modality} images, found {len(options)}; pass one")
        suffixes = LABEL_SUFFIXES if modality == "optical" else IMAGE_SUFFIXES
        folder = local_path(options[0].removeprefix(f"{modality}="), "--images")
        return {**image_files(folder, "images", suffixes=suffixes)}
    given = dict(option.split("=", 1) for option in options if "=" in option)
    if sorted(given) != sorted(names):
        wanted = " ".join(f"{name}=FOLDER" for name in names)
        raise InputError(f"--images: expected {wanted} for models of {modality}, found {' '.join(options)}; pass both")
    files = {name: image_files(local_path(given[name], f"--images {name}"), f"{name} images") for name in names}
    for name, listed in files.items():
        lacking = sorted({stem for other in files.values() for stem in other} - set(listed))
        if lacking:
            raise InputError(
                f"--images {name}={given[name]}: expected the images of the other folder, found no {shorten(lacking)}; "
                "complete the folder"
            )
    return {stem: {name: files[name][stem] for name in names} for stem in files[names[0]]}
