# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the screenshots of the documentation: `python tools/screenshots.py [STATE…] [options]`.

docs/images/STATE-292.png                 the panel in each state (tools/screenshot_states.py), 292 pixels wide
docs/images/STATE-292-light-trixie.png    in another look: see `documented`
docs/images/preferences.png               the add-on's preferences
docs/images/results.png                   the popover with the results
docs/images/sidebar.png                   the whole window
docs/images/offline-preview.png           the render that `make demo` leaves

Blender runs in a chroot (see tools/blender; needs root on Debian), with a service on loopback in the place of
ModelsLab. To look at all combinations of some themes, languages and widths:

    tools/screenshots.py --output build/panels --suites trixie sid --themes dark light --widths 180 292 500

The images and the .blend are in a neutral folder, and entered relative to the .blend, so that no path of this machine
is in a picture. Look at the pictures before you commit them.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageChops
from screenshot_states import OTHER_VERSIONS, STATES, TRANSLATED, WITHOUT_KEY, WITHOUT_WIDTH, Stage

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
MODELSLAB = "https://modelslab.com/api/v6"
SAMPLES = ("chair", "mug", "toadstool", "vase")
SUITE, THEME, LANGUAGE, WIDTH = "sid", "dark", "en_US", 292
"""What the documentation mostly shows."""
TALL = 1700
"""Height of the screen, so that no panel has to be scrolled."""
TABS = 22
"""Width of the sidebar's tabs."""
MARGIN = 6
"""Background that is kept below the last panel."""
RENDER = "offline-preview"


class Look(NamedTuple):
    """How the panel is shown."""

    theme: str = THEME
    language: str = LANGUAGE
    width: int = WIDTH

    def file_name(self, state: str, suite: str) -> str:
        parts = [state, *([] if state in WITHOUT_WIDTH else [str(self.width)])]
        shown = (self.theme, THEME), (self.language, LANGUAGE), (suite, SUITE)
        return "-".join([*parts, *(part for part, usual in shown if part != usual)]) + ".png"


def documented(state: str, suite: str) -> list[Look]:
    """Returns the looks of a state that the documentation shows."""
    if suite != SUITE:
        return [Look()] if state in OTHER_VERSIONS else []
    if state in WITHOUT_WIDTH:
        return [Look()]
    looks = [Look(width=width) for width in (180, WIDTH, 500)] + [Look(theme="light")]
    return looks + ([Look(language=language) for language in ("de_DE", "ja_JP")] if state in TRANSLATED else [])


