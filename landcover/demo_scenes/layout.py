"""Lays out a scene: streets, blocks with their land use, rivers and shores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landcover.demo_scenes.canvas import Canvas
from landcover.demo_scenes.land_use import LAND_USES, park_vehicles
from landcover.demo_scenes.scene import BARELAND, DEVELOPED, RANGELAND, ROAD, WATER, Scene
from landcover.demo_scenes.street_plan import PAVEMENT, Plan, Rectangle, Street, cut_blocks

MARGIN = 40
"""Pixels around the tile: the longest layover (10 m high, 36 degrees incidence) plus the largest shift."""

DASH = 9.0
"""Length in pixels of the dashes, and of the gaps, of a road's middle line."""


@dataclass(frozen=True)
class LayoutStyle:
    """What a region is built of.

    Args:
        shares: weight of each name of `LAND_USES` among the blocks.
        river: probability of a river in a tile.
        shore: probability of a lake or sea shore in a tile without river.
        block: typical side of a block in pixels.
        street_share: share of block borders, after the main roads, that are streets.
    """

    shares: dict[str, float]
    river: float
    shore: float
    block: float
    street_share: float


COUNTRYSIDE = LayoutStyle(
    {"houses": 2, "industry": 0.5, "park": 1, "field": 4, "wood": 2.4, "bare": 0.7, "meadow": 1.4},
    river=0.4, shore=0.25, block=95, street_share=0.3,
)  # fmt: skip
SUBURB = LayoutStyle(
    {"houses": 4, "town": 0.6, "industry": 1, "park": 1.5, "field": 1.3, "wood": 1.7, "bare": 0.85, "meadow": 0.9,
     "car_park": 0.5},
    river=0.4, shore=0.25, block=85, street_share=0.6,
)  # fmt: skip
CITY = LayoutStyle(
    {"houses": 3, "town": 2.5, "industry": 1.3, "park": 1.8, "field": 1.2, "wood": 1.4, "bare": 0.8, "meadow": 0.6,
     "car_park": 0.7},
    river=0.4, shore=0.25, block=82, street_share=0.7,
)  # fmt: skip


def lay_out(rng: np.random.Generator, height: int, width: int, style: LayoutStyle) -> Scene:
    """A random scene whose tile (without `MARGIN`) has the given height and width in pixels."""
    full_height, full_width = height + 2 * MARGIN, width + 2 * MARGIN
    canvas = Canvas(full_height, full_width, MARGIN, rng)
    centre = (full_width / 2 + rng.uniform(-20, 20), full_height / 2 + rng.uniform(-20, 20))
    plan = Plan(rng.uniform(0, np.pi), centre, rng.uniform(0, 7), rng.uniform(160, 320), rng.uniform(0, 6.28))
    reach = float(np.hypot(full_height, full_width)) / 2 + 30
    blocks, streets = cut_blocks(rng, Rectangle(-reach, -reach, reach, reach), style.block, style.street_share)
    for block, use in zip(blocks, _assign(rng, len(blocks), style.shares), strict=True):
        LAND_USES[use](canvas, plan, block, rng)
    for street in reversed(streets):
        _draw_street(canvas, plan, street)
    if rng.random() < style.river:
        _draw_river(canvas, rng)
    elif rng.random() < style.shore:
        _draw_shore(canvas, rng)
    for street in streets:
        if street.depth == 0:  # the main road crosses the water on a bridge
            _draw_street(canvas, plan, street)
        park_vehicles(canvas, plan, street.area, rng, max(street.area.width, street.area.height) / 90)
    return canvas.finish()


def _assign(rng: np.random.Generator, count: int, shares: dict[str, float]) -> list[str]:
    """Land uses of `count` blocks: systematic sampling, so that a scene is as mixed as its style."""
    weights = np.array(list(shares.values()))
    places = (np.arange(count) + rng.random()) / count
    chosen = np.searchsorted(np.cumsum(weights) / weights.sum(), places)
    names = list(shares)
    return [names[min(i, len(names) - 1)] for i in rng.permutation(chosen)]


def _draw_street(canvas: Canvas, plan: Plan, street: Street) -> None:
    area = street.area
    canvas.polygon(plan.outline(area), DEVELOPED)
    if area.width > area.height:
        lane = Rectangle(area.left, area.top + PAVEMENT, area.right, area.bottom - PAVEMENT)
        along = np.arange(area.left, area.right, DASH)
        middle = np.stack([along, np.full_like(along, (area.top + area.bottom) / 2)], axis=1)
    else:
        lane = Rectangle(area.left + PAVEMENT, area.top, area.right - PAVEMENT, area.bottom)
        along = np.arange(area.top, area.bottom, DASH)
        middle = np.stack([np.full_like(along, (area.left + area.right) / 2), along], axis=1)
    canvas.polygon(plan.outline(lane), ROAD)
    if street.depth < 2:
        canvas.marking(plan.place(middle))


def _draw_river(canvas: Canvas, rng: np.random.Generator) -> None:
    """A winding band of water with a strip of grass or gravel on its banks."""
    reach = float(np.hypot(canvas.height, canvas.width)) / 2 + 20
    angle, width, offset = rng.uniform(0, np.pi), rng.uniform(16, 34), rng.uniform(-0.3, 0.3) * reach
    along = np.linspace(-reach, reach, 60)
    across = offset + rng.uniform(8, 25) * np.sin(along * 2 * np.pi / rng.uniform(150, 300) + rng.uniform(0, 6.28))
    for half, label in (
        (width / 2 + rng.uniform(3, 8), RANGELAND if rng.random() < 0.7 else BARELAND),
        (width / 2, WATER),
    ):
        u, v = np.concatenate([along, along[::-1]]), np.concatenate([across - half, (across + half)[::-1]])
        x = canvas.width / 2 + np.cos(angle) * u - np.sin(angle) * v
        y = canvas.height / 2 + np.sin(angle) * u + np.cos(angle) * v
        canvas.polygon(np.stack([x, y], axis=1), label)


def _draw_shore(canvas: Canvas, rng: np.random.Generator) -> None:
    """Open water along one side of the scene, with a beach or embankment."""
    reach = float(np.hypot(canvas.height, canvas.width)) / 2 + 20
    angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.4) * min(canvas.height, canvas.width)
    along = np.linspace(-reach, reach, 60)
    edge = offset + 8 * np.sin(along * 2 * np.pi / rng.uniform(90, 250) + rng.uniform(0, 6.28))
    beach = BARELAND if rng.random() < 0.5 else DEVELOPED
    for shift, label in ((-rng.uniform(4, 10), beach), (0.0, WATER)):
        u = np.concatenate([along, along[::-1]])
        v = np.concatenate([edge + shift, np.full_like(along, 2 * reach)])
        x = canvas.width / 2 + np.cos(angle) * u - np.sin(angle) * v
        y = canvas.height / 2 + np.sin(angle) * u + np.cos(angle) * v
        canvas.polygon(np.stack([x, y], axis=1), label)
