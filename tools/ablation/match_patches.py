"""Scores of one matcher on patches whose place in their window is known: a job of the study of registration."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from landcover.errors import command
from landcover.processes.progress import track
from landcover.registry import register_all
from landcover.run_files.atomic import write_json
from landcover.run_files.manifest import OutputFolder, digest_all
from stage2_sar_seg.registration.build import build_matcher
from stage2_sar_seg.registration.matcher import Matcher
from stage2_sar_seg.registration.matching_scores import matching_scores
from stage2_sar_seg.registration.pairs.matching_samples import MatchingSamples
from stage2_sar_seg.registration.pairs.pair_sets import PAIR_SETS

SCORES_NAME = "scores.json"

SEED = 0
"""Of the crops, whatever the seed of the matcher, so that all are compared on the same ones."""


@command
def main() -> None:
    """Writes the scores, once."""
    arguments = _arguments()
    register_all()
    pairs = PAIR_SETS[arguments.pairs].read(arguments.root)
    samples = MatchingSamples(pairs, [], arguments.patch, arguments.search, seed=SEED)
    matcher = build_matcher(arguments.matcher, torch.device("cpu"))
    output = OutputFolder(
        arguments.out,
        made_by={
            "stage": "match_patches",
            "matcher": matcher.settings(),
            "offsets": [pair.offset for pair in pairs],
            **{name: getattr(arguments, name) for name in ("patch", "search", "count")},
        },
        inputs=lambda: {"images": digest_all([path for pair in pairs for path in (pair.sar, pair.optical)])},
    )
    if output.begin():
        return
    path = arguments.out / SCORES_NAME
    write_json(path, patch_scores(matcher, samples, arguments.count))
    output.finish([path])


def patch_scores(matcher: Matcher, samples: MatchingSamples, count: int) -> dict[str, Any]:
    """`MatchingScores` of a matcher as JSON values, and as `unmatched` those of the guess that nothing has moved.

    Args:
        matcher: its most confident correspondence counts.
        samples: labelled ones.
        count: how many of them.
    """
    found, true = [], []
    for number in track(range(count), "patches", count):
        sample = samples[number]
        sar, optical = (sample["inputs"][name].numpy() for name in ("sar", "optical"))
        points = matcher.match(sar[0], optical)
        best = int(np.argmax(points.confidence))
        found.append(points.optical[best] - points.sar[best])
        true.append(sample["data_samples"].position.numpy())
    middle = np.full((count, 2), float(samples.search))
    return {
        **asdict(matching_scores(np.array(found), np.array(true))),
        "unmatched": asdict(matching_scores(middle, np.array(true))),
    }


def read_patch_scores(folder: Path) -> dict[str, Any]:
    """What the command has written to its folder; limits of `cmr` are texts."""
    return dict(json.loads((folder / SCORES_NAME).read_text(encoding="utf-8")))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.ablation.match_patches", description=__doc__)
    parser.add_argument("--matcher", required=True, help="name of a registered matcher, or model.pth of a trained one")
    parser.add_argument("--pairs", required=True, choices=sorted(PAIR_SETS), help="data set of pairs")
    parser.add_argument("--root", required=True, type=Path, help="its folder")
    parser.add_argument("--patch", required=True, type=int, help="side of the SAR patches, pixels")
    parser.add_argument("--search", required=True, type=int, help="largest shift of a patch in its window, pixels")
    parser.add_argument("--count", required=True, type=int, help="number of patches")
    parser.add_argument("--out", required=True, type=Path, help="folder of the scores")
    return parser.parse_args()


if __name__ == "__main__":
    main()
