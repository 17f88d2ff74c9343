import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import Tensor

from landcover.errors import InputError
from landcover.optimal_transport import balanced_assignment, bounded_assignment


def random_scores(*shape: int, scale: float = 3.0, seed: int = 0) -> Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def sinkhorn(scores: Tensor, rows: Tensor, columns: Tensor, steps: int = 5000) -> Tensor:
    """Sinkhorn's iteration as it stands in the papers, on logarithms in float64: (N, C), rows sum to `rows`."""
    scores, log_rows, log_columns = scores.double(), rows.double().log(), columns.double().log()
    of_columns = torch.zeros_like(log_columns)
    for _ in range(steps):
        of_rows = log_rows - torch.logsumexp(scores + of_columns, 1)
        of_columns = log_columns - torch.logsumexp(scores + of_rows[:, None], 0)
    return (scores + of_rows[:, None] + of_columns).exp()


def augmented(scores: Tensor, bounds: Tensor, fraction: float) -> Tensor:
    """`bounded_assignment` by `sinkhorn`, with slack written out: one more class and pixel."""
    pixels, classes = scores.shape
    with_slack = torch.zeros(pixels + 1, classes + 1, dtype=torch.float64)
    with_slack[:-1, :-1] = scores
    with_slack[-1, -1] = -torch.inf
    rows = torch.cat([torch.full((pixels,), 1.0 / pixels), (bounds.sum() - fraction)[None]])
    columns = torch.cat([bounds, torch.tensor([1 - fraction])])
    return sinkhorn(with_slack, rows, columns)[:-1, :-1] * pixels


@pytest.mark.parametrize("scale", [1.0, 10.0, 60.0])
def test_a_balanced_assignment_is_what_sinkhorn_in_float64_ends_at(scale: float) -> None:
    scores, shares = random_scores(200, 5, scale=scale), torch.tensor([0.5, 0.3, 0.15, 0.04, 0.01])
    found = balanced_assignment(scores, shares, tolerance=1e-6)
    expected = sinkhorn(scores, torch.full((200,), 1 / 200), shares) * 200
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-3)
    assert found.dtype == torch.float32


def test_rows_are_distributions_and_columns_have_their_shares() -> None:
    scores = random_scores(3, 4096, 8).log_softmax(-1)
    shares = torch.tensor([0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.04, 0.01])
    found = balanced_assignment(scores, shares)
    torch.testing.assert_close(found.sum(-1), torch.ones(3, 4096))
    assert (found.mean(1) - shares).abs().sum(-1).max() <= 1.1e-4


def test_problems_of_a_batch_do_not_know_of_each_other() -> None:
    scores = torch.stack([random_scores(50, 3, scale=scale, seed=n) for n, scale in enumerate((0.1, 3.0, 300.0))])
    shares = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.4, 0.0], [0.1, 0.1, 0.8]])
    together = balanced_assignment(scores, shares, tolerance=1e-5)
    for number in range(3):
        alone = balanced_assignment(scores[number], shares[number], tolerance=1e-5)
        torch.testing.assert_close(together[number], alone, rtol=0, atol=2e-3)


def test_pixels_so_sure_that_shares_hardly_move_them_are_assigned_as_by_a_linear_program() -> None:
    scores, shares = random_scores(40, 4, scale=300.0), torch.tensor([0.25, 0.25, 0.4, 0.1])
    found = balanced_assignment(scores, shares, tolerance=1e-5)
    torch.testing.assert_close(found.mean(0), shares, rtol=0, atol=1e-4)
    costs = -scores.double().numpy().ravel()
    rows, columns = np.kron(np.eye(40), np.ones(4)), np.kron(np.ones(40), np.eye(4))
    best = linprog(costs, A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([np.ones(40), 40 * shares.numpy()]))
    assert (found.double() * scores).sum().item() == pytest.approx(-best.fun, rel=1e-3)


def test_a_class_without_a_share_gets_nothing_even_where_it_is_the_most_probable() -> None:
    scores = torch.tensor([[90.0, 0.0, 1.0], [200.0, 3.0, 0.0]])
    found = balanced_assignment(scores, torch.tensor([0.0, 0.5, 0.5]), tolerance=1e-6)
    assert found[:, 0].tolist() == [0.0, 0.0]
    torch.testing.assert_close(found.mean(0), torch.tensor([0.0, 0.5, 0.5]), rtol=0, atol=1e-6)


def test_pixels_that_are_masked_take_nothing_whatever_their_scores() -> None:
    scores, shares = random_scores(20, 3), torch.tensor([0.2, 0.3, 0.5])
    valid = torch.arange(20) % 3 != 0
    expected = balanced_assignment(scores[valid], shares, tolerance=1e-6)
    scores[~valid] = torch.nan
    found = balanced_assignment(scores, shares, valid, tolerance=1e-6)
    torch.testing.assert_close(found[valid], expected, rtol=0, atol=1e-5)
    assert found[~valid].abs().sum() == 0


