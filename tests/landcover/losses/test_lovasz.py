import math

import pytest
import torch
from torch import Tensor

from landcover.errors import InputError
from landcover.losses.lovasz import LEVELS, LovaszSoftmax


def random_batch(seed: int = 0, classes: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(2, classes + 1, 3, 4, generator=generator, dtype=torch.float64)
    label = torch.randint(0, classes, (2, 3, 4), generator=generator)  # the last class is absent
    label[0, 0, :3] = 255
    return logits.requires_grad_(), label


def set_function_definition(logits: Tensor, label: Tensor, levels: int | None = None) -> Tensor:
    """Lovasz extension by definition: sum over the sorted errors of m_i (Delta({1..i}) - Delta({1..i-1})).

    With `levels` the order is that of errors rounded to so many values, among equal ones the class's pixels first.
    """
    valid = label != 255
    probabilities, truth = logits.softmax(1).movedim(1, -1)[valid], label[valid]
    losses = []
    for index in truth.unique().tolist():
        foreground = truth == index
        errors = torch.where(foreground, 1 - probabilities[:, index], probabilities[:, index])
        loss, previous, mistakes = torch.zeros((), dtype=torch.float64), 0.0, torch.zeros_like(foreground)
        ranks = errors.detach() if levels is None else (errors.detach() * (levels - 1)).round() + foreground / 2
        for pixel in ranks.argsort(descending=True).tolist():
            mistakes[pixel] = True
            predicted = foreground ^ mistakes
            delta = 1 - (foreground & predicted).sum().item() / (foreground | predicted).sum().item()
            loss, previous = loss + errors[pixel] * (delta - previous), delta
        losses.append(loss)
    return torch.stack(losses).mean()


@pytest.mark.parametrize("seed", range(8))
def test_equals_the_definition_on_rounded_errors_with_its_gradient(seed: int) -> None:
    logits, label = random_batch(seed)
    loss, expected = LovaszSoftmax()(logits, label), set_function_definition(logits, label, LEVELS)
    gradient, expected_gradient = (torch.autograd.grad(value, logits)[0] for value in (loss, expected))
    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    torch.testing.assert_close(gradient, expected_gradient, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_is_below_the_exact_loss_by_less_than_one_level(seed: int) -> None:
    logits, label = random_batch(seed)
    difference = set_function_definition(logits, label) - LovaszSoftmax()(logits, label)
    assert -1e-12 < difference.item() < 1 / (LEVELS - 1)


def test_equal_errors_share_their_slopes() -> None:
    logits = torch.zeros(1, 2, 2, 4, dtype=torch.float64, requires_grad=True)
    label = torch.tensor([[[0, 0, 1, 1], [0, 1, 1, 1]]])
    (gradient,) = torch.autograd.grad(LovaszSoftmax()(logits, label), logits)
    for index in range(2):
        slopes = gradient[0, index][label[0] == index]
        torch.testing.assert_close(slopes, slopes[:1].expand_as(slopes))
    # 3 of 8 pixels are class 0, all errors are 1/2: the Jaccard losses of all-wrong maps, each half
    assert LovaszSoftmax()(logits, label).item() == pytest.approx(0.5)


def test_gradient_in_float32_is_that_of_float64() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 8, 128, 128, generator=generator)
    label = torch.randint(0, 8, (2, 128, 128), generator=generator)
    gradients = []
    for dtype in (torch.float32, torch.float64):
        cast = logits.to(dtype).requires_grad_()
        gradients.append(torch.autograd.grad(LovaszSoftmax()(cast, label), cast)[0].double())
    assert (gradients[0] - gradients[1]).norm() < 1e-3 * gradients[1].norm()


def test_hard_predictions_give_one_minus_mean_iou() -> None:
    label = torch.tensor([[[0, 0, 0, 1, 1, 255]]])
    predicted = torch.tensor([[[0, 0, 1, 1, 0, 2]]])
    logits = 100.0 * torch.nn.functional.one_hot(predicted, 3).permute(0, 3, 1, 2).double()
    # class 0: 2 of 4 pixels of the union, class 1: 1 of 3
    assert LovaszSoftmax()(logits, label).item() == pytest.approx(1 - (2 / 4 + 1 / 3) / 2, abs=1e-9)


def test_all_ignored_batch_gives_zero_with_a_graph() -> None:
    logits, label = random_batch()
    loss = LovaszSoftmax()(logits, torch.full_like(label, 255))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert logits.grad.abs().max() == 0


def test_ignored_pixels_change_nothing_and_get_no_gradient() -> None:
    logits, label = random_batch()
    changed = logits.detach().clone()
    changed[0, :, 0, :3] = 50 * torch.randn(5, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    changed.requires_grad_()
    loss = LovaszSoftmax()(changed, label)
    assert loss.item() == pytest.approx(LovaszSoftmax()(logits, label).item(), abs=1e-12)
    assert torch.autograd.grad(loss, changed)[0][0, :, 0, :3].abs().max() == 0


def test_loss_is_of_the_batch_and_does_not_depend_on_its_order() -> None:
    logits, label = random_batch()
    whole = LovaszSoftmax()(logits, label).item()
    assert LovaszSoftmax()(logits.flip(0, 2, 3), label.flip(0, 1, 2)).item() == pytest.approx(whole, abs=1e-12)
    joined = LovaszSoftmax()(torch.cat([logits[:1], logits[1:]], dim=3), torch.cat([label[:1], label[1:]], dim=2))
    assert joined.item() == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_logits_that_are_no_numbers_give_a_loss_that_is_none(value: float) -> None:
    logits, label = random_batch()
    broken = logits.detach().float()
    broken[0, 1, 2, 2] = value
    assert math.isnan(LovaszSoftmax()(broken, label).item())


def test_bfloat16_logits_are_computed_in_float32() -> None:
    logits, label = random_batch()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = LovaszSoftmax(loss_weight=0.5)(logits.bfloat16(), label)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(0.5 * LovaszSoftmax()(logits.bfloat16().double(), label).item(), rel=1e-5)


def test_pixel_weights_and_mistaken_names_are_refused() -> None:
    logits, label = random_batch()
    with pytest.raises(InputError, match="takes no pixel weights"):
        LovaszSoftmax()(logits, label, weight=torch.ones_like(label))
    with pytest.raises(InputError, match="contains 'loss', found 'lovasz'"):
        LovaszSoftmax(loss_name="lovasz")
