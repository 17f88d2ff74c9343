"""Command line: python -m landcover.demo_scenes --out DIR [--seed N] [--tile N] [--source-train N] ..."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import landcover.demo_scenes
from landcover.demo_scenes.sizes import DemoSizes
from landcover.demo_scenes.write import write_demo
from landcover.errors import InputError, command


@command
def main() -> None:
    """Writes the demo data set, or says that it is there."""
    parser = argparse.ArgumentParser(prog="python -m landcover.demo_scenes", description=landcover.demo_scenes.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--seed", type=int, default=0, help="random seed, 0 or more (default 0)")
    for field in fields(DemoSizes):
        option = "--" + field.name.replace("_", "-")
        parser.add_argument(option, type=int, default=field.default, help=f"default {field.default}")
    arguments = parser.parse_args()
    if arguments.seed < 0:
        raise InputError(f"--seed: expected 0 or more, found {arguments.seed}")
    sizes = DemoSizes(**{field.name: getattr(arguments, field.name) for field in fields(DemoSizes)})
    written = write_demo(arguments.out, arguments.seed, sizes)
    print(f"{arguments.out}: demo data {'written' if written else 'already there'}, {sizes.total} tiles")


if __name__ == "__main__":
    main()
