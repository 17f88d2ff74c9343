"""Pieces of HTML with every text escaped."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DASH = "\N{EN DASH}"


def text(value: object) -> str:
    """`value` as text that HTML shows as it is, in attributes too."""
    return html.escape(str(value))


def percent(score: float | None) -> str:
    """A score 0..1 in percent with one decimal, an en dash for None."""
    return DASH if score is None else f"{100 * score:.1f}"


def counted(number: int, noun: str) -> str:
    """A number and its noun, with a plural s where it belongs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def swatch(colour: Sequence[int]) -> str:
    """A small square of an RGB colour 0..255; it repeats what the text beside it says."""
    red, green, blue = colour
    return f'<span class="swatch" aria-hidden="true" style="background:#{red:02x}{green:02x}{blue:02x}"></span>'


def section(identifier: str, title: str, body: str) -> str:
    """A section with its heading; `body` is HTML."""
    heading = f'<h2 id="{identifier}-title">{text(title)}</h2>'
    return f'<section id="{identifier}" aria-labelledby="{identifier}-title">\n{heading}\n{body}\n</section>'


def scrolling(label: str, body: str) -> str:
    """`body` (HTML) in a box that scrolls sideways on narrow screens, by keyboard too."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{text(label)}">\n{body}\n</div>'


def picture(pixels: NDArray[np.uint8], alternative: str, colours: NDArray[np.uint8] | None = None) -> str:
    """An image element that carries its pixels as PNG.

    Args:
        pixels: uint8, grey (H, W) or RGB (H, W, 3), or (H, W) indices if there are `colours`.
        alternative: what the picture shows, for readers who do not see it.
        colours: uint8 (N, 3), RGB colour of each index.
    """
    image = Image.fromarray(pixels)
    if colours is not None:
        image = Image.fromarray(pixels, mode="P")
        image.putpalette(colours.tobytes())
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    height, width = pixels.shape[:2]
    return f'<img src="data:image/png;base64,{data}" width="{width}" height="{height}" alt="{text(alternative)}">'
