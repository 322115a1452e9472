# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds every English text of the classes that an enabled extension has registered: labels, tooltips, properties."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import bpy
from displayed_texts import is_text

_KINDS: Final = ("Operator", "Panel", "Menu", "Header", "UIList", "PropertyGroup", "AddonPreferences", "FileHandler")


def in_classes(package: str) -> dict[str, str]:
    """Returns the texts of the classes that an enabled extension has registered in this Blender, and where they are."""
    found: dict[str, str] = {}
    for kind in _KINDS:
        base = getattr(bpy.types, kind, None)
        for cls in sorted(_subclasses(base), key=lambda each: each.__name__) if base is not None else ():
            if cls.__module__.partition(".")[0] and cls.__module__.startswith(package) and _registered(cls):
                for text in _class_texts(cls, kind):
                    found.setdefault(text, cls.__name__)
    for owner in (bpy.types.Scene, bpy.types.WindowManager, bpy.types.Object):
        for prop in owner.bl_rna.properties:
            if prop.is_runtime and prop.identifier.startswith("image_to_3d") and not prop.is_hidden:
                for text in _property_texts(prop):
                    found.setdefault(text, prop.identifier)
    servers = {each.name for each in importlib.import_module(f"{package}.local_servers.dialects").DIALECTS.values()}
    return {text: place for text, place in found.items() if is_text(text) and text not in servers}


def _subclasses(base: Any) -> Iterator[Any]:
    for each in base.__subclasses__():
        yield each
        yield from _subclasses(each)


def _registered(cls: Any) -> bool:
    return bool(getattr(cls, "is_registered", False))


def _class_texts(cls: Any, kind: str) -> Iterator[str]:
    rna = cls.bl_rna
    if kind in {"Operator", "Panel", "Menu", "FileHandler"}:
        yield getattr(cls, "bl_label", "")
    if kind == "Operator":
        module, _, name = cls.bl_idname.partition(".")
        rna = getattr(getattr(bpy.ops, module), name).get_rna_type()
        if not hasattr(cls, "description"):
            yield rna.description
        else:
            yield cls.__doc__ or ""
    elif kind == "Menu" or "INSTANCED" in getattr(cls, "bl_options", ()):  # the tooltip of the button that opens it
        yield getattr(cls, "bl_description", "") or cls.__doc__ or ""
    for prop in rna.properties:
        if prop.is_runtime and not prop.is_hidden:
            yield from _property_texts(prop)


def _property_texts(prop: Any) -> Iterable[str]:
    if prop.name != prop.identifier:
        yield prop.name
    yield prop.description
    for item in prop.enum_items_static if prop.type == "ENUM" else ():
        yield from (item.name, item.description)
