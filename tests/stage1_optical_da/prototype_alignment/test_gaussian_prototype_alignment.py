import copy
import dataclasses
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from torch.optim import SGD

from landcover.errors import InputError
from stage1_optical_da.prototype_alignment import gaussian_prototype_alignment as alignment
from stage1_optical_da.prototype_alignment.class_posterior import mixed_log_probabilities
from stage1_optical_da.prototype_alignment.gaussian_mixtures import mixture_log_likelihoods
from stage1_optical_da.prototype_alignment.gaussian_prototype_alignment import INTERVAL, GaussianPrototypeAlignment
from stage1_optical_da.prototype_alignment.pixel_sampling import draw_pixels
from stage1_optical_da.self_training import SelfTraining
from stage1_optical_da.training_parts import Mixed, Seen, Step, Target

pytestmark = pytest.mark.usefixtures("registered")

VOID = 255
PART = {
    "type": "GaussianPrototypeAlignment", "begin": 2, "ramp": 4, "memory": 20, "components": 2, "confidence": 0.2,
    "rare_confidence": 0.1,
}  # fmt: skip
QUIET = {"jitter_probability": 0.0, "blur_probability": 0.0}


def blocks(generator: torch.Generator, batch: int = 2) -> torch.Tensor:
    """Labels (B, 32, 32) of cells of 8 x 8 pixels."""
    return torch.randint(0, 8, (batch, 4, 4), generator=generator).repeat_interleave(8, 1).repeat_interleave(8, 2)


def seen(indices: torch.Tensor, generator: torch.Generator) -> Seen:
    """Features (B, 16, 8, 8) that know the labels, with a graph."""
    known = torch.nn.functional.one_hot(indices[:, ::4, ::4].clamp(max=7), 16).permute(0, 3, 1, 2)
    features = (known + 0.1 * torch.randn(known.shape, generator=generator)).requires_grad_()
    batch = len(indices)
    maps = (features[:, :8],)
    return Seen(torch.zeros(batch, 3, 32, 32), indices, maps, features, torch.zeros(batch, 8, 32, 32))


def steps_of(number: int, sure: float = 0.95) -> tuple[Step, Step]:
    """What a part is told in both passes of a step; the left half of the mix comes from the source."""
    generator = torch.Generator().manual_seed(number)
    generators = [torch.Generator().manual_seed(100 * number + image) for image in range(2)]
    source, pseudo = blocks(generator), blocks(generator)
    pasted = torch.zeros(2, 32, 32, dtype=torch.bool)
    pasted[..., :16] = True
    logits = torch.nn.functional.one_hot(pseudo, 8).permute(0, 3, 1, 2) * torch.tensor(7 * sure / (1 - sure)).log()
    target = Target(torch.zeros(2, 3, 32, 32), pseudo, logits, torch.ones(2), None)
    mixed = Mixed(seen(torch.where(pasted, source, pseudo), generator), torch.ones(2, 32, 32), pasted)
    first = Step(seen(source, generator), generators)
    return first, Step(first.source.detached(), generators, target, mixed)


def part(**options: Any) -> GaussianPrototypeAlignment:
    torch.manual_seed(0)
    return GaussianPrototypeAlignment(8, 16, **{**{k: v for k, v in PART.items() if k != "type"}, **options})


def run(module: GaussianPrototypeAlignment, steps: range, **options: float) -> list[dict[str, torch.Tensor]]:
    """What a step logs."""
    logged = []
    for number in steps:
        first, second = steps_of(number, **options)
        of_source = {f"source.{name}": value for name, value in module.source_losses(first).items()}
        logged.append({**of_source, **module.mix_losses(second)})
    return logged


def test_losses_have_names_and_forward_alignment_waits_for_prototypes_and_ramps_up() -> None:
    module = part(contrast_weight=0.1, forward_weight=1.0)
    logged = run(module, range(9))
    assert set(logged[0]) == {"source.loss_contrast", "loss_contrast", "loss_forward", "sure", "likely"}
    assert all(value.isfinite() for values in logged for value in values.values())
    assert logged[0]["source.loss_contrast"] == 0 and logged[1]["source.loss_contrast"] > 0  # no keys yet, then some
    assert module.prototypes.mixtures.fitted.all() and module.steps == 9
    forward = [values["loss_forward"].item() for values in logged]
    assert forward[:2] == [0, 0] and min(forward[2:]) >= 0 and forward[-1] > 0
    again = part(contrast_weight=0.1, forward_weight=1.0, ramp=40)
    assert run(again, range(9))[-1]["loss_forward"].item() == pytest.approx(forward[-1] * 7 / 40, rel=1e-4)
    assert all(0.2 < values["sure"].item() < 0.8 for values in logged)


