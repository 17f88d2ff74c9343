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

from landcover.report.collect import Points, TrainingLog
from landcover.report.markup import text

SMOOTHED_FROM = 20
"""Points from which a loss gets a smoothed line, a centred mean over about a tenth of the log."""

RULES = {
    "validation_miou": "validation mIoU",
    "target_agreement": "target agreement",
    "target_confidence": "target confidence",
    "target_confident_share": "confident share of the target",
}
"""Rules of `choose` in words."""

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
    """HTML of small multiples: loss, and where any model has logged them validation mIoU and values on the target.

    A vertical line marks the iteration of the exported model where a rule has chosen one.

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
    """First and last loss, what was logged of the exported model, and which model that is, in words."""
    parts = []
    if log.loss:
        parts.append(f"loss {log.loss[0][1]:.2f} to {log.loss[-1][1]:.2f}")
    for name, points in (
        ("validation_miou", log.validation_miou),
        ("target_agreement", log.target_agreement),
        ("target_confidence", log.target_confidence),
    ):
        if points:
            exported = [value for iteration, value in points if iteration == log.chosen]
            parts.append(f"{RULES[name]} {100 * (exported or [points[-1][1]])[-1]:.1f} %")
    if log.rule is not None and log.chosen is not None:
        by = "the last" if log.rule == "last" else f"chosen by {RULES.get(log.rule, log.rule)}"
        parts.append(f"model of iteration {log.chosen:,}, {by}")
    return ", ".join(parts)


def _draw(log: TrainingLog, logs: Sequence[TrainingLog], salt: str) -> str:
    """Attributes and content of an svg element, from behind its name to its end tag."""
    drawn = [_draw_loss]
    if any(other.validation_miou for other in logs):
        drawn.append(_draw_score)
    if any(other.target_agreement for other in logs):
        drawn.append(_draw_target)
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=(3.9, 1.0 + 1.15 * len(drawn)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(len(drawn), 1, sharex=True))
        for draw, panel in zip(drawn, axes, strict=True):
            panel.grid(axis="y", linewidth=0.6)
            draw(panel, log, logs)
            if log.chosen is not None and log.rule != "last":
                panel.axvline(log.chosen, color=TEXT, linewidth=1.0, linestyle=":")
        axes[-1].set_xlabel("iteration")
        axes[-1].xaxis.set_major_formatter(EngFormatter(sep=""))
        axes[-1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
        points = [(*other.loss, *other.validation_miou, *other.target_agreement) for other in logs]
        axes[-1].set_xlim(0, max(iteration for listed in points for iteration, _ in listed))
        stream = io.StringIO()
        FigureCanvasSVG(figure).print_svg(
            stream, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return _embeddable(stream.getvalue())


def _draw_loss(axes: Axes, log: TrainingLog, logs: Sequence[TrainingLog]) -> None:
    values = [value for other in logs for _, value in other.loss]
    axes.set_ylabel("loss")
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
    axes.set_ylim(0, 110 * max(values) or 1.0)
    _draw_percent(axes, log.validation_miou, SCORE)


def _draw_target(axes: Axes, log: TrainingLog, logs: Sequence[TrainingLog]) -> None:
    del logs  # the axis is that of all shares
    axes.set_ylabel("target in %")
    axes.set_ylim(0, 105)
    _draw_percent(axes, log.target_agreement, SCORE, "agreement")
    _draw_percent(axes, log.target_confidence, LOSS, "confidence", linestyle="--")
    if log.target_agreement:
        axes.legend(loc="lower right", ncols=2, frameon=False, fontsize=8.0, labelcolor=TEXT)


def _draw_percent(axes: Axes, points: Points, colour: str, label: str = "", linestyle: str = "-") -> None:
    if points:
        iterations, shares = np.array(points, dtype=np.float64).T
        axes.plot(
            iterations,
            100 * shares,
            color=colour,
            linewidth=1.6,
            marker="o",
            markersize=3.0,
            label=label,
            linestyle=linestyle,
        )


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
