# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a companion is called, the file on the disk has a name that is harmless on every system."""

from __future__ import annotations

import random
import re

import pytest
from image_to_3d.formats.companion_names import MAX_LENGTH, numbered, safe_name

PORTABLE = re.compile(r"[A-Za-z0-9_-]+\.(?:mtl|png|jpg|jpeg|webp|bmp|tga|bin)")
DEVICES = {"con", "prn", "aux", "nul", "conin", "conout", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(10))}
NAMES = [
    "", ".", "..", "../../x.png", "C:\\a\\b.png", "d:startup.bat", "\\\\host\\share\\x.png", "CON",
    "con.png", "COM1.mtl", "CONIN$.png", "a?.png", "x:y.png", "a.png ", "a.png.", ".hidden.png",
    "-rf.png", "x" * 5000 + ".png",
    "ä ö.png", "a\0b.png", "a.<UDIM>.png", "a.PNG", "a.exe", "a.png/x", "\u202egnp.exe", "lpt9.tga", "tex 1.jpeg",
]  # fmt: skip


def is_portable(name: str) -> bool:
    stem = name.rpartition(".")[0]
    return bool(PORTABLE.fullmatch(name)) and len(name) <= MAX_LENGTH and stem.lower() not in DEVICES


@pytest.mark.parametrize("theirs", NAMES)
def test_only_portable_names_reach_the_disk(theirs: str) -> None:
    assert is_portable(safe_name(theirs))
    assert is_portable(numbered(3, theirs))


def test_random_names_become_portable_and_stay_different() -> None:
    chooser = random.Random(6)
    taken: set[str] = set()
    for _ in range(2000):
        name = safe_name("".join(chooser.choices("aA1./\\:? \n\0é-", k=8)) + ".png", taken)
        assert is_portable(name)
        assert name.lower() not in taken
        taken.add(name.lower())


def test_a_usual_name_is_kept() -> None:
    assert safe_name("textures/chair_diffuse-2.png") == "chair_diffuse-2.png"
    assert safe_name("a.png", {"a.png"}) == "a-2.png"
