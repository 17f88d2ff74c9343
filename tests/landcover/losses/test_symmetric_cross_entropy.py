import math

import pytest
import torch
from mmengine.registry import init_default_scope
from torch import Tensor

from landcover.errors import InputError
from landcover.losses.symmetric_cross_entropy import SymmetricCrossEntropy


def random_batch(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(3, 5, 6, 7, generator=generator, dtype=torch.float64)
    label = torch.randint(0, 5, (3, 6, 7), generator=generator)
    label[0, :2] = 255
    return logits.requires_grad_(), label


def one_hot_definition(logits: Tensor, label: Tensor, alpha: float, beta: float, log_zero: float) -> Tensor:
    """Both terms of the paper pixel by pixel: -sum q log p and -sum p log q with log 0 = A."""
    total, count = torch.zeros((), dtype=torch.float64), 0
    for image, row, column in torch.ones_like(label).nonzero().tolist():
        target = int(label[image, row, column])
        if target == 255:
            continue
        p = logits[image, :, row, column].softmax(0)
        log_q = torch.full((logits.shape[1],), log_zero, dtype=torch.float64)
        log_q[target] = 0.0
        total = total - alpha * p[target].log() - beta * (p * log_q).sum()
        count += 1
    return total / count


@pytest.mark.parametrize(("alpha", "beta", "log_zero"), [(1.0, 1.0, -4.0), (0.1, 2.0, -6.0), (3.0, 0.0, -4.0)])
def test_equals_the_definition_with_its_gradient(alpha: float, beta: float, log_zero: float) -> None:
    logits, label = random_batch()
    loss = SymmetricCrossEntropy(alpha, beta, log_zero)(logits, label)
    expected = one_hot_definition(logits, label, alpha, beta, log_zero)
    gradient, expected_gradient = (torch.autograd.grad(value, logits)[0] for value in (loss, expected))
    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    torch.testing.assert_close(gradient, expected_gradient, rtol=0, atol=1e-12)


def test_known_value_of_two_pixels() -> None:
    logits = torch.tensor([[0.75, 0.5], [0.25, 0.5]]).log().reshape(1, 2, 1, 2)
    loss = SymmetricCrossEntropy()(logits, torch.tensor([[[0, 1]]]))
    expected = (-math.log(0.75) + 4 * 0.25 - math.log(0.5) + 4 * 0.5) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_the_reverse_term_is_not_a_second_cross_entropy() -> None:
    logits, label = random_batch()
    plain = SymmetricCrossEntropy(alpha=1, beta=0)(logits, label)
    tripled = SymmetricCrossEntropy(alpha=3, beta=0)(logits, label)
    symmetric = SymmetricCrossEntropy(alpha=1, beta=1)(logits, label)
    assert tripled.item() == pytest.approx(3 * plain.item())
    assert abs(symmetric.item() - 3 * plain.item()) > 0.1


def test_reverse_term_is_bounded_for_a_confident_mistake() -> None:
    logits = torch.tensor([1000.0, -1000.0]).reshape(1, 2, 1, 1)
    assert SymmetricCrossEntropy(alpha=0, beta=1)(logits, torch.ones(1, 1, 1).long()).item() == pytest.approx(4.0)


def test_ignored_pixels_of_one_image_leave_the_others_alone() -> None:
    logits, label = random_batch()
    label[1] = 255
    loss = SymmetricCrossEntropy()(logits, label)
    without = SymmetricCrossEntropy()(logits[[0, 2]], label[[0, 2]])
    gradient = torch.autograd.grad(loss, logits)[0]
    assert loss.item() == pytest.approx(without.item(), abs=1e-12)
    assert gradient[1].abs().max() == 0
    assert gradient[0, :, :2].abs().max() == 0


def test_all_ignored_batch_gives_zero_with_a_graph() -> None:
    logits, label = random_batch()
    loss = SymmetricCrossEntropy()(logits, torch.full_like(label, 255))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert logits.grad.abs().max() == 0


def test_permuting_images_and_pixels_keeps_the_loss() -> None:
    logits, label = random_batch()
    flipped = SymmetricCrossEntropy()(logits.flip(0, 2, 3), label.flip(0, 1, 2))
    assert flipped.item() == pytest.approx(SymmetricCrossEntropy()(logits, label).item(), abs=1e-12)


def test_pixel_weights_scale_the_loss_and_are_not_normalised() -> None:
    logits, label = random_batch()
    whole = SymmetricCrossEntropy()(logits, label)
    tenth = SymmetricCrossEntropy()(logits, label, weight=torch.full(label.shape, 0.1, dtype=torch.float64))
    assert tenth.item() == pytest.approx(0.1 * whole.item())


def test_weight_zero_on_an_image_removes_it_from_the_sum_only() -> None:
    logits, label = random_batch()
    label[:] = 1
    weight = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)[:, None, None].expand(3, 6, 7)
    loss = SymmetricCrossEntropy()(logits, label, weight=weight)
    rest = SymmetricCrossEntropy()(logits[[0, 2]], label[[0, 2]])
    assert loss.item() == pytest.approx(rest.item() * 2 / 3)


