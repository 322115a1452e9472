# SPDX-License-Identifier: GPL-3.0-or-later
"""Subjects are cropped, padded to a square, and composed to several views in one transparent image."""

from __future__ import annotations

import composites
import numpy as np
import pytest
from image_to_3d.errors import ImageError
from image_to_3d.imaging.cutout import cut_out
from image_to_3d.imaging.framing import apply_cutout, compose_views, crop_and_pad
from image_to_3d.imaging.raster import label_components


@pytest.mark.parametrize("name", ["chair", "bottle"])
def test_a_cropped_subject_is_centered_in_a_square_with_a_small_margin(name: str) -> None:
    image = composites.on_gray(name, 0.4)
    found = cut_out(image)
    framed = crop_and_pad(apply_cutout(image, found), found)
    side = framed.shape[0]
    assert framed.shape == (side, side, 4)
    rows, columns = (np.flatnonzero((framed[..., 3] > 0.5).any(axis=axis)) for axis in (1, 0))
    assert max(np.ptp(rows), np.ptp(columns)) == pytest.approx(0.9 * side, abs=0.04 * side)
    for extent in (rows, columns):
        assert (extent[0] + extent[-1]) / 2 == pytest.approx(side / 2, abs=0.03 * side)


def test_a_margin_beyond_an_opaque_image_continues_its_background() -> None:
    image = composites.on_gray("bottle", 0.95)
    framed = crop_and_pad(image, cut_out(image), margin=0.2)
    assert framed[..., 3].min() == 1.0
    assert np.allclose(framed[0, 0, :3], 0.55, atol=0.02)


def test_an_image_without_a_subject_is_only_padded() -> None:
    image = np.full((60, 100, 4), 1.0, np.float32)
    framed = crop_and_pad(image, cut_out(image))
    assert framed.shape == (100, 100, 4)


def test_the_image_given_is_not_changed() -> None:
    image = np.pad(composites.subject("chair"), ((5, 5), (5, 5), (0, 0)))
    before = image.copy()
    crop_and_pad(image, cut_out(image), margin=0.3)
    assert np.array_equal(image, before)


@pytest.mark.parametrize("count", [1, 2, 6])
def test_several_views_stand_in_a_row_on_a_transparent_background(count: int) -> None:
    images = [composites.on_gray(name, 0.4) for name in ("bottle", "star", "pear", "chair", "vase", "cup")[:count]]
    views = compose_views([(image, cut_out(image)) for image in images])
    assert max(views.shape[:2]) <= 2048
    solid = views[..., 3] > 0.5
    labels = label_components(solid)
    sizes = np.bincount(labels.ravel())[1:]
    assert (sizes > 0.1 * sizes.max()).sum() == count
    assert not solid[0].any()
    first = cut_out(views, first_view=True).coverage > 0.5
    assert np.flatnonzero(first.any(axis=0))[-1] < views.shape[1] / count


def test_no_view_or_too_many_are_refused() -> None:
    image = composites.on_gray("star", 0.4)
    view = (image, cut_out(image))
    for views in ([], [view] * 7):
        with pytest.raises(ImageError):
            compose_views(views)
