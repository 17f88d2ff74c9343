"""The choice of the iteration whose model a training exports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from landcover.errors import InputError
from landcover.training.checkpoints import iteration_of, saved_checkpoints
from landcover.training.evaluation import Evaluation

LAST = "last"
"""The rule that exports the model of the last iteration; every other rule is the name of a logged value."""

PREFIX = "candidate_"


def check_rule(rule: object, evaluations: Sequence[Evaluation], name: str) -> None:
    """Refuses a rule by whose value nothing is logged.

    Args:
        rule: `choose` of the config.
        evaluations: those of the training.
        name: name of the model.

    Raises:
        InputError: says which rules there are.
    """
    possible = [LAST, *(value for evaluation in evaluations for value in evaluation.names)]
    if rule not in possible:
        raise InputError(
            f"model {name}: choose: expected one of {', '.join(possible)}, which are logged for it, found {rule!r}; "
            "correct TEACHER_OPTIONS, SAR_OPTIONS or the config"
        )


def further_path(path: Path, name: str) -> Path:
    """Where the model file of a further network lies: beside the model file `path`, behind whose name is its own."""
    return path.with_stem(f"{path.stem}_{name}")


def best_line(lines: Sequence[Mapping[str, float]], rule: str) -> Mapping[str, float] | None:
    """The line of a training log with the largest value of `rule`, the later one of equals; None if no line has one."""
    evaluated = [line for line in lines if rule in line]
    return max(evaluated, key=lambda line: (line[rule], line["iteration"]), default=None)


@dataclass(frozen=True)
class Candidates:
    """Model files of evaluated iterations, as many as the rule may still choose.

    The training log decides. A candidate is written before its line, and a resumed training cuts the lines behind its
    checkpoint off and writes their candidates again, so that a line's candidate is always that of the same weights.

    Args:
        folder: where the files lie, beside the checkpoints.
        rule: name of the logged value.
        further: names of further networks, whose files lie beside each candidate.
    """

    folder: Path
    rule: str
    further: tuple[str, ...] = ()

    def path(self, iteration: float) -> Path:
        """The model file of an evaluated iteration."""
        return self.folder / f"{PREFIX}{iteration:.0f}.pth"

    def prune(self, lines: Sequence[Mapping[str, float]]) -> None:
        """Deletes all but the best of the training so far and the best that it has if it goes on from a checkpoint.

        Args:
            lines: of the training log, up to this moment.
        """
        ends = (math.inf, *map(iteration_of, saved_checkpoints(self.folder)))
        bests = [best_line([line for line in lines if line["iteration"] <= end], self.rule) for end in ends]
        needed = {self.path(line["iteration"]) for line in bests if line}
        needed |= {further_path(path, name) for path in needed for name in self.further}
        for path in self.folder.glob(f"{PREFIX}*.pth"):
            if path not in needed:
                path.unlink()
