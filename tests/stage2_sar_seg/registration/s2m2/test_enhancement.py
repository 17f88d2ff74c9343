from __future__ import annotations

import torch

from stage2_sar_seg.registration.s2m2.enhancement import CrossModalEnhancement


def test_it_is_the_same_in_training_and_in_use() -> None:
    torch.manual_seed(0)
    enhancement = CrossModalEnhancement(16)
    sar, optical = torch.randn(2, 16, 6, 6), torch.randn(2, 16, 9, 9)
    trained, used = ([one.features for one in enhancement.train(mode)(sar, optical)] for mode in (True, False))
    assert [tuple(features.shape) for features in used] == [(2, 16, 6, 6), (2, 16, 9, 9)]
    for features, others in zip(trained, used, strict=True):
        assert torch.equal(features, others)


def test_what_is_specific_is_subtracted_and_what_is_shared_added() -> None:
    torch.manual_seed(0)
    enhancement = CrossModalEnhancement(8)
    sar, optical = torch.randn(1, 8, 5, 5), torch.randn(1, 8, 5, 5)
    found, _ = enhancement(sar, optical)
    torch.testing.assert_close(found.specific, enhancement.specific_sar(sar, sar))
    torch.testing.assert_close(found.shared, enhancement.shared(sar, optical))
    several = sum(scale(sar - found.specific) for scale in enhancement.scales)
    torch.testing.assert_close(found.features, enhancement.convolution(several + found.shared))
    assert [scale.conv.kernel_size for scale in enhancement.scales] == [(1, 1), (3, 3), (5, 5)]


def test_each_modality_has_specific_features_of_its_own_and_both_share_all_other_weights() -> None:
    torch.manual_seed(0)
    enhancement = CrossModalEnhancement(8)
    image = torch.randn(1, 8, 5, 5)
    sar, optical = enhancement(image, image)
    assert not torch.allclose(sar.specific, optical.specific)
    assert torch.equal(sar.shared, optical.shared)
