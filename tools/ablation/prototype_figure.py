"""Draws features of source and target beside the Gaussian prototypes, before a demo teacher is aligned and after.

Trains the teacher, which takes some minutes, and writes a PNG. Run again, it continues, and draws what is there.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.dfc2025 import dfc2025_tiles, truth_labels
from landcover.data_sets.open_earth_map import open_earth_map_tiles
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import InputError, command
from landcover.processes.group import start_processes
from landcover.registry import register_all
from landcover.report.text_table import text_table
from landcover.run_files.atomic import atomic_path
from landcover.run_files.writable import check_file, check_folder
from landcover.training.config import load_config, network_to_train
from landcover.training.train_model import train_model
from landcover.training.training import Training
from stage1_optical_da.train_teachers import teacher_training
from tools.ablation.prototype_views import DOMAINS, KeepViews, View
from tools.ablation.prototypes import PROTOTYPES
from tools.ablation.scenes import demo_scenes
from tools.ablation.stage1 import PRETRAINED

ROOT = Path(__file__).parents[2]

CROPS = 80
"""Of each domain that are looked at."""

PIXELS = 60
"""Of each class and domain that are drawn."""

TEMPERATURES = (1, 4, 8, 16, 32, 64)
"""Of the posterior, at which it is compared with the truth."""

HEADS = ("iteration", "pixels", "temperature", "right %", "sure %", "log-probability")

SIZE, RESOLUTION = (9.0, 9.2), 100
"""Inches, and pixels per inch."""

MARKERS = {"source": ".", "target": "x"}

COLOURS = matplotlib.colormaps["tab10"].colors  # type: ignore[attr-defined]  # the classes' own are white and greys too


@command
def main() -> None:
    """Trains if need be, writes the figure and says what the mixtures know of the pixels' classes."""
    arguments = _arguments()
    data = demo_scenes(arguments.data, arguments.run_dir)
    folder = arguments.run_dir / f"prototype_figure_{arguments.seed}"
    train_model(_training(data, folder, arguments.seed, arguments.iterations), start_processes())
    views = [View.load(folder / f"{name}.npz") for name in ("before", "after")]
    draw_views(arguments.out, views, OPEN_EARTH_MAP.classes)
    print(f"wrote {arguments.out}")
    print(posterior_table(views), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.ablation.prototype_figure", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--iterations", type=int, help="length of the training instead of that of its config")
    parser.add_argument("--run-dir", type=Path, default=ROOT / "runs" / "ablation", help="default: runs/ablation")
    parser.add_argument("--data", type=Path, help="demo scenes; default: made in <run-dir>/data")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "prototypes.png", help="default: %(default)s")
    arguments = parser.parse_args()
    check_folder(arguments.run_dir, "--run-dir")
    check_file(arguments.out, "--out")
    return arguments


def _training(data: Path, folder: Path, seed: int, iterations: int | None) -> Training:
    """The demo's teacher with prototypes, looked at."""
    register_all()
    config = load_config(PROTOTYPES, () if iterations is None else (f"iterations={iterations}",), stage=1)
    begin = config.self_training.parts.alignment.begin
    if config.iterations <= begin:
        raise InputError(f"--iterations: expected more than {begin}, when prototypes begin, found {config.iterations}")
    source, _ = open_earth_map_tiles(data / "OpenEarthMap", ["train"])
    pairs = {tile.name: tile.optical for tile in dfc2025_tiles(data / "DFC2025Track1", "train") if tile.optical}
    truth = truth_labels(data / "truth", "train")
    labelled = {
        "source": [TrainingTile(tile.image, tile.labels) for tile in source],
        "target": [TrainingTile(image, truth[name]) for name, image in pairs.items()],
    }
    crops = {
        name: TrainingTiles(tiles, "optical", config.crop_size, scale=(1.0, 1.0), seed=seed)
        for name, tiles in labelled.items()
    }
    target = [TrainingTile(image) for image in pairs.values()]
    network = network_to_train(config, PRETRAINED)
    training = teacher_training(PROTOTYPES.stem, config, network, source, [], target, folder, seed)
    hooks = [*training.hooks, KeepViews(crops, folder, CROPS, PIXELS)]
    return replace(training, validation=None, further_evaluations=(), hooks=hooks)


