from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stage2_sar_seg.registration.matcher import Correspondences
from stage2_sar_seg.registration.pairs.demo import demo_pairs
from stage2_sar_seg.registration.pairs.matching_samples import MatchingSamples
from tools.ablation.match_patches import main, patch_scores, read_patch_scores

RunMain = Callable[..., tuple[int, str]]


class OffByThree:
    """Says that the patch lies three rows below the middle; a second point is less sure and elsewhere."""

    patch, search = 32, 4

    def settings(self) -> Mapping[str, Any]:
        return {}

    def match(self, sar: NDArray[np.float32], optical: NDArray[np.float32]) -> Correspondences:
        middle = (np.array(optical.shape[1:]) - sar.shape) / 2
        points = np.zeros((2, 2))
        return Correspondences(points, points + middle + [[9, 9], [3, 0]], np.array([0.1, 0.9]))


def test_the_surest_point_is_compared_with_the_true_place(demo_root: Path) -> None:
    samples = MatchingSamples(demo_pairs(demo_root), [], 32, 4, seed=0)
    true = np.stack([samples[n]["data_samples"].position.numpy() for n in range(5)])
    scores = patch_scores(OffByThree(), samples, 5)
    errors = np.hypot(true[:, 0] - 7, true[:, 1] - 4)
    unmoved = np.hypot(*(true - 4).T)
    assert scores["mean_error"] == pytest.approx(errors.mean())
    assert scores["unmatched"]["rmse"] == pytest.approx(np.sqrt(np.square(unmoved).mean()))
    assert scores["cmr"][5] == pytest.approx((errors <= 5).mean())


def test_scores_are_written_once_and_read_again(run_main: RunMain, demo_root: Path, tmp_path: Path) -> None:
    words = f"--matcher phase --pairs demo --root {demo_root} --patch 40 --search 8 --count 3 --out {tmp_path / 'out'}"
    code, output = run_main(main, *words.split())
    assert code == 0, output
    scores, written = read_patch_scores(tmp_path / "out"), (tmp_path / "out" / "scores.json").stat().st_mtime_ns
    assert 0 < scores["mean_error"] <= scores["rmse"] and set(scores["cmr"]) == {"1", "2", "5"}
    assert run_main(main, *words.split())[0] == 0
    assert (tmp_path / "out" / "scores.json").stat().st_mtime_ns == written
    code, message = run_main(main, *words.replace("--count 3", "--count 4").split())
    assert code == 2 and "made from something else (made_by.count: 3 there, 4 now)" in message
