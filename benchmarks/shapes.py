# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes model files for benchmarks and tests: a bumpy ball with one texture, of any size, in all four formats.

Laid out as generated models are: one mesh, indexed vertices with normals and UVs, one packed base color.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Shape:
    """Triangles with normals and UVs per vertex; Y is up, as in the files."""

    positions: Floats
    normals: Floats
    uvs: Floats
    triangles: Indices


def ball(triangles: int) -> Shape:
    """Returns a bumpy ball with about that many triangles. Its seam is split, as UVs require."""
    rows = max(3, round(math.sqrt(triangles / 4)))
    columns = 2 * rows
    v, u = np.meshgrid(np.linspace(0, 1, rows + 1), np.linspace(0, 1, columns + 1), indexing="ij")
    theta, phi = v * np.pi, u * 2 * np.pi

    def point(theta: npt.NDArray[np.float64], phi: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        radius = 1 + 0.15 * np.sin(5 * theta) * np.cos(4 * phi) + 0.05 * np.sin(23 * theta) * np.sin(17 * phi)
        return np.stack(
            (radius * np.sin(theta) * np.sin(phi), radius * np.cos(theta), radius * np.sin(theta) * np.cos(phi)), -1
        )

    step = 1e-4
    inner = np.clip(theta, step * 2, np.pi - step * 2)
    down = point(inner + step, phi) - point(inner - step, phi)
    along = point(inner, phi + step) - point(inner, phi - step)
    normals = np.cross(down, along)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    corner = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).reshape(-1)
    below, right = corner + columns + 1, corner + 1
    faces = np.stack((corner, below, right, right, below, below + 1), -1).reshape(-1, 3)
    return Shape(
        point(theta, phi).reshape(-1, 3).astype(np.float32),
        normals.reshape(-1, 3).astype(np.float32),
        np.stack((u, v), -1).reshape(-1, 2).astype(np.float32),
        faces.astype(np.uint32),
    )


def texture(side: int) -> bytes:
    """Returns a PNG of `side` × `side` pixels that compresses about as badly as a painted texture."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    waves = np.stack((np.sin(x * 40), np.sin(y * 30 + 1), np.sin((x + y) * 25 + 2)), -1) * 90 + 128
    pixels = (waves + random.integers(0, 8, (side, side, 1))).clip(0, 255).astype(np.uint8)
    return png(pixels)


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Returns 8-bit RGB or RGBA pixels (h × w × channels) as a PNG file."""
    height, width, channels = pixels.shape
    rows = pixels.reshape(height, -1)
    lines = np.empty((height, 1 + width * channels), np.uint8)
    lines[:, 0] = 2  # filter "up": each row is stored as the difference from the one above
    lines[:, 1:] = rows
    lines[1:, 1:] -= rows[:-1]

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines.tobytes(), 1))
        + chunk(b"IEND", b"")
    )


def write_glb(path: Path, shape: Shape, image: bytes | None = None) -> Path:
    """Write one mesh with one material and one embedded image."""
    parts = [shape.positions.tobytes(), shape.normals.tobytes(), shape.uvs.tobytes(), shape.triangles.tobytes()]
    if image is not None:
        parts.append(image)
    views, offset, padded = [], 0, []
    for part in parts:
        views.append({"buffer": 0, "byteOffset": offset, "byteLength": len(part)})
        padded.append(part + b"\0" * (-len(part) % 4))
        offset += len(padded[-1])
    count = len(shape.positions)
    document: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [
            {"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3, "material": 0}]}
        ],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": count,
                "type": "VEC3",
                "min": np.nanmin(shape.positions, 0).tolist(),
                "max": np.nanmax(shape.positions, 0).tolist(),
            },
            {"bufferView": 1, "componentType": 5126, "count": count, "type": "VEC3"},
            {"bufferView": 2, "componentType": 5126, "count": count, "type": "VEC2"},
            {"bufferView": 3, "componentType": 5125, "count": shape.triangles.size, "type": "SCALAR"},
        ],
        "materials": [{"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.7}}],
        "bufferViews": views,
        "buffers": [{"byteLength": offset}],
    }
    if image is not None:
        document["images"] = [{"bufferView": 4, "mimeType": "image/png"}]
        document["textures"] = [{"source": 0}]
        document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = b"".join(padded)
    path.write_bytes(
        struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + len(body))
        + struct.pack("<I4s", len(text), b"JSON")
        + text
        + struct.pack("<I4s", len(body), b"BIN\0")
        + body
    )
    return path


def write_obj(path: Path, shape: Shape) -> Path:
    """Write with normals and UVs, without a material."""
    faces = np.repeat(shape.triangles + 1, 3, axis=1)
    with path.open("w") as file:
        np.savetxt(file, shape.positions, "v %.6f %.6f %.6f")
        np.savetxt(file, shape.uvs * (1, -1) + (0, 1), "vt %.6f %.6f")
        np.savetxt(file, shape.normals, "vn %.5f %.5f %.5f")
        np.savetxt(file, faces, "f %d/%d/%d %d/%d/%d %d/%d/%d")
    return path


def write_stl(path: Path, shape: Shape) -> Path:
    """Write as binary; STL has neither UVs nor shared vertices."""
    corners = shape.positions[shape.triangles]
    facets = np.zeros(len(corners), np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")]))
    facets["corners"] = corners
    facets["normal"] = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    path.write_bytes(b"\0" * 80 + struct.pack("<I", len(facets)) + facets.tobytes())
    return path


def write_ply(path: Path, shape: Shape) -> Path:
    """Write as binary, with normals."""
    count = len(shape.positions)
    vertices = np.zeros(count, np.dtype([("position", "<f4", 3), ("normal", "<f4", 3)]))
    vertices["position"], vertices["normal"] = shape.positions, shape.normals
    faces = np.zeros(len(shape.triangles), np.dtype([("count", "u1"), ("corners", "<i4", 3)]))
    faces["count"], faces["corners"] = 3, shape.triangles
    names = "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz"))
    header = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\n{names}"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    path.write_bytes(header.encode() + vertices.tobytes() + faces.tobytes())
    return path
