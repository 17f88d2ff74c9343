from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils._python_dispatch import TorchDispatchMode

from landcover.errors import InputError
from landcover.losses.lovasz import LovaszSoftmax
from landcover.prediction.sliding_window import normalise
from landcover.training.parameter_groups import SegmentorOptimizer
from stage1_optical_da.class_mix import class_mix
from stage1_optical_da.self_training import SelfTraining
from stage1_optical_da.training_parts import Seen, Step, TrainingPart

QUIET = {"jitter_probability": 0.0, "blur_probability": 0.0}

pytestmark = pytest.mark.usefixtures("registered")


class Watching(TrainingPart):
    """Keeps what it was told; its loss pulls a parameter to 1, its buffer counts steps."""

    def __init__(self, num_classes: int, channels: int, sees_target: bool = False) -> None:
        super().__init__(num_classes, channels)
        self.sees_target = sees_target
        self.told: list[Step] = []
        self.scale = nn.Parameter(torch.zeros(channels))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def source_losses(self, step: Step) -> dict[str, Tensor]:
        self.told.append(step)
        self.steps += 1
        return {"loss_scale": (self.scale - 1).square().mean(), "largest": self.scale.detach().max()}

    def mix_losses(self, step: Step) -> dict[str, Tensor]:
        self.told.append(step)
        assert step.mixed is not None
        return {"loss_size": step.mixed.seen.features.square().mean()}


@pytest.fixture(autouse=True)
def watching() -> Iterator[None]:
    MODELS.register_module(module=Watching)
    yield
    MODELS.module_dict.pop("Watching")


def model_with(student: dict[str, Any], **parts: dict[str, Any]) -> SelfTraining:
    torch.manual_seed(0)
    model = SelfTraining(student, augmentation=QUIET, parts=parts)
    model.init_weights()
    return model.train()


