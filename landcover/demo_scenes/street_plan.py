"""Streets and the blocks between them: recursive cuts of a rectangle in a turned and bent frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAVEMENT = 2.0
"""Width of the pavement on either side of a street, in pixels."""


@dataclass(frozen=True)
class Rectangle:
    """A rectangle left..right, top..bottom in plan coordinates (pixels before the plan is turned and bent)."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Extent along the first plan axis."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Extent along the second plan axis."""
        return self.bottom - self.top

    def inset(self, border: float) -> Rectangle:
        """The rectangle without a border on each side."""
        return Rectangle(self.left + border, self.top + border, self.right - border, self.bottom - border)


@dataclass(frozen=True)
class Street:
    """A straight street in plan coordinates; `depth` 0 is the main road, width in pixels."""

    area: Rectangle
    depth: int


@dataclass(frozen=True)
class Plan:
    """Maps plan coordinates to the canvas: turned by `angle`, moved to `centre`, bent by a slow wave."""

    angle: float
    centre: tuple[float, float]
    bend: float
    bend_length: float
    bend_phase: float

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Canvas coordinates (N, 2) of plan coordinates (N, 2)."""
        u, v = points[:, 0], points[:, 1]
        wave = 2 * np.pi / self.bend_length
        u, v = u + self.bend * np.sin(wave * v + self.bend_phase), v + self.bend * np.cos(wave * u + self.bend_phase)
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return np.stack([self.centre[0] + cosine * u - sine * v, self.centre[1] + sine * u + cosine * v], axis=1)

    def outline(self, area: Rectangle) -> NDArray[np.float64]:
        """Canvas outline of a rectangle whose sides follow the bend."""
        steps = np.linspace(0, 1, 12, endpoint=False)
        corners = np.array(
            [[area.left, area.top], [area.right, area.top], [area.right, area.bottom], [area.left, area.bottom]]
        )
        sides = [corners[i] + steps[:, None] * (corners[(i + 1) % 4] - corners[i]) for i in range(4)]
        return self.place(np.concatenate(sides))

    def box(self, u: float, v: float, width: float, height: float, turn: float = 0.0) -> NDArray[np.float64]:
        """Four canvas corners of a straight-sided box around plan point (u, v), turned against the plan."""
        across = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
        centre = self.place(np.array([[u, v]]))[0]
        cosine, sine = np.cos(self.angle + turn), np.sin(self.angle + turn)
        return across @ np.array([[cosine, sine], [-sine, cosine]]) + centre


def cut_blocks(
    rng: np.random.Generator, whole: Rectangle, block: float, street_share: float
) -> tuple[list[Rectangle], list[Street]]:
    """Cuts `whole` into blocks with sides up to about `block` pixels.

    Args:
        street_share: share of the later cuts that become streets; the others leave a bare border.
    """
    blocks: list[Rectangle] = []
    streets: list[Street] = []
    waiting = [(whole, 0)]
    while waiting:
        area, depth = waiting.pop()
        if max(area.width, area.height) < block * rng.uniform(0.8, 1.25):
            blocks.append(area)
            continue
        is_street = depth < 2 or rng.random() < street_share
        width = (11.0, 8.5, 6.5)[min(depth, 2)] * rng.uniform(0.85, 1.2) if is_street else 0.0
        first, second, gap = _cut(area, rng.uniform(0.35, 0.65), width + 2 * PAVEMENT * is_street)
        if is_street:
            streets.append(Street(gap, depth))
        waiting += [(first, depth + 1), (second, depth + 1)]
    return blocks, streets


def _cut(area: Rectangle, share: float, width: float) -> tuple[Rectangle, Rectangle, Rectangle]:
    if area.width >= area.height:
        low = area.left + share * area.width - width / 2
        return (
            Rectangle(area.left, area.top, low, area.bottom),
            Rectangle(low + width, area.top, area.right, area.bottom),
            Rectangle(low, area.top, low + width, area.bottom),
        )
    low = area.top + share * area.height - width / 2
    return (
        Rectangle(area.left, area.top, area.right, low),
        Rectangle(area.left, low + width, area.right, area.bottom),
        Rectangle(area.left, low, area.right, low + width),
    )
