"""What holds for every loss that belongs to single pixels."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from landcover.errors import InputError

CLASSES = 5
Formula = Callable[[Tensor, int], Tensor]
LOSSES: dict[str, tuple[dict[str, object], Formula]] = {
    "cross-entropy": (
        {"type": "SymmetricCrossEntropy", "alpha": 1.0, "beta": 0.0},
        lambda p, y: -p[y].log(),
    ),
    "symmetric": (
        {"type": "SymmetricCrossEntropy", "alpha": 0.5, "beta": 2.0, "log_zero": -6.0},
        lambda p, y: -0.5 * p[y].log() + 2 * 6 * sum(p[k] for k in range(len(p)) if k != y),
    ),
    "absolute error": (
        {"type": "SymmetricCrossEntropy", "alpha": 0.0, "beta": 1.0, "log_zero": -2.0},
        lambda p, y: sum(abs(p[k] - float(k == y)) for k in range(len(p))),
    ),
    "generalized": (
        {"type": "GeneralizedCrossEntropy", "q": 0.7},
        lambda p, y: (1 - p[y] ** 0.7) / 0.7,
    ),
    "generalized, small q": (
        {"type": "GeneralizedCrossEntropy", "q": 0.1},
        lambda p, y: (1 - p[y] ** 0.1) / 0.1,
    ),
    "normalized": (
        {"type": "NormalizedCrossEntropy"},
        lambda p, y: p[y].log() / sum(p[k].log() for k in range(len(p))),
    ),
}
every_loss = pytest.mark.parametrize("name", LOSSES)
CLASS_WEIGHT = [0.5, 3.0, 1.0, 0.125, 1.75]

RANK_PROGRAM = """
import sys, torch, torch.distributed
import landcover.losses.generalized_cross_entropy, landcover.losses.normalized_cross_entropy
import landcover.losses.symmetric_cross_entropy
from mmseg.registry import MODELS
folder, rank = sys.argv[1], int(sys.argv[2])
torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
logits, label, losses = torch.load(f"{folder}/batch.pt", weights_only=True)
results = {}
for name, settings in losses.items():
    mine = logits[rank : rank + 1].clone().requires_grad_()
    value = MODELS.build(settings)(mine, label[rank : rank + 1])
    value.backward()
    results[name] = value.item(), mine.grad
torch.save(results, f"{folder}/{rank}.pt")
torch.distributed.destroy_process_group()
"""


@pytest.fixture(autouse=True)
def _registered(registered: None) -> None:
    """Losses are built by name."""


def built(name: str, **settings: object) -> nn.Module:
    return MODELS.build({**LOSSES[name][0], **settings})


def random_batch(seed: int = 0, classes: int = CLASSES) -> tuple[Tensor, Tensor]:
    """Logits and labels of a random size; about a quarter of the pixels is ignored."""
    generator = torch.Generator().manual_seed(seed)
    size = torch.randint(1, 6, (3,), generator=generator).tolist()
    logits = 3 * torch.randn(size[0], classes, *size[1:], generator=generator, dtype=torch.float64)
    label = torch.randint(0, classes, size, generator=generator)
    label[torch.rand(size, generator=generator) < 0.25] = 255
    label[0, 0, 0] = 1  # at least one is valid
    return logits.requires_grad_(), label


def definition(name: str, logits: Tensor, label: Tensor, factors: Tensor) -> Tensor:
    """Mean over the valid pixels of the formula times the pixel's factor."""
    total, count = torch.zeros((), dtype=torch.float64), 0
    for image, row, column in (label != 255).nonzero().tolist():
        probabilities = logits[image, :, row, column].softmax(0)
        loss = LOSSES[name][1](probabilities, int(label[image, row, column]))
        total, count = total + loss * factors[image, row, column], count + 1
    return total / count


