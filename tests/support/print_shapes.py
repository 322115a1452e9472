# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of the kinds that are difficult to print. Each is points and triangles, Z up, about 1 unit tall."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Shape = tuple[NDArray[Any], NDArray[Any]]


def joined(*shapes: Shape) -> Shape:
    starts = np.cumsum([0] + [len(points) for points, _ in shapes])
    triangles = [faces + start for (_, faces), start in zip(shapes, starts, strict=False)]
    return np.concatenate([points for points, _ in shapes]), np.concatenate(triangles)


def turned_around_z(profile: Sequence[tuple[float, float]], around: int = 64) -> Shape:
    """Returns a surface of revolution; radius and height of the profile run counterclockwise, from bottom to top."""
    radius, height = np.array(profile, float).T
    angle = np.arange(around) * 2 * np.pi / around
    x, y = np.outer(radius, np.cos(angle)), np.outer(radius, np.sin(angle))
    points = np.stack((x, y, np.repeat(height[:, None], around, 1)), -1).reshape(-1, 3)
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(len(radius) - 1), np.arange(around), indexing="ij"))
    a, b = i * around + j, i * around + (j + 1) % around
    return points, np.concatenate((np.stack((a, b, b + around), 1), np.stack((a, b + around, a + around), 1)))


def ball(radius: float = 1.0, center: tuple[float, float, float] = (0.0, 0.0, 0.0), around: int = 64) -> Shape:
    turn = np.linspace(-np.pi / 2, np.pi / 2, around // 2 + 1)
    points, triangles = turned_around_z(list(zip(np.cos(turn), np.sin(turn), strict=True)), around)
    return points * radius + np.array(center), triangles


def cylinder(radius: float, height: float, top: float | None = None, at: tuple[float, float] = (0.0, 0.0)) -> Shape:
    above = radius if top is None else top
    points, triangles = turned_around_z([(0, 0), (radius, 0), (above, height), (0, height)], 12)
    return points + np.array((*at, 0.0)), triangles


def box(size: tuple[float, float, float], center: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Shape:
    corners = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    triangles = [face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))]
    return corners * size + np.array(center), np.array(triangles)


def chair() -> Shape:
    """Legs of 0.01, and a seat and a back as thin."""
    legs = [cylinder(0.005, 0.46, at=(x, y)) for x in (-0.22, 0.22) for y in (-0.22, 0.22)]
    return joined(box((0.5, 0.5, 0.01), (0, 0, 0.455)), box((0.5, 0.01, 0.5), (0, 0.24, 0.71)), *legs)


def cup() -> Shape:
    """A closed mesh with a wall of 0.01, and a handle that goes through it."""
    wall = turned_around_z([(0, 0), (0.4, 0), (0.4, 1), (0.39, 1), (0.39, 0.01), (0, 0.01)])
    return joined(
        wall, box((0.03, 0.03, 0.5), (0.55, 0, 0.5)), *(box((0.2, 0.03, 0.03), (0.48, 0, z)) for z in (0.3, 0.7))
    )


def vase() -> Shape:
    """A surface without thickness, open at the top."""
    height = np.linspace(0, 1, 24)
    return turned_around_z([(0, 0), *zip(0.25 + 0.1 * np.sin(5 * height), height, strict=True)])


def leaf() -> Shape:
    across, along = (grid.ravel() for grid in np.meshgrid(np.linspace(-1, 1, 12), np.linspace(-1, 1, 25)))
    wide = 0.3 * np.sqrt(1.02 - along**2)
    points = np.stack((across * wide, 0.1 * across**2, along), -1)
    a = (np.arange(24)[:, None] * 12 + np.arange(11)).ravel()
    return points, np.concatenate((np.stack((a, a + 1, a + 13), 1), np.stack((a, a + 13, a + 12), 1)))


def without(shape: Shape, gone: Callable[[NDArray[Any]], NDArray[Any]]) -> Shape:
    points, triangles = shape
    return points, triangles[~gone(points[triangles].mean(axis=1))]


def many_holes() -> Shape:
    middles = np.random.default_rng(1).standard_normal((200, 3))
    middles /= np.linalg.norm(middles, axis=1)[:, None]
    return without(
        ball(around=160), lambda at: (np.linalg.norm(at[:, None] - middles[None], axis=2) < 0.03).any(axis=1)
    )


def crossing_sheets() -> Shape:
    """Two sheets that share the edges in the middle: four triangles meet there."""
    points = np.array([(x, y, z) for z in (0.0, 1.0) for x, y in ((0, 0), (0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5))])
    return points, np.array([face for i in (1, 2, 3, 4) for face in ((0, i, i + 5), (0, i + 5, 5))])


def split(shape: Shape) -> Shape:
    """The same with vertices of its own for each triangle."""
    points, triangles = shape
    return points[triangles.ravel()], np.arange(triangles.size).reshape(-1, 3)


def many_triangles() -> Shape:
    points, triangles = ball(around=1020)
    return points * (1 + 0.03 * np.sin(12 * points[:, :1]) * np.sin(15 * points[:, 1:2])), triangles


SHAPES: Final[Mapping[str, Callable[[], Shape]]] = {
    "chair with thin legs": chair,
    "cup": cup,
    "vase without a wall": vase,
    "leaf": leaf,
    "ball with 200 holes": many_holes,
    "ball with one large hole": lambda: without(ball(), lambda at: at[:, 0] > 0.7),
    "overlapping parts": lambda: joined(ball(), ball(0.7, (1.0, 0.0, 0.5))),
    "edges of four triangles": crossing_sheets,
    "cubes that share an edge": lambda: joined(box((1, 1, 1)), box((1, 1, 1), (1, 1, 0))),
    "split at seams": lambda: split(cup()),
}
