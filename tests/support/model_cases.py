# SPDX-License-Identifier: GPL-3.0-or-later
"""Model files as generators write them: a lamp, 1 unit tall, Y up, red at the bottom and blue at the top.

How it is placed, its colors and the direction of its faces can be seen in a render.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from model_files import glb_of
from numpy.typing import NDArray

Array = NDArray[Any]
HARMONIC = 0.28209479


class Lamp(NamedTuple):
    """`colors`: linear. The triangles face outward; the two ends have holes too small to see."""

    points: Array
    uvs: Array
    colors: Array
    triangles: Array


def lamp(rings: int = 24, around: int = 32) -> Lamp:
    t = np.linspace(0, 1, rings)
    radius = 0.28 * (0.25 + 0.75 * np.abs(np.cos(1.1 * t * math.pi)) ** 0.7)
    radius = radius * np.sin(np.clip(t * 8, 0, math.pi / 2)) * np.sin(np.clip((1 - t) * 8, 0, math.pi / 2)) + 1e-4
    height, angle = np.meshgrid(t, np.linspace(0, 2 * math.pi, around + 1), indexing="ij")
    wide = np.repeat(radius[:, None], around + 1, axis=1)
    points = np.stack((wide * np.cos(angle), height, -wide * np.sin(angle)), -1).reshape(-1, 3).astype(np.float32)
    uvs = np.stack((angle / (2 * math.pi), 1 - height), -1).reshape(-1, 2).astype(np.float32)
    colors = np.stack((1 - height, np.full_like(height, 0.15), height), -1).reshape(-1, 3).astype(np.float32)
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(around), indexing="ij")
    k, w = (i * (around + 1) + j).reshape(-1), around + 1
    triangles = np.concatenate((np.stack((k, k + 1, k + w), -1), np.stack((k + 1, k + w + 1, k + w), -1)))
    return Lamp(points, uvs, colors, triangles.astype(np.uint32))


def to_srgb(linear: Array) -> Array:
    low = np.asarray(linear * 12.92)
    return np.where(linear <= 0.0031308, low, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


class Gltf:
    """A glTF document with its binary part."""

    def __init__(self) -> None:
        self.json: dict[str, Any] = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": []}
        for name in ("meshes", "accessors", "bufferViews"):
            self.json[name] = []
        self._binary = b""

    def view(self, data: bytes) -> int:
        self._binary += b"\0" * (-len(self._binary) % 4)
        self.json["bufferViews"].append({"buffer": 0, "byteOffset": len(self._binary), "byteLength": len(data)})
        self._binary += data
        return len(self.json["bufferViews"]) - 1

    def accessor(self, values: Array, kind: str, component: int, **more: Any) -> int:
        described = {"bufferView": self.view(np.ascontiguousarray(values).tobytes()), "count": len(values)}
        described |= {"componentType": component, "type": kind, **more}
        if kind == "VEC3" and component == 5126:
            described |= {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
        self.json["accessors"].append(described)
        return len(self.json["accessors"]) - 1

    def mesh(self, shape: Lamp, material: int | None = None, *, colors: bool = False, uvs: bool = False) -> int:
        attributes = {"POSITION": self.accessor(shape.points, "VEC3", 5126)}
        if uvs:
            attributes["TEXCOORD_0"] = self.accessor(shape.uvs, "VEC2", 5126)
        if colors:
            attributes["COLOR_0"] = self.accessor(shape.colors, "VEC3", 5126)
        primitive: dict[str, Any] = {"attributes": attributes}
        if len(shape.triangles):
            primitive["indices"] = self.accessor(shape.triangles.reshape(-1, 1).astype(np.uint32), "SCALAR", 5125)
        else:
            primitive["mode"] = 0
        if material is not None:
            primitive["material"] = material
        self.json["meshes"].append({"primitives": [primitive]})
        return len(self.json["meshes"]) - 1

    def node(self, scene: int | None = 0, **more: Any) -> int:
        self.json["nodes"].append(more)
        if scene is not None:
            self.json["scenes"][scene]["nodes"].append(len(self.json["nodes"]) - 1)
        return len(self.json["nodes"]) - 1

    def add(self, name: str, /, **entry: Any) -> int:
        """Add to a list such as "materials". Returns its number."""
        self.json.setdefault(name, []).append(entry)
        return len(self.json[name]) - 1

    def image(self, data: bytes, mime: str = "image/png") -> int:
        return self.add("images", bufferView=self.view(data), mimeType=mime)

    def bytes(self) -> bytes:
        self.json["buffers"] = [{"byteLength": len(self._binary) + -len(self._binary) % 4}]
        return glb_of(self.json, self._binary)


def lamp_glb(material: dict[str, Any] | None = None, *, colors: bool = False, image: bytes = b"") -> Gltf:
    """The lamp with one material; `image`: its base color texture."""
    gltf = Gltf()
    if image:
        gltf.add("textures", source=gltf.image(image))
    number = None if material is None else gltf.add("materials", **material)
    gltf.node(mesh=gltf.mesh(lamp(), number, colors=colors, uvs=True))
    return gltf


def ply(form: str, *, kind: str = "uchar", alpha: bool = False, line_end: str = "\n", faces: bool = True) -> bytes:
    """The lamp as a PLY. `form`: "ascii", "binary_little_endian" or "binary_big_endian"; `kind` of the colors."""
    shape = lamp()
    highest = {"uchar": 255, "ushort": 65535, "float": 1}[kind]
    srgb = to_srgb(shape.colors) * highest
    colors = np.concatenate((srgb, np.full((len(srgb), 1), highest)), 1)[:, : 4 if alpha else 3]
    colors = colors if kind == "float" else np.round(colors).astype(np.int64)
    head = ["ply", f"format {form} 1.0", f"element vertex {len(colors)}", *(f"property float {axis}" for axis in "xyz")]
    head += [f"property {kind} {name}" for name in ("red", "green", "blue", "alpha")[: colors.shape[1]]]
    if faces:
        head += [f"element face {len(shape.triangles)}", "property list uchar int vertex_indices"]
    text = (line_end.join([*head, "end_header"]) + line_end).encode()
    if form == "ascii":
        rows = [" ".join(map(str, (*a, *b))) for a, b in zip(shape.points.tolist(), colors.tolist(), strict=True)]
        rows += [f"3 {a} {b} {c}" for a, b, c in shape.triangles] if faces else []
        return text + (line_end.join(rows) + line_end).encode()
    order = "<" if "little" in form else ">"
    code = {"uchar": "u1", "ushort": order + "u2", "float": order + "f4"}[kind]
    table = np.zeros(len(colors), [("at", order + "f4", 3), ("color", code, colors.shape[1])])
    table["at"], table["color"] = shape.points, colors
    polygons = np.zeros(len(shape.triangles) if faces else 0, [("count", "u1"), ("corners", order + "i4", 3)])
    polygons["count"], polygons["corners"] = 3, shape.triangles[: len(polygons)]
    return text + table.tobytes() + polygons.tobytes()


def splats(form: str = "binary_little_endian") -> bytes:
    """Gaussian splats at the lamp's vertices, in its colors (which are sRGB: splats are fitted to images)."""
    shape = lamp()
    names = [*"xyz", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2"]
    names += [f"rot_{i}" for i in range(4)]
    values = np.zeros((len(shape.points), len(names)), np.float32)
    values[:, :3], values[:, 6:9] = shape.points, (to_srgb(shape.colors) - 0.5) / HARMONIC
    values[:, 9], values[:, 10:13], values[:, 13] = 4, math.log(0.01), 1
    properties = [f"property float {name}" for name in names]
    head = "\n".join(["ply", f"format {form} 1.0", f"element vertex {len(values)}", *properties, "end_header", ""])
    if form == "ascii":
        return (head + "\n".join(" ".join(map(str, row)) for row in values.tolist()) + "\n").encode()
    return head.encode() + values.astype("<f4" if "little" in form else ">f4").tobytes()


def obj(*, colors: bool = False, head: str = "") -> bytes:
    shape = lamp()
    lines = [head] if head else []
    for point, color in zip(shape.points, to_srgb(shape.colors), strict=True):
        more = " " + " ".join(f"{x:.5f}" for x in color) if colors else ""
        lines.append("v " + " ".join(f"{x:.6f}" for x in point) + more)
    lines += [f"vt {u:.6f} {1 - v:.6f}" for u, v in shape.uvs]
    lines += ["f " + " ".join(f"{i + 1}/{i + 1}" for i in face) for face in shape.triangles.tolist()]
    return "\n".join(lines).encode() + b"\n"


def stl_text() -> bytes:
    shape = lamp(10, 12)
    lines = ["solid part of lamp"]
    for face in shape.points[shape.triangles]:
        corners = [f"vertex {x:.6E} {y:.6E} {z:.6E}" for x, y, z in face]
        lines += ["facet normal 0 0 0", "outer loop", *corners, "endloop", "endfacet"]
    return "\n".join([*lines, "endsolid part of lamp", ""]).encode()
