import ast
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from two_processes import run_by_two_processes

from stage1_optical_da.prototype_alignment import prototypes as module
from stage1_optical_da.prototype_alignment.prototypes import FLOOR, Prototypes

CLASSES, WIDTH = 3, 8
CENTRES = F.normalize(torch.randn(CLASSES, 2, WIDTH, generator=torch.Generator().manual_seed(7)), dim=-1)
"""Of two kinds of each class."""


def pixels_of(labels: Tensor, seed: int, shift: float = 0.0) -> Tensor:
    """Vectors near the centres of their class in turn, moved by `shift` along the first axis."""
    generator = torch.Generator().manual_seed(seed)
    kinds = (F.one_hot(labels, CLASSES).cumsum(0).gather(1, labels[:, None]) % 2)[:, 0]
    noise = 0.05 * torch.randn(len(labels), WIDTH, generator=generator)
    return CENTRES[labels, kinds] + noise + shift * torch.eye(WIDTH)[0]


def prototypes(reverse: float = 0.5, momentum: float = 0.9, memory: int = 200) -> Prototypes:
    return Prototypes(CLASSES, 2, memory, WIDTH, momentum, reverse)


def all_classes(count: int) -> Tensor:
    return torch.arange(CLASSES).repeat(count)


def apart(means: Tensor) -> float:
    """Largest distance of a centre to the nearest mean of its class."""
    return float(torch.cdist(CENTRES, means).min(-1).values.max())


def test_first_prototypes_come_from_the_source_alone() -> None:
    found = prototypes()
    found.add_target(pixels_of(all_classes(200), 1, shift=0.5), all_classes(200))
    found.update()
    assert not found.mixtures.fitted.any() and (found.mixtures.means == 0).all()
    found.add_source(pixels_of(all_classes(200), 0), all_classes(200))
    found.update()
    assert found.mixtures.fitted.all() and apart(found.mixtures.means) < 0.05
    assert found.likely == 0  # nothing had been fitted that target pixels could be likely in


def test_a_class_without_enough_pixels_waits_and_the_others_do_not_wait_for_it() -> None:
    found = prototypes()
    few = torch.tensor([0] * 50 + [1])
    found.add_source(pixels_of(few, 0), few)
    found.update()
    assert found.mixtures.fitted.tolist() == [True, False, False]
    before = found.mixtures.means[0].clone()
    found.add_source(pixels_of(all_classes(50), 1), all_classes(50))
    found.update()
    assert found.mixtures.fitted.all() and apart(found.mixtures.means) < 0.1
    assert 0 < (found.mixtures.means[0] - before).norm() < 0.1  # moved on, not fitted anew
    assert found.mixtures.means.isfinite().all() and (found.mixtures.variances >= FLOOR).all()


def test_mixtures_follow_the_source_the_slower_the_larger_the_momentum() -> None:
    distances = []
    for momentum in (0.5, 0.9, 0.999):
        found = prototypes(reverse=0.0, momentum=momentum)
        found.add_source(pixels_of(all_classes(200), 0), all_classes(200))
        found.mixtures.updates.fill_(10**6)  # long after the first steps, which keep less
        found.update()
        found.add_source(pixels_of(all_classes(200), 1, shift=0.2), all_classes(200))
        before = found.mixtures.means.clone()
        found.update()
        distances.append((found.mixtures.means - before)[..., 0].mean().item())
    assert abs(distances[0] - 0.1) < 0.02 and abs(distances[1] - 0.02) < 0.005 and abs(distances[2]) < 0.0005


def test_components_share_the_pixels_of_the_source_alike_also_after_the_first_fit() -> None:
    found = prototypes(reverse=0.0, momentum=0.0)
    found.add_source(pixels_of(all_classes(200), 0), all_classes(200))
    found.update()
    one_kind = torch.zeros(200, dtype=torch.int64)
    noise = 0.05 * torch.randn(200, WIDTH, generator=torch.Generator().manual_seed(1))
    found.add_source(CENTRES[0, 0] + noise, one_kind)
    found.update()
    assert (found.mixtures.means[0] - CENTRES[0, 0]).norm(dim=1).max() < 0.1  # by EM alone, one would stay behind


def test_a_component_that_gets_no_pixels_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    found = prototypes(reverse=0.0)
    found.add_source(pixels_of(all_classes(200), 0), all_classes(200))
    found.update()
    before = found.mixtures.means.clone()
    first_alone = torch.zeros(CLASSES, 200, 2)
    first_alone[..., 0] = 1
    monkeypatch.setattr(module, "balanced_responsibilities", lambda *_: first_alone)
    found.update()
    assert torch.equal(found.mixtures.means[:, 1], before[:, 1])
    assert (found.mixtures.means[:, 0] - before[:, 0]).norm(dim=1).min() > 0.05


def test_reverse_alignment_moves_anchors_towards_the_target_only_if_asked() -> None:
    means = []
    for reverse in (0.0, 0.5):
        found = prototypes(reverse=reverse)
        found.add_source(pixels_of(all_classes(200), 0), all_classes(200))
        found.update()
        found.add_target(pixels_of(all_classes(200), 1, shift=0.04), all_classes(200))
        for _ in range(10):
            found.update()
        means.append(found.mixtures.means.clone())
        assert (found.likely > 0.5) == bool(reverse)
    assert 0.001 < (means[1] - means[0])[..., 0].mean() < 0.04


def test_the_targets_step_is_a_share_of_the_sources() -> None:
    means = []
    for reverse in (0.0, 0.2, 0.4):
        found = prototypes(reverse=reverse)
        found.add_source(pixels_of(all_classes(200), 0), all_classes(200))
        found.update()
        found.mixtures.updates.fill_(10**6)
        found.add_target(pixels_of(all_classes(200), 1, shift=0.04), all_classes(200))
        found.update()
        means.append(found.mixtures.means[..., 0].mean())
    assert float((means[2] - means[0]) / (means[1] - means[0])) == pytest.approx(2, abs=0.01)


def test_keys_hold_both_domains_and_no_more_of_a_class_than_of_another() -> None:
    found = prototypes()
    many = torch.cat([torch.zeros(100, dtype=torch.int64), all_classes(3)])
    found.add_source(pixels_of(many, 0), many)
    found.add_target(pixels_of(torch.tensor([1]), 1), torch.tensor([1]))
    vectors, labels = found.keys(4)
    assert vectors.shape == (2 * CLASSES * 4, WIDTH)
    assert labels[labels != 255].bincount().tolist() == [4, 4, 3]


RANK_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from landcover.processes.group import start_processes
from test_prototypes import all_classes, pixels_of, prototypes
processes, found = start_processes(), prototypes()
for step in range(4):
    labels = all_classes(40)
    found.add_source(pixels_of(labels, 2 * step + processes.rank), labels)
    found.add_target(pixels_of(labels, 100 + 2 * step + processes.rank), labels)
    found.update()
print({name: value.tolist() for name, value in found.state_dict().items() if value.ndim != 3 or "means" in name})
"""


def test_two_processes_hold_equal_prototypes_of_the_pixels_of_both() -> None:
    first, second = run_by_two_processes(RANK_PROGRAM, Path(__file__).parent, timeout=300)
    assert first == second
    state = ast.literal_eval(first)
    assert state["source.seen"] == state["target.seen"] == [2 * 4 * 40] * CLASSES
    assert all(state["mixtures.fitted"]) and state["likely"] > 0.5
    assert apart(torch.tensor(state["mixtures.means"])) < 0.1
