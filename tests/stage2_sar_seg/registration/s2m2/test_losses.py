from __future__ import annotations

import math

import pytest
import torch

from stage2_sar_seg.registration.s2m2.losses import heatmap_cross_entropy, position_distribution, pseudo_heatmap


def test_a_position_is_one_pixel_or_shared_by_four() -> None:
    found = position_distribution(torch.tensor([[1.0, 2.0], [0.25, 1.5]]), 2, 3)
    expected = [[[0, 0, 0], [0, 0, 1]], [[0, 0.375, 0.375], [0, 0.125, 0.125]]]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))


def test_cross_entropy_of_a_heatmap_by_hand() -> None:
    heatmap = torch.tensor([[[0.1, 0.2]], [[0.5, 0.5]]], dtype=torch.float64)
    target = torch.tensor([[[0.0, 1.0]], [[0.3, 0.7]]], dtype=torch.float64)
    found = heatmap_cross_entropy(heatmap, target, temperature=1 / 30)
    assert found.tolist() == pytest.approx([math.log(1 + math.exp(-3)), math.log(2)], rel=1e-12)


def test_a_pseudo_heatmap_is_the_softmax_of_the_product_and_takes_no_gradient() -> None:
    deep = torch.tensor([[[0.5, 0.2]]], requires_grad=True)
    shallow = torch.tensor([[[0.4, 0.9]]], requires_grad=True)
    found = pseudo_heatmap(deep, shallow, temperature=1 / 200)
    share = 1 / (1 + math.exp(200 * (0.18 - 0.2)))
    assert found.flatten().tolist() == pytest.approx([share, 1 - share], rel=1e-4)
    assert not found.requires_grad
