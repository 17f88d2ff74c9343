"""Lays a set of optical-SAR scenes out as DFC_ROOT, by links: whole scenes in training, validation and test."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from landcover.data_sets.scene_layout import find_layout, scenes
from landcover.data_sets.scene_split import PUBLISHED, link_scenes, split_scenes
from landcover.errors import command, shorten
from landcover.run_files.atomic import write_json
from landcover.run_files.manifest import OutputFolder

SPLITS_NAME = "scenes.json"


@command
def main() -> None:
    """Says how many scenes are in which split, and which are left out."""
    arguments = _arguments()
    layout = find_layout(arguments.layout)
    found = scenes(arguments.root, layout)
    images = {scene.name: scene.sar for scene in found}
    splits = split_scenes(images, arguments.test, arguments.val, arguments.seed, layout.published_test)
    left_out = [] if arguments.keep_doubtful else [name for name in images if name in layout.doubtful]
    kept = {name: split for name, split in splits.items() if name not in left_out}
    output = OutputFolder(
        arguments.out,
        made_by={"stage": "lay_out_scenes", "root": str(arguments.root.resolve()), "splits": kept},
        inputs={},
    )
    there = output.begin()
    if not there:
        link_scenes(found, kept, arguments.out)
        write_json(arguments.out / SPLITS_NAME, {"splits": kept, "left_out": left_out})
        output.finish([arguments.out / SPLITS_NAME])
    counts = Counter(kept.values())
    told = ", ".join(f"{counts[split]} {split}" for split in ("train", "val", "test"))
    print(f"{'is there:' if there else 'wrote'} {arguments.out}: {len(kept)} of {len(found)} scenes, {told}")
    if left_out:
        print(f"left out, as their labels are said to be wrong (--keep-doubtful keeps them): {shorten(left_out)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.lay_out_scenes", description=__doc__)
    parser.add_argument("--root", required=True, type=Path, help="folder of the data set; it is only read")
    parser.add_argument("--layout", default="whu_opt_sar", help="file, or name in configs/data_sets")
    parser.add_argument("--out", required=True, type=Path, help="receives <split>/{rgb_images,sar_images,labels}/")
    parser.add_argument(
        "--test", default="0.2", metavar="SHARE", help=f"of the scenes that test, a file of names, or {PUBLISHED}"
    )
    parser.add_argument("--val", default="0.1", metavar="SHARE", help="of the others that validate, a file, or ''")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of shares")
    parser.add_argument("--keep-doubtful", action="store_true", help="keep scenes whose labels are said to be wrong")
    return parser.parse_args()


if __name__ == "__main__":
    main()
