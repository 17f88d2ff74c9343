import torch

from stage1_optical_da.prototype_alignment.reverse_alignment import likely_pixels, refined

MEANS = torch.tensor([[[0.0, 0.0], [2.0, 0.0]]])
VARIANCES = torch.full((1, 2, 2), 0.04)


def around(place: list[float], count: int, seed: int) -> torch.Tensor:
    return torch.tensor(place) + 0.2 * torch.randn(1, count, 2, generator=torch.Generator().manual_seed(seed))


def test_as_many_pixels_like_the_source_pass_as_the_gate_says_and_foreign_ones_do_not() -> None:
    source = torch.cat([around([0.0, 0.0], 500, 0), around([2.0, 0.0], 500, 1)], 1)
    filled = torch.ones(1, 1000, dtype=torch.bool)
    like, foreign = around([2.0, 0.0], 1000, 2), around([1.0, 1.0], 1000, 3)
    accepted = likely_pixels(like, filled, source, filled, MEANS, VARIANCES, 0.05)
    assert abs(accepted.float().mean().item() - 0.95) < 0.03
    assert not likely_pixels(foreign, filled, source, filled, MEANS, VARIANCES, 0.05).any()
    assert not likely_pixels(like, ~filled, source, filled, MEANS, VARIANCES, 0.05).any()
    assert not likely_pixels(like, filled, source, ~filled, MEANS, VARIANCES, 0.05).any()


def test_wrong_pseudo_labels_do_not_drag_an_anchor() -> None:
    source, wrong = around([0.0, 0.0], 300, 0), around([0.0, 1.5], 300, 1)
    filled = torch.ones(1, 300, dtype=torch.bool)
    accepted = likely_pixels(wrong, filled, source, filled, MEANS, VARIANCES, 0.05)
    means, variances = refined(wrong, accepted, MEANS, VARIANCES, 0.5, 1e-3)
    assert torch.equal(means, MEANS) and torch.equal(variances, VARIANCES)
    dragged, _ = refined(wrong, filled, MEANS, VARIANCES, 0.5, 1e-3)
    assert dragged[0, 0, 1] > 0.5  # without the gate


def test_a_component_moves_by_the_share_of_the_step_and_one_without_pixels_stays() -> None:
    target = around([0.1, 0.0], 200, 0)
    means, variances = refined(target, torch.ones(1, 200, dtype=torch.bool), MEANS, VARIANCES, 0.1, 1e-3)
    torch.testing.assert_close(means[0, 0], 0.1 * target[0].mean(0), rtol=0, atol=1e-4)
    torch.testing.assert_close(means[0, 1], MEANS[0, 1])
    assert (variances[0, 0] - VARIANCES[0, 0]).abs().max() < 0.01
    few = torch.zeros(1, 200, dtype=torch.bool)
    few[0, :10] = True  # a tenth of the component's equal share of the memory
    means, _ = refined(target, few, MEANS, VARIANCES, 0.1, 1e-3)
    torch.testing.assert_close(means[0, 0], 0.01 * target[0, :10].mean(0), rtol=0, atol=1e-4)
