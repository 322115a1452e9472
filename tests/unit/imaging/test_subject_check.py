# SPDX-License-Identifier: GPL-3.0-or-later
"""An image that makes a bad model is recognized before it is sent; a good one raises no warning."""

from __future__ import annotations

import composites
import numpy as np
import pytest
from image_to_3d.imaging.raster import FloatArray
from image_to_3d.imaging.subject_check import check_image


def codes(image: FloatArray) -> list[str]:
    return [warning.code for warning in check_image(image)]


@pytest.mark.parametrize("kind", composites.PLAIN)
@pytest.mark.parametrize("name", ["chair", "bottle", "star", "cup"])
def test_a_good_image_raises_no_warning(name: str, kind: str) -> None:
    rng = np.random.default_rng(4)
    assert codes(composites.compose(name, composites.plain(kind, rng), rng)[0]) == []


@pytest.mark.parametrize("name", composites.SAMPLES)
def test_a_transparent_sample_raises_no_warning(name: str) -> None:
    assert codes(np.pad(composites.subject(name)[::-1], ((20, 20), (20, 20), (0, 0)))) == []


@pytest.mark.parametrize(
    ("side", "part"),
    [
        ("left", np.s_[:, 230:]),
        ("right", np.s_[:, :280]),
        ("bottom", np.s_[230:]),
        ("top", np.s_[:280]),
    ],
)
def test_a_subject_that_is_cut_off_names_the_side(side: str, part: tuple[slice, ...]) -> None:
    [warning] = check_image(composites.on_gray("pear")[part])
    assert warning.code == "cut_off"
    assert side in str(warning.message)


def test_a_tiny_subject_is_reported() -> None:
    assert codes(composites.on_gray("star", 0.15)) == ["tiny"]


def test_a_faint_subject_is_reported() -> None:
    image = composites.on_gray("star")
    image[..., :3] = 0.55 + (image[..., :3] - 0.55) * 0.12
    assert codes(image) in (["faint"], ["no_background"])


def test_a_nearly_uniform_image_is_reported() -> None:
    noise = np.random.default_rng(5).normal(0.5, 0.01, (300, 400, 4)).astype(np.float32)
    noise[..., 3] = 1.0
    assert codes(noise) == ["uniform"]


def test_a_texture_without_a_subject_is_reported() -> None:
    colors = composites.photo("grass.png")
    assert codes(np.concatenate([colors, np.ones_like(colors[..., :1])], axis=-1)) == ["no_background"]


def test_a_transparent_image_is_reported() -> None:
    image = composites.on_gray("star")
    image[..., 3] = 0.0
    assert codes(image) == ["nothing_visible"]
    chair = np.pad(composites.subject("chair"), ((20, 20), (20, 20), (0, 0)))
    chair[..., 3] *= 0.3
    assert codes(chair) == ["faint"]


def test_every_warning_is_a_sentence_that_survives_storage() -> None:
    for warning in check_image(composites.on_gray("pear")[:, 230:]):
        stored = type(warning.message).from_json(warning.message.to_json())
        assert str(stored).endswith(".")
        assert "{" not in str(stored)
