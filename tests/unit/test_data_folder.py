# SPDX-License-Identifier: GPL-3.0-or-later
"""The data is in the system's own place, and a folder that is entered is what the artist means, on each system."""

from __future__ import annotations

import pytest
from image_to_3d.data_folder import default_folder, resolve_folder
from image_to_3d.errors import ParameterError

WINDOWS, MAC, LINUX = ("win32", r"C:\Users\Ann"), ("darwin", "/Users/ann"), ("linux", "/home/ann")


@pytest.mark.parametrize(
    ("system", "environment", "folder"),
    [
        (WINDOWS, {"LOCALAPPDATA": r"D:\Local"}, r"D:\Local\Image to 3D"),
        (WINDOWS, {}, r"C:\Users\Ann\AppData\Local\Image to 3D"),
        (WINDOWS, {"LOCALAPPDATA": "relative"}, r"C:\Users\Ann\AppData\Local\Image to 3D"),
        (MAC, {}, "/Users/ann/Library/Application Support/Image to 3D"),
        (LINUX, {}, "/home/ann/.local/share/image-to-3d"),
        (LINUX, {"XDG_DATA_HOME": "/data"}, "/data/image-to-3d"),
        (LINUX, {"XDG_DATA_HOME": "relative"}, "/home/ann/.local/share/image-to-3d"),
    ],
)
def test_the_data_is_in_the_systems_own_place(
    system: tuple[str, str], environment: dict[str, str], folder: str
) -> None:
    assert str(default_folder(system[0], environment, system[1])) == folder


def test_blender_from_the_microsoft_store_keeps_results_where_other_programs_see_them() -> None:
    folder = default_folder(*("win32", {"LOCALAPPDATA": r"C:\Users\Ann\AppData\Local"}, WINDOWS[1]), store_build=True)
    assert str(folder) == r"C:\Users\Ann\Image to 3D"


@pytest.mark.parametrize(
    ("system", "typed", "meant"),
    [
        (WINDOWS, "//server/share", "\\\\server\\share\\"),
        (WINDOWS, "//server/share/models", r"\\server\share\models"),
        (WINDOWS, r"\\server\share\models", r"\\server\share\models"),
        (WINDOWS, r"D:\models", r"D:\models"),
        (WINDOWS, "D:/models", r"D:\models"),
        (WINDOWS, "~", r"C:\Users\Ann"),
        (WINDOWS, r"~\models", r"C:\Users\Ann\models"),
        (WINDOWS, "~/models", r"C:\Users\Ann\models"),
        (MAC, "~/models", "/Users/ann/models"),
        (LINUX, " /models ", "/models"),
        (LINUX, "~", "/home/ann"),
        (LINUX, "/link/../models", "/link/../models"),
    ],
)
def test_a_folder_means_what_was_typed(system: tuple[str, str], typed: str, meant: str) -> None:
    assert str(resolve_folder(typed, *system)) == meant


@pytest.mark.parametrize(
    ("system", "chosen", "meant"),
    [
        (WINDOWS, "//results\\", r"D:\work\results"),
        (WINDOWS, r"//..\results\new", r"D:\results\new"),
        (LINUX, "//results/", "/work/scene/results"),
        (MAC, "//../results", "/work/results"),
    ],
)
def test_what_the_file_browser_writes_is_relative_to_the_saved_file(
    system: tuple[str, str], chosen: str, meant: str
) -> None:
    saved_in = r"D:\work" if system is WINDOWS else "/work/scene"
    assert str(resolve_folder(chosen, *system, saved_in)) == meant
    with pytest.raises(ParameterError, match="not saved"):
        resolve_folder(chosen, *system)


@pytest.mark.parametrize(
    ("system", "typed"),
    [
        *((WINDOWS, text) for text in ("D:models", r"\models", "/models", "models", "~bob/models", "%TEMP%\\models")),
        *((WINDOWS, text) for text in (r"\\server", r"\\.\COM1", r"\\?\C:\models", "//?/C:/models", "CON", "NUL:")),
        *(
            (LINUX, text)
            for text in ("models", "./models", "~bob/models", r"\\server\share", r"C:\models", "smb://s/x")
        ),
        *((MAC, text) for text in ("models", "$HOME/models", "/mo\ndels", "/mo\0dels")),
    ],
)
def test_a_folder_that_is_not_clear_is_refused_by_name(system: tuple[str, str], typed: str) -> None:
    with pytest.raises(ParameterError, match="can't be used"):
        resolve_folder(typed, *system)
