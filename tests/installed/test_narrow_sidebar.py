# SPDX-License-Identifier: GPL-3.0-or-later
"""In a narrow sidebar, no label is cut off in any language."""

from __future__ import annotations

from typing import Any

import pytest
import texts

from .conftest import part
from .test_translations import LANGUAGES

POINTS = 11.0
"""The size of the interface's font."""
BUTTON = 100
"""Points that the label of a button has beside its icon in a sidebar of 180 points, or without one in a box."""
TITLE = 103
"""Points that the title of a panel has there."""


def too_wide(labels: list[str], locale: str, room: int) -> list[str]:
    """The labels that are wider in a language than there is room, and how wide."""
    import blf

    translations = texts.read(locale) if locale != "en_US" else {}
    blf.size(0, POINTS)
    widths = {label: blf.dimensions(0, translations.get(label, label))[0] for label in labels}
    return [
        f"{label} ({translations.get(label, label)}): {width:.0f}" for label, width in widths.items() if width > room
    ]


@pytest.mark.parametrize("locale", ["en_US", *LANGUAGES])
def test_the_labels_for_little_room_fit_into_a_narrow_sidebar(extension: Any, locale: str) -> None:
    tools = [label for row in part("panels.mesh_tools")._ROWS for _operator, label, _icon in row]
    check = part("imaging.subject_check")
    verdicts = [message.template for message in (*check.TITLES.values(), check.NOT_CUT_OUT)]
    shorter = map(part("panels.buttons").shorter, [*part("panels.buttons").SHORTER, *tools])
    assert too_wide([*shorter, *verdicts], locale, BUTTON) == []


@pytest.mark.parametrize("locale", ["en_US", *LANGUAGES])
def test_the_titles_of_the_panels_fit_into_a_narrow_sidebar(extension: Any, locale: str) -> None:
    panels = part("panels.main").SidebarPanel.__subclasses__()
    panels += part("panels.settings").SettingsPanel.__subclasses__()
    titles = [panel.bl_label for panel in panels if hasattr(panel, "bl_label")]
    assert len(titles) > 8
    assert too_wide([*titles, "Mesh Report", "Views"], locale, TITLE) == []
