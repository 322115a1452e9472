# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate the extension and build its zip with Blender's own command-line tool, which the bpy wheel includes.

    .venv/bin/python tools/build.py [--output build]

Prints the path of the zip. Blender itself is not started: this takes a second. The zip has the files that git tracks,
as they are in the working tree, and of those the ones that the manifest allows. The same files give the same zip.
tools/dist.py builds a release from a commit.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def blender_scripts() -> Path:
    """Returns the scripts folder of the bpy wheel, without importing bpy."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("bpy is not installed here. Run `make build`, which installs it.")
    return next(Path(spec.submodule_search_locations[0]).glob("*/scripts"))


def git(root: Path, *arguments: str) -> bytes:
    """Returns the output of git in a repository. Raises SystemExit with git's reason if it fails."""
    # safe.directory: in a container the checkout often belongs to another user. Its code is run anyway.
    # autocrlf: git for Windows would export other line ends than those in the commit.
    command = ["git", "-c", "safe.directory=*", "-c", "core.autocrlf=false", *arguments]
    try:
        return subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", b"") or str(error).encode()
        raise SystemExit(f"git {arguments[0]} failed in {root}: {reason.decode('utf-8', 'replace')}") from error


def git_files(root: Path, *options: str) -> list[str]:
    """Returns the files that `git ls-files` lists."""
    return sorted(name for name in git(root, "ls-files", "-z", *options).decode().split("\0") if name)


def copy_tracked(root: Path, target: Path) -> None:
    """Copy the files that git tracks, without symbolic links and what was deleted in the working tree."""
    for name in git_files(root):
        source = root / name
        links = [path for path in (source, *source.parents) if root in path.parents and path.is_symlink()]
        if source.is_file() and not links:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)


def export_commit(root: Path, commit: str, target: Path) -> None:
    """Write the files of a commit, without symbolic links."""
    with tarfile.open(fileobj=io.BytesIO(git(root, "archive", "--format=tar", commit))) as files:
        for entry in files:
            if entry.isfile():
                files.extract(entry, target, filter="data")


def refuse_untracked(root: Path, archived: set[str]) -> None:
    """Raises SystemExit if there are new modules beside the packed ones, which git does not track yet."""
    folders = {Path(name).parent for name in archived if name.endswith(".py")}
    new = [name for name in git_files(root, "--others", "--exclude-standard") if Path(name).parent in folders]
    if found := [name for name in new if name.endswith(".py")]:
        raise SystemExit(f"Not tracked by git: {', '.join(found)}. Add them with `git add`, or remove them.")


def write_reproducibly(packed: Path, archive: Path) -> None:
    """Write a zip again, its files in the order of their names and without their times."""
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(name for name in source.namelist() if not name.endswith("/")):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            target.writestr(entry, source.read(name))


def extension_tool(task: str, *arguments: str) -> None:
    """Run Blender's extension tool. Raises SystemExit with its output if it finds an error."""
    scripts = blender_scripts()
    tool = scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    tags = scripts / "modules" / "_bpy_internal" / "extensions" / "tags.py"
    valid_tags = ("--valid-tags", str(tags)) if task in ("validate", "build") else ()
    command = [sys.executable, str(tool), task, *valid_tags, *arguments]
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode or "FATAL" in done.stdout:
        raise SystemExit(done.stdout)


def build(output: Path, root: Path = ROOT, commit: str = "") -> Path:
    """Validate the source, build the zip into `output`, and validate it. Returns the zip's path.

    `commit`: what is packed; "" for the working tree.
    """
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="image-to-3d-build-") as folder:
        source, packed = Path(folder, "source"), Path(folder, "packed.zip")
        if commit:
            export_commit(root, commit, source)
        else:
            copy_tracked(root, source)
        manifest = tomllib.loads((source / "blender_manifest.toml").read_text(encoding="utf-8"))
        archive = output / f"{manifest['id']}-{manifest['version']}.zip"
        extension_tool("validate", str(source))
        extension_tool("build", "--source-dir", str(source), "--output-filepath", str(packed))
        write_reproducibly(packed, archive)
    if not commit:
        with zipfile.ZipFile(archive) as written:
            refuse_untracked(root, set(written.namelist()))
    extension_tool("validate", str(archive))
    return archive


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "build")
    parser.add_argument("--root", type=Path, default=ROOT, help="another clone of the repository")
    options = parser.parse_args()
    print(build(options.output.resolve(), options.root.resolve()))
