# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `blender --command image_to_3d IMAGE…` makes models from images without a window.

options       what can be given, from the tables of parameters and settings
run           a run, from its options to its exit code
earlier_runs  what `--resume` finds in the journal
output        JSON lines on stdout, progress on stderr
mesh_tool     the command `tool`: a mesh tool on model files
model_files   the models by the names of their images, in the output folder
"""

from __future__ import annotations

from typing import Any, Final

import bpy

NAME: Final = "image_to_3d"

_handle: Any = None


def main(arguments: list[str]) -> int:
    """Run the command. Returns the exit code."""
    from .run import run  # imports argparse, json and the jobs: not when the extension is enabled

    return run(arguments)


def register() -> None:
    global _handle
    _handle = bpy.utils.register_cli_command(NAME, main)


def unregister() -> None:
    global _handle
    if _handle is not None:
        bpy.utils.unregister_cli_command(_handle)
        _handle = None
