from __future__ import annotations

import pytest
import torch

from landcover.errors import InputError
from stage2_sar_seg.registration.heatmap import find_peak
from stage2_sar_seg.registration.s2m2.network import S2M2Network, upsampled

TINY = {"widths": (8, 16, 16), "blocks": 1, "shallow_channels": 8}


def test_a_patch_of_192_in_a_window_of_256_gives_65_by_65_similarities() -> None:
    torch.manual_seed(0)
    network = S2M2Network(32, **TINY).eval()
    with torch.inference_mode():
        found = network(torch.randn(1, 1, 192, 192), torch.randn(1, 3, 256, 256))
    for heatmap in (found.deep, found.shallow, found.product):
        assert heatmap.shape == (1, 65, 65) and heatmap.isfinite().all()
    assert found.shallow.abs().max() <= 1.001
    torch.testing.assert_close(found.product, found.deep * found.shallow)


@pytest.mark.parametrize(("side", "row", "column"), [(48, 8, 4), (45, 5, 11), (46, 0, 16)])
def test_a_copy_of_the_window_is_found_where_it_was_cut(side: int, row: int, column: int) -> None:
    torch.manual_seed(1)
    network = S2M2Network(8, **TINY).eval()
    window = torch.randn(1, 1, side + 16, side + 16)
    patch = window[:, :, row : row + side, column : column + side]
    with torch.inference_mode():
        found = network(patch, window.expand(-1, 3, -1, -1))
    assert found.product.shape == (1, 17, 17)
    peak = find_peak(found.shallow[0].numpy())
    assert (round(peak.row), round(peak.column)) == (row, column)


def test_deep_similarities_lie_where_the_shallow_ones_do() -> None:
    torch.manual_seed(1)
    network = S2M2Network(8, **TINY).eval()
    window = torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        found = network(window[:, :, 12:60, 4:52], window.expand(-1, 3, -1, -1))  # at multiples of the stride
    assert divmod(int(found.deep.argmax()), 17) == (12, 4)


def test_upsampled_similarities_keep_their_values_and_peak_between_them() -> None:
    places = torch.arange(5.0)
    hill = -((places[:, None] - 1.5) ** 2) - (places - 2.25) ** 2  # of every fourth place: its top is at (6, 9)
    found = upsampled(hill[None], 17, 17)[0]
    torch.testing.assert_close(found[::4, ::4], hill)
    assert divmod(int(found.argmax()), 17) == (6, 9)


def test_every_weight_learns_and_training_computes_what_use_does() -> None:
    torch.manual_seed(0)
    network = S2M2Network(4, **TINY)
    patch, window = torch.randn(2, 1, 24, 24), torch.randn(2, 3, 32, 32)
    trained = network.train()(patch, window)
    assert torch.equal(trained.product, network.eval()(patch, window).product)
    (trained.deep.square().sum() + trained.shallow.square().sum()).backward()
    # A correlation coefficient does not depend on what is added to all features or multiplies them.
    still = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"model\.groups: expected a divisor of all widths, found 8 with 12"):
        S2M2Network(8, widths=(8, 12))
    with pytest.raises(InputError, match=r"model\.search: expected 1 pixel or more, found 0"):
        S2M2Network(0)
