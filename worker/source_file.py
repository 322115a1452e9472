# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares a model file for Blender's importer: a changed copy if the importer would misread the file.

Explains what an importer can't read, without its own words: they name Python files and folders of this computer.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ..errors import Action, ConversionLimitError, ImportFailedError, Message, one_line
from ..formats import glb, gltf_adapt, gltf_limits, gltf_references, ply_indices, stl
from ..formats.sniff import FormatError
from . import obj_folder
from .obj_folder import Companion

DAMAGED_ADVICE: Final = "Download again, or open the folder to look at the file."
"""With `Action.DOWNLOAD_AGAIN`: for every file whose content is not what its format promises."""
_UNREADABLE_ADVICE: Final = "Open the folder to convert the file to plain GLB elsewhere, or ask for another format."
_TOO_MANY_ADVICE: Final = "Open the folder to import the file by hand, or ask for a simpler model."
_COMPRESSION: Final = re.compile(r"meshopt|draco|decoder|compress", re.IGNORECASE)
_PATH: Final = re.compile(r"[/\\]|\.py\b|Traceback|Location:")
_SUPPORTED: Final = frozenset(
    [
        "KHR_materials_pbrSpecularGlossiness",
        "KHR_lights_punctual",
        "KHR_materials_unlit",
        "KHR_texture_transform",
        "KHR_materials_clearcoat",
        "KHR_mesh_quantization",
        "EXT_mesh_gpu_instancing",
        "KHR_draco_mesh_compression",
        "KHR_materials_variants",
        "KHR_materials_emissive_strength",
        "KHR_materials_transmission",
        "KHR_materials_specular",
        "KHR_materials_sheen",
        "KHR_materials_ior",
        "KHR_animation_pointer",
        "KHR_materials_volume",
        "EXT_texture_webp",
        "KHR_materials_anisotropy",
    ]
)
"""What the glTF importer of Blender 4.2 supports."""


@contextlib.contextmanager
def prepared(source: Path, format: str, companions: Sequence[Companion], repairs: list[Message]) -> Iterator[Path]:
    """Context: the file to import, `source` itself if nothing must be changed. Appends to `repairs`.

    A GLB among them refers to nothing outside. Raises ImportFailedError if the importer can't read such a file.
    """
    if not source.is_file():  # a pipe or a device may never end
        raise ImportFailedError("The model file is missing.", advice=DAMAGED_ADVICE, action=Action.DOWNLOAD_AGAIN)
    if format == "obj":
        with obj_folder.provided(source, companions, repairs) as model:
            yield model
        return
    if format == "ply":
        _check_indices(source)
    change = {"glb": _adapt_glb, "stl": _lower_case_stl}.get(format)
    if change is None:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="~import-", dir=source.parent, ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / source.name
        yield copy if change(source, copy, repairs) else source


def _check_indices(source: Path) -> None:
    """Raises ImportFailedError for a PLY that would crash the importer."""
    with contextlib.suppress(FormatError), source.open("rb") as file:
        if ply_indices.has_wrong_index(file):
            raise ImportFailedError(
                "The model file is damaged: it refers to vertices that it does not have.",
                advice=DAMAGED_ADVICE,
                action=Action.DOWNLOAD_AGAIN,
            )


