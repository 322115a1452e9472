# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what a material's surface is made of: its base color, roughness and the like, before light.

Baking Blender's own passes does not tell: a metal has no diffuse color. So nodes are added to the material that compute
one channel of its shaders, through Mix Shaders, reroutes and node groups, and a bake shows that channel as emission.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import bpy

Value = Any
"""A node's output that has a channel's value, or the value itself: a number, or a color as a tuple of four."""

BASE_COLOR: Final = "Base Color"
ROUGHNESS: Final = "Roughness"
METALLIC: Final = "Metallic"
ALPHA: Final = "Alpha"
EMISSION: Final = "Emission"
CHANNELS: Final = {
    BASE_COLOR: (0.8, 0.8, 0.8, 1.0), ROUGHNESS: 0.5, METALLIC: 0.0, ALPHA: 1.0, EMISSION: (0.0, 0.0, 0.0, 1.0),
}  # fmt: skip
"""The channels, each with its value where a material says nothing."""
_DEPTH: Final = 32
"""Levels of nested shaders that are looked at."""


def read_channels(material: bpy.types.Material) -> dict[str, Value]:
    """Returns each channel's value. Adds nodes to the material."""
    tree = material.node_tree
    output = tree.get_output_node("CYCLES") if tree is not None else None
    if output is None:
        return CHANNELS | {BASE_COLOR: (*tuple(material.diffuse_color)[:3], 1.0)}
    return {channel: _of_input(tree, output.inputs["Surface"], channel, 0) for channel in CHANNELS}


def _of_input(tree: Any, socket: Any, channel: str, depth: int) -> Value:
    """Returns a channel of the shader that is linked to an input."""
    source = _source(socket)
    if source is None or depth > _DEPTH:
        return CHANNELS[channel]
    node = source.node
    if node.bl_idname == "ShaderNodeGroup" and node.node_tree is not None:
        return _of_group(node, source, channel, depth)
    return _READERS.get(node.bl_idname, _of_plain)(tree, node, channel, depth)


def _source(socket: Any) -> Any:
    """Returns the output that feeds an input, through reroutes and muted nodes; None if nothing does."""
    for _ in range(_DEPTH):
        if not socket.is_linked or not socket.links or socket.links[0].is_muted:
            return None
        source = socket.links[0].from_socket
        node = source.node
        if node.mute:
            passing = next((link for link in node.internal_links if link.to_socket == source), None)
            if passing is None:
                return None
            socket = passing.from_socket
        elif node.bl_idname == "NodeReroute":
            socket = node.inputs[0]
        else:
            return source
    return None


def _value(node: Any, name: str, default: Value) -> Value:
    """Returns what an input has: the output that feeds it, or its own value."""
    socket = node.inputs.get(name)
    if socket is None:
        return default
    source = _source(socket)
    if source is not None:
        return source
    value = socket.default_value
    return float(value) if isinstance(value, (int, float)) else tuple(value)


def _of_principled(tree: Any, node: Any, channel: str, _depth: int) -> Value:
    if channel != EMISSION:
        return _value(node, channel, CHANNELS[channel])
    strength = _value(node, "Emission Strength", 0.0)
    if strength == 0.0:
        return CHANNELS[EMISSION]
    return _scaled(tree, _value(node, "Emission Color", CHANNELS[EMISSION]), strength)


def _of_plain(_tree: Any, node: Any, channel: str, _depth: int) -> Value:
    """A single BSDF: diffuse, glossy, glass and the like."""
    if channel == BASE_COLOR:
        return _value(node, "Color", CHANNELS[channel])
    if channel == ROUGHNESS and node.bl_idname != "ShaderNodeBsdfDiffuse":
        return _value(node, "Roughness", CHANNELS[channel])
    if channel == METALLIC and node.bl_idname in {"ShaderNodeBsdfGlossy", "ShaderNodeBsdfMetallic"}:
        return 1.0
    return CHANNELS[channel]


def _of_emission(tree: Any, node: Any, channel: str, depth: int) -> Value:
    """An emission shader of strength 1 is a material without light, such as glTF's unlit ones: base color only."""
    strength = _value(node, "Strength", 1.0)
    color = _value(node, "Color", CHANNELS[channel])
    if strength == 1.0:
        return color if channel == BASE_COLOR else CHANNELS[channel]
    if channel == EMISSION:
        return _scaled(tree, color, strength)
    return (0.0, 0.0, 0.0, 1.0) if channel == BASE_COLOR else CHANNELS[channel]


def _of_transparent(_tree: Any, _node: Any, channel: str, _depth: int) -> Value:
    return 0.0 if channel == ALPHA else CHANNELS[channel]