def test_average_factor_loss_weight_and_ignore_index_are_used() -> None:
    logits, label = random_batch()
    valid = int((label != 255).sum())
    base = SymmetricCrossEntropy()(logits, label)
    doubled = SymmetricCrossEntropy(loss_weight=2)(logits, label, avg_factor=2 * valid)
    assert doubled.item() == pytest.approx(base.item())
    renamed = torch.where(label == 255, torch.tensor(-1), label)
    assert SymmetricCrossEntropy()(logits, renamed, ignore_index=-1).item() == pytest.approx(base.item())
    assert SymmetricCrossEntropy(ignore_index=-1)(logits, renamed).item() == pytest.approx(base.item())


def test_bfloat16_logits_are_reduced_in_float32() -> None:
    logits, label = random_batch()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = SymmetricCrossEntropy()(logits.bfloat16(), label)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(SymmetricCrossEntropy()(logits.bfloat16().double(), label).item(), rel=1e-5)


def test_mistaken_options_are_named() -> None:
    for settings, found in (
        ({"log_zero": 0.0}, r"1\.0, 1\.0 and 0\.0"),
        ({"alpha": -0.5}, r"-0\.5, 1\.0 and -4\.0"),
        ({"beta": -0.5}, r"1\.0, -0\.5 and -4\.0"),
    ):
        with pytest.raises(InputError, match=rf"alpha >= 0, beta >= 0 and log_zero < 0, found {found}"):
            SymmetricCrossEntropy(**settings)
    assert SymmetricCrossEntropy(alpha=0.0, beta=0.0, log_zero=-0.5).alpha == 0.0
    with pytest.raises(InputError, match="contains 'loss', found 'sce'"):
        SymmetricCrossEntropy(loss_name="sce")


def test_works_by_name_in_the_loss_list_of_a_head() -> None:
    init_default_scope("mmseg")
    from mmengine.structures import PixelData
    from mmseg.registry import MODELS
    from mmseg.structures import SegDataSample

    import landcover.losses.lovasz  # noqa: F401

    losses = [{"type": "SymmetricCrossEntropy", "loss_weight": 2.0}, {"type": "LovaszSoftmax"}]
    sizes = {"in_channels": 3, "channels": 4, "num_convs": 1, "num_classes": 5}
    head = MODELS.build({"type": "FCNHead", "ignore_index": 7, "loss_decode": losses, **sizes})
    label = torch.full((1, 8, 8), 7)
    label[0, :4] = 2
    sample = SegDataSample(gt_sem_seg=PixelData(data=label))
    logits = torch.randn(1, 5, 4, 4, generator=torch.Generator().manual_seed(0))
    result = head.loss_by_feat(logits, [sample])
    assert sorted(result) == ["acc_seg", "loss_lovasz", "loss_sce"]
    large = torch.nn.functional.interpolate(logits, size=(8, 8), mode="bilinear")
    assert result["loss_sce"].item() == pytest.approx(
        2 * SymmetricCrossEntropy()(large, label, ignore_index=7).item(), rel=1e-6
    )
    assert 0 < result["loss_lovasz"].item() < 1
