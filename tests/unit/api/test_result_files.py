# SPDX-License-Identifier: GPL-3.0-or-later
"""A result's files are told apart whatever their order and names."""

from __future__ import annotations

import pytest
from image_to_3d.api.result_files import classify

GLB, GLB2, OBJ = "https://a.example/m.glb", "https://b.example/m.glb", "https://a.example/m.obj"
MP4, GIF, BARE, BARE2 = (
    "https://a.example/v.mp4",
    "https://a.example/v.gif",
    "https://a.example/one",
    "https://a.example/two",
)
MTL, PNG = "https://a.example/x/skin%20one.mtl?sig=1", "https://a.example/x/skin.png"


@pytest.mark.parametrize("links", [[(GLB, GLB2), (MP4,)], [(MP4,), (GLB, GLB2)]])
def test_model_and_video_are_told_by_their_extensions(links: list[tuple[str, ...]]) -> None:
    found = classify(links, "glb")
    assert found.model == (GLB, GLB2)
    assert found.video == (MP4,)
    assert (found.format, found.video_format) == ("glb", "mp4")


def test_a_model_alone_has_no_video() -> None:
    assert classify([(GLB,)], "glb").video is None


def test_a_turntable_may_be_an_animated_image() -> None:
    found = classify([(GIF,), (GLB,)], "glb")
    assert (found.video, found.video_format) == ((GIF,), "gif")


def test_an_extension_is_read_from_the_path_alone() -> None:
    assert classify(
        [("https://a.example/x.mp4?name=y.glb",), ("https://a.example/X.GLB?v=.mp4#a.mp4",)], "glb"
    ).model == ("https://a.example/X.GLB?v=.mp4#a.mp4",)


def test_a_file_without_extension_is_the_model() -> None:
    assert classify([(BARE,)], "glb").model == (BARE,)
    found = classify([(MP4,), (BARE,)], "glb")
    assert (found.model, found.video) == ((BARE,), (MP4,))
    found = classify([(BARE,), (GLB,)], "glb")
    assert (found.model, found.video) == ((GLB,), (BARE,))


def test_files_without_extensions_are_each_tried_as_both() -> None:
    found = classify([(BARE,), (BARE2,)], "glb")
    assert found.model == (BARE, BARE2)
    assert found.video == (BARE2, BARE)


def test_the_format_asked_for_is_chosen_and_another_is_better_than_none() -> None:
    assert classify([(GLB,), (OBJ,)], "obj").model == (OBJ,)
    found = classify([(GLB,)], "obj")
    assert (found.model, found.format) == ((GLB,), "glb")


def test_an_objs_materials_and_textures_come_with_it_under_their_own_names() -> None:
    found = classify([(MTL,), (OBJ,), (PNG, PNG + "?2"), (MP4,)], "obj")
    assert found.model == (OBJ,)
    assert found.companions == (("skin one.mtl", (MTL,)), ("skin.png", (PNG, PNG + "?2")))


def test_a_preview_image_is_no_part_of_a_glb() -> None:
    found = classify([(PNG,), (GLB,)], "glb")
    assert (found.model, found.companions, found.video) == ((GLB,), (), None)


@pytest.mark.parametrize("links", [[], [()], [(PNG,)]])
def test_nothing_that_could_be_a_model_gives_none(links: list[tuple[str, ...]]) -> None:
    assert classify(links, "glb").model == ()
