# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a release: the extension's zip, and the static repository from which Blender installs and updates it.

    .venv/bin/python tools/dist.py [--commit HEAD] [--output build/repository]

Everything is made from a commit, never from changed files. The same commit gives the same bytes, on any day and in any
folder. An earlier release in the output folder is replaced; then the folder has

image_to_3d-….zip  the extension
index.json         what Blender reads: version, size and SHA-256 of the zip, by Blender's own `server-generate`
index.html         a page for people, from which the extension can be dragged into Blender

Any web server can serve the folder; no program runs there. Paths in it are relative.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import build

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "tools" / "repository.html"
"""The template of index.html. It has no date, which would make each build another one."""


def publish(output: Path, root: Path = ROOT, commit: str = "HEAD") -> Path:
    """Write the repository of a commit into `output`. Returns the zip's path."""
    for earlier in (*output.glob("*.zip"), *output.glob("index.*")):
        earlier.unlink()
    archive = build.build(output, root, commit)
    build.extension_tool("server-generate", "--repo-dir", str(output), "--html", "--html-template", str(PAGE))
    return archive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "repository")
    parser.add_argument("--root", type=Path, default=ROOT, help="another clone of the repository")
    options = parser.parse_args()
    archive = publish(options.output.resolve(), options.root.resolve(), options.commit)
    print(hashlib.sha256(archive.read_bytes()).hexdigest(), archive)


if __name__ == "__main__":
    main()