def test_forward_alignment_moves_features_and_neither_projection_nor_prototypes() -> None:
    module = part(contrast_weight=0.0, forward_weight=1.0)
    run(module, range(8))
    _, second = steps_of(8)
    before = copy.deepcopy(module.prototypes.mixtures.state_dict())
    losses = module.mix_losses(second)
    losses["loss_forward"].backward()
    gradient = second.mixed.seen.features.grad
    assert set(losses) == {"loss_forward", "sure", "likely"}
    assert gradient[..., 4:].abs().sum() > 0 and gradient[..., :4].abs().sum() == 0  # the target's half
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not any(value.requires_grad for value in module.prototypes.state_dict().values())
    for name, value in module.prototypes.mixtures.state_dict().items():
        assert torch.equal(value, before[name]), name  # no step of EM is due


def test_target_pixels_of_classes_without_a_mixture_are_not_aligned() -> None:
    module = part(forward_weight=1.0)
    run(module, range(8))
    assert run(copy.deepcopy(module), range(8, 9))[0]["loss_forward"] > 0
    module.prototypes.mixtures.fitted.fill_(False)
    assert run(module, range(8, 9))[0]["loss_forward"] == 0


def test_source_and_mix_draw_by_themselves_from_the_generators_of_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []

    def watched(labels: torch.Tensor, weights: torch.Tensor, count: int, generators: Any) -> Any:
        seeds.append(tuple(generator.initial_seed() for generator in generators))
        return draw_pixels(labels, weights, count, generators)

    monkeypatch.setattr(alignment, "draw_pixels", watched)
    run(part(), range(2))
    run(part(), range(2))
    assert len(set(seeds[:4])) == 4 and seeds[:4] == seeds[4:] and all(len(set(pair)) == 2 for pair in seeds)


def test_contrast_reaches_features_of_both_domains_and_the_projection() -> None:
    module = part(contrast_weight=1.0, forward_weight=0.0)
    run(module, range(1))
    first, second = steps_of(1)
    sum(losses["loss_contrast"] for losses in (module.source_losses(first), module.mix_losses(second))).backward()
    assert first.source.features.grad.abs().sum() > 0
    for half in (slice(0, 4), slice(4, 8)):
        assert second.mixed.seen.features.grad[..., half].abs().sum() > 0
    assert all(parameter.grad.abs().sum() > 0 for parameter in module.parameters())


def test_target_pixels_of_which_the_teacher_is_unsure_are_left_out() -> None:
    module = part(confidence=0.9, rare_confidence=0.9)
    logged = run(module, range(4), sure=0.85)
    assert [values["sure"].item() for values in logged] == [0.0] * 4
    assert module.prototypes.target.seen.sum() == 0 and module.prototypes.source.seen.sum() > 0
    assert run(part(confidence=0.9, rare_confidence=0.9), range(1), sure=0.95)[0]["sure"] > 0


def test_mixtures_take_a_step_at_every_fifth_step_of_the_training() -> None:
    module = part()
    updates = []
    for number in range(14):
        run(module, range(number, number + 1))
        updates.append(int(module.prototypes.mixtures.updates))
    assert INTERVAL == 5 and updates == [0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3]


def test_an_all_ignored_batch_stays_finite_with_gradients_of_zero() -> None:
    module = part(forward_weight=1.0)
    for before in (range(0), range(8)):
        run(module, before)
        first, second = steps_of(99)
        nothing = torch.full_like(first.source.indices, VOID)
        first = Step(seen(nothing, torch.Generator()), first.generators)
        mixed = Mixed(seen(nothing, torch.Generator()), second.mixed.weights, second.mixed.pasted)
        second = Step(first.source.detached(), second.generators, second.target, mixed)
        losses = [*module.source_losses(first).values(), *module.mix_losses(second).values()]
        assert all(value.isfinite() for value in losses)
        sum(value for value in losses if value.requires_grad).backward()
        assert first.source.features.grad.abs().sum() == 0 and mixed.seen.features.grad.abs().sum() == 0
    state = module.state_dict()
    assert all(value.isfinite().all() for value in state.values())


def test_a_map_of_the_backbone_can_be_aligned_instead() -> None:
    module = part(layer=0, layer_channels=8)
    assert all(value.isfinite() for values in run(module, range(8)) for value in values.values())
    assert module.projection.linear.in_features == 8


def test_a_part_that_continues_from_its_state_ends_like_one_that_was_never_interrupted() -> None:
    whole, cut = part(), part()
    run(whole, range(12))
    run(cut, range(7))
    resumed = part()
    resumed.load_state_dict(cut.state_dict())
    run(resumed, range(7, 12))
    for (name, value), other in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(value, other), name


def teacher_of(number: int) -> Seen:
    """Features of a teacher that know the labels, and logits that say little, of images of 32 x 32 pixels."""
    generator = torch.Generator().manual_seed(number)
    of_teacher = seen(blocks(generator), generator)
    return dataclasses.replace(of_teacher.detached(), logits=0.1 * torch.randn(2, 8, 32, 32, generator=generator))


