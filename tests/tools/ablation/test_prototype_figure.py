from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_networks import write_tiny_config

from tools.ablation import prototype_figure
from tools.ablation.prototype_figure import TEMPERATURES, draw_views, ellipse, main, posterior_table, principal_axes
from tools.ablation.prototype_views import View

RunMain = Callable[..., tuple[int, str]]

PARTS = """
self_training = dict(confidence=0.2, parts=dict(alignment=dict(
    type="GaussianPrototypeAlignment", components=2, begin=2, memory=60, confidence=0.2, rare_confidence=0.1,
)))
"""


def test_axes_are_those_along_which_vectors_vary_most() -> None:
    rng = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    vectors = (rng.normal(size=(20000, 3)) * [1.0, 3.0, 2.0]) @ rotation + [5.0, 6.0, 7.0]
    centre, axes, shares = principal_axes(vectors.astype(np.float32))
    np.testing.assert_allclose(centre, [5.0, 6.0, 7.0], atol=0.1)
    np.testing.assert_allclose(np.abs(axes @ rotation[[1, 2]].T), np.eye(2), atol=0.02)
    np.testing.assert_allclose(shares, [9 / 14, 4 / 14], atol=0.01)
    assert (np.abs(axes).max(1) == axes.max(1)).all()


def test_the_ellipse_has_one_standard_deviation_and_the_direction_of_the_gaussian() -> None:
    angle = np.radians(30)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    width, height, found = ellipse(rotation @ np.diag([9.0, 4.0]) @ rotation.T)
    assert (width, height, found % 180) == pytest.approx((6.0, 4.0, 30.0))


def test_a_column_for_each_view_and_equal_bytes_for_equal_views(view: View, tmp_path: Path) -> None:
    first, moved = view, dataclasses.replace(view, iteration=9, means=view.means + 0.3)
    for name, views in (("a", [first, moved]), ("b", [first, moved]), ("c", [first, first])):
        draw_views(tmp_path / f"{name}.png", views, ("bareland", "water"))
    files = [(tmp_path / f"{name}.png").read_bytes() for name in "abc"]
    assert files[0] == files[1] != files[2]
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
    assert pixels.shape == (920, 900, 3)
    blue = (np.abs(pixels - [0x1F, 0x77, 0xB4]).sum(-1) < 30).astype(int)  # the first class
    halves = (slice(0, 450), slice(450, None))
    assert all(blue[rows, columns].sum() > 50 for rows in halves for columns in halves)


def test_the_table_tells_how_sure_the_posterior_is_and_how_often_right(view: View) -> None:
    heads, *lines = (line.split() for line in posterior_table([view]).splitlines())
    assert heads[:3] == ["iteration", "pixels", "temperature"] and len(lines) == 2 * len(TEMPERATURES)
    assert lines[0][:4] == ["3", "source", "1", "75.0"] and lines[-1][:4] == ["3", "target", "64", "0.0"]
    assert float(lines[0][4]) > float(lines[-1][4]) >= 50.0  # of two classes


def test_the_teacher_is_trained_and_looked_at_once_and_drawn_again(
    run_main: RunMain, demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_tiny_config(tmp_path / "configs", ["datasets/optical_pairs", "uda/dacs"], iterations=3, bands=3)
    config.write_text(config.read_text() + PARTS)
    monkeypatch.setattr(prototype_figure, "PROTOTYPES", config)
    monkeypatch.setattr(prototype_figure, "CROPS", 6)
    words = ["--data", demo_root, "--run-dir", tmp_path / "runs", "--out", tmp_path / "figure.png"]
    code, told = run_main(main, *words)
    assert code == 0 and f"wrote {tmp_path / 'figure.png'}\n" in told and "log-probability" in told
    folder = tmp_path / "runs" / "prototype_figure_0"
    before, after = (View.load(folder / f"{name}.npz") for name in ("before", "after"))
    assert (before.iteration, after.iteration) == (2, 3) and before.means.shape == (8, 2, 64)
    for domain in ("source", "target"):
        (first, labels), (last, same) = before.of(domain), after.of(domain)
        assert np.array_equal(labels, same) and np.bincount(labels).max() <= prototype_figure.PIXELS < len(labels)
        np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1.0, rtol=1e-5)
        assert not np.allclose(first, last)
    kept, drawn = (folder / "after.npz").stat().st_mtime_ns, (tmp_path / "figure.png").read_bytes()
    (tmp_path / "figure.png").unlink()
    assert run_main(main, *words)[0] == 0
    assert (folder / "after.npz").stat().st_mtime_ns == kept and (tmp_path / "figure.png").read_bytes() == drawn


def test_mistakes_are_told_in_one_line(run_main: RunMain, demo_root: Path, tmp_path: Path) -> None:
    words = ["--run-dir", tmp_path / "runs", "--out", tmp_path / "figure.png"]
    code, message = run_main(main, "--iterations", "60", "--data", demo_root, *words)
    assert (code, message) == (2, "error: --iterations: expected more than 60, when prototypes begin, found 60")
    code, message = run_main(main, "--data", tmp_path, *words)
    assert code == 2
    assert message == f"error: --data {tmp_path}: expected demo scenes with demo.json, found none; leave --data out"
    assert not (tmp_path / "runs").exists()
