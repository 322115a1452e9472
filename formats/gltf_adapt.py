# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapts a glTF's JSON before Blender's importer reads it, so that the model looks as it was meant.

The importer follows the letter of the format. Generators leave out what the format then reads as "pure metal" or "cull
back faces", and require extensions that only concern the look. Changing the JSON works the same in every version of
the importer.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import Message, counted
from .gltf_limits import limit_materials
from .gltf_references import Json
from .gltf_references import dicts as _dicts

_MAX_EXTENSIONS: Final = 100

_UNREADABLE_IMAGES: Final = frozenset({"image/ktx2", "image/ktx", "image/avif", "image/heic", "image/jxl"})
"""Types of images that Blender has no decoder for."""
_TEXTURE_EXTENSION: Final = re.compile(r"_(?:texture|image|sampler)s?(?:_|$)", re.IGNORECASE)
_SHAPE_EXTENSION: Final = re.compile(r"compress|mesh|geometry|quantiz|splat|node|primitive|buffer", re.IGNORECASE)
"""Names of extensions that may hold or change the shape, even if the JSON mentions them nowhere else."""
_LOOK: Final = frozenset({"materials", "textures", "images", "samplers", "cameras"})
"""Parts of the document that do not concern the shape."""
_NODE_POINTER: Final = re.compile(r"^/nodes/(\d+)(?=/|$)")


@dataclass(slots=True)
class Adaptation:
    """A glTF's JSON as the importer should get it."""

    json: Json
    changed: bool = False
    repairs: list[Message] = field(default_factory=list)
    """What could not be kept, for the artist."""
    unreadable: list[str] = field(default_factory=list)
    """Required extensions without which the shape can't be read."""


def adapt(document: Mapping[str, Any], supported: Collection[str]) -> Adaptation:
    """Returns the adapted JSON of a glTF. `supported`: the extensions that the importer knows.

    JSON that can't be understood is returned unchanged: the importer decides.
    """
    try:
        result = Adaptation(copy.deepcopy(dict(document)))
        _relax_required_extensions(result, supported)
        _remove_unreadable_textures(result, supported)
        if left_out := limit_materials(result.json):
            result.repairs.append(left_out)
        _set_unspecified(result)
        _keep_default_scene(result)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError):
        return Adaptation(dict(document))
    result.changed = result.json != document
    return result


def _relax_required_extensions(result: Adaptation, supported: Collection[str]) -> None:
    """Require only what the importer knows. What concerns the shape is reported as unreadable instead."""
    document = result.json
    required = list(dict.fromkeys(str(name) for name in document.get("extensionsRequired") or ()))[:_MAX_EXTENSIONS]
    if not required:
        return
    document["extensionsUsed"] = list(dict.fromkeys([*(document.get("extensionsUsed") or ()), *required]))
    document["extensionsRequired"] = [name for name in required if name in supported]
    unknown = [name for name in required if name not in supported]
    result.unreadable = [name for name in unknown if _concerns_shape(document, name)]
    effects = [x for x in unknown if x not in result.unreadable and not _TEXTURE_EXTENSION.search(x)]
    if effects:
        result.repairs.append(
            Message(
                "effects that Blender does not support were left out ({names})", {"names": ", ".join(effects)[:120]}
            )
        )


def _concerns_shape(document: Json, name: str) -> bool:
    if _TEXTURE_EXTENSION.search(name):
        return False
    places = {part for part, content in document.items() if part not in _LOOK and _uses(content, name)}
    elsewhere = any(_uses(document.get(part), name) for part in _LOOK)
    return bool(places) or (not elsewhere and _SHAPE_EXTENSION.search(name) is not None)


def _uses(content: Any, name: str) -> bool:
    return any(name in (part.get("extensions") or ()) for part in _dicts(content))


def _remove_unreadable_textures(result: Adaptation, supported: Collection[str]) -> None:
    """Materials use their plain values instead of textures that the importer would show as black."""
    document = result.json
    images = document.get("images") or []
    there = ["bufferView" in image or "uri" in image for image in images]
    readable = [it and image.get("mimeType") not in _UNREADABLE_IMAGES for it, image in zip(there, images, strict=True)]

    def usable(texture: Json) -> bool:
        extensions = texture.get("extensions") or {}
        sources = [texture, *(x for name, x in extensions.items() if name in supported)]
        for source in sources:
            if isinstance(source.get("source"), int) and not there[source["source"]]:
                del source["source"]  # the importer would choose it, and show black
        return any(isinstance(source.get("source"), int) and readable[source["source"]] for source in sources)

    missing = {number for number, texture in enumerate(document.get("textures") or ()) if not usable(texture)}
    removed = set()
    for part in _dicts(document.get("materials") or []) if missing else ():
        for name in [x for x in part if x.endswith("Texture") and isinstance(part[x], dict)]:
            if part[name].get("index") in missing:
                removed.add(part.pop(name)["index"])
                if name == "metallicRoughnessTexture":
                    part.pop("metallicFactor", None)  # a factor for a texture that is not there
    if removed:
        kinds = sorted({image.get("mimeType") for image in images} & _UNREADABLE_IMAGES)
        kinds = kinds or sorted({str(x) for n in removed for x in document["textures"][n].get("extensions") or ()})
        if not all(there):
            why = Message("the file does not contain all images")
        elif kinds:
            why = Message("Blender can't read the image format ({names})", {"names": ", ".join(kinds)[:120]})
        else:
            why = Message("Blender can't read the image format")
        one, many = "a texture is missing: {reason}", "{count} textures are missing: {reason}"
        result.repairs.append(counted(len(removed), one, many, reason=why))


