# SPDX-License-Identifier: GPL-3.0-or-later
"""Provides an OBJ for Blender's importer: in a folder of its own, with one material library and its textures.

The importer finds a library that is called like the model. It gets no reference to any other file, and every name in
the folder is one of ours.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import Message, counted
from ..formats import companion_names, mtl_rewrite, obj_rewrite


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that belongs to a model: a material library, a texture."""

    file: Path
    name: str
    """The name that the model uses for it."""


@dataclass(slots=True)
class _Textures:
    """The textures in the folder: our names by theirs, in lower case."""

    ours: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def find(self, reference: str) -> str:
        """Returns our name for a reference in a material library; "" if there is no such file.

        The service may send the only texture under another name than its own library uses.
        """
        name = companion_names.base_name(reference).lower()
        found = self.ours.get(name) or (next(iter(self.ours.values())) if len(self.ours) == 1 else "")
        if not found:
            self.missing.add(name)
        return found


@contextlib.contextmanager
def provided(source: Path, companions: Sequence[Companion], repairs: list[Message]) -> Iterator[Path]:
    """Context: the file to import. Appends to `repairs`."""
    content = obj_rewrite.read_content(source)
    with tempfile.TemporaryDirectory(prefix="~import-", dir=source.parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        model = folder / "model.obj"
        if content.must_change:
            obj_rewrite.write_changed(source, model, content)
        else:
            _link_or_copy(source, model)
        repairs += _joined(content)
        repairs += _provide_materials(folder, companions, content)
        yield model


def _joined(content: obj_rewrite.ObjContent) -> list[Message]:
    told: list[Message] = []
    if content.one_object:
        told.append(
            Message("{count} objects were joined into one", {"count": f"{max(content.objects, content.groups):,}"})
        )
    if content.one_material:
        told.append(Message("more than {count} materials were left out", {"count": f"{obj_rewrite.MAX_MATERIALS:,}"}))
    return told


def _provide_materials(folder: Path, companions: Sequence[Companion], content: obj_rewrite.ObjContent) -> list[Message]:
    """Write the material library and its textures. Returns what is missing, for the artist."""
    present = [x for x in companions if x.file.is_file()]
    libraries = [x for x in present if companion_names.extension(x.name) == "mtl"]
    if not libraries:
        return [Message("its materials are missing")] if content.materials and not content.one_material else []
    textures = _Textures()
    taken = {"model.obj", "model.mtl"}
    for companion in present:
        theirs = companion_names.base_name(companion.name).lower()
        if companion in libraries or theirs in textures.ours:
            continue
        ours = companion_names.safe_name(companion.name, taken)
        taken.add(ours.lower())
        textures.ours[theirs] = ours
        _link_or_copy(companion.file, folder / ours)
    with (folder / "model.mtl").open("wb") as library:
        for companion in libraries:
            with companion.file.open("rb") as file:
                library.write(mtl_rewrite.rewritten(file.read(mtl_rewrite.MAX_BYTES), textures.find))
    count = len(textures.missing)
    return [counted(count, "a texture is missing", "{count} textures are missing")] if count else []


def _link_or_copy(file: Path, name: Path) -> None:
    """Provide a file under another name, without copying it if the file system allows that."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)
