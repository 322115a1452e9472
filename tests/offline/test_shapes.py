# SPDX-License-Identifier: GPL-3.0-or-later
"""Background removal, and inflation of any outline to a closed, smooth volume of limited thickness."""

from __future__ import annotations

import numpy as np
import package_stub  # noqa: F401
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_to_3d.imaging.cutout import Cutout, cut_out
from image_to_3d.imaging.raster import FloatArray, blur
from image_to_3d.offline.shapes.inflate import MAX_HEIGHT, inflate
from image_to_3d.offline.shapes.surface import Surface, extract
from meshes import Mesh, open_edges

SIDE = 200
Y, X = np.mgrid[-1.0 : 1.0 : SIDE * 1j, -1.0 : 1.0 : SIDE * 1j].astype(np.float32)


def volume(surface: Surface) -> float:
    quads = surface.quads
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return Mesh(surface.vertices.astype(np.float64), triangles).volume


def inflated(mask: np.ndarray, steps: int = 60, seed: int = 1) -> Surface:
    return extract(inflate(Cutout(mask.astype(np.float32), False), steps, seed).height_squared)


OUTLINES = {
    "disc": np.hypot(X, Y) < 0.8,
    "ring": (np.hypot(X, Y) < 0.8) & (np.hypot(X, Y) > 0.4),
    "leaning bar": (np.abs(X + 0.3 * Y) < 0.08) & (np.abs(Y) < 0.8),
    "checkerboard": (np.floor(X * 4) + np.floor(Y * 4)) % 2 == 0,
    "cut off at the border": X + Y < 0.2,
    "two parts": (np.hypot(X - 0.5, Y) < 0.3) | (np.hypot(X + 0.5, Y) < 0.3),
    "everything": np.ones_like(X, dtype=bool),
}


@pytest.mark.parametrize("name", OUTLINES)
@pytest.mark.parametrize("steps", [24, 61, 160])
def test_every_outline_becomes_a_closed_volume_with_outward_faces(name: str, steps: int) -> None:
    surface = inflated(OUTLINES[name], steps)
    assert open_edges(surface.quads) == 0
    assert volume(surface) > 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 6.0), st.integers(24, 90))
def test_random_outlines_become_closed_volumes(seed: int, coarseness: float, steps: int) -> None:
    noise = blur(np.random.default_rng(seed).random((120, 120)).astype(np.float32), coarseness)
    surface = inflated(noise > np.median(noise), steps)
    assert open_edges(surface.quads) == 0
    assert volume(surface) > 0


def test_the_back_mirrors_the_front() -> None:
    points = inflated(OUTLINES["ring"]).vertices
    mirrored = points * np.array([1, 1, -1], np.float32)
    assert np.array_equal(np.unique(points, axis=0), np.unique(mirrored + 0.0, axis=0))


def test_thin_parts_stay_thin_and_the_thickness_is_limited() -> None:
    bar = inflated(OUTLINES["leaning bar"], 100).vertices
    width = 0.16 / 1.6 * 100
    assert 0.6 * width < np.ptp(bar[:, 2]) < 1.8 * width
    whole = inflated(np.abs(X) + 0.0 * Y < 2.0, 100).vertices
    assert np.ptp(whole[:, 2]) <= 2 * 1.1 * MAX_HEIGHT * 100


def test_a_symmetric_subject_becomes_a_solid_of_revolution() -> None:
    vase = np.abs(X) < 0.35 + 0.15 * np.sin(4 * Y)
    vase &= np.abs(Y) < 0.9
    field = inflate(Cutout(vase.astype(np.float32), False), 100, 1)
    assert field.revolved == 1.0
    points = extract(field.height_squared).vertices
    for height in np.quantile(points[:, 1], [0.25, 0.5, 0.75]):
        ring = points[np.abs(points[:, 1] - height) < 1.0]
        assert np.ptp(ring[:, 2]) == pytest.approx(np.ptp(ring[:, 0]), rel=0.2)


def test_the_surface_is_smooth() -> None:
    """The angle between neighboring faces of an inflated disc is small: no stairs, no lumps."""
    surface = inflated(np.hypot(X, Y + 0.1 * np.sin(3 * X)) < 0.8, 100)
    a, b, c, d = (surface.vertices[surface.quads[:, i]].astype(np.float64) for i in range(4))
    normals = np.cross(c - a, d - b)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    faces = np.repeat(np.arange(len(surface.quads)), 4)
    starts = surface.quads.ravel()
    ends = np.roll(surface.quads, -1, axis=1).ravel()
    order = np.lexsort((np.maximum(starts, ends), np.minimum(starts, ends)))
    pairs = faces[order].reshape(-1, 2)
    turn = np.degrees(np.arccos(np.clip((normals[pairs[:, 0]] * normals[pairs[:, 1]]).sum(axis=1), -1, 1)))
    assert np.quantile(turn, 0.99) < 15
    assert turn.max() < 60


