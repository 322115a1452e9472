# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that are dropped into the viewport, captured, pasted, or open in an editor, in Blender with its window."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from window import HEIGHT, INSIDE, Blender

X11 = INSIDE / "x11_source.py"
"""Imitates another program on Blender's screen."""


def drop(blender: Blender, *paths: Path) -> None:
    """Drag files onto the middle of the viewport, and choose the extension in the menu that Blender then shows."""
    x, y = blender.center()
    blender.point(x, y)
    uris = "".join(f"{path.as_uri()}\r\n" for path in paths)
    blender.run("python3", X11, "drop", round(x), HEIGHT - 1 - round(y), uris)
    time.sleep(0.8)


def offer(blender: Blender, formats: str, content: Path) -> None:
    """Let another program own the clipboard."""
    blender.run("bash", "-c", f"python3 {X11} own {formats} {content} >/tmp/own.log 2>&1 & sleep 1; cat /tmp/own.log")


def choose_from_menu(blender: Blender, letter: str, button: tuple[float, float] | None = None) -> None:
    """Open the menu beside the panel's image, and choose the entry with this underlined letter.

    `button`: where the button for files is; looking for it uses the clipboard.
    """
    x, y = button or blender.find("image_to_3d.choose_image")
    blender.click(x + 22, y)
    time.sleep(0.4)
    blender.press(letter)
    time.sleep(0.5)


@pytest.mark.newest
def test_a_dropped_image_is_generated_from_only_after_a_click(blender: Blender, chair: Path) -> None:
    drop(blender, chair)
    blender.screenshot("drop-1-menu")
    blender.press("g")  # "Generate 3D Model" beside Blender's own "Add Empty Image"
    time.sleep(0.8)
    blender.screenshot("drop-2-question")
    assert blender.ask("jobs") == []
    assert blender.ask("setting", name="image") == str(chair)
    blender.press("Return")
    assert blender.wait_for("placed", "failed", "ready")["state"] == "placed"
    blender.screenshot("drop-3-model")


@pytest.mark.newest
def test_a_dropped_image_costs_nothing_if_the_question_is_cancelled(blender: Blender, chair: Path) -> None:
    drop(blender, chair)
    blender.press("g")
    time.sleep(0.8)
    blender.press("Escape")
    time.sleep(0.5)
    assert blender.ask("jobs") == []
    assert blender.ask("setting", name="image") == str(chair)


@pytest.mark.newest
def test_several_dropped_images_become_one_batch(blender: Blender, chair: Path, tmp_path: Path) -> None:
    files = [Path(shutil.copy(chair, tmp_path / name)) for name in ("one chair.png", "zwei Stühle.png", "3.png")]
    drop(blender, *files)
    blender.press("g")
    time.sleep(0.8)
    blender.screenshot("drop-several-question")
    assert blender.ask("batches") == []
    blender.press("Return")
    blender.wait_until(lambda: [each["total"] for each in blender.ask("batches")] == [3], "no batch was started", 10)
    blender.wait_until(
        lambda: [job["state"] for job in blender.ask("jobs")] == ["placed"] * 3, "not all models were placed", 90
    )
    blender.screenshot("drop-several-models")


@pytest.mark.newest
def test_the_viewport_is_captured_without_overlays_and_its_settings_are_restored(
    blender: Blender, measured: Callable[[dict[str, object]], None]
) -> None:
    before = blender.ask("viewport_settings")
    choose_from_menu(blender, "v")
    blender.wait_until(lambda: "Viewport" in blender.ask("setting", name="image"), "no image was captured", 20)
    started = blender.ask("now")
    blender.ask("invoke", operator="image_to_3d.image_from_viewport")
    measured({"seconds": blender.ask("now") - started})
    assert blender.ask("viewport_settings") == before
    pixels = np.asarray(Image.open(blender.ask("setting", name="image")))
    height, width = pixels.shape[:2]
    _, _, view_width, view_height = blender.ask("rectangle", kind="WINDOW")
    assert width < view_width / 3  # the cube with a margin; neither grid, axes nor camera
    assert height < view_height / 3
    opaque = pixels[..., 3] > 0
    assert 0.3 < opaque.mean() < 0.9
    assert not opaque[0].any()
    colors = pixels[opaque][:, :3]
    assert np.ptp(colors.astype(int), axis=1).max() < 30  # gray: no orange outline
    blender.screenshot("captured-viewport")


