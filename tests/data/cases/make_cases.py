# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the small inputs described in README.md beside this into a folder: python make_cases.py FOLDER [NAME…]. Standard library and numpy only.

All shapes are our own: a "lamp" (a lathed body, 1 unit tall, Y up, red at the bottom, blue at the top), so that which way it stands,
its colors and its faces' direction can be seen in a image.
"""
from __future__ import annotations

import base64
import json
import math
import struct
import sys
import zlib
from pathlib import Path

import numpy as np


# ----- a shape and a image

def lamp(rings: int = 24, around: int = 32):
    """positions, normals, uvs, colors (linear RGB 0..1), triangles; closed, outward, Y up, stands on y=0."""
    t = np.linspace(0, 1, rings)
    radius = 0.28 * (0.25 + 0.75 * np.abs(np.cos(2.2 * t * math.pi / 2)) ** 0.7) * np.sin(np.clip(t * 8, 0, math.pi / 2)) * np.sin(
        np.clip((1 - t) * 8, 0, math.pi / 2)) + 1e-4
    a = np.linspace(0, 2 * math.pi, around + 1)
    T, A = np.meshgrid(t, a, indexing="ij")
    R = radius[:, None] * np.ones_like(A)
    p = np.stack((R * np.cos(A), T, -R * np.sin(A)), -1).reshape(-1, 3).astype(np.float32)
    uv = np.stack((A / (2 * math.pi), 1 - T), -1).reshape(-1, 2).astype(np.float32)
    c = np.stack((1 - T, 0.15 * np.ones_like(T), T), -1).reshape(-1, 3).astype(np.float32)
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(around), indexing="ij")
    k = (i * (around + 1) + j).reshape(-1)
    w = around + 1
    tri = np.concatenate((np.stack((k, k + 1, k + w), -1), np.stack((k + 1, k + w + 1, k + w), -1))).astype(np.uint32)
    n = np.zeros_like(p)
    f = np.cross(p[tri[:, 1]] - p[tri[:, 0]], p[tri[:, 2]] - p[tri[:, 0]])
    for x in range(3):
        np.add.at(n, tri[:, x], f)
    n /= np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-12)
    return p, n.astype(np.float32), uv, c, tri


def png(pixels: np.ndarray, *, extra: bytes = b"", kind: int | None = None, depth: int = 8, raw: bytes | None = None, size=None,
        interlace: int = 0) -> bytes:
    """pixels: h×w×(1,2,3,4) uint8 or uint16."""
    h, w = pixels.shape[:2] if size is None else size
    if raw is None:
        kind = {1: 0, 2: 4, 3: 2, 4: 6}[pixels.shape[2]]
        depth = 16 if pixels.dtype == np.uint16 else 8
        body = pixels.astype(">u2" if depth == 16 else np.uint8).tobytes()
        line = len(body) // h
        raw = b"".join(b"\0" + body[y * line:(y + 1) * line] for y in range(h))

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, interlace)) + extra
            + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def skin(side: int = 64, alpha: int | None = None) -> bytes:
    y, x = np.mgrid[0:side, 0:side]
    t = y / (side - 1)
    square = ((x // 8 + y // 8) % 2) * 40
    p = np.stack((np.clip(60 + 180 * t + square * 0, 0, 255), 40 + square, np.clip(240 - 180 * t, 0, 255)), -1).astype(np.uint8)
    if alpha is not None:
        p = np.concatenate((p, np.full((side, side, 1), alpha, np.uint8)), -1)
    return png(p)


# ----- GLB

class Glb:
    def __init__(self):
        self.d = {"asset": {"version": "2.0", "generator": "cases2"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": [], "meshes": [],
                  "accessors": [], "bufferViews": [], "buffers": [{}]}
        self.b = b""

    def view(self, data: bytes, **more) -> int:
        self.b += b"\0" * (-len(self.b) % 4)
        self.d["bufferViews"].append({"buffer": 0, "byteOffset": len(self.b), "byteLength": len(data), **more})
        self.b += data
        return len(self.d["bufferViews"]) - 1

    def accessor(self, a: np.ndarray, kind: str, component: int, **more) -> int:
        acc = {"bufferView": self.view(np.ascontiguousarray(a).tobytes()), "componentType": component, "count": len(a), "type": kind, **more}
        if kind == "VEC3" and component == 5126:
            acc |= {"min": [float(x) for x in np.nanmin(a, 0)], "max": [float(x) for x in np.nanmax(a, 0)]}
        self.d["accessors"].append(acc)
        return len(self.d["accessors"]) - 1

    def mesh(self, p, tri=None, n=None, uv=None, color=None, material=None, name=None, mode=4) -> int:
        at = {"POSITION": self.accessor(p, "VEC3", 5126)}
        if n is not None:
            at["NORMAL"] = self.accessor(n, "VEC3", 5126)
        if uv is not None:
            at["TEXCOORD_0"] = self.accessor(uv, "VEC2", 5126)
        if color is not None:
            if color.dtype == np.uint8:
                at["COLOR_0"] = self.accessor(color, "VEC4", 5121, normalized=True)
            else:
                at["COLOR_0"] = self.accessor(color, "VEC3", 5126)
        prim = {"attributes": at, "mode": mode}
        if tri is not None:
            prim["indices"] = self.accessor(tri.reshape(-1).astype(np.uint32), "SCALAR", 5125)
        if material is not None:
            prim["material"] = material
        self.d["meshes"].append({"primitives": [prim], **({"name": name} if name else {})})
        return len(self.d["meshes"]) - 1

    def node(self, scene: int | None = 0, **more) -> int:
        self.d["nodes"].append(more)
        i = len(self.d["nodes"]) - 1
        if scene is not None:
            self.d["scenes"][scene]["nodes"].append(i)
        return i

    def image(self, data: bytes, mime="image/png") -> int:
        self.d.setdefault("images", []).append({"bufferView": self.view(data), "mimeType": mime})
        return len(self.d["images"]) - 1

    def texture(self, source: int | None, **more) -> int:
        self.d.setdefault("textures", []).append(({} if source is None else {"source": source}) | more)
        return len(self.d["textures"]) - 1

    def material(self, **m) -> int:
        self.d.setdefault("materials", []).append(m)
        return len(self.d["materials"]) - 1

    def bytes(self) -> bytes:
        self.b += b"\0" * (-len(self.b) % 4)
        self.d["buffers"][0]["byteLength"] = len(self.b)
        text = json.dumps(self.d, ensure_ascii=False).encode()
        text += b" " * (-len(text) % 4)
        body = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(self.b), b"BIN\0") + self.b
        return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def simple(material=None, *, alpha=None, uv=True, color=None, flip=False, **kw) -> Glb:
    g = Glb()
    p, n, t, c, tri = lamp()
    m = None
    if material is not None:
        if material.get("pbrMetallicRoughness", {}).get("baseColorTexture") is not None:
            g.texture(g.image(skin(alpha=alpha)))
        m = g.material(**material)
    if flip:
        tri, n = tri[:, ::-1], -n
    g.node(mesh=g.mesh(p, tri, n, t if uv else None, color, m, **kw))
    return g


WEBP = "UklGRooAAABXRUJQVlA4TH0AAAAvP8APALkyRPQ/NjHg0f8oMGojyVHBaTgL9eAsoMuTfwTZtqHm0zpBtk3nc3+9hyK3bRv5ntGhR+iDcwScs/l9DnawDmkflDnaLxxcWPw3xxgKsZuzY/beFmMoRMxR7LwzhkIkrnf6WChv7/ShUN3eyaNQ+1DZeWcMhShrAAA="
"""`skin`, as lossless WebP."""
CASES = {}


def case(name):
    def keep(f):
        CASES[name] = f
        return f
    return keep


@case("trellis_metal.glb")
def _():
    """As TRELLIS v1 exports: roughness 1, base color texture, no metallicFactor (glTF's default is 1: pure metal)."""
    return simple({"name": "material", "doubleSided": False, "pbrMetallicRoughness": {
        "baseColorTexture": {"index": 0}, "baseColorFactor": [1, 1, 1, 1], "roughnessFactor": 1.0}}).bytes()


@case("dielectric.glb")
def _():
    """The same with metallicFactor 0, for comparison."""
    return simple({"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0, "roughnessFactor": 1.0}}).bytes()




@case("vertex_colors_material.glb")
def _():
    """COLOR_0 and a plain white material."""
    c = lamp()[3]
    rgba = np.concatenate((np.round(c * 255), np.full((len(c), 1), 255)), 1).astype(np.uint8)
    return simple({"pbrMetallicRoughness": {"metallicFactor": 0, "roughnessFactor": 1}}, color=rgba, uv=False).bytes()


@case("unlit.glb")
def _():
    """KHR_materials_unlit, required: the light is baked into the texture."""
    g = simple({"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}, "extensions": {"KHR_materials_unlit": {}}})
    g.d["extensionsUsed"] = g.d["extensionsRequired"] = ["KHR_materials_unlit"]
    return g.bytes()


@case("blend_opaque_alpha_low.glb")
def _():
    """alphaMode BLEND with a texture whose alpha is 250 of 255 everywhere."""
    return simple({"alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0}}, alpha=250).bytes()


@case("opaque_alpha_zero.glb")
def _():
    """alphaMode OPAQUE (default) with a texture whose alpha is 0 everywhere: must be seen whole (TRELLIS.2 #91's texture)."""
    return simple({"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0}}, alpha=0).bytes()


@case("basisu_required.glb")
def _():
    """Textures in KTX2 only (KHR_texture_basisu required); shape is plain."""
    g = Glb()
    p, n, t, c, tri = lamp()
    g.image(b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(200), "image/ktx2")
    g.texture(None, extensions={"KHR_texture_basisu": {"source": 0}})
    m = g.material(pbrMetallicRoughness={"baseColorTexture": {"index": 0}, "metallicFactor": 0, "baseColorFactor": [0.8, 0.5, 0.2, 1]})
    g.node(mesh=g.mesh(p, tri, n, t, None, m))
    g.d["extensionsUsed"] = g.d["extensionsRequired"] = ["KHR_texture_basisu"]
    return g.bytes()




@case("meshopt_required.glb")
def _():
    """EXT_meshopt_compression required, as gltfpack -cc writes it (the data itself is a stand-in: the importer refuses before)."""
    g = simple({"pbrMetallicRoughness": {"metallicFactor": 0}})
    g.d["extensionsUsed"] = g.d["extensionsRequired"] = ["EXT_meshopt_compression", "KHR_mesh_quantization"]
    for v in g.d["bufferViews"]:
        v["extensions"] = {"EXT_meshopt_compression": {"buffer": 0, "byteOffset": v["byteOffset"], "byteLength": v["byteLength"],
                                                       "byteStride": 12, "mode": "ATTRIBUTES", "count": v["byteLength"] // 12}}
    return g.bytes()


@case("quantized.glb")
def _():
    """KHR_mesh_quantization required: positions as normalized int16, node puts them back to size."""
    g = Glb()
    p, n, t, c, tri = lamp()
    q = np.round(p * 32767).astype("<i2")
    q4 = np.zeros((len(q), 4), "<i2")
    q4[:, :3] = q
    v = g.view(q4.tobytes(), byteStride=8)
    g.d["accessors"].append({"bufferView": v, "componentType": 5122, "normalized": True, "count": len(q), "type": "VEC3",
                             "min": [int(x) for x in q.min(0)], "max": [int(x) for x in q.max(0)]})
    i = g.accessor(tri.reshape(-1), "SCALAR", 5125)
    g.d["meshes"].append({"primitives": [{"attributes": {"POSITION": 0}, "indices": i}]})
    g.node(mesh=0, scale=[1.5, 1.5, 1.5])
    g.d["extensionsUsed"] = g.d["extensionsRequired"] = ["KHR_mesh_quantization"]
    return g.bytes()


@case("texture_transform.glb")
def _():
    """KHR_texture_transform required, with a negative scale (V flipped)."""
    g = simple({"pbrMetallicRoughness": {"baseColorTexture": {"index": 0, "extensions": {"KHR_texture_transform": {
        "offset": [0, 1], "scale": [1, -1]}}}, "metallicFactor": 0}})
    g.d["extensionsUsed"] = g.d["extensionsRequired"] = ["KHR_texture_transform"]
    return g.bytes()


@case("no_scene.glb")
def _():
    """Nodes and a mesh, but neither `scene` nor `scenes`."""
    g = simple({"pbrMetallicRoughness": {"metallicFactor": 0}})
    del g.d["scene"], g.d["scenes"]
    return g.bytes()


@case("two_scenes.glb")
def _():
    """Two scenes; the default one (1) holds the lamp, the other a large helper plane."""
    g = Glb()
    p, n, t, c, tri = lamp()
    g.d["scenes"].append({"nodes": []})
    plane = np.array([[-5, 0, -5], [5, 0, -5], [5, 0, 5], [-5, 0, 5]], np.float32)
    g.node(0, mesh=g.mesh(plane, np.array([[0, 2, 1], [0, 3, 2]])), name="helper")
    g.node(1, mesh=g.mesh(p, tri, n), name="lamp")
    g.d["scene"] = 1
    return g.bytes()




@case("names.glb")
def _():
    """Emoji, 300 letters, a duplicate, empty, slashes and a line break in names."""
    g = Glb()
    p, n, t, c, tri = lamp(8, 8)
    for k, name in enumerate(["\U0001f680\U0001f680 Stuhl", "\u6905\u5b50" * 150, "dup", "dup", "", "a/b\\c:*?\n\"<>|", "\u0000x"]):
        g.node(0, mesh=g.mesh(p + np.float32([k, 0, 0]), tri, n, name=name), name=name)
    return g.bytes()


@case("soup.glb")
def _():
    """Not indexed, no normals, every 10th triangle without area, two vertices NaN."""
    g = Glb()
    p, n, t, c, tri = lamp()
    q = p[tri.reshape(-1)].copy()
    q[np.arange(0, len(q), 30) + 1] = q[np.arange(0, len(q), 30)]
    q[45] = np.nan
    q[100] = np.inf
    g.node(mesh=g.mesh(q))
    g.d["accessors"][0]["min"], g.d["accessors"][0]["max"] = [-1, 0, -1], [1, 1, 1]
    return g.bytes()




@case("some_faces_turned.glb")
def _():
    """TRELLIS' way: single-sided material (doubleSided left out), and 6 % of the faces turned inwards; normals agree with neighbors."""
    g = Glb()
    p, n, t, c, tri = lamp()
    tri = tri.copy()
    bad = np.random.default_rng(3).random(len(tri)) < 0.06
    tri[bad] = tri[bad][:, ::-1]
    g.texture(g.image(skin()))
    m = g.material(pbrMetallicRoughness={"baseColorTexture": {"index": 0}, "metallicFactor": 0, "roughnessFactor": 1})
    g.node(mesh=g.mesh(p, tri, None, t, None, m))
    return g.bytes()


@case("points_and_mesh.glb")
def _():
    """A point cloud (mode 0) beside the mesh, far larger than it."""
    g = Glb()
    p, n, t, c, tri = lamp()
    g.node(mesh=g.mesh(p, tri, n), name="lamp")
    far = (np.random.default_rng(1).random((200, 3), np.float32) - 0.5) * 20
    g.node(mesh=g.mesh(far, mode=0), name="points")
    return g.bytes()


@case("strip.glb")
def _():
    """Triangle strips (mode 5)."""
    g = Glb()
    p, n, t, c, tri = lamp(24, 32)
    order = []
    for r in range(23):
        row = [x for j in range(33) for x in ((r + 1) * 33 + j, r * 33 + j)]
        order += ([order[-1], row[0]] if order else []) + row
    g.node(mesh=g.mesh(p, np.array(order), n, mode=5))
    return g.bytes()


@case("webp_only.glb")
def _():
    """EXT_texture_webp required, no fallback (ComfyUI, gltf-transform)."""
    g = Glb()
    p, n, t, c, tri = lamp()
    g.image(base64.b64decode(WEBP), "image/webp")
    g.texture(None, extensions={"EXT_texture_webp": {"source": 0}})
    m = g.material(pbrMetallicRoughness={"baseColorTexture": {"index": 0}, "metallicFactor": 0})
    g.node(mesh=g.mesh(p, tri, n, t, None, m))
    g.d["extensionsUsed"] = g.d["extensionsRequired"] = ["EXT_texture_webp"]
    return g.bytes()


@case("animated_node.glb")
def _():
    """The lamp turned by an animation (a turntable) of its node."""
    g = simple({"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0}})
    times = g.accessor(np.array([0, 1, 2], np.float32)[:, None], "SCALAR", 5126, min=[0.0], max=[2.0])
    rot = g.accessor(np.array([[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, -1]], np.float32), "VEC4", 5126)
    g.d["animations"] = [{"channels": [{"sampler": 0, "target": {"node": 0, "path": "rotation"}}],
                          "samplers": [{"input": times, "output": rot}]}]
    return g.bytes()


# ----- PLY

def ply(form: str, *, rgb: bool = True, faces: bool = True, extra: str = "", crlf: bool = False, alpha: bool = False, floats: bool = False) -> bytes:
    p, n, t, c, tri = lamp()
    srgb = np.where(c <= 0.0031308, c * 12.92, 1.055 * c ** (1 / 2.4) - 0.055)
    names = ["property float x", "property float y", "property float z"]
    if rgb:
        kind = "float" if floats else "uchar"
        names += [f"property {kind} {x}" for x in ("red", "green", "blue")] + ([f"property {kind} alpha"] if alpha else [])
    head = ["ply", f"format {form} 1.0", *([extra] if extra else []), f"element vertex {len(p)}", *names]
    if faces:
        head += [f"element face {len(tri)}", "property list uchar int vertex_indices"]
    text = ("\r\n" if crlf else "\n").join([*head, "end_header"]) + ("\r\n" if crlf else "\n")
    cols = np.round(srgb * 255).astype(np.uint8)
    if form == "ascii":
        rows = [" ".join([*(f"{x:.6f}" for x in p[i]), *((str(int(x)) for x in cols[i]) if rgb else ())]) for i in range(len(p))]
        rows += [f"3 {a} {b} {d}" for a, b, d in tri] if faces else []
        return (text + ("\r\n" if crlf else "\n").join(rows) + "\n").encode()
    o = "<" if "little" in form else ">"
    f = [("p", o + "f4", 3)] + ([("c", (o + "f4") if floats else "u1", 4 if alpha else 3)] if rgb else [])
    v = np.zeros(len(p), f)
    v["p"] = p
    if rgb:
        v["c"][:, :3] = srgb if floats else cols
        if alpha:
            v["c"][:, 3] = 1 if floats else 255
    out = text.encode() + v.tobytes()
    if faces:
        fa = np.zeros(len(tri), [("n", "u1"), ("i", o + "i4", 3)])
        fa["n"], fa["i"] = 3, tri
        out += fa.tobytes()
    return out


@case("colors_ascii.ply")
def _():
    return ply("ascii")


@case("colors_little.ply")
def _():
    """Vertex colors, binary; the usual PLY of TRELLIS-like tools."""
    return ply("binary_little_endian", alpha=True)






@case("texture_comment.ply")
def _():
    """MeshLab: names a texture in a comment."""
    return ply("binary_little_endian", extra="comment TextureFile texture.png")


@case("crlf.ply")
def _():
    return ply("ascii", crlf=True)


@case("splats.ply")
def _():
    """Gaussian splats as 3DGS and TRELLIS save them: points with f_dc_*, opacity, scale_*, rot_*; no faces."""
    p, n, t, c, tri = lamp()
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    v = np.zeros(len(p), [(x, "<f4") for x in names])
    for k, x in enumerate("xyz"):
        v[x] = p[:, k]
    for k in range(3):
        v[f"f_dc_{k}"] = (c[:, k] - 0.5) / 0.28209479
        v[f"scale_{k}"] = math.log(0.01)
    v["opacity"], v["rot_0"] = 4, 1
    head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(p)}", *(f"property float {x}" for x in names), "end_header", ""]
    return "\n".join(head).encode() + v.tobytes()


# ----- STL

def stl(scale: float = 1.0, head: bytes = b"") -> bytes:
    p, n, t, c, tri = lamp()
    q = (p * scale)[tri]
    rec = np.zeros(len(tri), [("n", "<f4", 3), ("v", "<f4", (3, 3)), ("a", "<u2")])
    rec["v"] = q
    return head.ljust(80, b"\0")[:80] + struct.pack("<I", len(tri)) + rec.tobytes()


@case("millimeters.stl")
def _():
    """180 mm tall, as print tools write it: 180 Blender units."""
    return stl(180.0)


@case("colored.stl")
def _():
    """Materialise Magics color header and color bits in the attribute bytes."""
    b = bytearray(stl(1.0, b"COLOR=\xff\x40\x20\xff,MATERIAL=" + bytes(12)))
    for i in range(84 + 48, len(b), 50):
        struct.pack_into("<H", b, i, 0x7C00)
    return bytes(b)


def ascii_stl(parts: int, upper: bool, form: str = ".6E") -> bytes:
    p, n, t, c, tri = lamp(10, 12)
    out = []
    for k in range(parts):
        out.append(f"solid part {k} of lamp")
        for f in (p + np.float32([k * 0.8, 0, 0]))[tri]:
            out += ["  facet normal 0 0 0", "    outer loop", *(f"      vertex {x:{form}} {y:{form}} {z:{form}}" for x, y, z in f), "    endloop", "  endfacet"]
        out.append(f"endsolid part {k} of lamp")
    text = "\n".join(out) + "\n"
    return (text.upper() if upper else text).encode()


@case("two_solids.stl")
def _():
    """ASCII, two solids in one file, scientific notation, names with blanks."""
    return ascii_stl(2, False)




@case("crlf_tabs.stl")
def _():
    """ASCII with tabs and Windows line ends."""
    return ascii_stl(1, False).replace(b"    ", b"\t").replace(b"\n", b"\r\n")


# ----- OBJ

def obj_lines(p, uv, n, tri, negative=False, quads=False, colors=None, order="XYZ"):
    out = []
    for i, x in enumerate(p):
        out.append("v " + " ".join(f"{y:.6f}" for y in x) + ("" if colors is None else " " + " ".join(f"{y:.4f}" for y in colors[i])))
    out += [f"vt {a:.6f} {1 - b:.6f}" for a, b in uv]
    out += ["vn " + " ".join(f"{y:.5f}" for y in x) for x in n]
    k = len(p)
    for f in tri:
        ids = [(int(x) - k) if negative else int(x) + 1 for x in f]
        out.append("f " + " ".join(f"{i}/{i}/{i}" for i in ids))
    return out




@case("negative.obj")
def _():
    """Relative (negative) indices, faces right behind their vertices, several groups with one name, a line continued with a backslash."""
    p, n, t, c, tri = lamp(10, 12)
    out = ["# lamp", "o part", "g part"]
    for f in tri:
        for i in f:
            out.append("v " + " ".join(f"{y:.6f}" for y in p[i]))
        out.append("f -3 -2 \\\n -1")
    return "\n".join(out).encode() + b"\n"


@case("textured.obj")
def _():
    """mtllib and texture with blanks in their names, map options before the name; see textured.mtl and textured.png."""
    p, n, t, c, tri = lamp()
    return "\n".join(["mtllib my lamp.mtl", "usemtl Mat 1", *obj_lines(p, t, n, tri)]).encode() + b"\n"


@case("textured.mtl")
def _():
    return b"newmtl Mat 1\nKd 1 1 1\nmap_Kd -s 1 1 1 my skin 01.png\n"


@case("textured.png")
def _():
    return skin()


@case("z_up.obj")
def _():
    """Z up, as TRELLIS' own mesh is before its export turns it."""
    p, n, t, c, tri = lamp()
    z = lambda a: np.stack((a[:, 0], -a[:, 2], a[:, 1]), -1)
    return "\n".join(obj_lines(z(p), t, z(n), tri)).encode() + b"\n"


# ----- images

def subject(side=256):
    y, x = np.mgrid[0:side, 0:side] / (side - 1) * 2 - 1
    inside = (x ** 2 + y ** 2) < 0.6
    p = np.zeros((side, side, 4), np.uint8)
    p[..., 0] = np.where(inside, 200, 255)
    p[..., 1] = np.where(inside, np.clip(127 + 100 * y, 0, 255), 255)
    p[..., 2] = np.where(inside, 40, 255)
    p[..., 3] = np.where(inside, 255, 0)
    return p


@case("one_bit_palette.png")
def _():
    """1 bit a pixel, palette, tRNS makes entry 0 transparent."""
    p = subject()
    bits = np.packbits(p[..., 3] > 0, axis=1)
    raw = b"".join(b"\0" + row.tobytes() for row in bits)
    extra = chunk(b"PLTE", bytes([255, 255, 255, 200, 120, 40])) + chunk(b"tRNS", b"\0")
    return png(p, extra=extra, kind=3, depth=1, raw=raw, size=(256, 256))


@case("gray_alpha.png")
def _():
    p = subject()
    return png(np.stack((p[..., 1], p[..., 3]), -1))


@case("gray16_alpha.png")
def _():
    p = subject()
    return png(np.stack((p[..., 1], p[..., 3]), -1).astype(np.uint16) * 257)




def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in CASES.items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        (folder / name).write_bytes(make())


if __name__ == "__main__":
    main()
