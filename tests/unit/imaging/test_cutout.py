# SPDX-License-Identifier: GPL-3.0-or-later
"""Subjects with known outlines are cut out of plain and photographic backgrounds."""

from __future__ import annotations

import composites
import numpy as np
import pytest
from image_to_3d.imaging.cutout import Cutout, cut_out
from image_to_3d.imaging.raster import label_components

pytestmark = pytest.mark.heavy


def parts(found: Cutout) -> int:
    """Number of separate parts of more than three pixels."""
    labels = label_components(found.coverage > 0.5)
    return int((np.bincount(labels.ravel())[1:] > 3).sum())


@pytest.mark.parametrize("kind", composites.PLAIN)
def test_a_subject_on_a_plain_background_is_cut_out_exactly(kind: str) -> None:
    rng = np.random.default_rng(5)
    for name in composites.SAMPLES + composites.DRAWN:
        image, wanted = composites.compose(name, composites.plain(kind, rng), rng)
        found = cut_out(image)
        assert not found.card
        assert composites.overlap(found.coverage > 0.5, wanted) > 0.95, name
        assert parts(found) == 1, name


def overlaps(names: tuple[str, ...], photos: tuple[str, ...], seed: int) -> dict[str, float]:
    """Returns the overlap of what is found with the subject, for each subject over each photo."""
    rng = np.random.default_rng(seed)
    result = {}
    for photo in photos:
        for name in names:
            image, wanted = composites.compose(name, composites.photo(photo), rng)
            found = cut_out(image)
            assert parts(found) == 1, (name, photo)
            result[f"{name} over {photo}"] = composites.overlap((found.coverage > 0.5) & (not found.card), wanted)
    return result


def test_one_complete_subject_without_scraps_is_cut_out_of_a_photo() -> None:
    measured = overlaps((*composites.SAMPLES, "star"), composites.PHOTOS[:2], 1)
    assert np.median(list(measured.values())) >= 0.8, measured


@pytest.mark.long
def test_subjects_are_cut_out_of_many_photos() -> None:
    measured = overlaps(composites.SAMPLES + composites.DRAWN, composites.PHOTOS + composites.MORE_PHOTOS, 2)
    assert np.median(list(measured.values())) >= 0.8, measured


@pytest.mark.parametrize("name", ["brick.png", "grass.png", "gravel.png"])
def test_where_nothing_can_be_separated_the_reason_is_reported(name: str) -> None:
    colors = composites.photo(name)
    found = cut_out(np.concatenate([colors, np.ones_like(colors[..., :1])], axis=-1))
    assert found.card
    assert str(found.reason)


@pytest.mark.parametrize("kind", composites.PLAIN)
def test_the_hole_of_a_handle_stays_open(kind: str) -> None:
    rng = np.random.default_rng(6)
    image, wanted = composites.compose("cup", composites.plain(kind, rng), rng)
    found = cut_out(image).coverage > 0.5
    outside = label_components(~wanted)
    corner = outside[0, 0]
    hole = (outside > 0) & (outside != corner)
    assert hole.sum() > 500
    assert (found & hole).sum() < 0.1 * hole.sum()


def test_the_same_image_gives_the_same_outline() -> None:
    image, _ = composites.compose("chair", composites.photo("coffee.png"), np.random.default_rng(7))
    assert np.array_equal(cut_out(image).coverage, cut_out(image).coverage)
