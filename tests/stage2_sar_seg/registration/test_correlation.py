import pytest
import torch

from stage2_sar_seg.registration.correlation import normalized_cross_correlation
from tools.benchmarks._plain_correlation import direct_sum


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_a_place_like_the_template_has_1_and_its_opposite_minus_1():
    template = torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])
    window = torch.tensor([[[[5.0, 7.0, 5.0, 5.0], [7.0, 5.0, 7.0, 5.0]]]])
    result = normalized_cross_correlation(template, window)
    torch.testing.assert_close(result, torch.tensor([[[1.0, -1.0, 0.57735027]]]), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("template", "window"),
    [((1, 1, 3, 5), (1, 1, 11, 7)), ((2, 4, 9, 9), (2, 4, 21, 20)), ((1, 3, 16, 12), (1, 3, 16, 12))],
)
def test_equals_the_direct_sum_in_float64(template, window):
    few, many = random(*template), 3 + 40 * random(*window, seed=1)
    result = normalized_cross_correlation(few, many)
    expected = direct_sum(few.double(), many.double())
    assert result.dtype == torch.float32 and result.shape == expected.shape
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=1e-4)


def test_equals_the_direct_sum_at_full_size_beside_bright_targets():
    window = random(1, 2, 256, 256).exp()
    window[0, :, 20, 20:23] = 2000.0
    template = window[:, :, 30:222, 35:227] + random(1, 2, 192, 192, seed=1)
    result = normalized_cross_correlation(template, window)
    assert result.shape == (1, 65, 65)
    places = [(0, 0), (30, 35), (64, 64), (21, 7)]
    for row, column in places:
        place = window[:, :, row : row + 192, column : column + 192]
        expected = direct_sum(template.double(), place.double())
        torch.testing.assert_close(result[:, row, column].double(), expected[:, 0, 0], rtol=0, atol=1e-4)


def test_gain_and_offset_of_either_side_change_nothing():
    template, window = random(1, 2, 6, 6), random(1, 2, 15, 13, seed=1)
    offset = torch.tensor([3.0, -70.0]).view(1, 2, 1, 1)  # of every channel its own
    expected = normalized_cross_correlation(template, window)
    torch.testing.assert_close(normalized_cross_correlation(2 * template + offset, window), expected, rtol=0, atol=1e-5)
    result = normalized_cross_correlation(template, 0.01 * window + offset)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-4)


def test_pairs_of_a_batch_do_not_see_each_other():
    template, window = random(3, 2, 5, 5), random(3, 2, 12, 12, seed=1)
    alone = [normalized_cross_correlation(template[n : n + 1], window[n : n + 1]) for n in range(3)]
    torch.testing.assert_close(normalized_cross_correlation(template, window), torch.cat(alone))


@pytest.mark.parametrize("value", [0.0, 3.3, -1e4])
def test_a_constant_template_or_window_gives_0(value):
    window, template = random(1, 1, 16, 16), random(1, 1, 5, 5)
    for pair in (
        (torch.full((1, 1, 5, 5), value), window),
        (template, torch.full((1, 1, 16, 16), value)),
    ):
        assert torch.equal(normalized_cross_correlation(*pair), torch.zeros(1, 12, 12))


def test_constant_places_of_a_varied_window_give_0_and_the_others_are_right():
    window = torch.full((1, 1, 20, 20), 0.1)
    window[..., 12:] = random(1, 1, 20, 8)
    template = random(1, 1, 5, 5, seed=1)
    result = normalized_cross_correlation(template, window)
    assert (result[..., :8] == 0).all()
    expected = direct_sum(template.double(), window.double())[..., 8:]
    torch.testing.assert_close(result[..., 8:].double(), expected, rtol=0, atol=1e-4)


def test_gradients_are_those_of_the_direct_sum_and_finite_where_it_is_constant():
    template, window = random(1, 2, 4, 4).requires_grad_(), random(1, 2, 9, 9, seed=1).requires_grad_()
    weights = random(1, 6, 6, seed=2)
    ours = torch.autograd.grad((normalized_cross_correlation(template, window) * weights).sum(), [template, window])
    plain = direct_sum(template.double(), window.double())
    expected = torch.autograd.grad((plain * weights).sum(), [template, window])
    torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-5)
    flat = torch.zeros(1, 2, 9, 9, requires_grad=True)
    normalized_cross_correlation(template, flat).sum().backward()
    assert torch.equal(flat.grad, torch.zeros_like(flat)) and torch.isfinite(template.grad).all()


def test_autocast_does_not_change_the_result():
    template, window = random(1, 2, 6, 6), random(1, 2, 15, 13, seed=1)
    expected = normalized_cross_correlation(template, window)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(normalized_cross_correlation(template, window), expected)


@pytest.mark.parametrize("window", [(1, 1, 4, 9), (1, 2, 9, 9), (2, 1, 9, 9)])
def test_shapes_that_do_not_fit_are_refused(window):
    with pytest.raises(ValueError, match="fits into the window"):
        normalized_cross_correlation(torch.zeros(1, 1, 5, 5), torch.zeros(window))
