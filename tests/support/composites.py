# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of subjects with known outlines, over plain backgrounds and over photos (those that scikit-image includes)."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt
from image_to_3d.imaging.raster import blur
from package_stub import ROOT
from PIL import Image

Pixels = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SAMPLES = ("chair", "toadstool", "vase")
DRAWN = ("bottle", "star", "cup", "pear")
PHOTOS = ("astronaut.png", "brick.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png")
MORE_PHOTOS = ("camera.png", "motorcycle_left.png", "rocket.jpg")
PLAIN = ("white", "gray", "gradient", "noise", "shadow", "vignette")
SIDE = 512


def subject(name: str) -> Pixels:
    """Returns an RGBA image of a subject, top row first, cropped to it."""
    if name in SAMPLES:
        with Image.open(ROOT / "samples" / f"{name}.png") as image:
            pixels = np.asarray(image.convert("RGBA"), np.float32) / 255.0
    else:
        pixels = _draw(name)
    solid = pixels[..., 3] > 0.03
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _draw(name: str) -> Pixels:
    """Returns a shaded solid: its outline, rounded and lit from the upper left."""
    y, x = np.mgrid[-1.0:1.0:480j, -1.0:1.0:480j].astype(np.float32)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    neck = np.where(y < -0.2, 0.34 - 1.4 * (-0.2 - y), 0.34)
    handle = np.hypot(x - 0.38, y)
    outline, color = {
        "bottle": ((np.abs(x) < np.maximum(neck, 0.13)) & (np.abs(y) < 0.9), (0.1, 0.42, 0.2)),
        "star": (radius < 0.6 + 0.28 * np.cos(5.0 * angle + np.pi / 2.0), (0.85, 0.62, 0.1)),
        "cup": (
            ((np.abs(x + 0.15) < 0.5) & (np.abs(y) < 0.55)) | ((handle < 0.4) & (handle > 0.24) & (x > 0.3)),
            (0.75, 0.2, 0.25),
        ),
        "pear": ((np.hypot(x, y - 0.3) < 0.5) | (np.hypot(x * 1.5, y + 0.25) < 0.5), (0.55, 0.65, 0.15)),
    }[name]
    soft = blur(outline.astype(np.float32), 18)
    slope_y, slope_x = np.gradient(soft * 60.0)
    light = np.clip((0.6 * slope_x + 0.7 * slope_y + 1.1) / np.sqrt(1.0 + slope_x**2 + slope_y**2), 0.15, 1.6)
    colors = np.clip(np.array(color, np.float32) * light[..., None], 0.0, 1.0)
    alpha = np.clip(blur(outline.astype(np.float32), 1), 0.0, 1.0)
    return np.concatenate([colors, alpha[..., None]], axis=-1).astype(np.float32)


def photo(name: str) -> Pixels:
    """Returns a photo, square, SIDE pixels."""
    package = importlib.util.find_spec("skimage")
    assert package is not None
    assert package.origin is not None
    with Image.open(Path(package.origin).parent / "data" / name) as image:
        size = min(image.size)
        left, top = (image.width - size) // 2, (image.height - size) // 2
        square = image.convert("RGB").crop((left, top, left + size, top + size)).resize((SIDE, SIDE))
    return np.asarray(square, np.float32) / 255.0


def plain(kind: str, rng: np.random.Generator) -> Pixels:
    """Returns a plain background: a color with a gradient, noise, a shadow or a vignette."""
    y, x = np.mgrid[-1.0 : 1.0 : SIDE * 1j, -1.0 : 1.0 : SIDE * 1j].astype(np.float32)
    color = {"white": np.ones(3), "gray": np.full(3, 0.55)}.get(kind, rng.uniform(0.5, 0.8, 3))
    light = {
        "gradient": 1.0 + 0.15 * y + 0.08 * x,
        "shadow": 1.0 - 0.3 * np.exp(-((x / 0.6) ** 2) - ((y - 0.65) / 0.15) ** 2),
        "vignette": 1.0 - 0.15 * (x**2 + y**2),
    }.get(kind, np.ones_like(x))
    background = light[..., None] * color
    if kind == "noise":
        background = background + rng.normal(0.0, 0.02, background.shape)
    return np.clip(background, 0.0, 1.0).astype(np.float32)


def compose(name: str, background: Pixels, rng: np.random.Generator, size: float = 0.7) -> tuple[Pixels, Mask]:
    """Returns an opaque RGBA image, bottom row first, of a subject near the center of a background, and its mask."""
    pixels = subject(name)
    pixels[..., :3] *= pixels[..., 3:]
    scale = size * SIDE / max(pixels.shape[:2])
    height, width = (round(side * scale) for side in pixels.shape[:2])
    channels = [np.asarray(Image.fromarray(c).resize((width, height))) for c in np.moveaxis(pixels, -1, 0)]
    top, left = (round((SIDE - side) * rng.uniform(0.35, 0.65)) for side in (height, width))
    placed = np.zeros((SIDE, SIDE, 4), np.float32)
    placed[top : top + height, left : left + width] = np.stack(channels, axis=-1)
    alpha = placed[..., 3:]
    image = np.concatenate([background * (1.0 - alpha) + placed[..., :3], np.ones_like(alpha)], axis=-1)
    return np.clip(image[::-1], 0.0, 1.0).astype(np.float32), (alpha[::-1, :, 0] > 0.5)


def on_gray(name: str, size: float = 0.7) -> Pixels:
    """Returns the image of a subject on a plain gray background; always the same one."""
    rng = np.random.default_rng(3)
    return compose(name, plain("gray", rng), rng, size)[0]


def overlap(found: Mask, wanted: Mask) -> float:
    """Returns the intersection over union."""
    return float((found & wanted).sum() / max(1, (found | wanted).sum()))