@pytest.mark.parametrize("assign", [balanced_assignment, lambda s, b, v: bounded_assignment(s, b, 0.5, v)])
def test_a_row_that_stands_for_several_pixels_is_assigned_as_each_of_them(assign) -> None:
    scores, shares = random_scores(6, 3).double(), torch.tensor([0.2, 0.3, 0.5])
    times = torch.tensor([3, 0, 1, 1, 4, 2])
    found = assign(scores, shares, times)
    expected = assign(scores.repeat_interleave(times, 0), shares, None)
    torch.testing.assert_close(found.repeat_interleave(times, 0), expected, rtol=0, atol=1e-4)
    assert found[1].abs().sum() == 0


@pytest.mark.parametrize("assign", [balanced_assignment, lambda s, b, v: bounded_assignment(s, b, 0.5, v)])
def test_a_problem_without_pixels_is_zero_and_leaves_the_others_alone(assign) -> None:
    scores, shares = random_scores(2, 30, 4), torch.tensor([0.1, 0.2, 0.3, 0.4])
    valid = torch.stack([torch.zeros(30, dtype=torch.bool), torch.ones(30, dtype=torch.bool)])
    found = assign(scores, shares, valid)
    assert found[0].abs().sum() == 0
    torch.testing.assert_close(found[1], assign(scores[1], shares, None), rtol=0, atol=1e-3)


def test_scores_of_minus_infinity_stay_finite() -> None:
    scores = torch.tensor([[-torch.inf, -torch.inf], [0.0, -torch.inf], [-torch.inf, 0.0], [0.0, 0.0]])
    found = balanced_assignment(scores, torch.tensor([0.5, 0.5]))
    assert found.isfinite().all()
    torch.testing.assert_close(found.mean(0), torch.tensor([0.5, 0.5]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("fraction", [0.3, 0.8, 1.0])
def test_a_bounded_assignment_is_what_sinkhorn_with_slack_ends_at(fraction: float) -> None:
    scores, bounds = random_scores(150, 4), torch.tensor([0.1, 0.5, 0.3, 0.2])
    found = bounded_assignment(scores, bounds, fraction, tolerance=1e-6)
    expected = augmented(scores, bounds, fraction)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-4)
    assert found.sum().item() / 150 == pytest.approx(fraction, abs=1e-5)
    assert (found.mean(0) <= bounds + 1e-5).all() and found.sum(1).max() <= 1 + 1e-5


def test_sure_pixels_are_allocated_first_and_a_class_that_is_full_takes_no_more() -> None:
    scores = 400 * torch.tensor([[0.9, 0.0], [0.8, 0.0], [0.7, 0.0], [0.0, 0.2], [0.1, 0.0]])
    found = bounded_assignment(scores, torch.tensor([0.4, 0.6]), 0.6)
    torch.testing.assert_close(found, torch.tensor([[1.0, 0], [1, 0], [0, 0], [0, 1], [0, 0]]), rtol=0, atol=2e-3)


def test_bounds_that_leave_no_choice_are_exact_shares() -> None:
    scores, shares = random_scores(60, 3), torch.tensor([0.2, 0.3, 0.5])
    bounded = bounded_assignment(scores, shares, 1.0, tolerance=1e-6)
    torch.testing.assert_close(bounded, balanced_assignment(scores, shares, tolerance=1e-6), rtol=0, atol=1e-4)


def test_nothing_is_allocated_at_a_fraction_of_zero() -> None:
    for bounds in (torch.tensor([0.5, 0.5]), torch.zeros(2)):
        found = bounded_assignment(random_scores(10, 2), bounds, 0.0)
        assert found.abs().max() <= 1e-3


def test_scores_in_bfloat16_are_computed_in_float32_and_carry_no_graph() -> None:
    scores = random_scores(100, 3).bfloat16().requires_grad_()
    shares = torch.tensor([0.2, 0.3, 0.5])
    with torch.autocast("cpu", torch.bfloat16):
        found = balanced_assignment(scores, shares)
    torch.testing.assert_close(found, balanced_assignment(scores.float(), shares))
    assert found.dtype == torch.float32 and found.grad_fn is None
    exact = balanced_assignment(scores.double(), shares, tolerance=1e-12)
    assert exact.dtype == torch.float64 and (exact.mean(0) - shares).abs().sum() < 1e-7


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: balanced_assignment(s, torch.tensor([0.2, 0.3])), "one for each of the 3 classes .* found 2"),
        (lambda s: balanced_assignment(s, torch.tensor([0.2, 0.3, 0.3])), "shares: expected a sum of 1, found 0.8"),
        (lambda s: balanced_assignment(s, torch.tensor([1.2, 0.3, -0.5])), "expected numbers >= 0, found -0.5"),
        (lambda s: balanced_assignment(s, torch.tensor([0.5, 0.5, torch.nan])), "expected numbers >= 0, found nan"),
        (lambda s: bounded_assignment(s, torch.full((3,), 0.2), 0.7), "at least the allocated fraction 0.7, found 0.6"),
        (lambda s: bounded_assignment(s, torch.full((3,), 0.5), 1.5), "fraction: expected a number from 0 to 1"),
    ],
)
def test_marginals_that_can_not_be_met_are_refused(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(random_scores(10, 3))
