import pytest
import torch
from torch import Tensor

from stage1_optical_da.class_mix import class_mix, draw_classes

VOID = 255


def indices(*rows: str) -> Tensor:
    """One image of single-digit indices; x is void."""
    return torch.tensor([[VOID if mark == "x" else int(mark) for mark in row] for row in rows])


def generators(count: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(1000 * seed + number) for number in range(count)]


def mixed(source: Tensor, weights: list[float], seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Mix of source pixels 10 with target pixels 20 of pseudo-label 7; (B, H, W) each."""
    shape = (len(source), 2, *source.shape[1:])
    target, pseudo = torch.full(shape, 20.0), torch.full_like(source, 7)
    drawn = generators(len(source), seed)
    mix = class_mix(torch.full(shape, 10.0), source, target, pseudo, torch.tensor(weights), 8, drawn)
    assert torch.equal(mix.images[:, 0], mix.images[:, 1])
    return mix.images[:, 0], mix.indices, mix.weights


def test_the_only_class_of_an_image_is_pasted_and_void_is_not() -> None:
    source = indices("33xx", "33xx", "xx33", "x333")[None]
    images, labels, weights = mixed(source, [0.25])
    assert images[0].tolist() == [[10, 10, 20, 20], [10, 10, 20, 20], [20, 20, 10, 10], [20, 10, 10, 10]]
    assert labels[0].tolist() == [[3, 3, 7, 7], [3, 3, 7, 7], [7, 7, 3, 3], [7, 3, 3, 3]]
    assert weights[0].tolist() == [[1, 1, 0.25, 0.25], [1, 1, 0.25, 0.25], [0.25, 0.25, 1, 1], [0.25, 1, 1, 1]]


def test_of_two_classes_one_is_pasted_either_of_them() -> None:
    source = indices("0011", "0011", "xx11", "0000")[None]
    seen = set()
    for seed in range(20):
        seen.add(str(mixed(source, [0.5], seed)[1][0].tolist()))
    assert seen == {
        "[[0, 0, 7, 7], [0, 0, 7, 7], [7, 7, 7, 7], [0, 0, 0, 0]]",
        "[[7, 7, 1, 1], [7, 7, 1, 1], [7, 7, 1, 1], [7, 7, 7, 7]]",
    }


def test_an_image_without_labels_leaves_the_target_as_it_is() -> None:
    source = torch.stack([indices("xxxx", "xxxx"), indices("2222", "2222")])
    images, labels, weights = mixed(source, [0.5, 0.125])
    assert images[0].unique().tolist() == [20]
    assert labels[0].unique().tolist() == [7]
    assert weights[0].unique().tolist() == [0.5]
    assert labels[1].unique().tolist() == [2]
    assert weights[1].unique().tolist() == [1]


@pytest.mark.parametrize("present", [1, 2, 3, 5, 8])
def test_half_of_the_classes_of_each_image_rounded_up_are_drawn_and_never_void(present: int) -> None:
    source = (torch.arange(64).reshape(1, 8, 8) % present).repeat(50, 1, 1)
    source[:, 0] = VOID
    drawn = draw_classes(source, 8, generators(50, present))
    assert drawn.shape == (50, 8)
    assert drawn.sum(1).tolist() == [(present + 1) // 2] * 50
    assert not drawn[:, present:].any()


def test_every_class_is_drawn_equally_often() -> None:
    drawn = draw_classes(torch.arange(4).reshape(1, 2, 2).repeat(4000, 1, 1), 8, generators(4000))
    torch.testing.assert_close(drawn[:, :4].float().mean(0), torch.full((4,), 0.5), rtol=0, atol=0.03)


def test_classes_belong_to_their_own_image() -> None:
    source = torch.stack([indices("0123", "4567"), indices("5555", "5xxx")])
    for seed in range(20):
        drawn = draw_classes(source, 8, generators(2, seed))
        assert drawn[0].sum() == 4
        assert drawn[1].nonzero().flatten().tolist() == [5]


def test_the_inputs_stay_as_they_are() -> None:
    source = indices("01x1", "0022")[None]
    before = source.clone()
    mixed(source, [0.5])
    assert torch.equal(source, before)


def test_the_draw_of_an_image_depends_on_its_own_generator_alone() -> None:
    source = torch.arange(8).reshape(1, 2, 4).repeat(6, 1, 1)
    together = draw_classes(source, 8, generators(6))
    alone = [draw_classes(source[:1], 8, [generator])[0] for generator in generators(6)]
    assert torch.equal(together, torch.stack(alone))
    assert len({str(row.tolist()) for row in together}) > 1
