"""How a season, a sensor and an atmosphere colour a scene: the source look and the target look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from landcover.demo_scenes.scene import (
    AGRICULTURE,
    BARELAND,
    BUILDING,
    DEVELOPED,
    RANGELAND,
    ROAD,
    TREE,
    WATER,
)

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class OpticalLook:
    """One appearance of the world. Colours are 0..255 under full light.

    Args:
        materials: possible colours of every label.
        sun_elevation: range in degrees.
        blur: range of the factor by which the image is sampled down and up again: the coarser sensor.
        haze: range of the share of light that comes from the air.
        haze_colour: colour of the air.
        gain: range of the exposure.
        cast: largest relative difference between the bands of two images.
        noise: deviation of the sensor noise in grey values.
    """

    materials: Mapping[int, tuple[Colour, ...]]
    sun_elevation: tuple[float, float]
    blur: tuple[float, float]
    haze: tuple[float, float]
    haze_colour: Colour
    gain: tuple[float, float]
    cast: float
    noise: float


# Colours overlap between classes on purpose: ploughed fields and bare soil, dry grass and ripe crops, tiled roofs and
# reddish soil, flat roofs and pavement, asphalt and dark roofs, turbid water and wet grass.
SUMMER = OpticalLook(
    materials={
        BARELAND: ((176, 148, 116), (160, 124, 94), (188, 172, 148), (148, 112, 86)),
        RANGELAND: ((112, 134, 76), (128, 142, 90), (152, 150, 104), (94, 120, 66), (140, 134, 96)),
        DEVELOPED: ((150, 148, 144), (170, 166, 158), (128, 126, 124), (182, 166, 142), (138, 136, 126)),
        ROAD: ((104, 104, 106), (122, 120, 118), (90, 92, 96), (138, 136, 130)),
        TREE: ((56, 86, 46), (68, 100, 52), (46, 74, 44), (82, 104, 58)),
        WATER: ((48, 74, 84), (60, 90, 88), (40, 58, 66), (82, 98, 82)),
        AGRICULTURE: ((122, 148, 66), (172, 160, 98), (94, 126, 58), (152, 124, 90), (186, 176, 116), (76, 106, 54)),
        BUILDING: ((178, 96, 70), (152, 82, 64), (122, 120, 120), (198, 194, 188), (90, 92, 102), (166, 146, 122)),
    },
    sun_elevation=(45, 62),
    blur=(1.0, 1.15),
    haze=(0.0, 0.05),
    haze_colour=(190, 200, 210),
    gain=(0.85, 1.02),
    cast=0.04,
    noise=2.0,
)
"""OpenEarthMap-like: fine, green, high sun, clear air."""

SPRING = replace(
    SUMMER,
    materials={
        **SUMMER.materials,
        BARELAND: ((150, 122, 96), (132, 106, 84), (170, 150, 124)),
        RANGELAND: ((104, 142, 80), (120, 150, 88), (134, 146, 98), (110, 124, 84)),
        TREE: ((78, 110, 56), (92, 122, 66), (60, 92, 54), (106, 104, 78)),
        AGRICULTURE: ((96, 148, 60), (118, 92, 70), (136, 112, 84), (150, 168, 74), (190, 182, 70)),
    },
    sun_elevation=(36, 52),
    haze=(0.03, 0.12),
    cast=0.06,
)
"""A wetter region early in the year: fresh crops beside ploughed soil, humid air."""

DRY_SEASON = replace(
    SUMMER,
    materials={
        BARELAND: ((198, 170, 134), (182, 146, 108), (206, 188, 160)),
        RANGELAND: ((162, 150, 104), (176, 162, 118), (140, 138, 92), (150, 130, 98)),
        DEVELOPED: ((176, 166, 152), (160, 154, 146), (190, 178, 158), (142, 138, 132)),
        ROAD: ((118, 114, 110), (134, 130, 124), (104, 102, 102)),
        TREE: ((76, 88, 54), (90, 96, 62), (66, 78, 52), (100, 98, 66)),
        WATER: ((58, 88, 96), (84, 104, 92), (50, 72, 84)),
        AGRICULTURE: ((186, 168, 112), (168, 140, 98), (110, 130, 66), (150, 118, 86)),
        BUILDING: ((190, 150, 120), (206, 198, 186), (168, 108, 82), (148, 144, 140), (112, 108, 106)),
    },
    sun_elevation=(50, 70),
    haze_colour=(212, 202, 184),
    gain=(0.88, 1.05),
    cast=0.05,
)
"""A dry region: straw-coloured grass, pale roofs, dust."""

LATE_AUTUMN = OpticalLook(
    materials={
        BARELAND: ((146, 130, 110), (128, 112, 94), (166, 154, 136)),
        RANGELAND: ((120, 118, 82), (136, 126, 92), (102, 110, 76), (146, 132, 100), (112, 104, 76)),
        DEVELOPED: ((138, 140, 144), (156, 158, 160), (118, 122, 128), (160, 150, 132)),
        ROAD: ((92, 96, 104), (110, 112, 118), (80, 84, 92), (124, 126, 128)),
        TREE: ((62, 82, 46), (52, 70, 44), (100, 86, 50), (62, 80, 54), (84, 74, 50)),
        WATER: ((50, 74, 74), (58, 78, 66), (70, 84, 78), (44, 60, 70)),
        AGRICULTURE: ((128, 112, 86), (148, 138, 96), (98, 120, 62), (110, 96, 76), (140, 134, 100), (112, 130, 66)),
        BUILDING: ((112, 114, 122), (150, 154, 160), (86, 90, 100), (142, 112, 96), (190, 194, 198), (124, 128, 120)),
    },
    sun_elevation=(28, 42),
    blur=(1.8, 2.6),
    haze=(0.06, 0.2),
    haze_colour=(150, 166, 182),
    gain=(0.72, 0.92),
    cast=0.05,
    noise=2.6,
)
"""OpenEarthMap-SAR-like: coarser, brown and grey, long shadows, haze."""


def exposure(look: OpticalLook, rng: np.random.Generator) -> tuple[float, float, NDArray[np.float64]]:
    """Haze, blur factor and gain per band (3,) of one image."""
    haze, blur = rng.uniform(*look.haze), rng.uniform(*look.blur)
    return haze, blur, rng.uniform(*look.gain) * (1 + rng.uniform(-look.cast, look.cast, 3))
