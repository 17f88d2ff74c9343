import pytest
import torch
from torch.nn import functional as F

from landcover.networks.plane_resize import resize_planes


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(28, 40), (5, 33), (7, 10), (1, 3)], ids=str)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
def test_numbers_and_gradient_are_torchs(
    align_corners: bool, size: tuple[int, int], memory_format: torch.memory_format
) -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 3, 7, 10, generator=generator, dtype=torch.float64).to(memory_format=memory_format)
    maps.requires_grad_()
    found = resize_planes(maps, size, align_corners)
    expected = F.interpolate(maps, size, mode="bilinear", align_corners=align_corners)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)
    assert found.is_contiguous()
    slopes = torch.randn(found.shape, generator=generator, dtype=torch.float64)
    gradients = [torch.autograd.grad(result, maps, slopes)[0] for result in (found, expected)]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-13)
