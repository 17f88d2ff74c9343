from __future__ import annotations

import numpy as np
import pytest

from stage2_sar_seg.registration.matching_scores import matching_scores


def test_scores_by_hand() -> None:
    true = np.array([[10.0, 10.0], [0.0, 0.0], [5.0, 5.0], [1.0, 1.0]])
    found = true + np.array([[0.0, 0.0], [3.0, 4.0], [-1.0, 0.0], [0.0, 1.5]])
    scores = matching_scores(found, true)
    assert scores.mean_error == pytest.approx((0 + 5 + 1 + 1.5) / 4)
    assert scores.rmse == pytest.approx(np.sqrt((0 + 25 + 1 + 2.25) / 4))
    assert scores.cmr == {1: 0.5, 2: 0.75, 5: 1.0}
