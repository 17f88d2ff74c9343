from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tools.ablation.prototype_views import View


def test_pixels_are_at_home_in_the_mixture_of_their_class(view: View) -> None:
    assert (view.at_home("source"), view.at_home("target")) == (0.75, 0.0)
    others = dataclasses.replace(view, target_labels=np.array([0, 0]))
    assert others.at_home("target") == 0.5


def test_the_posterior_of_a_pixel_is_that_of_two_gaussians_at_a_temperature(view: View) -> None:
    one = dataclasses.replace(view, target=np.array([[0.2, 0.2]], np.float32), target_labels=np.array([1]))
    logs = [
        sum(-((0.2 - mean) ** 2) / (2 * variance) - np.log(variance) / 2 for variance in variances)
        for mean, variances in ((0.0, (0.04, 0.09)), (1.0, (0.04, 0.04)))
    ]
    for temperature in (1.0, 8.0):
        first, second = np.exp(np.array(logs) / temperature)
        assert one.sure("target", temperature) == pytest.approx(first / (first + second), rel=1e-5)
        expected = np.log(second / (first + second))
        assert one.own_log_probability("target", temperature) == pytest.approx(expected, rel=1e-4)


def test_a_view_comes_back_from_its_file(view: View, tmp_path: Path) -> None:
    view.save(tmp_path / "view.npz")
    found = View.load(tmp_path / "view.npz")
    assert found.iteration == 3 and [path.name for path in tmp_path.iterdir()] == ["view.npz"]
    for name, value in vars(view).items():
        np.testing.assert_array_equal(getattr(found, name), value)
        assert name == "iteration" or getattr(found, name).dtype == value.dtype
