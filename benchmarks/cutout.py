# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the cut-out and the check of an image of 2048 pixels: `python benchmarks/cutout.py`. Needs no Blender.

Prints processor seconds, and their ratio to reading the same image with NumPy's own mean over all of its pixels.
"""

from __future__ import annotations

import importlib
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SIDE = 2048


def main() -> None:
    package = types.ModuleType("image_to_3d")
    package.__path__ = [str(ROOT)]
    sys.modules["image_to_3d"] = package
    cutout = importlib.import_module("image_to_3d.imaging.cutout")
    subject_check = importlib.import_module("image_to_3d.imaging.subject_check")
    for name, image in (("plain", disk(noise=0.0)), ("busy", disk(noise=0.35))):
        mean = seconds(lambda image=image: image.mean())
        for what, work in (("cut_out", cutout.cut_out), ("check_image", subject_check.check_image)):
            took = seconds(lambda work=work, image=image: work(image))
            print(f"{name:<6} {what:<12} {took:6.2f} s, {took / mean:7.0f} × a mean", flush=True)


def disk(noise: float) -> np.ndarray:
    """Returns a red disk on a background with smooth noise, as RGBA."""
    chance = np.random.default_rng(1)
    coarse = chance.random((16, 16, 3), np.float32) * noise + 0.5
    background = coarse.repeat(SIDE // 16, axis=0).repeat(SIDE // 16, axis=1)
    y, x = np.mgrid[-1.0 : 1.0 : SIDE * 1j, -1.0 : 1.0 : SIDE * 1j]
    inside = (np.hypot(x, y) < 0.5)[..., None]
    colors = np.where(inside, np.float32([0.8, 0.1, 0.1]), background)
    return np.concatenate([colors, np.ones((SIDE, SIDE, 1))], axis=-1).astype(np.float32)


def seconds(work: Callable[[], object]) -> float:
    """Returns the processor time of a call in seconds."""
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