def test_the_same_seed_gives_the_same_shape_and_another_seed_a_different_one() -> None:
    one, again, other = (inflated(OUTLINES["ring"], 60, seed) for seed in (7, 7, 8))
    assert np.array_equal(one.vertices, again.vertices)
    assert not np.array_equal(one.vertices[:, 2].max(), other.vertices[:, 2].max())


def image_file(colors: FloatArray, alpha: np.ndarray | float = 1.0) -> FloatArray:
    return np.concatenate([colors, np.broadcast_to(np.float32(1) * alpha, (SIDE, SIDE))[..., None]], axis=-1).astype(
        np.float32
    )


def agreement(found: Cutout, wanted: np.ndarray) -> float:
    """Intersection over union."""
    mask = found.coverage > 0.5
    return float((mask & wanted).sum() / (mask | wanted).sum())


def on(background: np.ndarray, color: tuple[float, float, float], subject: np.ndarray) -> FloatArray:
    soft = blur(subject.astype(np.float32), 0.7)[..., None]
    return (background * (1 - soft) + np.array(color, np.float32) * soft).astype(np.float32)


def gray(level: np.ndarray | float) -> np.ndarray:
    return np.ones((SIDE, SIDE, 3), np.float32) * np.asarray(level, np.float32)[..., None]


DISC = np.hypot(X, Y) < 0.6
RING = DISC & (np.hypot(X, Y) > 0.3)


def test_the_subject_is_found_by_its_alpha() -> None:
    found = cut_out(image_file(gray(0.5), DISC))
    assert not found.card
    assert agreement(found, DISC) > 0.97


@pytest.mark.parametrize(
    ("background", "color", "subject"),
    [
        (gray(1.0), (0.8, 0.2, 0.1), DISC),
        (gray(1.0), (0.8, 0.2, 0.1), RING),
        (gray(0.0), (0.1, 0.3, 0.6), DISC),
        (gray(0.75 + 0.1 * Y), (0.2, 0.5, 0.3), RING),
        (gray(0.98), (0.87, 0.87, 0.89), DISC),
        (
            gray(0.8 - 0.2 * np.exp(-((X / 0.7) ** 2) - ((Y + 0.6) / 0.12) ** 2)),
            (0.7, 0.1, 0.2),
            DISC,
        ),
    ],
    ids=["on white", "with a hole", "dark on black", "graded background", "white on white", "soft shadow"],
)
def test_the_background_of_an_opaque_image_is_removed(
    background: np.ndarray, color: tuple[float, float, float], subject: np.ndarray
) -> None:
    noise = np.random.default_rng(3).normal(0, 0.006, (SIDE, SIDE, 3))
    found = cut_out(image_file((on(background, color, subject) + noise).clip(0, 1).astype(np.float32)))
    assert not found.card
    assert agreement(found, subject) > 0.9


def test_an_image_without_a_subject_becomes_a_card() -> None:
    noise = np.random.default_rng(4).random((SIDE, SIDE, 3)).astype(np.float32)
    for colors in (noise, gray(0.4)):
        found = cut_out(image_file(colors))
        assert found.card
        assert (found.coverage > 0.5).mean() > 0.9
        thickness = np.ptp(extract(inflate(found, 100, 0).height_squared).vertices[:, 2])
        assert 2 < thickness < 8


def test_the_first_of_several_views_is_used() -> None:
    views = (np.hypot(X + 0.5, Y) < 0.35) | (np.hypot(X - 0.5, Y) < 0.4)
    found = cut_out(image_file(gray(0.5), views), first_view=True)
    assert agreement(found, np.hypot(X + 0.5, Y) < 0.35) > 0.95


def test_small_parts_are_removed_and_pinholes_closed() -> None:
    crumbs = DISC | (np.hypot(X - 0.9, Y - 0.9) < 0.04)
    crumbs &= np.hypot(X, Y - 0.2) > 0.015
    assert agreement(cut_out(image_file(gray(0.5), crumbs)), DISC) > 0.98
