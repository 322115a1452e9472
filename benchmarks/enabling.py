# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how much longer enabling the extension takes than enabling an empty one.

`python benchmarks/enabling.py [--repeats N] [--profile]`, with a Python that has the bpy module. Each measurement is a
fresh process with bytecode in place; both extensions alternate. `--profile` lists what the time is spent on.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

ENABLE = """
import os, sys, time
import bpy, addon_utils
package = "bl_ext.user_default." + sys.argv[1]
started = time.perf_counter()
module = addon_utils.enable(package, default_set=True)
seconds = time.perf_counter() - started
assert module is not None
print("SECONDS", seconds, flush=True)
os._exit(0)  # the bpy module can hang at exit while operators are registered
"""
PROFILE = """
import cProfile, os, pstats, sys
import bpy, addon_utils
profile = cProfile.Profile()
profile.runcall(addon_utils.enable, "bl_ext.user_default." + sys.argv[1], default_set=True)
pstats.Stats(profile).sort_stats("tottime").print_stats(30)
sys.stdout.flush()
os._exit(0)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15, help="measurements of each extension (default: 15)")
    parser.add_argument("--profile", action="store_true", help="list the most expensive functions instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="image-to-3d-enabling-") as name:
        user = Path(name)
        install(user)
        if options.profile:
            run(user, ENABLE, "image_to_3d")  # writes the bytecode
            print(run(user, PROFILE, "image_to_3d"))
            return 0
        empty, ours = measure(user, options.repeats)
    print(f"Enabling, median of {options.repeats}: {ours:.1f} ms; an empty extension: {empty:.1f} ms; difference: "
          f"{ours - empty:.1f} ms")  # fmt: skip
    return 0


def install(user: Path) -> None:
    """Build the extension, and unpack it beside an empty one where Blender installs extensions."""
    command = [sys.executable, str(ROOT / "tools" / "build.py"), "--output", str(user / "built")]
    archive = subprocess.run(command, text=True, capture_output=True, check=True).stdout.split()[-1]
    folder = user / "extensions" / "user_default"
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder / "image_to_3d")
    empty = folder / "empty"
    empty.mkdir()
    manifest = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    (empty / "blender_manifest.toml").write_text(manifest.replace('"image_to_3d"', '"empty"'), encoding="utf-8")
    (empty / "__init__.py").write_text("def register(): pass\ndef unregister(): pass\n", encoding="utf-8")


def measure(user: Path, repeats: int) -> tuple[float, float]:
    """Returns the median milliseconds for enabling the empty extension and ours."""
    times: dict[str, list[float]] = {"empty": [], "image_to_3d": []}
    for number in range(repeats + 1):
        for name, values in times.items():
            line = next(line for line in run(user, ENABLE, name).splitlines() if line.startswith("SECONDS"))
            if number:  # the first run writes the bytecode
                values.append(float(line.split()[1]) * 1e3)
    return statistics.median(times["empty"]), statistics.median(times["image_to_3d"])


def run(user: Path, script: str, name: str) -> str:
    """Run a script in a fresh process with the bpy module. Returns its output."""
    environment = os.environ | {"BLENDER_USER_RESOURCES": str(user)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", script, name]
    return subprocess.run(command, env=environment, text=True, capture_output=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