class Operators(TorchDispatchMode):
    """Counts what runs."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        self.counts[str(function)] += 1
        return function(*arguments, **(keywords or {}))


def plain_losses(
    network: nn.Module, images: Tensor, indices: Tensor, weights: Tensor | None, loss: nn.Module
) -> Tensor:
    maps = network.extract_feat(normalise(images, network))
    values = []
    for head, factor in ((network.decode_head, 1.0), (network.auxiliary_head, 0.4)):
        logits = F.interpolate(head(maps).float(), size=(32, 32), mode="bilinear", align_corners=False)
        if weights is None:
            values.append(head.loss_decode[0](logits, indices, ignore_index=255).mean())
        else:
            values.append((factor * 1.0 * loss(logits, indices, weights, ignore_index=255)).mean())
    return sum(values)


def plain_step(model: SelfTraining, data: dict[str, Any], optimizer: SGD) -> None:
    """The recipe with what stands in its equations, written down."""
    batch = model.data_preprocessor(data, training=True)
    images, indices, generators = batch["inputs"], batch["data_samples"], batch["generators"]
    plain_losses(model.student, images["source"], indices["source"], None, model._mixed_loss).backward()
    with torch.no_grad():
        logits = model.teacher(normalise(images["target"], model.teacher), mode="tensor")
        logits = F.interpolate(logits.float(), size=(32, 32), mode="bilinear", align_corners=False)
        probability, classes = logits.softmax(1).max(1)
        inside = indices["target"] != 255
        confident = ((probability >= 0.968) & inside).flatten(1).sum(1)
        share = confident / inside.flatten(1).sum(1).clamp(min=1)
        classes = classes.masked_fill(~inside, 255)
    mix = class_mix(images["source"], indices["source"], images["target"], classes, share, 8, generators)
    mixed = model.augmentation(mix.images, generators)
    loss = plain_losses(model.student, mixed, mix.indices, mix.weights, model._mixed_loss)
    share.mean().mean()  # logged
    loss.backward()
    optimizer.step()


def test_without_parts_a_step_runs_the_operators_of_the_recipe_and_no_others(
    student: dict[str, Any], loaded_pairs: dict[str, Any]
) -> None:
    ours, plain = model_with(student), model_with(student)
    with Operators() as counted:
        ours.train_step(loaded_pairs, OptimWrapper(SGD(ours.student.parameters(), lr=0.1)))
    with Operators() as expected:
        plain_step(plain, loaded_pairs, SGD(plain.student.parameters(), lr=0.1))
    difference = counted.counts - expected.counts
    difference.update(expected.counts - counted.counts)
    outside = {name: count for name, count in difference.items() if name.startswith("aten.")}
    # mmengine's wrapper scales both losses, and the logged loss is their sum.
    assert outside == {"aten.div.Tensor": 4, "aten.add.Tensor": 1}
    assert sum(counted.counts.values()) > 2000
    for (name, value), other in zip(ours.state_dict().items(), plain.state_dict().values(), strict=True):
        assert torch.equal(value, other), name


def test_a_part_is_told_what_the_step_knows(student: dict[str, Any], loaded_pairs: dict[str, Any]) -> None:
    model = model_with(student, watching={"type": "Watching"})
    values = model.train_step(loaded_pairs, OptimWrapper(SGD(model.parameters(), lr=0.1)))
    assert {"source.watching.loss_scale", "source.watching.largest", "mix.watching.loss_size"} < values.keys()
    trained = [name for name in values if "loss" in name and name != "loss"]
    assert values["loss"].item() == pytest.approx(sum(values[name].item() for name in trained), rel=1e-6)

    first, second = model.parts["watching"].told
    assert first.target is None and first.mixed is None and len(first.generators) == 2
    assert torch.equal(first.source.images[0], loaded_pairs["source"]["inputs"][0])
    assert [tuple(level.shape) for level in first.source.maps] == [
        (2, 8, 8, 8),
        (2, 16, 4, 4),
        (2, 40, 2, 2),
        (2, 64, 1, 1),
    ]
    assert (first.source.features.shape, first.source.logits.shape) == ((2, 16, 8, 8), (2, 8, 32, 32))
    assert first.source.features.grad_fn is not None

    assert second.source.features.grad_fn is None  # its graph is gone
    assert torch.equal(second.source.features, first.source.features)
    target, mixed = second.target, second.mixed
    assert torch.equal(target.images[1], loaded_pairs["target"]["inputs"][1])
    assert torch.equal(target.teacher_logits.argmax(1), target.indices) and target.teacher_logits.grad_fn is None
    assert target.confident.shape == (2,) and target.seen is None
    assert mixed.seen.features.grad_fn is not None
    assert torch.equal(mixed.seen.indices, torch.where(mixed.pasted, first.source.indices, target.indices))
    assert torch.equal(mixed.weights == 1, mixed.pasted)


def test_the_target_is_looked_at_by_itself_only_where_a_part_asks(
    student: dict[str, Any], loaded_pairs: dict[str, Any]
) -> None:
    model = model_with(student, watching={"type": "Watching", "sees_target": True})
    model.train_step(loaded_pairs, OptimWrapper(SGD(model.parameters(), lr=0.1)))
    seen = model.parts["watching"].told[1].target.seen
    assert seen.features.shape == (2, 16, 8, 8) and seen.features.grad_fn is not None


class Sure(TrainingPart):
    """Adds to the teacher's logits of one class."""

    def __init__(self, num_classes: int, channels: int, number: int, more: float) -> None:
        super().__init__(num_classes, channels)
        self.number, self.more = number, more

    def teacher_logits(self, target: Seen) -> Tensor:
        self.told = target
        return target.logits + self.more * F.one_hot(torch.tensor(self.number), self.num_classes)[:, None, None]


