"""What stands on one block: houses with gardens, factories, parks, fields, woods, bare ground, car parks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from landcover.demo_scenes.canvas import Canvas, Points
from landcover.demo_scenes.noise import smooth_noise
from landcover.demo_scenes.scene import AGRICULTURE, BARELAND, DEVELOPED, RANGELAND, WATER
from landcover.demo_scenes.street_plan import Plan, Rectangle

Filler = Callable[[Canvas, Plan, Rectangle, np.random.Generator], None]
"""Draws one land use on a block."""

VEHICLE_COLOURS = 6


def fill_houses(canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator) -> None:
    """Detached houses on lots of garden or yard."""
    canvas.polygon(plan.outline(area), RANGELAND)
    for lot in _lots(area, rng.uniform(27, 34)):
        if rng.random() < 0.45:
            canvas.polygon(plan.outline(lot), DEVELOPED)
        if rng.random() < 0.9:
            _house(canvas, plan, lot, rng)
        for _ in range(rng.integers(0, 3)):
            _tree_in(canvas, plan, lot, rng, 3.0, 5.5)


def fill_town(canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator) -> None:
    """Tall buildings, densely built, on paved ground."""
    canvas.polygon(plan.outline(area), DEVELOPED)
    for lot in _lots(area, rng.uniform(30, 44)):
        width, height = lot.width * rng.uniform(0.62, 0.9), lot.height * rng.uniform(0.62, 0.9)
        u, v = (lot.left + lot.right) / 2, (lot.top + lot.bottom) / 2
        if rng.random() < 0.9:
            canvas.building(plan.box(u, v, width, height), rng.uniform(5, 10), gabled=rng.random() < 0.2)
        for _ in range(rng.integers(0, 2)):
            _tree_in(canvas, plan, lot, rng, 2.5, 4.5)


def fill_industry(canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator) -> None:
    """One or two halls on a yard, partly unpaved, with vehicles."""
    canvas.polygon(plan.outline(area), DEVELOPED)
    if rng.random() < 0.5:
        canvas.polygon(plan.box(*_point(area, rng), area.width * 0.45, area.height * 0.4), BARELAND)
    for part in _lots(area, max(area.width, area.height) / rng.integers(1, 3)):
        middle_u, middle_v = (part.left + part.right) / 2, (part.top + part.bottom) / 2
        width, height = part.width * rng.uniform(0.45, 0.7), part.height * rng.uniform(0.45, 0.7)
        canvas.building(plan.box(middle_u, middle_v, width, height), rng.uniform(4, 8), gabled=rng.random() < 0.3)
    park_vehicles(canvas, plan, area, rng, area.width * area.height / 900)


def fill_park(canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator) -> None:
    """Lawn with paths, groups of trees, at times a pond or a sandy pitch."""
    outline = plan.outline(area)
    canvas.polygon(outline, RANGELAND)
    u, v = _point(area.inset(min(area.width, area.height) * 0.25), rng)
    canvas.polygon(plan.outline(Rectangle(area.left, v - 2, area.right, v + 2)), DEVELOPED)
    canvas.polygon(plan.outline(Rectangle(u - 2, area.top, u + 2, area.bottom)), DEVELOPED)
    if rng.random() < 0.65:
        _blob(canvas, outline, plan.place(np.array([[u, v]]))[0], rng.uniform(14, 26), WATER, rng)
    elif rng.random() < 0.5:
        _blob(canvas, outline, plan.place(np.array([_point(area, rng)]))[0], rng.uniform(9, 15), DEVELOPED, rng, 0.1)
    for _ in range(int(area.width * area.height / 650)):
        _tree_group(canvas, plan, area, rng)


def fill_field(canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator) -> None:
    """One to three strips of crops with rows, hedges on some borders."""
    canvas.polygon(plan.outline(area), RANGELAND)
    edges = np.linspace(area.left, area.right, int(rng.integers(1, 4)) + 1)
    for left, right in pairwise(edges.tolist()):
        strip = Rectangle(left, area.top, right, area.bottom).inset(1.5)
        orchard = bool(rng.random() < 0.2)
        angle = plan.angle + (np.pi / 2 if rng.random() < 0.3 else 0.0) + rng.normal(0, 0.05)
        period = rng.uniform(7, 10) if orchard else rng.uniform(3.5, 7)
        canvas.polygon(plan.outline(strip), AGRICULTURE, angle, period, orchard)
        if rng.random() < 0.35:
            for v in np.arange(area.top, area.bottom, 7.0):
                x, y = plan.place(np.array([[right, v + rng.uniform(-2, 2)]]))[0]
                canvas.tree(x, y, rng.uniform(2.5, 4.5))


def fill_wood(canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator) -> None:
    """Closed tree cover with clearings."""
    outline = plan.outline(area)
    canvas.polygon(outline, RANGELAND)
    clearing = smooth_noise(rng, canvas.height, canvas.width, 40) > 1.3
    spacing = rng.uniform(5.5, 7)
    for v in np.arange(area.top, area.bottom, spacing):
        for u in np.arange(area.left, area.right, spacing):
            x, y = plan.place(np.array([[u, v]]))[0] + rng.normal(0, 2, 2)
            radius = rng.uniform(4, 7.5)
            if 0 <= x < canvas.width - 1 and 0 <= y < canvas.height - 1 and not clearing[round(y), round(x)]:
                canvas.tree(x, y, radius)


def fill_bare(canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator) -> None:
    """Bare soil of a building site or quarry, partly overgrown."""
    outline = plan.outline(area)
    canvas.polygon(outline, BARELAND)
    inside = canvas.region(outline)
    canvas.mask(inside & (smooth_noise(rng, canvas.height, canvas.width, 30, 3) > 0.6), RANGELAND)
    if rng.random() < 0.4:
        canvas.building(plan.box(*_point(area.inset(12), rng), 14, 9), 3.0, gabled=False)


def fill_meadow(canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator) -> None:
    """Grass and scrub with bare patches and single trees."""
    outline = plan.outline(area)
    canvas.polygon(outline, RANGELAND)
    inside = canvas.region(outline)
    canvas.mask(inside & (smooth_noise(rng, canvas.height, canvas.width, 34, 3) > 1.35), BARELAND)
    for _ in range(int(area.width * area.height / 700)):
        _tree_in(canvas, plan, area, rng, 2.0, 5.0)


def fill_car_park(canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator) -> None:
    """Paved ground with vehicles and few trees."""
    canvas.polygon(plan.outline(area), DEVELOPED)
    for v in np.arange(area.top + 8, area.bottom - 4, 16.0):
        for u in np.arange(area.left + 5, area.right - 4, 5.0):
            if rng.random() < 0.5:
                canvas.vehicle(plan.box(u, v, 3.2, 7.5), int(rng.integers(1, VEHICLE_COLOURS + 1)))
    for _ in range(4):
        _tree_in(canvas, plan, area, rng, 2.5, 4.0)


LAND_USES: dict[str, Filler] = {
    "houses": fill_houses,
    "town": fill_town,
    "industry": fill_industry,
    "park": fill_park,
    "field": fill_field,
    "wood": fill_wood,
    "bare": fill_bare,
    "meadow": fill_meadow,
    "car_park": fill_car_park,
}
"""Every land use by name."""


def park_vehicles(canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator, count: float) -> None:
    """Puts about `count` vehicles at random places of a rectangle, along its longer side."""
    long_side = (7.5, 3.4) if area.width > area.height else (3.4, 7.5)
    for _ in range(rng.poisson(count)):
        canvas.vehicle(plan.box(*_point(area, rng), *long_side), int(rng.integers(1, VEHICLE_COLOURS + 1)))


def _lots(area: Rectangle, side: float) -> list[Rectangle]:
    columns, lines = max(round(area.width / side), 1), max(round(area.height / side), 1)
    across, down = np.linspace(area.left, area.right, columns + 1), np.linspace(area.top, area.bottom, lines + 1)
    return [
        Rectangle(float(across[i]), float(down[j]), float(across[i + 1]), float(down[j + 1]))
        for j in range(lines)
        for i in range(columns)
    ]


def _house(canvas: Canvas, plan: Plan, lot: Rectangle, rng: np.random.Generator) -> None:
    width, depth = rng.uniform(13, 20), rng.uniform(11, 16)
    u, v = (lot.left + lot.right) / 2 + rng.uniform(-3, 3), (lot.top + lot.bottom) / 2 + rng.uniform(-3, 3)
    turn = (np.pi / 2 if rng.random() < 0.5 else 0.0) + rng.normal(0, 0.04)
    height, gabled = rng.uniform(3, 6.5), bool(rng.random() < 0.65)
    canvas.building(plan.box(u, v, width, depth, turn), height, gabled)
    if rng.random() < 0.3:
        canvas.building(plan.box(u + width * 0.35, v + depth * 0.45, 8, 8, turn), height * 0.7, gabled=False)


def _point(area: Rectangle, rng: np.random.Generator) -> tuple[float, float]:
    u, v = rng.random(2)
    return area.left + u * area.width, area.top + v * area.height


def _tree_in(
    canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator, smallest: float, largest: float
) -> None:
    x, y = plan.place(np.array([_point(area, rng)]))[0]
    canvas.tree(x, y, rng.uniform(smallest, largest))


def _tree_group(canvas: Canvas, plan: Plan, area: Rectangle, rng: np.random.Generator) -> None:
    middle = plan.place(np.array([_point(area, rng)]))[0]
    for _ in range(rng.integers(1, 7)):
        x, y = middle + rng.normal(0, 7, 2)
        canvas.tree(x, y, rng.uniform(3.5, 7))


def _blob(
    canvas: Canvas,
    clip: Points,
    middle: NDArray[np.float64],
    radius: float,
    label: int,
    rng: np.random.Generator,
    wobble: float = 0.35,
) -> None:
    lines, columns = np.ogrid[: canvas.height, : canvas.width]
    distance = np.hypot(lines - middle[1], columns - middle[0]) / radius
    edge = 1 + wobble * smooth_noise(rng, canvas.height, canvas.width, radius)
    canvas.mask((distance < edge) & canvas.region(clip), label)
