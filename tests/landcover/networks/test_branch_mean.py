"""A predictor of two branches."""

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from tiny_networks import tiny_segformer

from landcover.images.modality import Modality
from landcover.networks.branch_mean import BranchMean, mean_logits
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities

RGB = {"mean": [100.0, 110.0, 120.0], "std": [50.0, 60.0, 70.0]}
SAR = {"type": "SarPreprocessor", "mean": [60.0], "std": [30.0]}


@pytest.fixture
def network(registered: None) -> BranchMean:
    torch.manual_seed(0)
    config = {"type": "BranchMean", "optical": tiny_segformer(RGB), "sar": tiny_segformer(SAR, bands=1)}
    return MODELS.build(config).eval()


def test_the_prediction_is_the_normalised_geometric_mean_of_both() -> None:
    torch.manual_seed(0)
    first, second = (torch.randn(2, 4, 3, 3, dtype=torch.float64) for _ in range(2))
    product = (first.softmax(1) * second.softmax(1)).sqrt()
    torch.testing.assert_close(mean_logits(first, second).softmax(1), product / product.sum(1, keepdim=True))


def test_an_output_of_another_size_is_resized_to_that_of_the_sar_branch() -> None:
    optical, sar = torch.randn(1, 4, 3, 3), torch.randn(1, 4, 6, 6)
    expected = (F.interpolate(optical, size=(6, 6), mode="bilinear") + sar) / 2
    torch.testing.assert_close(mean_logits(optical, sar), expected)


def test_both_images_are_predicted_from_grey_values_each_by_its_branchs_rules(network: BranchMean) -> None:
    rng = torch.Generator().manual_seed(1)
    optical = torch.randint(0, 256, (32, 32, 3), generator=rng, dtype=torch.uint8).numpy()
    sar = torch.randint(0, 256, (32, 32), generator=rng, dtype=torch.uint8).numpy()
    images = {"optical": optical, "sar": sar}
    window = SlidingWindow(32, 32)
    found = predict_probabilities(network, images, window, torch.device("cpu"))
    with torch.no_grad():
        rgb = torch.from_numpy(optical).permute(2, 0, 1).float() - torch.tensor(RGB["mean"])[:, None, None]
        rgb = rgb / torch.tensor(RGB["std"])[:, None, None]
        grey = (torch.from_numpy(sar).float() - 60) / 30
        logits = (network.optical(rgb[None]) + network.sar(grey[None, None])) / 2
    expected = F.interpolate(logits, size=(32, 32), mode="bilinear")[0].softmax(0)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_branches_are_found_by_their_modality(network: BranchMean) -> None:
    names: tuple[Modality, Modality] = ("optical", "sar")
    assert [network.branch(name) for name in names] == [network.optical, network.sar]
    assert {name.split(".")[0] for name in network.state_dict()} == {"optical", "sar"}