def _set_unspecified(result: Adaptation) -> None:
    """What a material does not specify is neither metal nor culled.

    `doubleSided` false is the default, and trimesh writes it for every model: nobody decided that back faces vanish.
    """
    for material in result.json.get("materials") or ():
        surface = material.setdefault("pbrMetallicRoughness", {})
        if "metallicRoughnessTexture" not in surface:
            surface.setdefault("metallicFactor", 0.0)
        material["doubleSided"] = True


def _keep_default_scene(result: Adaptation) -> None:
    """Remove the nodes that an importer hides: those of other scenes, of no scene, or declared invisible."""
    document = result.json
    nodes, scenes = document.get("nodes") or [], document.get("scenes") or []
    if not nodes or not scenes:
        return
    for scene in scenes:
        scene.pop("extras", None)  # an importer that can't be told otherwise puts them on the artist's scene
    scene = scenes[document.get("scene", 0)]
    kept = _reachable(nodes, scene.get("nodes") or ())
    if not any("mesh" in nodes[n] for n in kept):
        return  # nothing would be left
    shown = set(kept)
    kept = _with_joints(document, kept)
    hidden = sum("mesh" in node for number, node in enumerate(nodes) if number not in shown)
    document["scenes"], document["scene"] = [scene], 0
    for number in kept - shown:
        nodes[number].pop("mesh", None)  # a bone's parent, needed for its place only
    if len(kept) < len(nodes):
        _keep_nodes(document, kept)
    if hidden:
        result.repairs.append(counted(hidden, "1 hidden part was left out", "{count} hidden parts were left out"))


def _reachable(nodes: list[Json], roots: Collection[int]) -> set[int]:
    found: set[int] = set()
    pending = list(roots)
    while pending:
        number = pending.pop()
        visibility = (nodes[number].get("extensions") or {}).get("KHR_node_visibility") or {}
        if number not in found and visibility.get("visible") is not False:
            found.add(number)
            pending.extend(nodes[number].get("children") or ())
    return found


def _with_joints(document: Json, kept: set[int]) -> set[int]:
    """Returns `kept` with the bones that its meshes need, and their parents."""
    nodes, skins = document["nodes"], document.get("skins") or []
    parents = {child: number for number, node in enumerate(nodes) for child in node.get("children") or ()}
    result = set(kept)
    for used in sorted({nodes[number]["skin"] for number in kept if "skin" in nodes[number]}):
        skin = skins[used]
        for joint in [*(skin.get("joints") or ()), *([skin["skeleton"]] if "skeleton" in skin else [])]:
            current: int | None = joint
            while current is not None and current not in result:
                result.add(current)
                current = parents.get(current)
    return result


def _keep_nodes(document: Json, kept: set[int]) -> None:
    """Remove all other nodes, and renumber what refers to them."""
    new = {old: number for number, old in enumerate(sorted(kept))}

    def renumber(owner: Json, key: str) -> None:
        if key in owner:
            owner[key] = [new[old] for old in owner[key] if old in new]
            if not owner[key]:
                del owner[key]

    document["nodes"] = [node for number, node in enumerate(document["nodes"]) if number in kept]
    for node in document["nodes"]:
        renumber(node, "children")
    for scene in document["scenes"]:
        renumber(scene, "nodes")
    _keep_used_skins(document)
    for skin in document.get("skins") or ():
        renumber(skin, "joints")
        if "skeleton" in skin:
            skin["skeleton"] = new[skin["skeleton"]]
    for animation in document.get("animations") or ():
        animation["channels"] = [x for x in animation.get("channels") or () if _renumber_target(x["target"], new)]
    document["animations"] = [x for x in document.get("animations") or () if x["channels"]]
    if not document["animations"]:
        del document["animations"]


def _keep_used_skins(document: Json) -> None:
    """Remove the skins of removed nodes: the importer would make bones of them."""
    users = [node for node in document["nodes"] if "skin" in node]
    new = {old: number for number, old in enumerate(sorted({node["skin"] for node in users}))}
    if new:
        document["skins"] = [document["skins"][old] for old in new]
        for node in users:
            node["skin"] = new[node["skin"]]
    else:
        document.pop("skins", None)


def _renumber_target(target: Json, new: Mapping[int, int]) -> bool:
    """Renumber the node that an animation channel moves. Returns False if that node was removed."""
    pointer = (target.get("extensions") or {}).get("KHR_animation_pointer")
    if pointer is not None and (match := _NODE_POINTER.match(str(pointer.get("pointer")))):
        if int(match[1]) not in new:
            return False
        pointer["pointer"] = f"/nodes/{new[int(match[1])]}" + pointer["pointer"][match.end() :]
    if "node" in target:
        if target["node"] not in new:
            return False
        target["node"] = new[target["node"]]
    return True
