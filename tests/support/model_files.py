# SPDX-License-Identifier: GPL-3.0-or-later
"""Small whole files of every format, made by hand, so that tests can damage them knowingly."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

TRIANGLE = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def glb_of(scene: dict[str, Any], binary: bytes = b"") -> bytes:
    """A GLB around a glTF description and its binary part."""
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary:
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def scene_of(vertices: int = 3) -> tuple[dict[str, Any], bytes]:
    """A glTF description with one mesh, and its binary part."""
    points = b"".join(struct.pack("<3f", *TRIANGLE[i % 3]) for i in range(vertices))
    indices = b"".join(struct.pack("<I", i) for i in range(vertices))
    scene: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "tests"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": vertices,
                "type": "VEC3",
                "min": [0, 0, 0],
                "max": [1, 1, 0],
            },
            {"bufferView": 1, "componentType": 5125, "count": vertices, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(points)},
            {"buffer": 0, "byteOffset": len(points), "byteLength": len(indices)},
        ],
        "buffers": [{"byteLength": len(points) + len(indices)}],
    }
    return scene, points + indices


def glb(vertices: int = 3) -> bytes:
    return glb_of(*scene_of(vertices))


def stl(triangles: int = 4) -> bytes:
    """A binary STL."""
    one = struct.pack("<3f", 0, 0, 1) + b"".join(struct.pack("<3f", *p) for p in TRIANGLE) + b"\0\0"
    return b"made by hand".ljust(80, b" ") + struct.pack("<I", triangles) + one * triangles


def stl_text(triangles: int = 4) -> bytes:
    corners = "".join(f"      vertex {x} {y} {z}\n" for x, y, z in TRIANGLE)
    one = f"  facet normal 0 0 1\n    outer loop\n{corners}    endloop\n  endfacet\n"
    return f"solid thing\n{one * triangles}endsolid thing\n".encode()


def obj(faces: int = 2) -> bytes:
    points = "".join(f"v {x} {y} {z}\n" for x, y, z in TRIANGLE)
    head = "# made by hand\nmtllib thing.mtl\no thing\n"
    return f"{head}{points}vt 0 0\nvn 0 0 1\nusemtl skin\n".encode() + b"f 1/1/1 2/1/1 3/1/1\n" * faces


def mtl() -> bytes:
    return b"newmtl skin\nKd 0.8 0.8 0.8\nmap_Kd thing.png\n"


def ply(faces: int = 2, *, order: str = "<", corners: int = 3) -> bytes:
    """A binary PLY with colored vertices."""
    kind = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    head = _ply_head(kind, faces)
    points = b"".join(struct.pack(order + "3f3B", *p, 200, 100, 50) for p in TRIANGLE)
    face = struct.pack(f"{order}B{corners}i", corners, *(i % 3 for i in range(corners)))
    return head + points + face * faces


def ply_text(faces: int = 2) -> bytes:
    points = "".join(f"{x} {y} {z} 200 100 50\n" for x, y, z in TRIANGLE)
    return _ply_head("ascii", faces) + (points + "3 0 1 2\n" * faces).encode()


def _ply_head(kind: str, faces: int) -> bytes:
    properties = "".join(f"property float {a}\n" for a in "xyz")
    colors = "".join(f"property uchar {c}\n" for c in ("red", "green", "blue"))
    return (
        f"ply\nformat {kind} 1.0\ncomment made by hand\nelement vertex 3\n{properties}{colors}"
        f"element face {faces}\nproperty list uchar int vertex_indices\nend_header\n"
    ).encode()


def png(width: int = 2, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xc8\x64\x32" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def mp4(size: int = 500) -> bytes:
    """Boxes as an MP4 has them, without images in them."""

    def box(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", 8 + len(data)) + kind + data

    return box(b"ftyp", b"isom\0\0\2\0isomiso2") + box(b"moov", box(b"mvhd", b"\0" * 100)) + box(b"mdat", b"\0" * size)


def gif() -> bytes:
    return b"GIF89a\1\0\1\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


def webm() -> bytes:
    return b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\xf2\x81\4B\xf3\x81\x08B\x82\x84webm" + b"\0" * 64


def jpg() -> bytes:
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\0" * 64 + b"\xff\xd9"


def webp() -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + 32) + b"WEBP" + b"VP8 " + b"\0" * 28


WHOLE: dict[str, bytes] = {
    "glb": glb(),
    "glb large": glb(3000),
    "stl": stl(),
    "stl as text": stl_text(),
    "obj": obj(),
    "ply": ply(),
    "ply big endian": ply(order=">"),
    "ply with quads": ply(corners=4),
    "ply as text": ply_text(),
    "mtl": mtl(),
    "png": png(),
    "jpg": jpg(),
    "webp": webp(),
    "video mp4": mp4(),
    "video gif": gif(),
    "video webm": webm(),
}
"""Whole files; the first word of a name is the format to check them as."""
