# SPDX-License-Identifier: GPL-3.0-or-later
"""All that an artist does from the installed zip to an earlier result, with mouse and keyboard alone.

What is asked of Blender only says how things stand; no script does what a hand can do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pixels
import pytest
from slow_service import KEY, SlowService
from window import HEIGHT, ROOT, Blender

TAB = "Image to 3D"
LEFT, BELOW = 140, 100
"""Pixels from the search field, where the popover opens under the mouse, to the name of the first result."""
UP, DOWN = 4, 5
"""The mouse wheel's buttons, as X11 numbers them."""


def show_tab(blender: Blender) -> None:
    """Press N over the viewport, and click the tab."""
    blender.point(*blender.center())
    blender.press("n")
    time.sleep(0.5)
    x, y, width, height = blender.ask("rectangle", kind="UI")
    for down in range(y + height - 30, y + 30, -30):
        blender.click(x + width - 9, down)
        if blender.ask("category") == TAB:
            return
    blender.screenshot("no-tab")
    raise AssertionError("no tab of the add-on in the sidebar")


def allow_online_access(blender: Blender) -> None:
    """Follow the panel's button to Blender's preferences, and check the box there."""
    assert not blender.ask("online_access")
    blender.press_button("image_to_3d.allow_online")
    blender.wait_until(lambda: blender.ask("preferences_open"), "the preferences did not open", 10)
    time.sleep(0.5)
    blender.press_button("a property", "PREFERENCES")  # the first one that is shown
    blender.screenshot("path-1-online")
    blender.wait_until(lambda: blender.ask("online_access"), "the box did not allow online access", 5)
    close_preferences(blender)


def choose_custom_service(blender: Blender, gear: float, height: float) -> None:
    """Choose the service on loopback, the fourth in the menu beside the gear."""
    blender.click(gear - 100, height)
    time.sleep(0.5)
    blender.click(gear - 100, height - 119)
    blender.wait_until(lambda: blender.ask("preference", name="service") == "CUSTOM", "it was not chosen", 5)


def close_preferences(blender: Blender) -> None:
    """As the window manager's cross does, which the tests' screen does not have."""
    blender.ask("close_preferences")
    time.sleep(0.7)  # until the keyboard is the other window's


def enter_a_wrong_and_then_the_right_key(blender: Blender) -> None:
    blender.press_button("image_to_3d.open_preferences")  # "Enter API Key…"
    blender.wait_until(lambda: blender.ask("preferences_open"), "the preferences did not open", 10)
    test_button, height = blender.find("image_to_3d.test_key", "PREFERENCES")
    shown = tuple(blender.ask("rectangle", kind="PREFERENCES"))
    shown = (*shown[:3], min(shown[3], HEIGHT - shown[1]))

    def enter(key: str) -> None:
        blender.click(test_button - 100, height, times=2)  # the key's field is beside it
        time.sleep(0.3)
        blender.press("ctrl+a")
        blender.write(key)
        blender.press("Return")

    enter("a-wrong-key")
    blender.wait_until(lambda: blender.ask("account")["code"] == "key_rejected", "the wrong key was not tested", 20)
    wrong = blender.screenshot("path-2-wrong-key")
    enter(KEY)
    blender.wait_until(lambda: blender.ask("account")["value"], "the right key was not tested", 20)
    right = blender.screenshot("path-3-right-key")
    assert pixels.red(pixels.read(wrong, shown)) > pixels.red(pixels.read(right, shown)) + 50
    close_preferences(blender)


def choose_first_image(blender: Blender, folder: Path) -> None:
    """Type a folder's path into the file browser, and double-click its first image."""
    blender.press_button("image_to_3d.choose_image")
    x, y, _width, height = blender.turn_file_browser_to(folder)
    blender.screenshot("path-4-image")
    blender.click(x + 60, y + height - 60, times=2)
    blender.wait_until(lambda: not blender.ask("file_browser"), "the file browser stays open", 10)


def scroll(blender: Blender, button: int) -> None:
    """Turn the mouse wheel over the sidebar until its end."""
    blender.point(*blender.center("UI"))
    blender.run("xdotool", "click", "--repeat", 20, "--delay", 10, button)
    time.sleep(0.5)


def models(blender: Blender) -> list[str]:
    return [name for name, thing in blender.ask("objects").items() if thing["type"] == "MESH"]


def shown_models(blender: Blender) -> list[str]:
    """The names of the models that are not hidden."""
    return [name for name, thing in blender.ask("objects").items() if thing["type"] == "MESH" and thing["visible"]]