def _adapt_glb(source: Path, target: Path, repairs: list[Message]) -> bool:
    """Write the GLB with its JSON adapted and without references. Returns False if it needs no change.

    What can't be understood here is refused: the importer might understand it, and open what it refers to.
    """
    with source.open("rb") as file:
        try:
            document = glb.read_any_document(file, source.stat().st_size)
        except FormatError as error:
            raise _damaged(error.reason) from error
        count = gltf_limits.part_count(document.json)
        if count > gltf_limits.MAX_PARTS:
            raise ImportFailedError(
                "The model has too many parts: {count}.", advice=_TOO_MANY_ADVICE, count=f"{count:,}"
            )
        removal = gltf_references.remove_references(document.json, document.binary_length)
        if removal.shape_is_missing:
            raise ImportFailedError(
                "The model's shape is in another file, which does not belong to the model.",
                advice="Open the folder to look at the file, or ask for another format.",
            )
        adaptation = gltf_adapt.adapt(document.json, _supported_extensions())
        if adaptation.unreadable:
            raise _unreadable(", ".join(adaptation.unreadable))
        repairs += adaptation.repairs
        changed = removal.changed or adaptation.changed
        if changed:
            try:
                with target.open("wb") as copy:
                    glb.write_changed(file, document, adaptation.json, copy)
            except RecursionError as error:
                raise _damaged(Message("its description is too deep")) from error
    return changed


def _supported_extensions() -> frozenset[str]:
    """Returns the glTF extensions that this Blender's importer supports."""
    try:
        module = importlib.import_module("io_scene_gltf2.io.imp.gltf2_io_gltf")
        return frozenset(module.glTFImporter("", {"import_user_extensions": []}).extensions_managed)
    except (ImportError, AttributeError, TypeError, KeyError):
        return _SUPPORTED


def _lower_case_stl(source: Path, target: Path, repairs: list[Message]) -> bool:
    """Write a text STL with its keywords in lower case: Blender's importer reads no others."""
    size = source.stat().st_size
    with source.open("rb") as file:
        head = file.read(max(stl.HEADER_BYTES, 4096))
        is_text = stl.binary_triangles(head[: stl.HEADER_BYTES], size) is None and b"\0" not in head
        # The name behind "solid" may be in capitals: only the other keywords tell.
        keywords = re.findall(rb"\b(?:facet|outer|vertex)\b", head, re.IGNORECASE)
        starts_well = head.startswith(b"solid")
        if not is_text or not keywords or (starts_well and all(word.islower() for word in keywords)):
            return False
        file.seek(len(head) - len(head.lstrip(b"\xef\xbb\xbf \t\r\n")))
        with target.open("wb") as lower:
            while block := file.read(1 << 20):
                lower.write(block.lower())
    return True


def read_failure(error: RuntimeError, path: Path) -> ImportFailedError:
    """Returns the error for an importer's failure to read the file at `path`."""
    text = str(error)
    if "MemoryError" in text:
        return ConversionLimitError("The file needs too much memory.")
    extension = re.search(r"Extension (\w{1,80}) is not available", text)
    if extension is not None:
        return _unreadable(extension[1])
    if "Traceback" not in text and "library not found" in text and (found := _COMPRESSION.search(text)) is not None:
        return _unreadable(found[0].lower())
    if "RecursionError" in text:
        return ImportFailedError("The model's parts are nested too deeply.", advice=_TOO_MANY_ADVICE)
    lines = [line.strip() for line in text.replace(str(path), path.name).splitlines() if line.strip()]
    reason = one_line(lines[-1].removeprefix("Error: "), 200).rstrip(".") if lines else ""
    if not reason or any(_PATH.search(line) for line in lines):
        return ImportFailedError(
            "The model file can't be read: its content is damaged.",
            advice=DAMAGED_ADVICE,
            action=Action.DOWNLOAD_AGAIN,
        )
    return _damaged(reason)


def _damaged(reason: Message | str) -> ImportFailedError:
    return ImportFailedError(
        "The model file can't be read: {reason}.", advice=DAMAGED_ADVICE, action=Action.DOWNLOAD_AGAIN, reason=reason
    )


def _unreadable(names: str) -> ImportFailedError:
    if _COMPRESSION.search(names):
        return ImportFailedError(
            "The model is complete, but compressed in a way that this Blender can't read ({names}).",
            advice=_UNREADABLE_ADVICE,
            names=one_line(names, 120),
        )
    return ImportFailedError(
        "The model is complete, but needs a glTF extension that this Blender can't read ({names}).",
        advice=_UNREADABLE_ADVICE,
        names=one_line(names, 120),
    )