def test_the_posterior_is_mixed_with_the_teachers_probabilities_as_it_ramps_up() -> None:
    module, target = part(posterior_weight=0.8), teacher_of(50)
    run(module, range(2))
    assert module.teacher_logits(target) is target.logits  # there are prototypes, but they are new
    run(module, range(2, 5))  # three of four steps of the ramp
    mixtures = module.prototypes.mixtures
    vectors = module.projection(target.features.permute(0, 2, 3, 1).flatten(0, 2)).detach()
    likelihoods = mixture_log_likelihoods(vectors[None], mixtures.means, mixtures.variances)  # (C, N)
    planes = F.interpolate(likelihoods.view(8, 2, 8, 8).transpose(0, 1) / 16, (32, 32), mode="bilinear")
    expected = 0.4 * target.logits.softmax(1) + 0.6 * planes.softmax(1)
    torch.testing.assert_close(module.teacher_logits(target).exp(), expected, rtol=1e-3, atol=1e-5)
    run(module, range(5, 20))
    planes = F.interpolate(module.log_likelihoods(target) / 16, (32, 32), mode="bilinear")
    expected = mixed_log_probabilities(target.logits, planes, mixtures.fitted, 0.8)
    torch.testing.assert_close(module.teacher_logits(target), expected)


def test_the_posterior_alone_has_prototypes_and_finds_classes_that_features_know() -> None:
    for weight, fitted in ((0.0, False), (1.0, True)):
        module, target = part(contrast_weight=0.0, forward_weight=0.0, posterior_weight=weight), teacher_of(50)
        run(module, range(9))
        assert module.prototypes.mixtures.fitted.all() == fitted
        right = module.teacher_logits(target).argmax(1) == target.indices
        assert (right[..., 2::4, 2::4].float().mean() > 0.95) == fitted


def test_classes_without_a_mixture_keep_the_probability_that_the_teacher_gives_them() -> None:
    module, target = part(posterior_weight=1.0), teacher_of(50)
    run(module, range(9))
    module.prototypes.mixtures.fitted[3:5] = False
    found = module.teacher_logits(target).exp()
    torch.testing.assert_close(found[:, 3:5], target.logits.softmax(1)[:, 3:5])
    torch.testing.assert_close(found.sum(1), torch.ones(2, 32, 32))


def test_self_training_with_it_learns_what_it_would_without_if_all_weights_are_zero(
    student: dict[str, Any], loaded_pairs: dict[str, Any]
) -> None:
    generator = torch.Generator().manual_seed(0)
    for domain in ("source", "target"):
        for sample, labels in zip(loaded_pairs[domain]["data_samples"], blocks(generator), strict=True):
            sample.gt_sem_seg.data = labels[None]
    networks = []
    silent = {**PART, "contrast_weight": 0.0, "forward_weight": 0.0}
    for parts in ({}, {"alignment": silent}, {"alignment": {**PART, "posterior_weight": 0.5}}):
        torch.manual_seed(0)
        model = SelfTraining(student, augmentation=QUIET, parts=parts)
        torch.manual_seed(0)
        model.init_weights()
        wrapper = OptimWrapper(SGD(model.train().parameters(), lr=0.1))
        for _ in range(4):
            values = model.train_step(loaded_pairs, wrapper)
        networks.append(model.student.state_dict())
    assert {"source.alignment.loss_contrast", "mix.alignment.loss_forward", "mix.alignment.sure"} < values.keys()
    plain, beside, aligned = networks
    assert all(torch.equal(value, beside[name]) for name, value in plain.items())
    assert not all(torch.equal(value, aligned[name]) for name, value in plain.items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": 0}, "components: expected at least 1 Gaussian for each class, found 0"),
        ({"components": 2.5}, "components: expected at least 1 Gaussian for each class, found 2.5"),
        ({"memory": 1}, "memory: expected at least a pixel for each of 2 components, found 1"),
        ({"layer": "neck"}, "layer: expected 'decode' or the number of a map of the backbone, found 'neck'"),
        ({"layer": 2}, "layer_channels: expected it with such a number, found None"),
        ({"reverse": 1.5}, "reverse: expected a number from 0 to 1, found 1.5"),
        ({"posterior_weight": 1.5}, "posterior_weight: expected a number from 0 to 1, found 1.5"),
        ({"momentum": 1.0}, r"momentum: expected a number in \[0, 1\), found 1.0"),
        ({"rare_confidence": 0.9}, "rare_confidence: expected a probability <= confidence, found 0.9"),
        ({"begin": 0}, "begin: expected at least 1 step, found 0"),
    ],
)
def test_what_makes_no_sense_is_refused(student: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^GaussianPrototypeAlignment, {message}; correct it$"):
        SelfTraining(student, parts={"alignment": {**PART, **options}})


def test_features_that_are_not_there_or_of_another_size_are_refused_in_the_first_step() -> None:
    first, _ = steps_of(0)
    with pytest.raises(InputError, match="layer: expected one of the 1 maps, counted from 0, found 3"):
        part(layer=3, layer_channels=8).source_losses(first)
    with pytest.raises(InputError, match="layer_channels: expected the 8 channels of layer 0, found 32"):
        part(layer=0, layer_channels=32).source_losses(first)