def posterior_table(views: Sequence[View]) -> str:
    """How often the posterior of the mixtures is right, how sure it is, and its log-probability of the true class."""
    lines = [HEADS]
    for view, domain, temperature in itertools.product(views, DOMAINS, TEMPERATURES):
        right, sure = view.at_home(domain), view.sure(domain, temperature)
        own = view.own_log_probability(domain, temperature)
        shares = (f"{100 * right:.1f}", f"{100 * sure:.1f}", f"{own:.2f}")
        lines.append((str(view.iteration), domain, f"{temperature:g}", *shares))
    return text_table(lines)


def draw_views(path: Path, views: Sequence[View], classes: Sequence[str]) -> None:
    """Writes a PNG: a column for each view, source above target, with the Gaussians as ellipses in both.

    Pixels of a view are seen along the two axes in which those of both domains together vary most; the space itself
    has been trained from one view to the next. Equal views give equal bytes.

    Args:
        path: file to write.
        views: of one training.
        classes: names.
    """
    with matplotlib.rc_context({"font.size": 9.0}):
        figure = Figure(figsize=SIZE, dpi=RESOLUTION, layout="constrained")
        panels = figure.subplots(len(DOMAINS), len(views), sharex="col", sharey="col", squeeze=False)
        for column, view in zip(panels.T, views, strict=True):
            centre, axes, shares = principal_axes(np.concatenate([view.of(domain)[0] for domain in DOMAINS]))
            for panel, domain in zip(column, DOMAINS, strict=True):
                _draw_panel(panel, view, domain, centre, axes)
                panel.set_ylabel(f"second principal axis, {100 * shares[1]:.0f} %")
            column[-1].set_xlabel(f"first principal axis, {100 * shares[0]:.0f} % of the variance")
        handles = [Line2D([], [], color=colour, linewidth=4) for colour, _ in zip(COLOURS, classes, strict=False)]
        figure.legend(handles, classes, loc="outside lower center", ncols=len(classes) // 2, frameon=False)
        with atomic_path(path) as temporary:
            FigureCanvasAgg(figure).print_png(str(temporary), metadata={"Software": None})


def principal_axes(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean (d,), the two axes (2, d) along which vectors (N, d) vary most, and their shares of the variance (2,)."""
    centre = vectors.mean(0, dtype=np.float64)
    _, lengths, axes = np.linalg.svd(vectors - centre, full_matrices=False)
    # The sign of an axis is arbitrary; the largest entry is positive.
    signs = np.sign(np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1))
    return centre, (signs * axes)[:2], (lengths**2 / (lengths**2).sum())[:2]


def ellipse(covariance: NDArray[np.float64]) -> tuple[float, float, float]:
    """Width, height and angle in degrees of the ellipse of one standard deviation of a Gaussian in two dimensions."""
    values, vectors = np.linalg.eigh(covariance)
    along = vectors[:, 1]
    return 2 * float(np.sqrt(values[1])), 2 * float(np.sqrt(values[0])), float(np.degrees(np.arctan2(*along[::-1])))


def _draw_panel(panel: Axes, view: View, domain: str, centre: NDArray[np.float64], axes: NDArray[np.float64]) -> None:
    pixels, labels = view.of(domain)
    places = (pixels - centre) @ axes.T
    for number, (means, variances) in enumerate(zip(view.means, view.variances, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        of_class = places[labels == number]
        panel.scatter(
            of_class[:, 0], of_class[:, 1], marker=MARKERS[domain], s=12, linewidths=0.7, color=colour, alpha=0.6
        )
        for mean, variance in zip((means - centre) @ axes.T, variances, strict=True):
            width, height, angle = ellipse((axes * variance) @ axes.T)
            edge = Ellipse((mean[0], mean[1]), width, height, angle=angle, fill=False, edgecolor=colour, linewidth=1.6)
            panel.add_patch(edge)
    share = f"{100 * view.at_home(domain):.0f} % likeliest in their class"
    panel.set_title(f"{domain}, iteration {view.iteration}: {share}", fontsize=9.5)


if __name__ == "__main__":
    main()
