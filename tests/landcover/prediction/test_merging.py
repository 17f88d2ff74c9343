from collections.abc import Iterable

import hypothesis
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from landcover.prediction.merging import (
    BLOCK,
    WEIGHTINGS,
    Axis,
    Piece,
    Weighting,
    add_probabilities,
    merge_pieces,
    merge_strip,
    window_profile,
)
from landcover.prediction.sliding_window import window_starts

CPU = torch.device("cpu")


def dense(axis: Axis, resolution: int, pieces: Iterable[Piece]) -> Tensor:
    """(windows, length, resolution): every piece in its place."""
    matrix = torch.zeros(len(axis.starts), axis.length, resolution)
    for piece in pieces:
        matrix[piece.window, piece.lines, piece.sources] += piece.weights
    return matrix


def resized(lines: Tensor, size: int) -> Tensor:
    return F.interpolate(lines[None, None], size=size, mode="linear", align_corners=False)[0, 0]


def plain_line(axis: Axis, logits: Tensor) -> Tensor:
    """Resizes every window, averages, resizes the whole."""
    profile = window_profile(axis.window, axis.weighting)
    total, weight = torch.zeros(2, axis.scaled, dtype=torch.float64)
    for start, line in zip(axis.starts, logits, strict=True):
        total[start : start + axis.window] += profile * resized(line, axis.padded)[: axis.window]
        weight[start : start + axis.window] += profile
    return resized(total / weight, axis.length)


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    length, scaled, window = draw(st.integers(1, 200)), draw(st.integers(1, 200)), draw(st.integers(1, 80))
    stride, padding = draw(st.integers(max(1, window // 3), window)), draw(st.integers(0, 31))
    window = min(window, scaled)
    starts = tuple(window_starts(scaled, window, min(stride, window)))
    return Axis(length, scaled, window, window + padding, starts, draw(st.sampled_from(WEIGHTINGS)))


@hypothesis.settings(max_examples=60, deadline=None)
@given(axis=axes(), resolution=st.integers(1, 30), seed=st.integers(0, 9))
def test_pieces_do_what_resizing_averaging_and_resizing_do(axis: Axis, resolution: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(len(axis.starts), resolution, generator=generator, dtype=torch.float64)
    matrix = dense(axis, resolution, merge_pieces(axis, resolution, False, CPU)).double()
    line = torch.einsum("wls,ws->l", matrix, logits)
    torch.testing.assert_close(line, plain_line(axis, logits), rtol=0, atol=1e-5)
    torch.testing.assert_close(matrix.sum((0, 2)), torch.ones(axis.length, dtype=torch.float64), rtol=0, atol=1e-6)


@hypothesis.settings(max_examples=30, deadline=None)
@given(axis=axes(), resolution=st.integers(1, 30), mirrored=st.booleans())
def test_mirrored_pieces_are_the_same_in_reverse_and_none_crosses_a_block(
    axis: Axis, resolution: int, mirrored: bool
) -> None:
    pieces = merge_pieces(axis, resolution, mirrored, CPU)
    other = dense(axis, resolution, merge_pieces(axis, resolution, not mirrored, CPU))
    assert torch.equal(dense(axis, resolution, pieces), other.flip(1))
    blocks = [(piece.lines.start // BLOCK, (piece.lines.stop - 1) // BLOCK) for piece in pieces]
    assert all(first == last for first, last in blocks)


def test_weights_of_a_small_axis() -> None:
    axis = Axis(length=3, scaled=3, window=2, padded=2, starts=(0, 1))
    expected = [[[1, 0], [0, 0.5], [0, 0]], [[0, 0], [0.5, 0], [0, 1]]]
    assert dense(axis, 2, merge_pieces(axis, 2, False, CPU)).tolist() == expected
    # a single logit for each window is spread over its two pixels
    assert dense(axis, 1, merge_pieces(axis, 1, False, CPU)).squeeze(2).tolist() == [[1, 0.5, 0], [0, 0.5, 1]]


@pytest.mark.parametrize(
    ("weighting", "expected"),
    [("uniform", [1.0, 1.0, 1.0, 1.0]), ("cosine", [0.1464466, 0.8535534, 0.8535534, 0.1464466])],
)
def test_profiles(weighting: Weighting, expected: list[float]) -> None:
    assert window_profile(4, weighting).tolist() == pytest.approx(expected, abs=1e-7)
    assert float(window_profile(1024, weighting).min()) > 0


def test_strips_and_rows_make_probabilities_of_logits() -> None:
    columns = [Piece(0, slice(0, 2), slice(0, 1), torch.tensor([[1.0], [0.5]]))]
    columns += [Piece(1, slice(1, 3), slice(0, 1), torch.tensor([[0.5], [1.0]]))]
    strip = merge_strip([torch.tensor([[[2.0]], [[0.0]]]), torch.tensor([[[4.0]], [[0.0]]])], columns, 3)
    assert strip.tolist() == [[[2.0, 3.0, 4.0]], [[0.0, 0.0, 0.0]]]
    total = torch.full((2, 2, 3), 0.25)
    add_probabilities(total, [strip], [Piece(0, slice(0, 2), slice(0, 1), torch.tensor([[0.0], [1.0]]))])
    first = 1 / (1 + torch.exp(-torch.tensor([[0.0, 0.0, 0.0], [2.0, 3.0, 4.0]])))
    torch.testing.assert_close(total, 0.25 + torch.stack([first, 1 - first]))


def test_pieces_are_made_once_for_all_windows_of_a_size() -> None:
    axis, again = (Axis(200, 150, 64, 64, (0, 43, 86)) for _ in range(2))
    pieces = merge_pieces(axis, 16, True, CPU)
    assert merge_pieces(again, 16, True, CPU) is pieces
    assert merge_pieces(axis, 16, False, CPU) is not pieces
