import json
from collections.abc import Callable

import torch

from landcover.optimal_transport import balanced_assignment
from tools.benchmarks.sinkhorn import plain_assignment, problem


def test_both_sides_find_the_same_and_the_shares_are_not_those_of_the_scores() -> None:
    scores, shares = problem(2048, 5)
    torch.testing.assert_close(plain_assignment(scores, shares), balanced_assignment(scores, shares), rtol=0, atol=1e-2)
    assert (scores.exp().mean(0) - shares).abs().sum() > 0.5


def test_the_last_line_tells_the_time_of_one_assignment(run_benchmark: Callable[[str, str], str]) -> None:
    printed = run_benchmark("sinkhorn", "--pixels 512 --classes 3 --repeats 1")
    result = json.loads(printed.splitlines()[-1])
    assert list(result) == ["milliseconds", "milliseconds_by_pixel", "speedup"]
    assert 0 < result["milliseconds"] < 1000
