import pytest
import torch

from landcover.errors import InputError
from stage2_sar_seg.multimodal.patch_masks import AsymmetricMasking, PatchMask, hidden_patches

RATIOS = {"optical": {"ratio": 0.5, "patch": 16}, "sar": {"ratio": 0.25, "patch": 8}}


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_each_modality_is_hidden_in_its_ratio_and_no_pixel_in_both() -> None:
    masks = AsymmetricMasking(1.0, RATIOS).draw(64, 64, generators(*range(20)))
    assert {name: tuple(mask.shape) for name, mask in masks.items()} == dict.fromkeys(("optical", "sar"), (20, 64, 64))
    assert masks["optical"].flatten(1).float().mean(1).tolist() == [0.5] * 20
    assert masks["sar"].flatten(1).float().mean(1).tolist() == [0.25] * 20
    assert not (masks["optical"] & masks["sar"]).any()
    assert len({tuple(mask.flatten().tolist()) for mask in masks["sar"]}) == 20


def test_masks_are_whole_patches() -> None:
    masks = AsymmetricMasking(1.0, RATIOS).draw(64, 64, generators(1))
    for name, size in (("optical", 16), ("sar", 8)):
        means = torch.nn.functional.avg_pool2d(masks[name].float(), size)
        assert set(means.unique().tolist()) == {0.0, 1.0}


def test_a_mask_depends_on_its_pairs_generator_alone() -> None:
    masking = AsymmetricMasking(0.7, RATIOS)
    together = masking.draw(48, 80, generators(3, 4, 5))
    alone = masking.draw(48, 80, generators(5))
    assert torch.equal(together["optical"][2:], alone["optical"]) and torch.equal(together["sar"][2:], alone["sar"])


def test_the_share_of_pairs_that_are_masked_is_the_probability() -> None:
    masks = AsymmetricMasking(0.25, RATIOS).draw(16, 16, generators(*range(400)))
    masked = masks["sar"].flatten(1).any(1)
    assert masked.sum().item() == pytest.approx(100, abs=26)  # three standard deviations
    assert not masks["optical"].flatten(1).any(1)[~masked].any()


def test_patches_that_do_not_divide_the_image_end_with_it() -> None:
    taken = torch.zeros(20, 12, dtype=torch.bool)
    hidden = hidden_patches(taken, PatchMask(0.99, 8), torch.Generator().manual_seed(0))
    assert hidden.shape == (20, 12) and hidden.all()
    taken[19, 11] = True
    hidden = hidden_patches(taken, PatchMask(0.99, 8), torch.Generator().manual_seed(0))
    assert hidden[:16].all() and hidden[16:, :8].all() and not hidden[16:, 8:].any()


def test_nothing_is_hidden_without_a_ratio_or_a_probability() -> None:
    none = {"optical": {"ratio": 0.0, "patch": 16}, "sar": {"ratio": 0.0, "patch": 8}}
    assert [AsymmetricMasking(1.0, none).hides, AsymmetricMasking(0.0, RATIOS).hides] == [False, False]
    assert AsymmetricMasking(1.0, RATIOS).hides
    assert not any(mask.any() for mask in AsymmetricMasking(1.0, none).draw(32, 32, generators(1)).values())


def test_numbers_that_are_none_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"masking: expected a ratio in \[0, 1\), found 1.0; correct it"):
        PatchMask(1.0, 8)
    with pytest.raises(InputError, match="masking: expected a patch of whole pixels, found 0; correct it"):
        PatchMask(0.5, 0)
    with pytest.raises(InputError, match=r"expected ratios with a sum of at most 1, found 1\.2; no pixel is hidden in"):
        AsymmetricMasking(1.0, {"optical": {"ratio": 0.6, "patch": 8}, "sar": {"ratio": 0.6, "patch": 8}})
    with pytest.raises(InputError, match=r"masking\.probability: expected 0 to 1, found 2; correct it"):
        AsymmetricMasking(2, RATIOS)
