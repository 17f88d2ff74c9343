"""Training curves as drawings inside the page, one per model with axes common to all models of a kind."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator
from matplotlib.typing import RcKeyType
from numpy.typing import NDArray

from landcover.report.collect import TrainingLog
from landcover.report.markup import text

SMOOTHED_FROM = 20
"""Points from which a loss gets a smoothed line, a centred mean over about a tenth of the log."""

# Colours that no drawing would use by chance stand for colours of the page, which differ in light and dark mode.
TEXT, GRID, LOSS, SCORE = "#010203", "#010204", "#010205", "#010206"
PAGE_COLOURS = {TEXT: "var(--muted)", GRID: "var(--line)", LOSS: "var(--accent)", SCORE: "var(--score)"}

STYLE: Mapping[RcKeyType, object] = {
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.edgecolor": GRID,
    "axes.labelcolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def training_curves(title: str, logs: Sequence[TrainingLog]) -> str:
    """HTML of small multiples: loss, and validation mIoU where any model has logged it.

    Args:
        title: kind of the models.
        logs: their logs, none of them empty.
    """
    figures = "\n".join(_figure(title, log, logs) for log in logs)
    return f'<h3>{text(title)}</h3>\n<div class="curves">\n{figures}\n</div>'


def _figure(title: str, log: TrainingLog, logs: Sequence[TrainingLog]) -> str:
    label = f"Training of {log.name}: {_summary(log)}"
    drawing = _draw(log, logs, salt=f"{title} {log.name}")
    return (
        f"<figure><figcaption><b>{text(log.name)}</b> {text(_summary(log))}</figcaption>\n"
        f'<svg role="img" aria-label="{text(label)}"{drawing}</figure>'
    )


def _summary(log: TrainingLog) -> str:
    """First and last loss and last mIoU, in words."""
    parts = []
    if log.loss:
        parts.append(f"loss {log.loss[0][1]:.2f} to {log.loss[-1][1]:.2f}")
    if log.validation_miou:
        parts.append(f"validation mIoU {100 * log.validation_miou[-1][1]:.1f} %")
    return ", ".join(parts)


def _draw(log: TrainingLog, logs: Sequence[TrainingLog], salt: str) -> str:
    """Attributes and content of an svg element, from behind its name to its end tag."""
    panels = 2 if any(other.validation_miou for other in logs) else 1
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=(3.9, 1.0 + 1.15 * panels), layout="constrained")
        axes = np.atleast_1d(figure.subplots(panels, 1, sharex=True))
        _draw_loss(axes[0], log, logs)
        if panels == 2:
            _draw_score(axes[1], log, logs)
        axes[-1].set_xlabel("iteration")
        axes[-1].xaxis.set_major_formatter(EngFormatter(sep=""))
        axes[-1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes[-1].set_xlim(0, max(point[0] for other in logs for point in (*other.loss, *other.validation_miou)))
        stream = io.StringIO()
        FigureCanvasSVG(figure).print_svg(
            stream, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return _embeddable(stream.getvalue())


def _draw_loss(axes: Axes, log: TrainingLog, logs: Sequence[TrainingLog]) -> None:
    values = [value for other in logs for _, value in other.loss]
    axes.set_ylabel("loss")
    axes.grid(axis="y", linewidth=0.6)
    if values:
        axes.set_ylim(min(0.0, *values), 1.05 * max(values))
    if not log.loss:
        return
    iterations, losses = np.array(log.loss, dtype=np.float64).T
    smooth = len(losses) >= SMOOTHED_FROM
    axes.plot(iterations, losses, color=LOSS, linewidth=1.0 if smooth else 1.8, alpha=0.35 if smooth else 1.0)
    if smooth:
        axes.plot(iterations, _running_mean(losses, len(losses) // 20), color=LOSS, linewidth=1.8)


def _draw_score(axes: Axes, log: TrainingLog, logs: Sequence[TrainingLog]) -> None:
    values = [value for other in logs for _, value in other.validation_miou]
    axes.set_ylabel("mIoU in %")
    axes.grid(axis="y", linewidth=0.6)
    axes.set_ylim(0, 110 * max(values) or 1.0)
    if log.validation_miou:
        iterations, scores = np.array(log.validation_miou, dtype=np.float64).T
        axes.plot(iterations, 100 * scores, color=SCORE, linewidth=1.6, marker="o", markersize=3.0)


def _running_mean(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Mean of each value and its `reach` neighbours on either side, fewer at the ends: float64 of the same length."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    starts, ends = np.maximum(places - reach, 0), np.minimum(places + reach + 1, len(values))
    return (sums[ends] - sums[starts]) / (ends - starts)


def _embeddable(document: str) -> str:
    """The drawing without its XML head, metadata, fixed size, group names (not unique in a page) and fixed colours."""
    drawing = document[document.index("<svg") + len("<svg") :]
    # A style element inside a drawing would hold for the whole page.
    drawing = re.sub(r"<(metadata|style)[ >].*?</\1>\s*", "", drawing, flags=re.DOTALL)
    head, body = drawing.split(">", 1)
    view = re.search(r'viewBox="[^"]*"', head)
    body = re.sub(r'<g id="[^"]*"', "<g", body).replace("xlink:href", "href")
    body = re.sub(r"font-family: [^;\"]*;", "", body)
    for placeholder, colour in PAGE_COLOURS.items():
        body = body.replace(placeholder, colour)
    return f" {view.group() if view else ''}>{body}"
