"""The SAR amplitude image of a scene."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.demo_scenes.noise import smooth_noise
from landcover.demo_scenes.radar_geometry import RadarView, project_to_ground_range
from landcover.demo_scenes.scene import AGRICULTURE, TREE, WATER, Scene
from landcover.demo_scenes.shadow import translate

# Backscatter of a class in decibels, index = label, and its deviation between objects: smooth surfaces mirror the
# pulse away, crowns scatter it in their volume, crops differ by kind and moisture.
BACKSCATTER = np.array([-60, -11.5, -9.8, -12.5, -15.5, -6.8, -20.5, -9.2, -9.5], np.float32)
BETWEEN_OBJECTS = np.array([0, 1.6, 1.3, 2.0, 1.2, 1.0, 1.2, 2.6, 2.5], np.float32)
WITHIN_OBJECT = np.array([0, 1.0, 1.2, 1.2, 0.6, 1.6, 0.8, 0.9, 1.5], np.float32)

VEHICLE_BACKSCATTER = 1.2
NOISE_FLOOR = (-25.0, -16.0)
"""Decibels, range over acquisitions: the receiver's noise, all that is left in shadow."""


@dataclass(frozen=True)
class SarSensor:
    """One acquisition.

    Args:
        view: look direction and incidence, one per scene.
        looks: number of independent looks averaged, 1 = full speckle.
        mean_amplitude: mean grey value of the product, which is not calibrated.
        noise_floor: receiver noise in decibels.
        black_share: share of the darkest pixels that the product's scaling sets to 0; they are data.
        shift: (y, x) pixels; what the scene has at (line, column) appears at (line + y, column + x).
    """

    view: RadarView
    looks: int
    mean_amplitude: float
    noise_floor: float
    black_share: float
    shift: tuple[float, float] = (0.0, 0.0)


def draw_sensor(rng: np.random.Generator, misregistered: bool) -> SarSensor:
    """A random acquisition; `misregistered` shifts it by 1 to 3 pixels in a random direction."""
    distance, direction = rng.uniform(1, 3), rng.uniform(0, 2 * np.pi)
    shift = (float(distance * np.sin(direction)), float(distance * np.cos(direction)))
    return SarSensor(
        view=RadarView(rng.uniform(0, 2 * np.pi), float(np.deg2rad(rng.uniform(36, 55)))),
        looks=int(rng.integers(3, 7)),
        mean_amplitude=rng.uniform(32, 54),
        noise_floor=rng.uniform(*NOISE_FLOOR),
        black_share=max(rng.uniform(-0.012, 0.012), 0.0),  # in every second product
        shift=shift if misregistered else (0.0, 0.0),
    )


def render_sar(scene: Scene, sensor: SarSensor, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Amplitude image (H, W) uint8 of the scene without its margin; zeros can occur in the darkest areas."""
    intensity = project_to_ground_range(_backscatter(scene, sensor.view, rng), scene, sensor.view, rng)
    intensity += 10 ** (sensor.noise_floor / 10)
    intensity = scene.crop(translate(intensity, sensor.shift[1], sensor.shift[0]))
    amplitude = np.sqrt(intensity * speckle(rng, intensity.shape[0], intensity.shape[1], sensor.looks))
    if sensor.black_share > 0:
        amplitude = np.maximum(amplitude - np.quantile(amplitude, sensor.black_share), 0)
    return np.clip(np.rint(amplitude * (sensor.mean_amplitude / amplitude.mean())), 0, 255).astype(np.uint8)


def speckle(rng: np.random.Generator, height: int, width: int, looks: int) -> NDArray[np.float32]:
    """Multiplicative speckle of an intensity image (height, width): unit mean, variance 1 / looks.

    Every look is the squared modulus of a circular Gaussian field (Goodman: Some fundamental properties of speckle,
    JOSA 1976), so the sum follows a gamma distribution; neighbours correlate a little, as in a resampled product.
    """
    fields = rng.standard_normal((2 * looks, height + 8, width + 8), dtype=np.float32)
    kernel = cv2.getGaussianKernel(5, 0.45, cv2.CV_32F)
    kernel /= np.sqrt((kernel**2).sum())  # keeps the variance of white noise
    filtered = np.stack([cv2.sepFilter2D(field, -1, kernel, kernel)[4:-4, 4:-4] for field in fields])
    return ((filtered**2).sum(0) / (2 * looks)).astype(np.float32)


def no_data_wedge(rng: np.random.Generator, height: int, width: int) -> NDArray[np.bool_]:
    """True (height, width) beyond the turned edge of an acquisition: 4% to 22% of the tile, at one of its corners."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:height, :width]
    distance = x * np.cos(angle) + y * np.sin(angle)
    return distance > np.quantile(distance, 1 - rng.uniform(0.04, 0.22))


def _backscatter(scene: Scene, view: RadarView, rng: np.random.Generator) -> NDArray[np.float32]:
    """Intensity (H, W) that every piece of ground, roof or crown sends back."""
    height, width = scene.ids.shape
    labels, classes = scene.labels, scene.objects.classes
    decibels = BACKSCATTER[classes] + BETWEEN_OBJECTS[classes] * rng.standard_normal(classes.size, dtype=np.float32)
    # rows across the look direction reflect more
    decibels += np.where(classes == AGRICULTURE, 2.5 * np.cos(scene.objects.row_angle - view.azimuth) ** 8, 0)
    field = decibels[scene.ids] + WITHIN_OBJECT[labels] * smooth_noise(rng, height, width, 12, 3)
    field += 2.2 * scene.row_pattern()
    branches = smooth_noise(rng, height, width, 3, 2)
    field += np.where(labels == TREE, 1.6 * branches, 0)
    wind = smooth_noise(rng, height, width, 70)
    field += np.where(labels == WATER, 1.2 * wind + 0.6 * smooth_noise(rng, height, width, 6), 0)
    intensity = 10 ** (field / 10)
    glint = (scene.vehicles > 0) & (rng.random((height, width)) < 0.35)
    intensity[glint] += VEHICLE_BACKSCATTER * rng.exponential(1, int(glint.sum()))
    return intensity.astype(np.float32)