def _of_mix(tree: Any, node: Any, channel: str, depth: int) -> Value:
    first, second = node.inputs[1], node.inputs[2]
    if channel != ALPHA:  # where it is transparent, there is no color to mix with
        for one, other in ((first, second), (second, first)):
            source = _source(one)
            if source is None or source.node.bl_idname in _INVISIBLE:
                return _of_input(tree, other, channel, depth + 1)
    a, b = (_of_input(tree, socket, channel, depth + 1) for socket in (first, second))
    if a == b:
        return a
    if channel == ALPHA and _is_light_path(node.inputs["Fac"]):  # it is transparent only to some rays
        return a if b == 0.0 else b
    factor = _value(node, node.inputs[0].name, 0.5)
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    for number, value in ((0, factor), (6, a), (7, b)):
        connect(tree, value, mix.inputs[number])
    return mix.outputs[2]


def _is_light_path(socket: Any) -> bool:
    source = _source(socket)
    return source is not None and source.node.bl_idname == "ShaderNodeLightPath"


def _of_add(tree: Any, node: Any, channel: str, depth: int) -> Value:
    found = [_of_input(tree, socket, channel, depth + 1) for socket in node.inputs]
    sources = [_source(socket) for socket in node.inputs]
    if channel == EMISSION:
        emitting = [s for s in sources if s is not None and s.node.bl_idname == "ShaderNodeEmission"]
        if emitting:
            node = emitting[0].node
            return _scaled(tree, _value(node, "Color", CHANNELS[channel]), _value(node, "Strength", 1.0))
    for value, source in zip(found, sources, strict=True):
        if source is not None and source.node.bl_idname not in _INVISIBLE | {"ShaderNodeEmission"}:
            return value
    return found[0]


def _of_group(node: Any, source: Any, channel: str, depth: int) -> Value:
    """Compute the channel inside the group, and return it through a new output of the group."""
    inner = node.node_tree
    if inner.users > 1:
        inner = node.node_tree = inner.copy()
    ends = [n for n in inner.nodes if n.bl_idname == "NodeGroupOutput" and n.is_active_output]
    socket = next((s for end in ends for s in end.inputs if s.identifier == source.identifier), None)
    if socket is None:
        return CHANNELS[channel]
    value = _of_input(inner, socket, channel, depth + 1)
    if not isinstance(value, bpy.types.NodeSocket):
        return value
    if value.node.bl_idname == "NodeGroupInput":
        outside = next((s for s in node.inputs if s.identifier == value.identifier), None)
        return _value(node, outside.name, CHANNELS[channel]) if outside is not None else CHANNELS[channel]
    made = inner.interface.new_socket(f"{channel} found", in_out="OUTPUT", socket_type="NodeSocketColor")
    inner.links.new(value, next(s for s in ends[0].inputs if s.identifier == made.identifier))
    return next(s for s in node.outputs if s.identifier == made.identifier)


def _scaled(tree: Any, color: Value, strength: Value) -> Value:
    if strength == 1.0:
        return color
    if not isinstance(color, bpy.types.NodeSocket) and not isinstance(strength, bpy.types.NodeSocket):
        return (*(strength * part for part in color[:3]), 1.0)
    node = tree.nodes.new("ShaderNodeVectorMath")
    node.operation = "SCALE"
    connect(tree, color if isinstance(color, bpy.types.NodeSocket) else color[:3], node.inputs[0])
    connect(tree, strength, node.inputs["Scale"])
    return node.outputs[0]


def connect(tree: Any, value: Value, socket: Any) -> None:
    """Link an output to an input, or set the input's value."""
    if isinstance(value, bpy.types.NodeSocket):
        tree.links.new(value, socket)
    elif isinstance(value, float):
        plain = isinstance(socket.default_value, float)
        socket.default_value = value if plain else (value, value, value, 1.0)
    else:
        socket.default_value = value[: len(socket.default_value)]


_INVISIBLE: Final = frozenset({"ShaderNodeBsdfTransparent", "ShaderNodeHoldout"})
_READERS: Final[dict[str, Callable[[Any, Any, str, int], Value]]] = {
    "ShaderNodeBsdfPrincipled": _of_principled,
    "ShaderNodeEmission": _of_emission,
    "ShaderNodeBackground": _of_emission,
    "ShaderNodeBsdfTransparent": _of_transparent,
    "ShaderNodeHoldout": _of_transparent,
    "ShaderNodeMixShader": _of_mix,
    "ShaderNodeAddShader": _of_add,
}
