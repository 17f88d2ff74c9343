import copy
import math
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from torch import Tensor, nn
from torch.optim import SGD

from stage1_optical_da.class_mix import Mix
from stage1_optical_da.self_training import SelfTraining, teacher_of

VOID = 255
QUIET = {"jitter_probability": 0.0, "blur_probability": 0.0}

pytestmark = pytest.mark.usefixtures("registered")


@pytest.fixture
def model(student: dict[str, Any]) -> SelfTraining:
    torch.manual_seed(0)
    network = SelfTraining(student, augmentation=QUIET)
    network.init_weights()
    return network.train()


class KnownTeacher(nn.Module):
    """Gives the same logits whatever it sees, at a quarter of the resolution or at any other."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.data_preprocessor = nn.Module()
        for name in ("mean", "std"):
            self.data_preprocessor.register_buffer(name, torch.ones(3, 1, 1))
        self.logits = logits

    def forward(self, images: Tensor, mode: str) -> Tensor:
        assert mode == "tensor" and not torch.is_grad_enabled()
        return self.logits


def logits_of(classes: Tensor, probability: Tensor, num_classes: int = 8) -> Tensor:
    """(B, C, H, W) logits whose softmax gives `probability` to `classes` and the same to each other class."""
    rest = ((1 - probability) / (num_classes - 1)).log()[:, None].repeat(1, num_classes, 1, 1)
    return rest.scatter(1, classes[:, None], probability.log()[:, None])


def uniform_heads(model: SelfTraining) -> None:
    """Makes the student give every class 1/8 everywhere: each pixel costs log 8."""
    for head in (model.student.decode_head, model.student.auxiliary_head):
        nn.init.zeros_(head.conv_seg.weight)
        nn.init.zeros_(head.conv_seg.bias)


def batch(source: Tensor, target: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    shape = (len(source), 3, *source.shape[1:])
    images = {name: 255 * torch.rand(shape, generator=generator) for name in ("source", "target")}
    return images, {"source": source, "target": target}


def labels_and_coverage() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    labels = torch.randint(0, 8, (2, 32, 32), generator=torch.Generator().manual_seed(0))
    return batch(labels, torch.zeros_like(labels))


def generators(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(count)]


def test_the_teacher_starts_as_the_student_without_gradient_and_stays_in_eval_mode(model: SelfTraining) -> None:
    assert all(torch.equal(a, b) for a, b in zip(model.teacher.parameters(), model.student.parameters(), strict=True))
    assert not any(parameter.requires_grad for parameter in model.teacher.parameters())
    assert all(parameter.requires_grad for parameter in model.student.parameters())
    model.train()
    assert model.student.training and model.student.decode_head.training
    assert not any(module.training for module in model.teacher.modules())
    assert teacher_of(model) is model.teacher


def test_a_step_reaches_the_student_and_leaves_the_teacher_alone(
    model: SelfTraining, loaded_pairs: dict[str, Any]
) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    values = model.train_step(loaded_pairs, OptimWrapper(SGD(model.student.parameters(), lr=1e4)))
    for name, value in model.state_dict().items():
        moves = name.startswith("student.") and not name.endswith((".mean", ".std"))
        assert torch.equal(value, before[name]) is not moves, name
    parts = {"source.decode.loss_ce", "source.auxiliary0.loss_ce", "mix.decode.loss_ce", "mix.auxiliary0.loss_ce"}
    assert values.keys() == parts | {"confident", "loss"}
    assert values["loss"].item() == pytest.approx(sum(values[name].item() for name in parts), rel=1e-6)


def test_two_backward_passes_move_the_student_as_the_sum_of_the_losses_does(
    model: SelfTraining, loaded_pairs: dict[str, Any]
) -> None:
    together = copy.deepcopy(model)
    model.train_step(loaded_pairs, OptimWrapper(SGD(model.student.parameters(), lr=0.1)))

    inputs = together.data_preprocessor(loaded_pairs)
    losses = {**together(**inputs, mode="source"), **together(**inputs, mode="mix")}
    total, _ = together.parse_losses(losses)
    total.backward()
    SGD(together.student.parameters(), lr=0.1).step()
    for (name, ours), expected in zip(model.student.named_parameters(), together.student.parameters(), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-7, msg=name)


@pytest.mark.filterwarnings("ignore:torch.cuda.amp.GradScaler is enabled")
def test_both_backward_passes_are_scaled_alike_in_mixed_precision(
    model: SelfTraining, loaded_pairs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = copy.deepcopy(model)
    plain.train_step(loaded_pairs, OptimWrapper(SGD(plain.student.parameters(), lr=0.1)))

    # mmengine's wrapper wants an accelerator; here it computes in float32 on the CPU, with a scaler that works there
    monkeypatch.setattr("mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available", lambda: True)
    monkeypatch.setattr("mmengine.runner.amp.autocast", lambda dtype: nullcontext())
    wrapper = AmpOptimWrapper(optimizer=SGD(model.student.parameters(), lr=0.1))
    wrapper.loss_scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    model.train_step(loaded_pairs, wrapper)
    for (name, ours), expected in zip(model.student.named_parameters(), plain.student.parameters(), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-7, msg=name)


def test_accumulated_steps_count_once(model: SelfTraining, loaded_pairs: dict[str, Any]) -> None:
    wrapper = OptimWrapper(SGD(model.student.parameters(), lr=0.1), accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 4)
    weight = model.student.decode_head.conv_seg.weight
    moved = []
    for _ in range(4):
        before = weight.detach().clone()
        model.train_step(loaded_pairs, wrapper)
        moved.append(not torch.equal(weight, before))
    assert moved == [False, True, False, True]


def test_pseudo_labels_are_the_best_classes_and_confidence_counts_pixels_of_the_image(model: SelfTraining) -> None:
    classes = torch.tensor([[[0, 1, 2, 3]] * 4, [[4, 5, 6, 7]] * 4])
    probability = torch.full((2, 4, 4), 0.5)
    probability[0, 0] = 0.97  # 4 of 16 pixels
    probability[1, :, :2] = 0.97  # 8 pixels, 6 of them within the 12 of the image
    coverage = torch.zeros(2, 4, 4, dtype=torch.int64)
    coverage[1, 3] = VOID
    model.teacher = KnownTeacher(logits_of(classes, probability))
    pseudo, share = model.pseudo_labels(model.teacher_logits(torch.zeros(2, 3, 4, 4), coverage), coverage)
    assert pseudo.tolist() == [[[0, 1, 2, 3]] * 4, [[4, 5, 6, 7]] * 3 + [[VOID] * 4]]
    assert share.tolist() == [0.25, 0.5]


def test_confidence_begins_at_the_threshold(model: SelfTraining) -> None:
    probability = torch.tensor([[[0.967, 0.969], [0.9, 0.999]]])
    model.teacher = KnownTeacher(logits_of(torch.zeros(1, 2, 2, dtype=torch.int64), probability))
    coverage = torch.zeros(1, 2, 2, dtype=torch.int64)
    _, share = model.pseudo_labels(model.teacher_logits(torch.zeros(1, 3, 2, 2), coverage), coverage)
    assert share.tolist() == [0.5]


def test_a_pixel_at_the_threshold_itself_is_confident(student: dict[str, Any]) -> None:
    even, coverage = torch.zeros(1, 8, 2, 2), torch.zeros(1, 2, 2, dtype=torch.int64)  # 1/8 for every class
    for confidence, share in ((0.125, 1.0), (0.1251, 0.0)):
        assert SelfTraining(student, confidence).pseudo_labels(even, coverage)[1].tolist() == [share]


def test_an_image_that_is_padding_only_has_no_confidence(model: SelfTraining) -> None:
    model.teacher = KnownTeacher(logits_of(torch.zeros(1, 2, 2, dtype=torch.int64), torch.full((1, 2, 2), 0.99)))
    coverage = torch.full((1, 2, 2), VOID)
    pseudo, share = model.pseudo_labels(model.teacher_logits(torch.zeros(1, 3, 2, 2), coverage), coverage)
    assert pseudo.unique().tolist() == [VOID]
    assert share.tolist() == [0.0]


@pytest.mark.parametrize(("pasted_rows", "padded_rows"), [(0, 0), (16, 0), (16, 8), (0, 32)])
def test_mixed_pixels_count_one_where_pasted_and_the_confident_share_elsewhere(
    model: SelfTraining, pasted_rows: int, padded_rows: int
) -> None:
    uniform_heads(model)
    source = torch.full((2, 32, 32), VOID)
    source[:, :pasted_rows] = 5
    target = torch.zeros(2, 32, 32, dtype=torch.int64)
    target[:, 32 - padded_rows :] = VOID
    probability = torch.full((2, 32, 32), 0.5)
    probability[0, :, :8], probability[1, :, :24] = 0.99, 0.99  # a quarter and three quarters of each row
    model.teacher = KnownTeacher(logits_of(torch.full((2, 32, 32), 3), probability))
    images, indices = batch(source, target)
    losses = {
        **model.source_losses(images["source"], source),
        **model.mix_losses(images, indices, generators(2)),
    }
    rows = 32 - padded_rows
    mean_weight = (pasted_rows + (rows - pasted_rows) * (0.25 + 0.75) / 2) / rows if rows else 0.0
    assert losses["mix.decode.loss_ce"].item() == pytest.approx(mean_weight * math.log(8), rel=1e-5)
    assert losses["mix.auxiliary0.loss_ce"].item() == pytest.approx(0.4 * mean_weight * math.log(8), rel=1e-5)
    assert losses["confident"].item() == pytest.approx(0.5 if rows else 0.0)
    expected_source = math.log(8) if pasted_rows else 0.0
    assert losses["source.decode.loss_ce"].item() == pytest.approx(expected_source, rel=1e-5)


def test_the_weight_of_target_pixels_scales_the_mixed_loss(model: SelfTraining) -> None:
    generator = torch.Generator().manual_seed(2)
    images = 255 * torch.rand(2, 3, 32, 32, generator=generator)
    indices = torch.randint(0, 8, (2, 32, 32), generator=generator)
    nowhere = torch.zeros(2, 32, 32, dtype=torch.bool)
    full, _ = model._weighted_losses(images, Mix(images, indices, torch.ones(2, 32, 32), nowhere))
    tenth, _ = model._weighted_losses(images, Mix(images, indices, torch.full((2, 32, 32), 0.1), nowhere))
    for name, value in full.items():
        assert value.item() > 0.1
        assert tenth[name].item() == pytest.approx(0.1 * value.item(), rel=1e-5)


def test_the_target_weight_scales_the_mixed_losses(student: dict[str, Any], model: SelfTraining) -> None:
    weighted = SelfTraining(student, target_weight=0.25, augmentation=QUIET).train()
    weighted.load_state_dict(model.state_dict())
    full = model.mix_losses(*labels_and_coverage(), generators(2))
    losses = weighted.mix_losses(*labels_and_coverage(), generators(2))
    for name in ("mix.decode.loss_ce", "mix.auxiliary0.loss_ce"):
        assert losses[name].item() == pytest.approx(0.25 * full[name].item(), rel=1e-3)


def test_one_loss_of_a_head_is_as_a_list_of_it(student: dict[str, Any], model: SelfTraining) -> None:
    single = copy.deepcopy(student)
    for head in ("decode_head", "auxiliary_head"):
        (single[head]["loss_decode"],) = single[head]["loss_decode"]
    other = SelfTraining(single, augmentation=QUIET).train()
    other.load_state_dict(model.state_dict())
    images, indices = labels_and_coverage()
    expected = model.source_losses(images["source"], indices["source"])
    found = other.source_losses(images["source"], indices["source"])
    assert {name: value.item() for name, value in found.items()} == {
        name: value.item() for name, value in expected.items()
    }


def test_without_target_weight_only_the_source_is_learned(
    student: dict[str, Any], loaded_pairs: dict[str, Any]
) -> None:
    model = SelfTraining(student, target_weight=0.0).train()
    model.teacher.forward = None  # must not be asked
    values = model.train_step(loaded_pairs, OptimWrapper(SGD(model.student.parameters(), lr=0.1)))
    assert values.keys() == {"source.decode.loss_ce", "source.auxiliary0.loss_ce", "loss"}


@pytest.mark.parametrize("mode", ["source", "mix"])
def test_a_batch_without_any_label_has_a_finite_loss_with_gradient_for_every_parameter(
    model: SelfTraining, mode: str
) -> None:
    nothing = torch.full((2, 32, 32), VOID)
    losses = model(*batch(nothing, nothing), generators(2), mode=mode)
    total, _ = model.parse_losses(losses)
    assert total.item() == 0.0
    total.backward()
    for name, parameter in model.student.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_the_teacher_follows_the_student_with_its_batch_norm_statistics(model: SelfTraining) -> None:
    images, indices = labels_and_coverage()
    model.source_losses(images["source"], indices["source"])  # moves the student's statistics
    with torch.no_grad():
        for parameter in model.student.parameters():
            parameter.add_(1.0)
    before = {name: value.clone() for name, value in model.teacher.state_dict().items()}
    model.update_teacher(step=3)
    moved = 0
    for name, value in model.teacher.state_dict().items():
        new = model.student.state_dict()[name]
        expected = 0.75 * before[name] + 0.25 * new if value.is_floating_point() else new
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)
        moved += "running_" in name and not torch.equal(value, before[name])
    assert moved >= 4  # mean and variance of both heads' norms
    model.update_teacher(step=0)
    assert all(
        torch.equal(value, model.student.state_dict()[name]) for name, value in model.teacher.state_dict().items()
    )


def test_tensor_mode_gives_the_logits_of_the_teacher(model: SelfTraining) -> None:
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        model.student.decode_head.conv_seg.bias.add_(3.0)
        assert torch.equal(model(images), model.teacher(images, mode="tensor"))
