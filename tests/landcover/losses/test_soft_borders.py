import pytest
import torch
from torch import Tensor

from landcover.errors import InputError
from landcover.losses.soft_borders import class_shares
from landcover.losses.symmetric_cross_entropy import SymmetricCrossEntropy

VOID = 255
CLASS_WEIGHT = [0.5, 3.0, 1.0, 0.125, 1.75]


def random_batch(seed: int, classes: int = 5) -> tuple[Tensor, Tensor]:
    """Logits and labels in blocks, a third of the pixels void, and one image without any label."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(3, classes, 7, 9, generator=generator, dtype=torch.float64)
    label = torch.randint(0, classes, (3, 4, 5), generator=generator)
    label = label.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, :7, :9].clone()
    label[torch.rand(label.shape, generator=generator) < 0.3] = VOID
    label[2] = VOID
    label[0, 3, 3], label[0, 3, 4] = 1, 2
    return logits.requires_grad_(), label


def shares_by_loops(label: Tensor, classes: int, radius: int) -> Tensor:
    """The definition: counts in every window, pixel by pixel."""
    shares = torch.zeros(label.shape[0], classes, *label.shape[1:], dtype=torch.float64)
    for image, row, column in (label != VOID).nonzero().tolist():
        rows, columns = (slice(max(0, at - radius), at + radius + 1) for at in (row, column))
        window = label[image, rows, columns]
        for k in range(classes):
            shares[image, k, row, column] = (window == k).sum().double() / (window != VOID).sum()
    return shares


def loss_by_loops(
    logits: Tensor, label: Tensor, radius: int, alpha: float, beta: float, log_zero: float, weights: list[float]
) -> Tensor:
    """Mean over the labelled pixels of the mean over classes, drawn by their shares, of the loss of a hard label."""
    classes = logits.shape[1]
    shares = shares_by_loops(label, classes, radius)
    total, count = torch.zeros((), dtype=torch.float64), 0
    for image, row, column in (label != VOID).nonzero().tolist():
        p = logits[image, :, row, column].softmax(0)
        for k in range(classes):
            reverse = -sum(log_zero * p[j] for j in range(classes) if j != k)
            loss = -alpha * p[k].log() + beta * reverse
            total = total + weights[int(label[image, row, column])] * shares[image, k, row, column] * loss
        count += 1
    return total / count


def test_shares_of_a_small_map_drawn_by_hand() -> None:
    label = torch.tensor([[[0, 0, 1], [0, VOID, 1], [VOID, VOID, 2]]])
    third = [[1, 3 / 5, 1 / 3], [1, 0, 1 / 4], [0, 0, 0]]
    expected = torch.tensor(
        [[third, [[0, 2 / 5, 2 / 3], [0, 0, 2 / 4], [0, 0, 1 / 2]], [[0] * 3, [0, 0, 1 / 4], [0, 0, 1 / 2]]]]
    )
    assert torch.equal(class_shares(label, 3, 1, VOID, torch.float32), expected)


@pytest.mark.parametrize("radius", [0, 1, 2, 8])
def test_shares_are_those_of_their_definition(radius: int) -> None:
    label = random_batch(radius)[1]
    found = class_shares(label, 5, radius, VOID, torch.float64)
    torch.testing.assert_close(found, shares_by_loops(label, 5, radius), rtol=0, atol=1e-15)
    torch.testing.assert_close(found.sum(1), (label != VOID).double(), rtol=0, atol=1e-15)
    renamed = torch.where(label == VOID, -1, label)
    assert torch.equal(class_shares(renamed, 5, radius, -1, torch.float64), found)


@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize(("alpha", "beta", "log_zero"), [(1.0, 1.0, -4.0), (1.0, 0.0, -4.0), (0.0, 2.0, -6.0)])
def test_the_loss_and_its_gradient_are_those_of_the_definition(
    radius: int, alpha: float, beta: float, log_zero: float
) -> None:
    logits, label = random_batch(radius)
    loss = SymmetricCrossEntropy(alpha, beta, log_zero, CLASS_WEIGHT, border=radius)(logits, label)
    expected = loss_by_loops(logits, label, radius, alpha, beta, log_zero, torch.tensor(CLASS_WEIGHT).tolist())
    gradient, expected_gradient = (torch.autograd.grad(value, logits)[0] for value in (loss, expected))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    torch.testing.assert_close(gradient, expected_gradient, rtol=0, atol=1e-12)
    assert loss.item() != pytest.approx(
        SymmetricCrossEntropy(alpha, beta, log_zero, CLASS_WEIGHT)(logits, label).item()
    )


def test_the_gradient_is_that_of_finite_differences() -> None:
    logits, label = random_batch(5)
    assert torch.autograd.gradcheck(lambda x: SymmetricCrossEntropy(border=1)(x, label), logits)


def test_void_pixels_change_nothing_and_get_no_gradient() -> None:
    logits, label = random_batch(3)
    void = (label == VOID)[:, None]
    changed = torch.where(void, -50 * logits, logits).detach().requires_grad_()
    loss = SymmetricCrossEntropy(border=1)
    value = loss(changed, label)
    assert value.item() == pytest.approx(loss(logits, label).item(), rel=1e-12)
    assert torch.autograd.grad(value, changed)[0].masked_select(void).abs().max() == 0
    nothing = loss(logits, torch.full_like(label, VOID))
    assert nothing.item() == 0 and torch.autograd.grad(nothing, logits)[0].abs().max() == 0


def test_a_radius_of_zero_is_the_loss_without_one_to_the_last_bit() -> None:
    logits, label = random_batch(4)
    logits = logits.detach().float().requires_grad_()
    off, without = (SymmetricCrossEntropy(class_weight=CLASS_WEIGHT, **extra) for extra in ({"border": 0}, {}))
    assert torch.equal(off(logits, label), without(logits, label))
    grads = [torch.autograd.grad(loss(logits, label), logits)[0] for loss in (off, without)]
    assert torch.equal(*grads)


def test_far_from_a_border_the_loss_is_that_of_the_label() -> None:
    logits = random_batch(6)[0]
    label = torch.full((3, 7, 9), 2)
    label[:, :, 6:] = VOID
    hard, soft = SymmetricCrossEntropy()(logits, label), SymmetricCrossEntropy(border=2)(logits, label)
    assert soft.item() == pytest.approx(hard.item(), rel=1e-12)


def test_a_confident_mistake_stays_finite_in_float32_and_bf16() -> None:
    logits = torch.tensor([300.0, -300.0]).reshape(1, 2, 1, 1).expand(1, 2, 1, 2)
    label = torch.tensor([[[0, 1]]])
    loss = SymmetricCrossEntropy(border=1)(logits, label)
    assert loss.item() == pytest.approx(300 + 4 * 0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert SymmetricCrossEntropy(border=1)(logits.bfloat16(), label).item() == pytest.approx(302.0, rel=5e-3)


@pytest.mark.parametrize("border", [-1, 1.5, True, "1"])
def test_a_border_that_is_no_radius_is_refused(border: object) -> None:
    with pytest.raises(InputError, match=r"^loss_sce: expected a whole number >= 0 as border, in pixels, found "):
        SymmetricCrossEntropy(border=border)
