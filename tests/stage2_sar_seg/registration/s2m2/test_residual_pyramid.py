from __future__ import annotations

import torch
from torch import nn

from stage2_sar_seg.registration.s2m2.residual_pyramid import ResidualPyramid


def test_deep_features_are_coarse_and_shallow_ones_of_full_size() -> None:
    pyramid = ResidualPyramid(3, [8, 16, 32], blocks=1, shallow_channels=8, groups=8)
    deep, shallow = pyramid(torch.zeros(1, 3, 24, 40))
    assert pyramid.stride == 4
    assert (tuple(deep.shape), tuple(shallow.shape)) == ((1, 32, 6, 10), (1, 8, 24, 40))
    assert pyramid.stem.conv.stride == (1, 1)
    norms = [module for module in pyramid.modules() if isinstance(module, nn.modules.batchnorm._NormBase)]
    assert norms == []  # no statistics of batches


def test_both_levels_reach_the_image() -> None:
    torch.manual_seed(0)
    pyramid = ResidualPyramid(3, [8, 8], blocks=1, shallow_channels=8, groups=8)
    image = torch.randn(1, 3, 8, 8, requires_grad=True)
    deep, shallow = pyramid(image)
    for level in (deep, shallow):
        (gradient,) = torch.autograd.grad(level.square().sum(), image, retain_graph=True)
        assert (gradient.abs().sum(dim=1) > 0).all()
