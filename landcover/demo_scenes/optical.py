"""The optical image of a scene."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.demo_scenes.looks import OpticalLook, exposure
from landcover.demo_scenes.noise import smooth_noise
from landcover.demo_scenes.scene import (
    AGRICULTURE,
    BARELAND,
    BUILDING,
    DEVELOPED,
    RANGELAND,
    ROAD,
    TREE,
    WATER,
    Scene,
)
from landcover.demo_scenes.shadow import cast_shadow

# Relative deviation of brightness within a material: index = label; coarse patches, then grain of one or two pixels.
PATCHES = np.array([0, 0.09, 0.10, 0.05, 0.03, 0.05, 0.03, 0.05, 0.02], np.float32)
GRAIN = np.array([0, 0.06, 0.07, 0.035, 0.025, 0.09, 0.02, 0.06, 0.035], np.float32)

VEHICLE_COLOURS = np.array(
    [(0, 0, 0), (225, 225, 225), (40, 42, 46), (150, 40, 36), (60, 80, 130), (170, 172, 176), (96, 98, 100)], np.float32
)

ROW_CONTRAST = 0.16
SHADE = 0.42
"""Light left in a cast shadow, blue sky light included."""


def render_optical(scene: Scene, look: OpticalLook, rng: np.random.Generator) -> NDArray[np.uint8]:
    """RGB image (H, W, 3) uint8 of the scene without its margin.

    Args:
        scene: what to look at.
        look: season, sensor and air.
        rng: draws materials, sun, exposure and noise of this image.
    """
    # direction to the sun, south of the scene: y points down
    sun_azimuth, sun_elevation = rng.uniform(0.15, 0.85) * np.pi, np.deg2rad(rng.uniform(*look.sun_elevation))
    haze, blur, gain = exposure(look, rng)
    image = _materials(scene, look, rng)
    image *= _texture(scene, rng)[..., None]
    image *= _relief(scene, sun_azimuth)[..., None]
    image[scene.markings] += 0.5 * (235 - image[scene.markings])
    image = np.where(scene.vehicles[..., None] > 0, VEHICLE_COLOURS[scene.vehicles], image)
    shadow = cast_shadow(scene.heights, sun_azimuth + np.pi, sun_elevation).astype(np.float32)
    shadow = cv2.GaussianBlur(shadow, (0, 0), 0.7)
    tint = np.array([0.94, 1.0, 1.12], np.float32)
    image *= 1 - shadow[..., None] * (1 - SHADE * tint)
    image = image * gain.astype(np.float32) * (1 - haze) + haze * np.array(look.haze_colour, np.float32)
    image = _coarsen(image.astype(np.float32), blur, look.noise, rng)
    return np.clip(np.rint(scene.crop(image)), 0, 255).astype(np.uint8)


def _materials(scene: Scene, look: OpticalLook, rng: np.random.Generator) -> NDArray[np.float32]:
    """Colour (H, W, 3) float32 of every object: a material of its class, in its own brightness and hue."""
    objects = scene.objects
    colours = np.zeros((objects.classes.size, 3), np.float32)
    for label, materials in look.materials.items():
        members = objects.classes == label
        choice = (objects.variant[members] * len(materials)).astype(np.int64)
        colours[members] = np.array(materials, np.float32)[choice]
    brightness = rng.normal(1, 0.07, (objects.classes.size, 1))
    hue = rng.normal(1, 0.025, (objects.classes.size, 3))
    # narrow, or every lot of pavement would have its own grey
    narrow = np.isin(objects.classes, (ROAD, WATER))[:, None]
    colours *= np.where(narrow, 1 + 0.4 * (brightness * hue - 1), brightness * hue).astype(np.float32)
    return colours[scene.ids]


def _texture(scene: Scene, rng: np.random.Generator) -> NDArray[np.float32]:
    """Brightness factor (H, W) from patches, grain, crop rows and roof details."""
    height, width = scene.ids.shape
    labels = scene.labels
    patches = smooth_noise(rng, height, width, 22, 3) * PATCHES[labels]
    grain = cv2.GaussianBlur(rng.standard_normal((height, width), dtype=np.float32), (0, 0), 0.6) * 2.1
    factor = 1 + patches + grain * GRAIN[labels]
    factor += ROW_CONTRAST * scene.row_pattern() * (0.6 + 0.4 * np.tanh(smooth_noise(rng, height, width, 30)))
    tufts = smooth_noise(rng, height, width, 5, 2)
    factor += np.where(np.isin(labels, (RANGELAND, BARELAND, AGRICULTURE)), 0.035 * tufts, 0)
    # chimneys, skylights and air conditioning: few small bright or dark spots
    details = (labels == BUILDING) & (np.abs(smooth_noise(rng, height, width, 3)) > 2.1)
    factor[details] *= np.where(tufts[details] > 0, 1.3, 0.7)
    cracks = np.isin(labels, (DEVELOPED, ROAD)) & (smooth_noise(rng, height, width, 6, 2) > 2.0)
    factor[cracks] *= 0.86
    ripple = smooth_noise(rng, height, width, 4, 2) * np.clip(smooth_noise(rng, height, width, 60), 0, None)
    factor += np.where(labels == WATER, 0.03 * ripple, 0)
    return np.clip(factor, 0.3, 1.8).astype(np.float32)


def _relief(scene: Scene, sun_azimuth: float) -> NDArray[np.float32]:
    """Brightness factor (H, W) of slopes that face the sun or turn away from it: crowns and gabled roofs."""
    to_sun = np.array([np.cos(sun_azimuth), np.sin(sun_azimuth)])
    crowns = np.where(scene.labels == TREE, scene.heights, 0).astype(np.float32)
    slope_x, slope_y = (
        cv2.Sobel(crowns, cv2.CV_32F, 1, 0, scale=0.125),
        cv2.Sobel(crowns, cv2.CV_32F, 0, 1, scale=0.125),
    )
    facing = -(slope_x * to_sun[0] + slope_y * to_sun[1])
    factor = 1 + np.clip(0.45 * facing, -0.45, 0.4) * (scene.labels == TREE)
    return (factor + 0.13 * scene.roof_side).astype(np.float32)


def _coarsen(image: NDArray[np.float32], factor: float, noise: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """The image seen by a noisy sensor whose pixels are `factor` times as large, on the old grid."""
    height, width = image.shape[:2]
    size = (round(width / factor), round(height / factor))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small += noise * rng.standard_normal(small.shape, dtype=np.float32)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
