# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files for 3D printing: binary STL, and 3MF as the Core Specification 1.3 says. Both in millimeters."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .. import atomic_file

Array = npt.NDArray[Any]

_TYPES: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>'
)
_RELATIONS: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Target="/3D/3dmodel.model" Id="rel0" '
    'Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
)
_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<model unit="millimeter" xml:lang="en-US" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02">'
    '<resources><object id="1" type="model"><mesh>'
)
_TAIL: Final = '</mesh></object></resources><build><item objectid="1"/></build></model>'
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The time of each part of the archive, so that the same model is the same file."""


def write(path: Path, file_format: str, points: Array, triangles: Array) -> None:
    """Write a solid. `file_format`: "STL" or "3MF". `points` in millimeters. Raises OSError."""
    temporary = path.with_name("~" + path.name)
    {"STL": _write_stl, "3MF": _write_3mf}[file_format](temporary, points, triangles)
    atomic_file.replace(temporary, path)


def _write_stl(path: Path, points: Array, triangles: Array) -> None:
    corners = points.astype(np.float32)[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    records = np.zeros(len(triangles), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])
    records["normal"] = normals / np.maximum(lengths, 1e-30)[:, None]
    records["corners"] = corners
    with path.open("wb") as stream:
        # A binary file must not begin with "solid", as a text file does.
        stream.write(b"Binary STL, millimeters".ljust(80))
        stream.write(np.uint32(len(triangles)).tobytes())
        stream.write(records.tobytes())


def _write_3mf(path: Path, points: Array, triangles: Array) -> None:
    vertex, triangle = '<vertex x="%.9g" y="%.9g" z="%.9g"/>', '<triangle v1="%d" v2="%d" v3="%d"/>'
    vertices = "".join([vertex % (x, y, z) for x, y, z in points.astype(np.float32).tolist()])
    faces = "".join([triangle % (a, b, c) for a, b, c in triangles.tolist()])
    model = f"{_HEAD}<vertices>{vertices}</vertices><triangles>{faces}</triangles>{_TAIL}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in (("[Content_Types].xml", _TYPES), ("_rels/.rels", _RELATIONS), ("3D/3dmodel.model", model)):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED)
