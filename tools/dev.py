# SPDX-License-Identifier: GPL-3.0-or-later
"""Link this checkout into your own Blender: `python3 tools/dev.py [--blender 5.2 | --folder DIR] [--remove]`.

Blender then runs the extension from the checkout. A startup script adds *Reload Image to 3D* to the menu
Blender icon › System, which loads changed code without a restart. Neither is part of the extension's zip.

Standard library and Python 3.9 syntax only.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELOAD_SCRIPT = ROOT / "tools" / "blender" / "reload_image_to_3d.py"
OLDEST = (4, 2)
"""The oldest Blender that has extensions."""


def blender_folder() -> Path:
    """Returns the folder in which Blender has one user folder per version, on this OS."""
    if sys.platform == "win32":
        return Path(os.environ["APPDATA"], "Blender Foundation", "Blender")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Blender"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "blender"


def user_folder(version: str) -> Path:
    """Returns Blender's user folder of a version ("5.2"), or the newest one. Raises SystemExit if there is none."""
    override = os.environ.get("BLENDER_USER_RESOURCES")
    if override and not version:
        return Path(override)
    base = blender_folder()
    if version:
        return base / version
    names = [path.name for path in base.glob("*") if re.fullmatch(r"\d+\.\d+", path.name)]
    versions = sorted(tuple(map(int, name.split("."))) for name in names)
    if not versions or versions[-1] < OLDEST:
        raise SystemExit(f"No user folder of Blender 4.2 or newer in {base}. Start Blender once, or use --folder.")
    return base / "{}.{}".format(*versions[-1])


def targets(user: Path) -> dict[Path, Path]:
    """Returns what is linked: source by target."""
    return {
        user / "extensions" / "user_default" / "image_to_3d": ROOT,
        user / "scripts" / "startup" / RELOAD_SCRIPT.name: RELOAD_SCRIPT,
    }


def is_ours(target: Path, source: Path) -> bool:
    """Whether `target` is a link to `source`, or on Windows a copy of the file."""
    try:
        linked = os.readlink(target)
    except (OSError, ValueError):
        return source.is_file() and target.is_file() and target.read_bytes() == source.read_bytes()
    return Path(linked.removeprefix("\\\\?\\")).resolve() == source  # Windows adds the prefix to junctions


def link(source: Path, target: Path) -> None:
    """Make `target` a link to `source`. Raises SystemExit if something else is there."""
    if is_ours(target, source):
        return
    if os.path.lexists(target):
        raise SystemExit(f"{target} exists already. Uninstall the extension in Blender, or remove it by hand, first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform != "win32":
        target.symlink_to(source)
    elif source.is_dir():
        import _winapi  # a junction needs no administrator, unlike a symbolic link

        _winapi.CreateJunction(str(source), str(target))
    else:
        shutil.copyfile(source, target)


def unlink(source: Path, target: Path) -> bool:
    """Remove the link, and nothing else. Returns whether there was one."""
    if not is_ours(target, source):
        return False
    if sys.platform == "win32" and source.is_dir():
        target.rmdir()  # a junction
    else:
        target.unlink()
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--blender", default="", metavar="VERSION", help="such as 5.2; default: the newest")
    where.add_argument("--folder", type=Path, help="Blender's user folder, if it is not where it usually is")
    parser.add_argument("--remove", action="store_true", help="remove the links; jobs and results are kept")
    options = parser.parse_args()
    user = options.folder.expanduser().resolve() if options.folder else user_folder(options.blender)
    for target, source in targets(user).items():
        if options.remove:
            print(f"{'removed' if unlink(source, target) else 'not linked'}: {target}")
        else:
            link(source, target)
            print(f"linked: {target}")
    if not options.remove:
        print("Restart Blender. After a change: Blender icon › System › Reload Image to 3D.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
