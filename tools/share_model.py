"""Packs a trained model for others: weights as safetensors, card, config, scores and manifest in one zip file.

Usage: python -m tools.share_model MODEL_FOLDER [OUT.zip]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from landcover.errors import InputError, command
from landcover.model_cards.write_card import CARD_NAME, write_card
from landcover.networks.model_file import MODEL_NAME, read_content
from landcover.networks.model_pack import PACK_SUFFIX, write_pack
from landcover.run_files.manifest import FINISHED, read_manifest


@command
def main() -> None:
    """Prints where the pack is."""
    parser = argparse.ArgumentParser(prog="bash tools/share_model.sh", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="of a finished training")
    parser.add_argument("out", nargs="?", type=Path, help="file to write (default: <folder>.zip)")
    arguments = parser.parse_args()
    out = arguments.out or arguments.folder.with_name(f"{arguments.folder.name}{PACK_SUFFIX}")
    share_model(arguments.folder, out)
    print(f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB)", flush=True)


def share_model(folder: Path, out: Path) -> None:
    """Writes the pack of the finished training in `folder` to `out`, after its card.

    Raises:
        InputError: no finished training, or another suffix than prediction takes for a pack.
    """
    if out.suffix != PACK_SUFFIX:
        raise InputError(f"{out}: expected a name that ends in {PACK_SUFFIX}, found {out.suffix!r}; correct it")
    content = read_content(folder / MODEL_NAME)
    listed = [row["name"] for row in read_manifest(folder / FINISHED)["files"]]
    write_card(folder)
    names = [CARD_NAME, FINISHED, *(name for name in listed if name != MODEL_NAME)]
    write_pack(out, content, {name: (folder / name).read_bytes() for name in names})


if __name__ == "__main__":
    main()
