# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a model file holds points that are no numbers.

Blender's importers put such points at zero without a word, where they are the tips of long spikes; from the
imported mesh alone they can't be told from points that belong there.
"""

from __future__ import annotations

import json
import mmap
import re
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np

_PLY_TYPES: Final = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
_TEXT: Final = re.compile(rb"^v[ \t][^\n]*(?:nan|inf)", re.IGNORECASE | re.MULTILINE)


def has_broken_points(path: Path, format: str) -> bool:
    """Whether any coordinate in the file is infinite or no number. False where the file is not understood."""
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            match format:
                case "glb":
                    return _glb(data)
                case "ply":
                    return _ply(data)
                case "stl":
                    return _stl(data)
                case _:
                    words = (b"nan", b"NaN", b"NAN", b"inf", b"Inf", b"INF")
                    # Finding words first: the pattern alone takes half a second at 500,000 triangles.
                    return any(data.find(word) >= 0 for word in words) and _TEXT.search(data) is not None
        except (ValueError, KeyError, IndexError, TypeError, struct.error, RecursionError):
            return False  # whether it is a model at all, the importer says


def _broken(data: Any, dtype: Any, count: int, offset: int, stride: int) -> bool:
    """Whether any of `count` points is broken. Copies: a view would keep the file open."""
    if stride == np.dtype(dtype).itemsize:
        return not np.isfinite(np.frombuffer(data[offset : offset + count * stride], dtype)["p"]).all()
    rows = np.frombuffer(data[offset : offset + count * stride], np.uint8).reshape(count, stride)
    return not np.isfinite(np.ascontiguousarray(rows[:, :12]).view("<f4")).all()


def _glb(data: Any) -> bool:
    (length,) = struct.unpack_from("<I", data, 12)
    document = json.loads(data[20 : 20 + length])
    start = 20 + length + 8
    wanted = {p["attributes"]["POSITION"] for m in document["meshes"] for p in m["primitives"]}
    for index in wanted:
        accessor = document["accessors"][index]
        if accessor["componentType"] != 5126 or "bufferView" not in accessor:
            continue
        view = document["bufferViews"][accessor["bufferView"]]
        offset = start + view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        stride = view.get("byteStride", 12)
        count = min(accessor["count"], (len(data) - offset) // stride)
        if count > 0 and _broken(data, [("p", "<f4", 3)], count, offset, stride):
            return True
    return False


def _stl(data: Any) -> bool:
    (count,) = struct.unpack_from("<I", data, 80)
    if 84 + 50 * count != len(data):
        return re.search(rb"vertex[^\n]*(?:nan|inf)", data, re.IGNORECASE) is not None
    return _broken(data, [("n", "<f4", 3), ("p", "<f4", 9), ("a", "<u2")], count, 84, 50)


def _ply(data: Any) -> bool:
    end = data.find(b"end_header")
    lines = data[: end if end > 0 else 0].decode("ascii", "replace").splitlines()
    start = data.find(b"\n", end) + 1
    form = next(line.split()[1] for line in lines if line.startswith("format"))
    element = next(i for i, line in enumerate(lines) if line.startswith("element vertex"))
    if any(line.startswith("element") for line in lines[:element]):
        return False
    count = int(lines[element].split()[2])
    if form == "ascii":
        text = data[start : start + count * 400]
        return any(re.search(rb"nan|inf", line, re.IGNORECASE) for line in text.split(b"\n", count)[:count])
    order = "<" if form == "binary_little_endian" else ">"
    fields = []
    for line in lines[element + 1 :]:
        words = line.split()
        if words[:1] != ["property"]:
            break
        fields.append((words[2], order + _PLY_TYPES[words[1]]))
    size = np.dtype(fields).itemsize
    table = np.frombuffer(data[start : start + count * size], fields)
    return not all(np.isfinite(table[name]).all() for name in ("x", "y", "z"))
