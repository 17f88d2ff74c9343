"""Samples per second of our loader of SAR tiles and of mmsegmentation's, on one core.

Both read the same files and augment alike: scale 0.5 to 2, crop with one class at most 75 %, flips, quarter turns,
brightness and contrast. Before anything is timed, what they read is compared. The last line is a JSON object: `speedup`
is our rate / the plain one on `PUBLISHED` files, every tile decoded anew, as far as its crop reaches once it was read
before; `speedup_no_data` is that of tiles with a corner that is no data; `speedup_cached` is that of tiles that stay
decoded, as small sets do; `speedup_usual_jitter` is against mmsegmentation's PhotoMetricDistortion instead of the same
jitter. The tables tell how many samples a second our side could load if it only decoded the same bytes: of published
files, that is what most of its time goes into. Our labels leave the loader in one byte per pixel and not in eight: they
are widened on the device.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from mmengine.runner import set_random_seed

from landcover.classes import IGNORE_INDEX, OPEN_EARTH_MAP
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.images.raster import TILE
from landcover.registry import register_all
from landcover.report.text_table import text_table
from landcover.training.config import load_config
from tools.benchmarks._codec_alone import decoding_of
from tools.benchmarks._loading import LOADED, decoded_tiles, load, load_ours, use_one_core
from tools.benchmarks._measure import Call, print_result, take_turns
from tools.benchmarks._plain_sar_loader import USUAL_JITTER, plain_data_set, plain_tiles
from tools.benchmarks._sar_tiles import write_tiles

CONFIG = Path(__file__).parents[2] / "configs/stage2/segformer_mit-b3_768.py"

PUBLISHED = "deflate, strips"
"""How the real OpenEarthMap-SAR tiles that we have are stored: deflate without predictor, strips of 256 KiB."""

NO_DATA = "deflate, strips, a corner without data"
"""As wedges at the edge of an acquisition: 0 in image and labels."""

FILES: dict[str, dict[str, Any]] = {
    PUBLISHED: {"compression": "deflate", "rowsperstrip": TILE},
    NO_DATA: {"compression": "deflate", "rowsperstrip": TILE},
    "deflate, tiles (written here)": {"compression": "deflate", "tile": (TILE, TILE)},
    "LZW, strips": {"compression": "lzw", "rowsperstrip": 8},  # GDAL's strips of 8 KiB
    "uncompressed, strips": {"rowsperstrip": 8},
}
"""Arguments of `tifffile.imwrite` by kind of file."""


def main() -> None:
    """Prints tables and, last, the JSON object."""
    arguments = _arguments()
    print(f"one core of {os.cpu_count()}; load {os.getloadavg()[0]:.1f}; tiles {arguments.tile}, crop {arguments.crop}")
    with tempfile.TemporaryDirectory() as temporary:
        folders = write_files(Path(temporary), arguments.tiles, arguments.tile)
        for kind, folder in folders.items():
            apart = differences(folder, arguments.crop, arguments.tile)
            if apart:
                sys.exit(f"error: {kind}: {'; '.join(apart)}: the two sides do not load the same, rates say nothing")
        rates = {kind: _rates(folder, kind, arguments) for kind, folder in folders.items()}
    published = rates[PUBLISHED]
    print_result(
        {
            "speedup": published["ours"] / published["plain"],
            "speedup_no_data": rates[NO_DATA]["ours"] / rates[NO_DATA]["plain"],
            "speedup_usual_jitter": published["ours"] / published["plain, its usual jitter"],
            "speedup_cached": published["ours, cached"] / published["plain"],
        }
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crop", type=int, default=768, help="side of the crops, pixels")
    parser.add_argument("--tile", type=int, default=1024, help="side of the generated tiles, pixels")
    parser.add_argument("--tiles", type=int, default=24, help="generated tiles")
    parser.add_argument("--repeats", type=int, default=9, help=f"timed calls of each side, {LOADED} samples each")
    return parser.parse_args()


def write_files(folder: Path, count: int, side: int) -> dict[str, Path]:
    """Writes the same tiles once for every kind of `FILES`; returns the folder of each."""
    write_tiles(folder / "0", count, side)
    corner = np.add.outer(np.arange(side), np.arange(side)) < side // 2
    for number, (kind, settings) in enumerate(FILES.items(), 1):
        for source in (folder / "0").rglob("*.tif"):
            path = folder / str(number) / source.relative_to(folder / "0")
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = tifffile.imread(source)
            if kind == NO_DATA:
                pixels[corner] = 0
            tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None, **settings)
    return {kind: folder / str(number) for number, kind in enumerate(FILES, 1)}


def our_data_set(folder: Path, crop_size: int, keep: bool = False, **changes: Any) -> TrainingTiles:
    """Our loader as the config sets it up.

    Args:
        folder: `images` and `labels`.
        crop_size: side of the crops, pixels.
        keep: all tiles stay decoded; otherwise none does, as if there were very many.
        changes: arguments of `TrainingTiles` in place of the config's.
    """
    register_all()
    settings = {**load_config(CONFIG, stage=2).train_dataloader.dataset, **changes}
    tiles = [TrainingTile(path, folder / "labels" / path.name) for path in sorted(folder.glob("images/*"))]
    with decoded_tiles(keep):
        return TrainingTiles(tiles, "sar", crop_size, **settings)


def differences(folder: Path, crop_size: int, tile: int) -> list[str]:
    """What tells the samples of both sides apart: nothing, if a comparison of their rates is fair.

    Tiles without augmentation must be equal; augmented ones must be of the same size, types and classes.
    """
    found = []
    ours = our_data_set(folder, tile, scale=(1.0, 1.0), augmentations=[])
    expected = {Path(item["data_samples"].img_path): item for item in plain_tiles(folder)}
    for item in map(ours.__getitem__, range(len(ours))):
        plain = expected.pop(Path(item["data_samples"].img_path))
        if not torch.equal(item["inputs"].expand(3, -1, -1), plain["inputs"]):
            found.append("grey values differ")
        if not torch.equal(_indices(item), _indices(plain)):
            found.append("labels differ")
    if expected:
        found.append("tiles are missing")
    plain_set, our_set = plain_data_set(folder, crop_size, tile), our_data_set(folder, crop_size)
    set_random_seed(0)
    plain_kinds, our_kinds = ({_kind(data[n]) for n in range(len(our_set))} for data in (plain_set, our_set))
    if not plain_kinds == our_kinds == {(crop_size, crop_size, torch.uint8, torch.int64, True)}:
        found.append(f"samples are {our_kinds} and not {plain_kinds}")
    return sorted(set(found))


def _kind(item: dict[str, Any]) -> tuple[object, ...]:
    """Height, width, types, and whether the indices are known ones."""
    image, indices = item["inputs"], _indices(item)
    known = set(indices.unique().tolist()) <= {*range(OPEN_EARTH_MAP.num_classes), IGNORE_INDEX}
    return *image.shape[1:], image.dtype, indices.dtype, known and indices.shape == image.shape[1:]


def _indices(item: dict[str, Any]) -> torch.Tensor:
    """Labels as a model gets them: ours leave the loader in one byte per pixel and are widened on the device."""
    return item["data_samples"].to("cpu").gt_sem_seg.data[0]


def _rates(folder: Path, kind: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Samples per second by side; prints them."""
    plain = functools.partial(build_plain, folder, arguments.crop, arguments.tile)
    ours = functools.partial(build_ours, folder, arguments.crop)
    builds = {
        "plain": plain,
        "plain, its usual jitter": functools.partial(plain, usual_jitter=True),
        "ours": ours,
        "ours, cached": functools.partial(ours, keep=True),
        "ours, its codec alone": functools.partial(build_codec, folder, arguments.crop),
    }
    rates = {side: LOADED / cost.seconds for side, cost in take_turns(builds, arguments.repeats).items()}
    rows = [(kind, "samples/s", "ours/plain")]
    rows += [(side, f"{rate:.1f}", f"{rate / rates['plain']:.2f}") for side, rate in rates.items()]
    print(f"\n{text_table(rows)}", flush=True)
    return rates


def build_plain(folder: Path, crop_size: int, tile: int, usual_jitter: bool = False) -> Call:
    """Loads `LOADED` samples with mmsegmentation, as one loader process on one core does."""
    use_one_core()
    set_random_seed(0)
    jitter = {"jitter": USUAL_JITTER} if usual_jitter else {}
    data_set = plain_data_set(folder, crop_size, tile, **jitter)
    return load(data_set, itertools.cycle(range(len(data_set))))


def build_ours(folder: Path, crop_size: int, keep: bool = False) -> Call:
    """Loads `LOADED` samples with `TrainingTiles`, as one loader process on one core does."""
    use_one_core()
    data_set = our_data_set(folder, crop_size, keep)
    return load_ours(data_set, keep)


def build_codec(folder: Path, crop_size: int) -> Call:
    """Decodes what `build_ours` decodes for `LOADED` samples, and does nothing else."""
    use_one_core()
    data_set = our_data_set(folder, crop_size)
    for ordinal in range(len(data_set)):
        data_set[ordinal]  # from now on windows alone are read
    return decoding_of(data_set, range(len(data_set), len(data_set) + LOADED))


if __name__ == "__main__":
    main()
