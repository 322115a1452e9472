# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a model from an image, without account or window: `python tools/demo.py [IMAGE]`.

Uses the extension's Python API in a temporary Blender user folder, with the offline preview as the service. Writes
demo/model.glb, demo/scene.blend and demo/preview.png.
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
USER_FOLDER = ROOT / "build" / "demo-user"
RESULTS_FOLDER = ROOT / "demo"
PACKAGE = "bl_ext.user_default.image_to_3d"

_started = time.monotonic()


def log(text: str) -> None:
    print(f"[{time.monotonic() - _started:5.1f} s] {text}", flush=True)


@contextmanager
def quiet_blender() -> Iterator[None]:
    """Discard what Blender prints: a line for each rendered sample."""
    sys.stdout.flush()
    terminal = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        yield
    finally:
        with suppress(OSError, TypeError):
            ctypes.CDLL(None).fflush(None)  # Blender's buffered output
        os.dup2(terminal, 1)
        os.close(terminal)
        os.close(null)


def fresh_blender() -> Any:
    """Returns bpy, with an empty user folder in which this repository is installed as the extension."""
    shutil.rmtree(USER_FOLDER, ignore_errors=True)
    extension = USER_FOLDER / "extensions" / "user_default" / "image_to_3d"
    extension.parent.mkdir(parents=True)
    try:
        extension.symlink_to(ROOT, target_is_directory=True)
    except OSError:  # Windows requires administrator rights for symbolic links
        shutil.copytree(ROOT, extension, ignore=shutil.ignore_patterns(".*", "build", "demo", "tests"))
    os.environ["BLENDER_USER_RESOURCES"] = str(USER_FOLDER)
    bpy: Any = importlib.import_module("bpy")  # after its user folder is set
    addon_utils = importlib.import_module("addon_utils")
    addon_utils.enable(PACKAGE, default_set=True)
    if PACKAGE not in bpy.context.preferences.addons:
        raise SystemExit("the extension could not be enabled; see the messages above")
    bpy.context.preferences.addons[PACKAGE].preferences.service = "OFFLINE"
    return bpy


def make_model(bpy: Any, image: Path) -> Any:
    """Generate a model, print the progress, and return the finished job. Raises SystemExit if it fails."""
    extension = importlib.import_module(PACKAGE)
    progress = importlib.import_module(f"{PACKAGE}.jobs.progress")
    for obj in list(bpy.data.objects):  # of the default scene
        bpy.data.objects.remove(obj)
    job = extension.generate(image)
    last = ""
    while True:
        try:
            job.wait(timeout=0.1)
            break
        except TimeoutError:
            if (text := progress.LABELS[job.job.state]) != last:
                log(f"  {text}")
                last = text
    if job.error or not job.objects:
        raise SystemExit(f"No model was made: {job.error or job.state}")
    return job


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, nargs="?", default=ROOT / "samples" / "chair.png")
    importlib.import_module("environment").use_utf8()
    image = parser.parse_args().image.expanduser().resolve()
    if not image.is_file():
        raise SystemExit(f"There is no image at {image}")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")

    log("Starting Blender")
    bpy = fresh_blender()
    log(f"Blender {bpy.app.version_string}: generating from {image.name} with the offline preview (not AI)")
    try:
        job = make_model(bpy, image)
        RESULTS_FOLDER.mkdir(exist_ok=True)
        shutil.copyfile(job.model_path, RESULTS_FOLDER / "model.glb")
        with quiet_blender():
            bpy.ops.file.pack_all()
            bpy.ops.wm.save_as_mainfile(filepath=str(RESULTS_FOLDER / "scene.blend"), compress=True)
        triangles = sum(len(o.data.loop_triangles) or len(o.data.polygons) for o in job.objects if o.type == "MESH")
        log(f"{triangles:,} triangles; rendering the preview")
        with quiet_blender():
            importlib.import_module("render_preview").render_preview(
                None, RESULTS_FOLDER / "preview.png", size=448, samples=12
            )
    finally:
        importlib.import_module("addon_utils").disable(PACKAGE)
    for name in ("model.glb", "scene.blend", "preview.png"):
        log(f"demo/{name}  {(RESULTS_FOLDER / name).stat().st_size / 1024:,.0f} KB")
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # bpy as a module can take seconds to exit