def test_parts_may_change_what_the_teacher_thinks_one_after_the_other(
    student: dict[str, Any], loaded_pairs: dict[str, Any]
) -> None:
    MODELS.register_module(module=Sure)
    try:
        model = model_with(
            student,
            first={"type": "Sure", "number": 3, "more": 50.0},
            second={"type": "Sure", "number": 5, "more": 20.0},
            watching={"type": "Watching"},
        )
    finally:
        MODELS.module_dict.pop("Sure")
    with torch.no_grad():
        model.teacher.decode_head.conv_seg.bias.add_(torch.arange(8.0))  # not as the student
    images = torch.stack(loaded_pairs["target"]["inputs"])
    expected = F.interpolate(model.teacher(normalise(images, model.teacher)), size=(32, 32), mode="bilinear")
    values = model.train_step(loaded_pairs, OptimWrapper(SGD(model.parameters(), lr=0.1)))
    first, second, target = (
        model.parts["first"].told,
        model.parts["second"].told,
        model.parts["watching"].told[1].target,
    )
    torch.testing.assert_close(first.logits, expected)
    assert first.features.shape == (2, 16, 8, 8) and first.features.grad_fn is None
    assert torch.equal(first.images, images) and first.indices.shape == (2, 32, 32)
    added = torch.zeros(8).index_fill(0, torch.tensor(3), 50.0)[:, None, None]
    assert torch.equal(second.logits, first.logits + added) and second.features is first.features
    assert torch.equal(target.teacher_logits.argmax(1), target.indices) and (target.indices == 3).all()
    assert target.confident.tolist() == [1.0, 1.0] and values["confident"] == 1
    assert torch.equal(target.teacher_logits[:, 5], first.logits[:, 5] + 20)


def test_a_part_does_not_change_what_the_step_learns_beside_it(
    student: dict[str, Any], loaded_pairs: dict[str, Any]
) -> None:
    plain, watched = model_with(student), model_with(student, watching={"type": "Watching"})
    watched.parts["watching"].mix_losses = lambda step: {}
    for model in (plain, watched):
        model.train_step(loaded_pairs, OptimWrapper(SGD(model.parameters(), lr=0.1)))
    for name, value in plain.student.state_dict().items():
        assert torch.equal(value, watched.student.state_dict()[name]), name


def test_parameters_of_a_part_are_trained_and_its_state_is_kept(
    student: dict[str, Any], loaded_pairs: dict[str, Any]
) -> None:
    model = model_with(student, watching={"type": "Watching"})
    build = SegmentorOptimizer({"optimizer": {"type": "SGD", "lr": 0.5}}, {"head_lr_mult": 16.0})
    model.train_step(loaded_pairs, build(model))
    kept = model.state_dict()
    # d/ds mean((s - 1)^2) = -2 / 16 at 0; the rate is that of the heads, 8.
    assert kept["parts.watching.scale"].tolist() == pytest.approx([1.0] * 16)
    assert kept["parts.watching.steps"].item() == 1
    other = model_with(student, watching={"type": "Watching"})
    other.load_state_dict(kept)
    assert torch.equal(other.parts["watching"].scale, model.parts["watching"].scale)


def test_the_lovasz_part_is_the_lovasz_loss_of_the_decode_head_on_the_source(
    student: dict[str, Any], loaded_pairs: dict[str, Any]
) -> None:
    model = model_with(student, lovasz={"type": "SourceLovasz", "weight": 0.5}, watching={"type": "Watching"})
    values = model.train_step(loaded_pairs, OptimWrapper(SGD(model.parameters(), lr=0.0)))
    source = model.parts["watching"].told[0].source
    expected = 0.5 * LovaszSoftmax()(source.logits, source.indices)
    assert values["source.lovasz.loss_lovasz"].item() == pytest.approx(expected.item())
    assert not [name for name in values if name.startswith("mix.lovasz")]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"lossless": {"type": "SourceLovasz", "weight": 1.0}}, "expected names like 'lovasz', found 'lossless'"),
        ({"decode": {"type": "SourceLovasz", "weight": 1.0}}, "expected names like 'lovasz', found 'decode'"),
        ({"area": {"type": "PSPHead", "in_channels": 8}}, "parts.area: expected a TrainingPart, found PSPHead"),
    ],
)
def test_what_is_no_part_is_refused(student: dict[str, Any], parts: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SelfTraining(student, parts=parts)


def test_a_head_without_features_takes_no_parts(student: dict[str, Any]) -> None:
    student["decode_head"]["type"] = "SegformerHead"
    SelfTraining(student)
    with pytest.raises(InputError, match="expected a decode head with features for lovasz, found SegformerHead"):
        SelfTraining(student, parts={"lovasz": {"type": "SourceLovasz", "weight": 1.0}})
