import torch
from torch import Tensor

from stage1_optical_da.prototype_alignment.class_frequency import ClassFrequency
from stage1_optical_da.prototype_alignment.pixel_sampling import draw_pixels, own_generators, pixels_at

VOID = 255


def generators(count: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(1000 * seed + number) for number in range(count)]


def labels_with_a_rare_class(share: float, batch: int, side: int, generator: torch.Generator) -> Tensor:
    """Classes 0 to 6 everywhere, 7 in a share of the pixels."""
    labels = torch.randint(0, 7, (batch, side, side), generator=generator)
    return labels.masked_fill(torch.rand(labels.shape, generator=generator) < share, 7)


def test_a_class_of_one_percent_is_drawn_in_nearly_every_step() -> None:
    generator, frequency, hit, drawn_of_it = torch.Generator().manual_seed(0), ClassFrequency(8), 0, 0
    for step in range(200):
        labels = labels_with_a_rare_class(0.01, 2, 32, generator)
        frequency.update(labels.flatten().bincount(minlength=8))
        _, drawn = draw_pixels(labels, frequency.sampling_weights(), 16, generators(2, step))
        hit += bool((drawn == 7).any())
        drawn_of_it += int((drawn == 7).sum())
    assert hit >= 190
    assert drawn_of_it / (200 * 32) > 0.08  # of 8 classes alike it would be 1 / 8; without the mask 0.01


def test_without_weights_pixels_are_drawn_alike() -> None:
    labels = labels_with_a_rare_class(0.25, 1, 64, torch.Generator().manual_seed(0))
    shares = [(draw_pixels(labels, torch.ones(8), 100, generators(1, n))[1] == 7).float().mean() for n in range(50)]
    assert abs(torch.stack(shares).mean().item() - (labels == 7).float().mean().item()) < 0.02


def test_pixels_are_drawn_once_from_their_own_image_and_never_void() -> None:
    labels = torch.full((3, 4, 4), VOID)
    labels[0, :2], labels[1, 0, :3] = 1, 2
    positions, drawn = draw_pixels(labels, torch.ones(8), 5, generators(3))
    assert drawn.tolist() == [[1] * 5, [2] * 3 + [VOID] * 2, [VOID] * 5]
    assert positions.shape == (3, 5) and all(len(set(row)) == 5 for row in positions.tolist())
    assert (positions[0] < 8).all() and sorted(positions[1, :3].tolist()) == [0, 1, 2]


def test_the_draws_of_an_image_depend_on_its_generator_alone() -> None:
    labels = torch.randint(0, 8, (4, 8, 8), generator=torch.Generator().manual_seed(0))
    together, _ = draw_pixels(labels, torch.ones(8), 6, generators(4))
    for number in range(4):
        alone, _ = draw_pixels(labels[number : number + 1], torch.ones(8), 6, generators(4)[number : number + 1])
        assert torch.equal(alone[0], together[number])


def test_own_generators_leave_the_given_ones_where_they_are_and_differ_by_stream() -> None:
    given = generators(2)
    first, second = (own_generators(given, stream) for stream in (0, 1))
    numbers = {float(torch.rand((), generator=generator)) for generator in (*first, *second)}
    assert len(numbers) == 4
    assert torch.equal(torch.rand(3, generator=given[0]), torch.rand(3, generator=generators(2)[0]))


def test_features_are_taken_at_the_positions_of_their_image() -> None:
    features = torch.arange(2 * 3 * 4.0).reshape(2, 3, 2, 2)
    taken = pixels_at(features, torch.tensor([[3, 0], [1, 1]]))
    assert taken.tolist() == [[3, 7, 11], [0, 4, 8], [13, 17, 21], [13, 17, 21]]
