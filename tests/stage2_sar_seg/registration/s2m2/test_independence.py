from __future__ import annotations

import pytest
import torch

from stage2_sar_seg.registration.s2m2.enhancement import Enhanced
from stage2_sar_seg.registration.s2m2.independence import mutual_dependence
from stage2_sar_seg.registration.s2m2.mutual_information import mutual_information


def test_it_is_the_mean_over_channels_and_maps() -> None:
    torch.manual_seed(0)
    one, other = (Enhanced(torch.zeros(()), torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)) for _ in range(2))
    expected = [
        mutual_information(maps.shared[:, channel].flatten(), maps.specific[:, channel].flatten())
        for maps in (one, other)
        for channel in range(3)
    ]
    torch.testing.assert_close(mutual_dependence([one, other]), torch.stack(expected).mean())


def test_of_large_maps_pixels_are_drawn() -> None:
    torch.manual_seed(0)
    shared = torch.randn(1, 2, 200, 200)
    same = Enhanced(shared, shared, shared)
    whole, drawn = mutual_dependence([same], pixels=10**6).item(), mutual_dependence([same], pixels=4000).item()
    assert drawn != whole and drawn == pytest.approx(whole, rel=0.05)