def assert_same(loss: Tensor, expected: Tensor, logits: Tensor) -> None:
    gradient, expected_gradient = (torch.autograd.grad(value, logits)[0] for value in (loss, expected))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    torch.testing.assert_close(gradient, expected_gradient, rtol=0, atol=1e-12)


@every_loss
@pytest.mark.parametrize(("seed", "classes"), [(0, 5), (1, 2), (2, 8), (3, 3)])
def test_equals_its_definition_with_its_gradient(name: str, seed: int, classes: int) -> None:
    logits, label = random_batch(seed, classes)
    assert_same(built(name)(logits, label), definition(name, logits, label, torch.ones(label.shape)), logits)


@every_loss
def test_weights_of_classes_and_pixels_multiply_and_are_not_normalised(name: str) -> None:
    logits, label = random_batch(5)
    pixels = torch.rand(label.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    of_class = torch.tensor([*CLASS_WEIGHT, *([torch.nan] * 251)], dtype=torch.float64)[label]
    loss = built(name, class_weight=CLASS_WEIGHT)
    assert_same(loss(logits, label), definition(name, logits, label, of_class), logits)
    assert_same(loss(logits, label, weight=pixels), definition(name, logits, label, of_class * pixels), logits)
    renamed = torch.where(label == 255, -1, label)
    assert_same(loss(logits, renamed, ignore_index=-1), definition(name, logits, label, of_class), logits)


@every_loss
def test_gradient_is_that_of_finite_differences(name: str) -> None:
    logits, label = random_batch(6)
    assert torch.autograd.gradcheck(lambda x: built(name, class_weight=CLASS_WEIGHT)(x, label), logits)


@every_loss
def test_ignored_pixels_change_nothing_and_get_no_gradient(name: str) -> None:
    logits, label = random_batch(2)
    ignored = (label == 255)[:, None]
    assert ignored.any()
    loss = built(name, class_weight=CLASS_WEIGHT)
    changed = torch.where(ignored, -50 * logits, logits).detach().requires_grad_()
    value = loss(changed, label)
    assert value.item() == pytest.approx(loss(logits, label).item(), rel=1e-12)
    assert torch.autograd.grad(value, changed)[0].masked_select(ignored).abs().max() == 0


@every_loss
def test_all_ignored_batch_gives_zero_with_a_graph(name: str) -> None:
    logits, label = random_batch()
    loss = built(name, class_weight=CLASS_WEIGHT)(logits, torch.full_like(label, 255))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert logits.grad.abs().max() == 0


@every_loss
@pytest.mark.parametrize("factor", [8.0, 3 * 65536.0])
def test_all_ignored_batch_has_a_zero_gradient_whatever_its_weight_and_loss_scale(name: str, factor: float) -> None:
    logits, label = random_batch()
    logits = logits.detach().float().requires_grad_()
    loss = built(name, loss_weight=factor)(logits, torch.full_like(label, 255))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@every_loss
def test_permuting_images_and_pixels_keeps_the_loss(name: str) -> None:
    logits, label = random_batch(1)
    loss = built(name, class_weight=CLASS_WEIGHT)
    flipped = loss(logits.flip(0, 2, 3), label.flip(0, 1, 2))
    assert flipped.item() == pytest.approx(loss(logits, label).item(), rel=1e-12)


@every_loss
def test_factor_of_the_loss_and_average_factor_are_used(name: str) -> None:
    logits, label = random_batch()
    valid = int((label != 255).sum())
    loss = built(name, loss_weight=2.0)(logits, label, avg_factor=4 * valid)
    assert loss.item() == pytest.approx(built(name)(logits, label).item() / 2, rel=1e-6)


@every_loss
def test_rounding_logits_to_bfloat16_changes_the_loss_little(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, CLASSES, 16, 16, generator=generator)
    label = torch.randint(0, CLASSES, (2, 16, 16), generator=generator)
    loss = built(name, class_weight=CLASS_WEIGHT)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = loss(logits.bfloat16(), label)
    assert rounded.dtype == torch.float32
    assert rounded.item() == pytest.approx(loss(logits, label).item(), rel=1e-2)


@every_loss
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_confident_predictions_right_and_wrong_stay_finite(name: str, dtype: torch.dtype) -> None:
    # p_y = 1, then p_y = exp(-200), which is 0 in float32
    logits = torch.tensor([[100.0, -100.0], [-100.0, 100.0], [-100.0, -100.0]], dtype=dtype).reshape(1, 3, 1, 2)
    logits.requires_grad_()
    loss = built(name)
    value = loss(logits, torch.zeros(1, 1, 2, dtype=torch.int64))
    wrong = {"cross-entropy": 200, "symmetric": 112, "absolute error": 2, "normalized": 0.5}
    expected = wrong.get(name, 1 / getattr(loss, "q", torch.nan)) / 2
    assert value.item() == pytest.approx(expected, rel=1e-6)
    value.backward()
    assert logits.grad is not None and logits.grad.isfinite().all()
    assert logits.grad[0, :, 0, 0].abs().max() < 1e-2


@every_loss
def test_weights_of_classes_follow_the_module_but_are_not_saved(name: str) -> None:
    loss = built(name, class_weight=CLASS_WEIGHT)
    assert loss.state_dict() == {} and not list(loss.parameters())
    assert loss.class_weight.tolist() == CLASS_WEIGHT
    assert loss.to("meta").class_weight.device.type == "meta"
    assert built(name).class_weight is None


@every_loss
def test_mistaken_options_are_named(name: str) -> None:
    with pytest.raises(InputError, match=r"loss_x: expected positive numbers as class_weight, found \[1\.0, 0\.0\]"):
        built(name, class_weight=[1.0, 0.0], loss_name="loss_x")
    with pytest.raises(InputError, match=r"expected positive numbers as class_weight, found \[1\.0, nan\]"):
        built(name, class_weight=[1.0, float("nan")])
    with pytest.raises(InputError, match="contains 'loss', found 'x'"):
        built(name, loss_name="x")
    logits, label = random_batch()
    with pytest.raises(InputError, match="loss_x: expected a class_weight for each of 5 classes, found 2"):
        built(name, class_weight=[1.0, 2.0], loss_name="loss_x")(logits, label)


@pytest.fixture(scope="module")
def shared_batch(registered: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tensor, Tensor, list]:
    """A batch, and value and gradient of every loss in each of two processes that have one of its images."""
    folder = tmp_path_factory.mktemp("processes")
    logits = torch.randn(2, CLASSES, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    label = torch.randint(0, CLASSES, (2, 4, 6), generator=torch.Generator().manual_seed(1))
    label[0, 1:] = 255  # 6 valid pixels against 24
    losses = {name: {**settings, "class_weight": CLASS_WEIGHT} for name, (settings, _) in LOSSES.items()}
    torch.save((logits, label, losses), folder / "batch.pt")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3])}
    started = [
        subprocess.Popen([sys.executable, "-c", RANK_PROGRAM, str(folder), str(rank)], env=environment)
        for rank in range(2)
    ]
    try:
        assert [process.wait(timeout=240) for process in started] == [0, 0]
    finally:
        for process in started:
            process.kill()
    return logits, label, [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@every_loss
def test_two_processes_average_over_the_valid_pixels_of_both(
    name: str, shared_batch: tuple[Tensor, Tensor, list]
) -> None:
    logits, label, results = shared_batch
    logits = logits.clone().requires_grad_()
    whole = built(name, class_weight=CLASS_WEIGHT)(logits, label)
    values, gradients = zip(*(result[name] for result in results), strict=True)
    assert sum(values) / 2 == pytest.approx(whole.item(), rel=1e-12)
    torch.testing.assert_close(torch.cat(gradients) / 2, torch.autograd.grad(whole, logits)[0], rtol=1e-12, atol=1e-15)
