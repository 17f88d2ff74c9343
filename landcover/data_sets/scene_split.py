"""Scenes in training, validation and test, whole: crops of one scene show the same fields twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from landcover.data_sets.dfc2025 import SarTile, Split
from landcover.data_sets.tile_choice import chosen_names
from landcover.errors import InputError

PUBLISHED = "published"
"""Asks for the test scenes that the layout lists."""


def split_scenes(
    images: Mapping[str, Path], test: str, val: str, seed: int = 0, published_test: Sequence[str] = ()
) -> dict[str, Split]:
    """Split of every scene, in the order of `images`.

    A split of tiles would leak: neighbouring crops of one scene are alike, and a model that has seen one knows the
    other. So whole scenes are drawn, see `landcover.data_sets.tile_choice`.

    Args:
        images: a file of every scene by its name.
        test: which scenes test: a share of all, a file with a name in every line, or `published`.
        val: which of the others validate: a share of them or a file; empty for none.
        seed: of the draws.
        published_test: names for `published`; those without a file are left out.

    Raises:
        InputError: no such list, a name that is no scene or is in both lists, or no scene is left to train on.
    """
    tested = _published(images, published_test) if test == PUBLISHED else chosen_names(test, images, seed, "--test")
    rest = {name: path for name, path in images.items() if name not in tested}
    elsewhere = dict.fromkeys(tested, "which is a test scene; take it out of one of the lists")
    validated = chosen_names(val, rest, seed, "--val", elsewhere) if val and rest else []
    splits: dict[str, Split] = {
        name: "test" if name in tested else "val" if name in validated else "train" for name in images
    }
    if "train" not in splits.values():
        raise InputError(
            f"--test, --val: expected to leave some of {len(images)} scenes for training, found none left; choose fewer"
        )
    return splits


def link_scenes(scenes: Sequence[SarTile], splits: Mapping[str, Split], folder: Path) -> None:
    """Links the files of all scenes into folders as those of `dfc2025_tiles`; may be repeated.

    Args:
        scenes: with optical images and labels.
        splits: of those that are wanted, by name.
        folder: receives `<split>/{rgb_images,sar_images,labels}/`.
    """
    for scene in scenes:
        split = splits.get(scene.name)
        for kind, path in (("rgb_images", scene.optical), ("sar_images", scene.sar), ("labels", scene.labels)):
            if split is None or path is None:
                continue
            link = folder / split / kind / path.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(path.resolve())


def _published(images: Mapping[str, Path], published_test: Sequence[str]) -> list[str]:
    found = [name for name in images if name in published_test]
    if not found:
        raise InputError(
            f"--test published: expected scenes of the layout's published_test, found none of {len(published_test)}; "
            "give a share such as 0.2, or a file of names"
        )
    return found
