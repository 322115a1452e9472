# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way from an image to a model, without account or window: `python tools/demo.py [IMAGE]`.

Uses the extension as an artist's script does, in a Blender user folder of its own, with the offline preview as the
service. Leaves demo/model.glb, demo/scene.blend and demo/preview.png.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import logging
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
USER = ROOT / "build" / "demo-user"
RESULTS = ROOT / "demo"
PACKAGE = "bl_ext.user_default.image_to_3d"

_started = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - _started:5.1f} s] {text}", flush=True)


@contextmanager
def quiet_blender() -> Iterator[None]:
    """Blender tells the terminal of each sample it renders; nobody wants to know."""
    sys.stdout.flush()
    terminal = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        with suppress(OSError, TypeError):
            ctypes.CDLL(None).fflush(None)  # what Blender has yet to write
        os.dup2(terminal, 1)
        os.close(terminal)
        os.close(nowhere)


def fresh_blender() -> Any:
    """bpy with an empty user folder in which this repository is the installed extension."""
    shutil.rmtree(USER, ignore_errors=True)
    extension = USER / "extensions" / "user_default" / "image_to_3d"
    extension.parent.mkdir(parents=True)
    try:
        extension.symlink_to(ROOT, target_is_directory=True)
    except OSError:  # Windows allows links to administrators only
        shutil.copytree(ROOT, extension, ignore=shutil.ignore_patterns(".*", "build", "demo", "tests"))
    os.environ["BLENDER_USER_RESOURCES"] = str(USER)
    bpy: Any = importlib.import_module("bpy")  # only now, when its user folder is set
    addon_utils = importlib.import_module("addon_utils")
    addon_utils.enable(PACKAGE, default_set=True)
    if PACKAGE not in bpy.context.preferences.addons:
        raise SystemExit("the extension could not be enabled; see the messages above")
    bpy.context.preferences.addons[PACKAGE].preferences.service = "OFFLINE"
    return bpy


def make_model(bpy: Any, image: Path) -> Any:
    """The finished job. Raises SystemExit with the reason where it fails."""
    extension = importlib.import_module(PACKAGE)
    progress = importlib.import_module(f"{PACKAGE}.jobs.progress")
    for thing in list(bpy.data.objects):  # the start-up scene's cube
        bpy.data.objects.remove(thing)
    job = extension.generate(image)
    last = ""
    while True:
        try:
            job.wait(timeout=0.1)
            break
        except TimeoutError:
            if (text := progress.label(job.job.state)) != last:
                say(f"  {text}")
                last = text
    if job.error or not job.objects:
        raise SystemExit(f"No model was made: {job.error or job.state}")
    return job


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, nargs="?", default=ROOT / "samples" / "chair.png")
    image = parser.parse_args().image.expanduser().resolve()
    if not image.is_file():
        raise SystemExit(f"There is no image at {image}")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")

    say("Starting Blender")
    bpy = fresh_blender()
    say(f"Blender {bpy.app.version_string}: a model of {image.name}, by the offline preview (rough shapes, no AI)")
    try:
        job = make_model(bpy, image)
        RESULTS.mkdir(exist_ok=True)
        shutil.copyfile(job.model_path, RESULTS / "model.glb")
        with quiet_blender():
            bpy.ops.file.pack_all()
            bpy.ops.wm.save_as_mainfile(filepath=str(RESULTS / "scene.blend"), compress=True)
        triangles = sum(len(o.data.loop_triangles) or len(o.data.polygons) for o in job.objects if o.type == "MESH")
        say(f"{triangles:,} triangles are in the scene; rendering it")
        with quiet_blender():
            importlib.import_module("render_preview").render_preview(
                None, RESULTS / "preview.png", size=448, samples=12
            )
    finally:
        importlib.import_module("addon_utils").disable(PACKAGE)
    for name in ("model.glb", "scene.blend", "preview.png"):
        say(f"demo/{name}  {(RESULTS / name).stat().st_size / 1024:,.0f} KB")
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # bpy as a module can take its time to leave
