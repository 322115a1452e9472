# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate the extension and build its zip with Blender's own command-line tool, which the bpy wheel includes.

    .venv/bin/python tools/build.py [--output build]

Prints the path of the zip. Blender itself is not started: this takes a second.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def blender_scripts() -> Path:
    """Returns the scripts folder of the bpy wheel, without importing bpy."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("bpy is not installed here. Run `make build`, which installs it.")
    return next(Path(spec.submodule_search_locations[0]).glob("*/scripts"))


def extension_tool(*arguments: str) -> None:
    """Run Blender's extension tool on the repository. Raises SystemExit with its output if it finds an error."""
    scripts = blender_scripts()
    tool = scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    tags = scripts / "modules" / "_bpy_internal" / "extensions" / "tags.py"
    command = [sys.executable, str(tool), *arguments[:1], "--valid-tags", str(tags), *arguments[1:]]
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode or "FATAL" in done.stdout:
        raise SystemExit(done.stdout)


def build(output: Path) -> Path:
    """Validate the source, build the zip into `output`, and validate it. Returns the zip's path."""
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    output.mkdir(parents=True, exist_ok=True)
    archive = output / f"{manifest['id']}-{manifest['version']}.zip"
    extension_tool("validate", str(ROOT))
    extension_tool("build", "--source-dir", str(ROOT), "--output-filepath", str(archive))
    extension_tool("validate", str(archive))
    return archive


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "build")
    print(build(parser.parse_args().output.resolve()))