def run(*command: object) -> str:
    """Run a program. Returns its output. Raises SystemExit with it if the program fails."""
    done = subprocess.run(
        [str(part) for part in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    return done.stdout


def make_models(folder: Path) -> dict[str, bytes]:
    """Returns a model for each sample, as the offline preview makes them."""
    offline = importlib.import_module("loopback_services").offline_service(folder)
    try:
        service = importlib.import_module("service").Service(*offline.access())
        images = {name: ROOT / "samples" / f"{name}.png" for name in SAMPLES}
        return {name: service.make(image, folder)["glb"].read_bytes() for name, image in images.items()}
    finally:
        offline.stop()


def install(window: Any, suite: str, folder: Path) -> Path:
    """Install the extension into a user folder for a Blender version. Returns the folder."""
    user = folder / f"user-{suite}"
    user.mkdir()
    run(ROOT / "tools" / "blender" / "chroot", suite)
    archive = Path(run(sys.executable, ROOT / "tools" / "build.py", "--output", user).splitlines()[-1])
    window.run_windowless(suite, user, "--command", "extension", "install-file", "-r", "user_default", "-e", archive)
    no_splash = "import bpy; bpy.context.preferences.view.show_splash = False; bpy.ops.wm.save_userpref()"
    window.run_windowless(suite, user, "--background", "--python-expr", no_splash)
    return user


def take_for_modelslab(user: Path, base_url: str) -> None:
    """Change the installed extension, so that it takes a service on loopback for ModelsLab."""
    config = user / "extensions" / "user_default" / "image_to_3d" / "jobs" / "config.py"
    text = config.read_text(encoding="utf-8")
    if MODELSLAB not in text:
        raise SystemExit(f"{MODELSLAB} is not in jobs/config.py")
    config.write_text(text.replace(MODELSLAB, base_url), encoding="utf-8")


@contextmanager
def stage(window: Any, state: str, suite: str, installed: Path, models: dict[str, bytes]) -> Iterator[Stage]:
    """Start a Blender with a copy of the user folder, and a service for it."""
    scripted_service = importlib.import_module("scripted_service")
    service = scripted_service.ScriptedService(eta=150)
    with tempfile.TemporaryDirectory(prefix="image-to-3d-") as folder:
        user, images = Path(folder, "user"), Path(folder, "Images")
        shutil.copytree(installed, user)
        take_for_modelslab(user, service.base_url)
        (images / "references").mkdir(parents=True)
        for name in SAMPLES:
            shutil.copy(ROOT / "samples" / f"{name}.png", images)
            if name == "chair":  # cut off at two edges
                Image.open(ROOT / "samples" / "chair.png").crop((200, 150, 640, 640)).save(images / "cropped.png")
            for number in range(1, 4):
                shutil.copy(ROOT / "samples" / f"{name}.png", images / "references" / f"{name} {number}.png")
        blender = window.Blender(
            suite,
            user,
            folders=(images, ROOT / "tools" / "blender"),
            variables={} if state in WITHOUT_KEY else {"MODELSLAB_API_KEY": "a-key-for-screenshots"},
            network=True,
            height=window.HEIGHT if state == "sidebar" else TALL,
            limit=300,
            arguments=("--enable-event-simulate",),
        )
        try:
            found = Stage(blender, service, models, scripted_service)
            found.inside("prepare", scene=str(images / "scene.blend"), whole_window=state == "sidebar")
            yield found
        finally:
            blender.close()
            service.close()


def set_width(shown: Stage, width: int) -> None:
    """Drag the sidebar's edge until it is as wide as wanted."""
    for _ in range(4):
        x, y, now, height = shown.blender.ask("rectangle", kind="UI")
        if abs(now - width) <= 2:
            return
        shown.drag(x + 1, y + height - 60, x + 1 + now - width)  # beside a panel: elsewhere the edge does not react
    raise SystemExit(f"The sidebar is {now} pixels wide, not {width}.")


def without_background(panel: Image.Image) -> Image.Image:
    """Returns the panels without the empty part of the sidebar below them."""
    panel = panel.crop((2, 2, panel.width - 2, panel.height - MARGIN))  # without the editor's border and round corners
    empty = Image.new("RGB", panel.size, panel.getpixel((panel.width // 2, panel.height - 1)))
    box = ImageChops.difference(panel, empty).getbbox()
    return panel.crop((0, 0, panel.width, min(box[3] + MARGIN, panel.height))) if box else panel


def cut(screen: Path, rectangle: list[int], height: int) -> Image.Image:
    """Returns a part of a screenshot. `rectangle`: x, y, width, height, from the lower left as Blender counts."""
    x, y, width, part = rectangle
    return Image.open(screen).convert("RGB").crop((x, height - y - part, x + width, height - y))


def save(picture: Image.Image, target: Path) -> None:
    """Write a PNG with a palette, which is a third of the size and looks the same for an interface."""
    target.parent.mkdir(parents=True, exist_ok=True)
    palette = picture.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)
    palette.save(target, optimize=True)
    print(target, f"{target.stat().st_size / 1024:.0f} KB", flush=True)


def popover(shown: Stage) -> Image.Image:
    """Returns the popover with the results: what changes on the screen when it opens."""
    x, y = shown.blender.center()
    shown.inside("mouse", kind="MOUSEMOVE", value="NOTHING", x=round(x), y=round(y))
    time.sleep(1.0)  # until the editor under the mouse is drawn as the active one
    before = Image.open(shown.blender.screenshot("before")).convert("RGB")
    shown.inside("show_results")
    time.sleep(2.0)  # until the thumbnails are loaded
    after = Image.open(shown.blender.screenshot("results")).convert("RGB")
    return after.crop(ImageChops.difference(before, after).getbbox())


def take(state: str, suite: str, looks: list[Look], shown: Stage, output: Path) -> None:
    """Bring a state about, and take its screenshots."""
    blender = shown.blender
    blender.open_sidebar("Image to 3D")
    STATES[state](shown)
    output.mkdir(parents=True, exist_ok=True)
    rectangle = shown.inside("show_preferences") if state == "preferences" else []
    for look in looks:
        target = output / look.file_name(state, suite)
        shown.inside("change_look", theme=look.theme, language=look.language)
        if state == "sidebar":  # too many colors for a palette
            shutil.copyfile(blender.screenshot(state), target)
            continue
        if state == "results":
            save(popover(shown), target)
            continue
        if state != "preferences":
            set_width(shown, look.width)
            x, y, wide, height = blender.ask("rectangle", kind="UI")
            rectangle = [x, y, wide - TABS, height]
        save(without_background(cut(blender.screenshot(state), rectangle, blender.height)), target)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*STATES, RENDER]
    parser.add_argument("states", nargs="*", metavar="STATE", help=f"default: all of {', '.join(names)}")
    parser.add_argument("--output", type=Path, default=IMAGES)
    parser.add_argument("--suites", nargs="+", choices=("trixie", "sid"), default=["trixie", SUITE])
    parser.add_argument("--themes", nargs="+", choices=("dark", "light"))
    parser.add_argument("--languages", nargs="+", metavar="LOCALE")
    parser.add_argument("--widths", nargs="+", type=int)
    options = parser.parse_args()
    wanted = options.states or names
    if unknown := set(wanted) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    chosen: tuple[list[Any], ...] = ()
    if options.themes or options.languages or options.widths:
        chosen = (options.themes or [THEME], options.languages or [LANGUAGE], options.widths or [WIDTH])
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    importlib.import_module("package_stub")  # makes `image_to_3d` importable
    window = importlib.import_module("window")
    if reason := window.why_not():
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory(prefix="image-to-3d-") as folder:
        states = [name for name in wanted if name != RENDER]
        models = make_models(Path(folder, "models")) if states else {}
        for suite in options.suites if states else ():
            user = install(window, suite, Path(folder))
            for state in states:
                looks = [Look(*look) for look in itertools.product(*chosen)] if chosen else documented(state, suite)
                if not looks:
                    continue
                with stage(window, state, suite, user, models) as shown:
                    take(state, suite, looks, shown, options.output.resolve())
    if RENDER in wanted:
        run(sys.executable, ROOT / "tools" / "demo.py", ROOT / "samples" / "chair.png")
        save(Image.open(ROOT / "demo" / "preview.png").convert("RGB"), options.output / f"{RENDER}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