@pytest.mark.newest
def test_the_last_render_is_captured(blender: Blender) -> None:
    with pytest.raises(AssertionError, match="F12"):
        blender.ask("invoke", operator="image_to_3d.image_from_render")
    blender.ask("render_small")
    blender.ask("invoke", operator="image_to_3d.image_from_render")
    pixels = np.asarray(Image.open(blender.ask("setting", name="image")))
    assert pixels.shape == (200, 200, 4)
    assert np.ptp(pixels[..., 0].astype(int)) > 15  # the cube and its background
    blender.screenshot("captured-render")


@pytest.mark.newest
def test_an_image_that_is_open_in_the_image_editor_can_be_generated_from(blender: Blender, chair: Path) -> None:
    blender.ask("show_image_in_editor", path=str(chair))
    blender.ask("invoke", operator="image_to_3d.generate_from_editor", editor="IMAGE_EDITOR")
    time.sleep(0.8)
    blender.screenshot("image-editor-question")
    assert blender.ask("source_image") == "chair.png"
    assert blender.ask("jobs") == []
    blender.press("Return")
    assert blender.wait_for("placed", "failed", "ready")["state"] == "placed"
    blender.screenshot("image-editor-model")


@pytest.mark.newest
def test_an_image_in_blender_stays_chosen_in_a_saved_file(blender: Blender, chair: Path, tmp_path: Path) -> None:
    blender.ask("show_image_in_editor", path=str(chair))
    blender.ask("invoke", operator="image_to_3d.image_from_editor")
    blender.ask("save_as", path=str(tmp_path / "saved.blend"))
    blender.ask("reopen")
    assert blender.ask("source_image") == "chair.png"
    blender.open_sidebar("Image to 3D")
    blender.screenshot("source-image-reopened")
    blender.press_button("image_to_3d.generate")
    assert blender.wait_for("placed", "failed", "ready")["state"] == "placed"


@pytest.mark.parametrize("text", ['"{path}"', "https://example.com/chair.png", "{uri}\n{uri}"])
@pytest.mark.newest
def test_a_file_or_an_address_in_the_clipboard_is_used(
    blender: Blender, chair: Path, tmp_path: Path, text: str
) -> None:
    content = tmp_path / "text"
    content.write_text(text.format(uri=chair.as_uri(), path=chair))
    button = blender.find("image_to_3d.choose_image")
    offer(blender, "UTF8_STRING,text/plain,text/plain;charset=utf-8".replace(";", "\\;"), content)
    choose_from_menu(blender, "c", button)
    expected = "https://example.com/chair.png" if text.startswith("https") else str(chair)
    blender.wait_until(lambda: blender.ask("setting", name="image") == expected, f"{text} was not used", 10)


@pytest.mark.newest
def test_an_image_in_the_clipboard_is_used_or_the_artist_is_told_what_to_do(blender: Blender, chair: Path) -> None:
    offer(blender, "image/png", chair)
    before = blender.ask("viewport_settings")
    if blender.ask("blender_can_paste_image"):  # not on X11, up to Blender 5.2
        blender.ask("invoke", operator="image_to_3d.image_from_clipboard")
        pasted = np.asarray(Image.open(blender.ask("setting", name="image")).convert("RGBA")).astype(int)
        assert np.abs(pasted - np.asarray(Image.open(chair).convert("RGBA"))).max() <= 1
    else:
        with pytest.raises(AssertionError, match="drop the file into the viewport"):
            blender.ask("invoke", operator="image_to_3d.image_from_clipboard")
    assert blender.ask("viewport_settings") == before
