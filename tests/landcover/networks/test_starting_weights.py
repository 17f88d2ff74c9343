import re
from pathlib import Path
from typing import Any

import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.networks.model_file import ModelInfo, save_model
from landcover.networks.starting_weights import first_that_fits, load_starting_weights
from landcover.training.band_statistics import BandStatistics
from landcover.training.config import load_config
from stage2_sar_seg.sar_training import sar_config

DEMO = Path(__file__).parents[3] / "configs" / "demo"
NARROW = ("model.decode_head.channels=8", "model.auxiliary_head.channels=8")
FIRST = "backbone.model.conv_stem.weight"


def random_network(network: Any, seed: int) -> nn.Module:
    """All tensors are random: batch-norm statistics and counters too."""
    built: nn.Module = MODELS.build(network)
    generator = torch.Generator().manual_seed(seed)
    for tensor in built.state_dict().values():
        tensor.copy_(100 * torch.rand(tensor.shape, generator=generator))
    return built


def saved(path: Path, network: nn.Module) -> Path:
    save_model(path, ModelInfo("teacher", "optical", OPEN_EARTH_MAP, 64), {}, network.state_dict())
    return path


def teacher_network(*options: str) -> Any:
    return load_config(DEMO / "teacher_upernet_efficientnet_lite0.py", [*NARROW, *options]).model


def sar_network(bands: int, *options: str) -> Any:
    config = load_config(DEMO / "sar_upernet_efficientnet_lite0.py", [*NARROW, *options])
    config.sar.bands = list(range(1, bands + 1))
    return sar_config(config, BandStatistics("amplitude", (60.0,) * bands, (40.0,) * bands, None, (), None)).model


@pytest.fixture
def teacher(registered: None) -> nn.Module:
    return random_network(teacher_network(), seed=1)


@pytest.fixture
def teacher_file(teacher: nn.Module, tmp_path: Path) -> Path:
    return saved(tmp_path / "teacher.pth", teacher)


def copies(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("bands", [1, 2, 3])
def test_every_tensor_is_the_teachers_and_the_first_convolution_is_summed_and_shared_out(
    teacher: nn.Module, teacher_file: Path, bands: int
) -> None:
    network = random_network(sar_network(bands), seed=2)
    load_starting_weights(network, teacher_file)
    found, expected = network.state_dict(), copies(teacher)
    assert len(found) > 300 and found.keys() == expected.keys()
    red, green, blue = expected.pop(FIRST).unbind(1)
    share = torch.stack([(red + green + blue) / bands] * bands, 1) if bands != 3 else torch.stack([red, green, blue], 1)
    torch.testing.assert_close(found[FIRST], share, rtol=1e-6, atol=0)
    assert [name for name, tensor in expected.items() if not torch.equal(found[name], tensor)] == []
    assert network.data_preprocessor.mean.flatten().tolist() == [60.0] * bands  # not the teacher's
    assert network.data_preprocessor.std.flatten().tolist() == [40.0] * bands


def test_an_auxiliary_head_that_only_one_of_both_has_stays_out(
    teacher: nn.Module, teacher_file: Path, tmp_path: Path
) -> None:
    without = sar_network(3)
    del without["auxiliary_head"]
    network = random_network(without, seed=2)
    load_starting_weights(network, teacher_file)
    expected = copies(teacher)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in network.state_dict().items())

    of_one_head = saved(tmp_path / "one.pth", network)
    with_both = random_network(sar_network(3), seed=3)
    before = copies(with_both)
    load_starting_weights(with_both, of_one_head)
    kept = {name for name, tensor in with_both.state_dict().items() if torch.equal(tensor, before[name])}
    assert kept == {name for name in before if name.startswith("auxiliary_head.")}


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("model.decode_head.channels=4", r"decode_head\.\S+ has shape \(8, .*\), the model needs \(8, 4, "),
        ("model.auxiliary_head.channels=4", r"auxiliary_head\.\S+ has shape \(8, .*\), the model needs \(8, 4, "),
        (
            "model.auxiliary_head.num_convs=2",
            r"\d tensors \(auxiliary_head\.convs\.1\S+ \.\.\.\) missing and 0 tensors ",
        ),
        (
            "model.backbone.model_name=tf_efficientnet_lite1",
            r"\d+ tensors \(backbone\.\S+ \.\.\.\) missing and 0 tensors",
        ),
    ],
)
def test_another_network_is_refused_and_nothing_is_loaded(teacher_file: Path, option: str, reason: str) -> None:
    network = random_network(sar_network(1, option), seed=2)
    before = copies(network)
    with pytest.raises(
        InputError, match=f"^{re.escape(str(teacher_file))}: weights of another model: {reason}"
    ) as told:
        load_starting_weights(network, teacher_file)
    assert str(told.value).endswith("; start from a model of the same backbone and heads, or from none (SAR_START)")
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert first_that_fits(network, [teacher_file]) is None


def test_the_first_file_that_fits_is_found_and_what_is_no_model_file_refused(
    teacher: nn.Module, teacher_file: Path, tmp_path: Path
) -> None:
    other = saved(tmp_path / "other.pth", random_network(teacher_network("model.decode_head.channels=4"), seed=1))
    second = saved(tmp_path / "second.pth", teacher)
    network = random_network(sar_network(1), seed=2)
    assert first_that_fits(network, [other, second, teacher_file]) == second
    with pytest.raises(InputError, match=r"absent\.pth: expected a trained model, found none"):
        first_that_fits(network, [other, tmp_path / "absent.pth", teacher_file])
    torch.save({"weights": {}}, tmp_path / "foreign.pth")
    with pytest.raises(InputError, match=r"foreign\.pth: expected a model file \(landcover-model-1\)"):
        load_starting_weights(network, tmp_path / "foreign.pth")