def click_quality(blender: Blender, wanted: str, share: float) -> None:
    """Click one of the three buttons for the quality, at a fraction of their width."""
    x, _y, width, _height = blender.ask("rectangle", kind="UI")
    _middle, height = blender.find("image_to_3d.quality")
    blender.click(x + 10 + (width - 40) * share, height)
    assert blender.ask("setting", name="quality") == wanted


def all_placed(blender: Blender, count: int) -> None:
    blender.wait_until(
        lambda: [job["state"] for job in blender.ask("jobs")] == ["placed"] * count, f"no {count} models", 60
    )


@pytest.mark.newest
def test_an_artist_gets_from_the_installed_zip_to_an_earlier_result_with_mouse_and_keyboard(
    start: Callable[..., Blender], slow_service: SlowService, small_model: Path
) -> None:
    slow_service.deliver(small_model)
    slow_service.seconds = 1.0
    variables = {"IMAGE_TO_3D_BASE_URL": slow_service.base_url, "HTTPS_PROXY": "http://127.0.0.1:9"}
    blender = start(network=True, variables=variables, limit=300)
    blender.ask("show_file_browser_in_the_window")
    show_tab(blender)
    gear = blender.find("image_to_3d.open_preferences")
    allow_online_access(blender)
    choose_custom_service(blender, *gear)
    enter_a_wrong_and_then_the_right_key(blender)
    choose_first_image(blender, ROOT / "samples")
    assert Path(blender.ask("setting", name="image")).name == "chair.png"

    click_quality(blender, "DRAFT", 0.1)
    blender.point(*blender.center())
    blender.press("x", "Return")  # the cube makes place
    blender.press_button("image_to_3d.generate")
    all_placed(blender, 1)
    first: dict[str, Any] = blender.last_job()
    assert blender.ask("selection")["active"] == first["objects"][0]
    blender.screenshot("path-5-arrived")

    scroll(blender, DOWN)
    button = blender.find("image_to_3d.vary_seed")
    blender.click(button[0], button[1] + 20, times=2)  # the number above it
    blender.press("ctrl+a", "2", "Return")
    time.sleep(0.5)
    blender.click_button("image_to_3d.vary_seed", *button)
    time.sleep(0.5)
    blender.screenshot("path-6-variations")
    assert not blender.ask("batches")  # it asks first
    blender.press("Return")
    blender.wait_until(lambda: blender.ask("batches"), "the dialog started nothing", 10)
    batch = blender.ask("batches")[0]
    assert (batch["name"], batch["total"]) == ("Variations of chair", 2)
    all_placed(blender, 3)
    assert len(slow_service.submitted) == 3
    assert len(shown_models(blender)) == 3
    scroll(blender, DOWN)
    keep = blender.find("image_to_3d.keep_variation")
    x, _y, width, _height = blender.ask("rectangle", kind="UI")
    next_one = (x + width - 50, keep[1] + 20)
    blender.click_button("image_to_3d.show_variation", *next_one)
    blender.wait_until(lambda: len(shown_models(blender)) == 1, "it does not show one variation alone", 5)
    blender.screenshot("path-7-one-variation")
    kept = shown_models(blender)
    blender.click_button("image_to_3d.keep_variation", *keep)
    blender.wait_until(lambda: len(models(blender)) == 1, "the other variations are still there", 5)
    assert models(blender) == kept

    scroll(blender, UP)
    click_quality(blender, "HIGH", 0.9)
    x, y = gear[0] - 21, gear[1]  # beside the gear
    blender.click_button("image_to_3d.show_results", x, y)
    time.sleep(0.7)
    blender.screenshot("path-8-results")
    blender.click(x - LEFT, y - BELOW)
    time.sleep(1.0)
    blender.screenshot("path-9-result")

    def is_placed() -> bool:
        if len(models(blender)) == 2:
            return True
        blender.run("xdotool", "click", 1)  # the menu opens with its first entry under the mouse
        time.sleep(1.5)
        return False

    blender.wait_until(is_placed, "the result was not placed", 15)
    assert len(slow_service.submitted) == 3
    blender.point(*blender.center())
    blender.press("Escape", "Escape")  # the popover stays open, for more results
    time.sleep(0.5)
    scroll(blender, DOWN)
    blender.press_button("image_to_3d.use_model_settings")
    blender.wait_until(lambda: blender.ask("setting", name="quality") == "DRAFT", "the settings are not the model's", 5)
    scroll(blender, UP)
    blender.screenshot("path-10-settings")
