# SPDX-License-Identifier: GPL-3.0-or-later
"""Retake the README's screenshots: `python tools/screenshots.py [sidebar|offline-preview]`.

docs/images/sidebar.png          windowed Blender 5.2 in a chroot (see tools/blender; needs root on Debian)
docs/images/offline-preview.png  the render that `make demo` leaves

The images and the .blend are in a neutral folder, and the image is entered relative to the .blend, so that no path of
this machine is in the picture. Look at the pictures before you commit them.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SCENE_SCRIPT = ROOT / "tools" / "blender" / "screenshot_scene.py"
SUITE = "sid"
MODELS = ("chair", "toadstool", "vase")
"""Samples that are finished models in the screenshot."""
WAITING = "mug"
"""The sample that is being generated."""


def run(*command: object) -> str:
    """Run a program. Returns its output. Raises SystemExit with it if the program fails."""
    done = subprocess.run(
        [str(part) for part in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    return done.stdout


def take_sidebar(window: Any, folder: Path) -> None:
    """Start windowed Blender with the extension, let it generate the models, and take the screenshot."""
    pictures, user = folder / "Pictures", folder / "user"
    pictures.mkdir()
    user.mkdir()
    for name in (*MODELS, WAITING):
        shutil.copy(ROOT / "samples" / f"{name}.png", pictures)
    run(ROOT / "tools" / "blender" / "chroot", SUITE)
    archive = Path(run(sys.executable, ROOT / "tools" / "build.py", "--output", user).splitlines()[-1])
    install = ("--command", "extension", "install-file", "-r", "user_default", "-e", archive)
    window.run_windowless(SUITE, user, *install)
    no_splash = "import bpy; bpy.context.preferences.view.show_splash = False; bpy.ops.wm.save_userpref()"
    window.run_windowless(SUITE, user, "--background", "--python-expr", no_splash)
    blender = window.Blender(
        SUITE,
        user,
        folders=(pictures, SCENE_SCRIPT.parent),
        variables={"PICTURES": str(pictures), "MODELS": " ".join(MODELS), "WAITING": WAITING},
        limit=300,
        arguments=("--python", str(SCENE_SCRIPT)),
    )
    try:
        blender.open_sidebar("Image to 3D")
        blender.wait_until(lambda: len(blender.ask("jobs")) > len(MODELS), "the models were not generated", 200)
        blender.wait_until(lambda: blender.last_job()["state"] == "waiting", "the last job does not wait", 30)
        shutil.copyfile(blender.screenshot("sidebar"), IMAGES / "sidebar.png")
        if (state := blender.last_job()["state"]) != "waiting":
            raise SystemExit(f"The last job is {state} already: take it again.")
    finally:
        blender.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", nargs="*", default=["sidebar", "offline-preview"])
    which = parser.parse_args().which
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    window = importlib.import_module("window")
    if "sidebar" in which:
        if reason := window.why_not():
            raise SystemExit(reason)
        with tempfile.TemporaryDirectory(prefix="image-to-3d-") as folder:
            take_sidebar(window, Path(folder))
        print(IMAGES / "sidebar.png")
    if "offline-preview" in which:
        run(sys.executable, ROOT / "tools" / "demo.py", ROOT / "samples" / "chair.png")
        shutil.copyfile(ROOT / "demo" / "preview.png", IMAGES / "offline-preview.png")
        print(IMAGES / "offline-preview.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
