import pytest
import torch

from landcover.prediction.views import FLIPS, View, make_views

PICTURE = torch.tensor([[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize(
    ("flip", "expected"),
    [
        ("none", [[1, 2, 3], [4, 5, 6]]),
        ("horizontal", [[3, 2, 1], [6, 5, 4]]),
        ("vertical", [[4, 5, 6], [1, 2, 3]]),
        ("both", [[6, 5, 4], [3, 2, 1]]),
    ],
)
def test_mirroring_reverses_the_named_axes_and_undoes_itself(flip: str, expected: list[list[int]]) -> None:
    view = View(1.0, flip)
    assert view.mirror(PICTURE).tolist() == expected
    assert torch.equal(view.mirror(view.mirror(PICTURE)), PICTURE)


def test_only_the_last_two_axes_are_mirrored() -> None:
    stacked = torch.stack([PICTURE, 10 * PICTURE])[None]
    mirrored = View(1.0, "both").mirror(stacked)
    assert mirrored[0, 1].tolist() == [[60, 50, 40], [30, 20, 10]]


@pytest.mark.parametrize(
    ("scale", "size"), [(1.0, (5, 7)), (0.5, (2, 4)), (1.75, (9, 12)), (2.0, (10, 14)), (0.01, (1, 1))]
)
def test_scaled_size_is_rounded_and_never_empty(scale: float, size: tuple[int, int]) -> None:
    assert View(scale).size(5, 7) == size


def test_every_scale_meets_every_flip_once_and_in_order() -> None:
    views = make_views([0.5, 1.0], ["none", "both"])
    assert views == (View(0.5, "none"), View(0.5, "both"), View(1.0, "none"), View(1.0, "both"))


def test_a_scale_or_flip_named_twice_counts_once() -> None:
    assert make_views([1.0, 1.0], ["none", "both", "none"]) == (View(1.0, "none"), View(1.0, "both"))


def test_all_views_of_the_published_recipe_differ() -> None:
    views = make_views([0.5, 0.75, 1.0, 1.25, 1.5, 1.75], FLIPS)
    assert len(views) == len(set(views)) == 24


@pytest.mark.parametrize(
    ("flip", "rows", "columns"),
    [("none", False, False), ("horizontal", False, True), ("vertical", True, False), ("both", True, True)],
)
def test_views_tell_which_sides_they_swap(flip: str, rows: bool, columns: bool) -> None:
    assert (View(1.0, flip).flips_rows, View(1.0, flip).flips_columns) == (rows, columns)
