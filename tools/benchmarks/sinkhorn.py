"""Time of one balanced assignment of pixels to classes, ours and Sinkhorn's iteration on logarithms.

Scores are made up: log-probabilities of pixels that lean towards some classes, to be assigned in other shares. Both
sides stop at the same error of the shares; their results are compared before anything is timed. Beside other work
(the first line tells the load) times are longer. The last line is a JSON object: `milliseconds` of one assignment of
scores that lie class by class, as networks and score files give them, `milliseconds_by_pixel` of scores that lie pixel
by pixel, `speedup` is plain seconds / our seconds of the first.
"""

from __future__ import annotations

import argparse
import functools
import os

import torch
from torch import Tensor

from landcover.optimal_transport import TOLERANCE, balanced_assignment
from landcover.report.text_table import text_table
from tools.benchmarks._measure import Call, print_result, take_turns


def main() -> None:
    """Prints a table and, last, the JSON object."""
    arguments = _arguments()
    torch.set_num_threads(1)
    scores, shares = problem(arguments.pixels, arguments.classes)
    apart = (plain_assignment(scores, shares) - balanced_assignment(scores, shares)).abs().max()
    print(
        f"CPU, 1 thread; torch {torch.__version__}; {arguments.pixels} pixels, {arguments.classes} classes; load "
        f"{os.getloadavg()[0]:.1f}; largest difference of the results {float(apart):.1e}",
        flush=True,
    )
    sizes = (arguments.pixels, arguments.classes)
    builds = {
        "plain": functools.partial(build, "plain", True, *sizes),
        "ours": functools.partial(build, "ours", True, *sizes),
        "ours, pixel by pixel": functools.partial(build, "ours", False, *sizes),
    }
    costs = take_turns(builds, arguments.repeats, warm_up=5)
    rows = [(name, f"{1e3 * cost.seconds:.2f}") for name, cost in costs.items()]
    print(text_table([("one assignment", "ms"), *rows]))
    print_result(
        {
            "milliseconds": 1e3 * costs["ours"].seconds,
            "milliseconds_by_pixel": 1e3 * costs["ours, pixel by pixel"].seconds,
            "speedup": costs["plain"].seconds / costs["ours"].seconds,
        }
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=int, default=65536, help="pixels of the problem")
    parser.add_argument("--classes", type=int, default=8, help="classes of the problem")
    parser.add_argument("--repeats", type=int, default=31, help="timed assignments of each side")
    return parser.parse_args()


def problem(pixels: int, classes: int) -> tuple[Tensor, Tensor]:
    """Scores (N, C), class by class in memory, and shares (C,): geometric, from the class that is least probable on."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(classes, pixels, generator=generator) + torch.linspace(0, 3, classes)[:, None]
    shares = 0.7 ** torch.arange(classes)
    return logits.log_softmax(0).T, shares / shares.sum()


def plain_assignment(scores: Tensor, shares: Tensor) -> Tensor:
    """Sinkhorn's iteration as it stands in the papers, in float32: (N, C), rows sum to 1."""
    of_classes = torch.zeros_like(shares)
    while True:
        plan = (scores + of_classes).log_softmax(1)
        reached = plan.logsumexp(0)
        if (reached.exp() / len(scores) - shares).abs().sum() <= TOLERANCE:
            return plan.exp()
        of_classes = of_classes + shares.log() - reached


def build(side: str, by_class: bool, pixels: int, classes: int) -> Call:
    """One assignment of a side."""
    torch.set_num_threads(1)
    scores, shares = problem(pixels, classes)
    laid_out = scores if by_class else scores.contiguous()
    return functools.partial(plain_assignment if side == "plain" else balanced_assignment, laid_out, shares)


if __name__ == "__main__":
    main()
