from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.registry import MODELS
from tiny_networks import tiny_segformer

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.networks.model_file import ModelInfo, read_content, save_model
from landcover.networks.model_pack import write_pack
from landcover.run_files.manifest import digest
from stage2_sar_seg.registration.build import build_matcher
from stage2_sar_seg.registration.model_file import read_matcher

NETWORK = {"type": "S2M2Network", "search": 8, "widths": [8, 16], "blocks": 1, "shallow_channels": 8}


def write_model(path: Path, network: dict) -> torch.nn.Module:
    torch.manual_seed(0)
    model = MODELS.build(network).eval()
    save_model(path, ModelInfo("some", "optical+sar", OPEN_EARTH_MAP, 32), network, model.state_dict())
    return model


def test_a_matcher_is_read_as_it_was_written(registered: None, tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    network = write_model(path, NETWORK)
    matcher = read_matcher(path)
    assert matcher.settings() == {"matcher": "s2m2", "model": digest(path), "patch": 32, "search": 8}
    rng = np.random.default_rng(0)
    optical = np.repeat(rng.normal(size=(1, 50, 47)).astype(np.float32), 3, axis=0)
    sar = optical[0, 5:39, 12:43]
    with torch.inference_mode():
        expected = network(torch.from_numpy(sar)[None, None], torch.from_numpy(optical)[None]).product[0].numpy()
    np.testing.assert_array_equal(matcher.heatmap(sar, optical), expected)
    found = matcher.match(sar, optical)
    np.testing.assert_array_equal(found.sar, [[16.5, 15.0]])
    row, column = np.unravel_index(expected.argmax(), expected.shape)
    np.testing.assert_allclose(found.optical, [[16.5 + row, 15.0 + column]], atol=0.5)
    assert found.confidence.shape == (1,) and 0 <= found.confidence[0] <= 1


def test_a_matcher_is_read_from_a_pack(registered: None, tmp_path: Path) -> None:
    network = write_model(tmp_path / "model.pth", NETWORK)
    write_pack(tmp_path / "some.zip", read_content(tmp_path / "model.pth"), {})
    matcher = build_matcher(str(tmp_path / "some.zip"), torch.device("cpu"))
    assert matcher.settings()["model"] == digest(tmp_path / "some.zip")
    sar, optical = torch.zeros(1, 1, 32, 32), torch.ones(1, 3, 48, 48)
    with torch.inference_mode():
        expected = network(sar, optical).product[0].numpy()
    np.testing.assert_array_equal(matcher.heatmap(sar[0, 0].numpy(), optical[0].numpy()), expected)


def test_what_is_no_matcher_is_told(registered: None, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.pth: expected a trained model, found none"):
        read_matcher(tmp_path / "absent.pth")
    (tmp_path / "text.pth").write_text("no model")
    with pytest.raises(InputError, match=r"text\.pth: expected a model file of this project, found something else"):
        read_matcher(tmp_path / "text.pth")
    write_model(tmp_path / "segmentor.pth", tiny_segformer({"mean": [127.0] * 3, "std": [60.0] * 3}))
    with pytest.raises(InputError, match=r"segmentor\.pth: expected a matcher, found a land-cover model \(some\)"):
        read_matcher(tmp_path / "segmentor.pth")
