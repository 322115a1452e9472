# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs as a Blender of its own: installs and updates the extension from a repository, as Get Extensions does.

Arguments: Blender's user folder and the URL of the repository. It installs at once, and updates for each further line
on stdin, while the extension is enabled. After each it prints a line of JSON: what is installed then.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tomllib
from pathlib import Path

os.environ["BLENDER_USER_RESOURCES"] = sys.argv[1]
import bpy  # after its user folder is set

addon_utils = importlib.import_module("addon_utils")
preferences = bpy.context.preferences
repositories = preferences.extensions.repos
while repositories:  # Blender's own, which is on the internet
    repositories.remove(repositories[0])
preferences.system.use_online_access = True
bpy.ops.preferences.extension_repo_add(name="Image to 3D", type="REMOTE", remote_url=sys.argv[2])
repository = repositories[0]
module = f"bl_ext.{repository.module}.image_to_3d"


def install() -> dict[str, object]:
    """Installs the newest version. Returns what is installed then."""
    kept = preferences.addons[module].preferences.api_key if module in preferences.addons else ""
    bpy.ops.extensions.repo_sync(repo_index=0)
    bpy.ops.extensions.package_install(repo_index=0, pkg_id="image_to_3d", enable_on_install=True)
    preferences.addons[module].preferences.api_key = kept or "a key"
    manifest = Path(repository.directory, "image_to_3d", "blender_manifest.toml").read_text(encoding="utf-8")
    return {
        "version": tomllib.loads(manifest)["version"],
        "key_before": kept,
        "operator": bpy.ops.image_to_3d.generate.get_rna_type().name,
        "state": importlib.import_module(module).State.PLACED,
    }


print(f"\n{json.dumps(install())}", flush=True)
for _ in sys.stdin:
    print(f"\n{json.dumps(install())}", flush=True)
addon_utils.disable(module)
os._exit(0)  # Blender's module can take seconds to exit
