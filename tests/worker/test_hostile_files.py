# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file of tests/data/cases/make_hostile.py ends within a minute, as a model or with a clear error.

Nothing outside the job's folder gets into a result, and the artist's Blender is not involved.
"""

from __future__ import annotations

import runpy
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import pytest
from image_files import png
from image_to_3d.errors import ImageTo3DError, ImportFailedError, ResultDamagedError, WorkerError
from image_to_3d.formats.check import check_file
from image_to_3d.worker.child_process import Launch
from image_to_3d.worker.worker_process import WorkerProcess
from mangled_files import mangled
from model_files import WHOLE
from package_stub import ROOT
from repairs import repairs_of

LONGEST: Final = 60.0
"""Seconds that one file may keep the worker."""
SECRET: Final = Random(4711).randbytes(3000)
FOREIGN: Final = "The background Blender failed"
"""How an exception that nobody expected is reported."""


CASES: Final[dict[str, Callable[[], dict[str, bytes]]]] = runpy.run_path(
    str(ROOT / "tests" / "data" / "cases" / "make_hostile.py")
)["CASES"]


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    """A worker with the limits that it has in an artist's Blender."""
    shared = WorkerProcess(Launch.for_wheel())
    yield shared
    shared.stop()


@pytest.fixture
def job_folder(tmp_path: Path) -> Path:
    """A job's folder. In each folder above it are files that must never be read."""
    folder = tmp_path / "a" / "b" / "results" / "job"
    folder.mkdir(parents=True)
    for above in folder.parents:
        if not above.is_relative_to(tmp_path):
            break
        (above / "secret.png").write_bytes(png(np.zeros((8, 8, 3), np.uint8)) + SECRET)
        (above / "secret.bin").write_bytes(SECRET)
        (above / "secret.mtl").write_bytes(b"newmtl a\nKd 1 0 0\n# " + SECRET)
    return folder


def convert(worker: WorkerProcess, folder: Path, files: dict[str, bytes]) -> dict[str, Any]:
    """Check and convert a model as a job does. Raises ImageTo3DError."""
    name, *others = files
    for file, content in files.items():
        (folder / file).write_bytes(content)
    source = folder / name
    check_file(source, source.suffix[1:])
    companions = [{"file": file, "name": file} for file in others]
    request = {"do": "model", "source": str(source), "format": source.suffix[1:], "companions": companions}
    return worker.run(request | {"target": str(folder / "model.blend"), "name": "model"})


def assert_nothing_leaked(folder: Path) -> None:
    blend = folder / "model.blend"
    if blend.exists():
        content = blend.read_bytes()
        assert SECRET not in content
        assert b"root:x:0:0" not in content
    assert not list(folder.rglob("pwned"))


def outcome(worker: WorkerProcess, folder: Path, files: dict[str, bytes]) -> str:
    """Returns what became of a model: its objects and triangles, or the error."""
    started = time.monotonic()
    try:
        result = convert(worker, folder, files)
        text = f"{len(result['objects'])} objects, {result['triangles']} triangles"
        text += "".join(f"; {repair}" for repair in repairs_of(result))
    except (ResultDamagedError, ImportFailedError, WorkerError) as error:
        text = f"{error.code}: {error.message}"
    assert FOREIGN not in text
    assert time.monotonic() - started < LONGEST
    assert_nothing_leaked(folder)
    return text


OUTCOMES: Final = {
    "glb_uri_file": "1 objects, 1 triangles; a texture is missing",
    "glb_uri_up": "1 objects, 1 triangles; a texture is missing",
    "glb_uri_http": "1 objects, 1 triangles; a texture is missing",
    "glb_uri_unc": "1 objects, 1 triangles; a texture is missing",
    "glb_buffer_uri": "1 triangles",
    "glb_uri_DATA_case": "1 objects, 1 triangles; a texture is missing",
    "glb_buffer_DATA_case": "1 objects, 1 triangles",
    "glb_data_path_image": "1 objects, 1 triangles; a texture is missing",
    "glb_uri_number": "1 objects, 1 triangles; a texture is missing",
    "glb_uri_list": "1 objects, 1 triangles; a texture is missing",
    "glb_data_uri_5mb": "a texture was left out",
    "glb_data_uri_bad_base64": "1 objects, 1 triangles; a texture is missing",
    "glb_data_no_comma": "1 objects, 1 triangles; a texture is missing",
    "glb_total_lies": "result_damaged",
    "glb_json_len_lies": "result_damaged",
    "glb_bin_len_lies": "result_damaged",
    "glb_count_2_31": "result_damaged",
    "glb_count_2_31_unbacked": "result_damaged",
    "glb_unbacked_99m_vec3": "conversion_limit: Converting the model ",
    "glb_unbacked_mat4_99m": "conversion_limit: Converting the model ",
    "glb_sparse_out": "import_failed: The model file can't be read",
    "glb_sparse_short_view": "import_failed: The model file can't be read",
    "glb_indices_out": "import_failed: The model file can't be read",
    "glb_joints_out": "import_failed: The model file can't be read",
    "glb_nan_matrix": "import_failed: The model file can't be read",
    "glb_huge_scale": "import_failed: The model is empty: all points coincide.",
    "glb_overlapping_attributes": "import_failed: The model file can't be read",
    "glb_attribute_lengths_differ": "import_failed: The model file can't be read",
    "glb_deep_json": "result_damaged",
    "glb_deep_extras": "1 objects, 1 triangles",
    "glb_self_child": "import_failed: The model",
    "glb_cycle": "import_failed: The model",
    "glb_cycle_not_from_scene": "1 objects, 1 triangles",
    "glb_two_parents": "import_failed: The model file can't be read",
    "glb_chain_2000": "import_failed: The model",
    "glb_nodes_5k": "1 objects, 5000 triangles; 5,000 objects were joined into one",
    "glb_nodes_150k": "import_failed: The model has too many parts: 150,000.",
    "glb_materials_5k": "1 objects, 5000 triangles; 4,000 of 5,000 materials were left out",
    "glb_names": "3 objects, 2 triangles",
    "glb_image_name_path": "1 objects, 1 triangles",
    "glb_image_name_long": "1 objects, 1 triangles",
    "glb_primitives_shared_50x1m": "conversion_limit: Converting the model ",
    "glb_morph_1000x1m": "conversion_limit: Converting the model ",
    "glb_animation_keys": "2 objects, 1 triangles",
    "glb_png_bomb_60000": "1 objects, 1 triangles; a texture was left out",
    "glb_ktx2": "1 objects, 1 triangles; a texture is missing",
    "glb_webp_bad": "1 objects, 1 triangles; a texture was left out",
    "glb_exr_as_image": "1 objects, 1 triangles; a texture was left out",
    "glb_draco_bad": "import_failed: The model",
    "glb_meshopt": "meshopt",
    "glb_extras_ours": "1 objects, 1 triangles",
    "glb_extras_code": "1 objects, 1 triangles",
    "obj_mtllib_up": "1 objects, 2 triangles; its materials are missing",
    "obj_mtllib_passwd": "1 objects, 2 triangles; its materials are missing",
    "obj_mtllib_abs": "1 objects, 2 triangles; its materials are missing",
    "obj_mtllib_url": "1 objects, 2 triangles; its materials are missing",
    "obj_mtllib_devzero": "1 objects, 2 triangles; its materials are missing",
    "obj_mtllib_stdin": "1 objects, 2 triangles; its materials are missing",
    "obj_map_abs": "1 objects, 2 triangles; a texture is missing",
    "obj_map_up": "1 objects, 2 triangles; a texture is missing",
    "obj_map_devzero": "1 objects, 2 triangles; a texture is missing",
    "obj_map_unc": "1 objects, 2 triangles; 2 textures are missing",
    "obj_groups_100k": "1 objects, 3 triangles; 100,000 objects were joined into one",
    "obj_empty_groups_1m": "1 objects, 2 triangles; 1,000,000 objects were joined into one",
    "obj_materials_100k": "1 objects, 3 triangles; more than 1,000 materials were left out",
    "obj_index_out": "1 objects, 3 triangles",
    "obj_ngon_1m": "1 objects, 2 triangles",
    "obj_nurbs": "1 objects, 2 triangles",
    "obj_nurbs_degree": "1 objects, 2 triangles",
    "obj_call": "1 objects, 2 triangles",
    "obj_long_line": "has no geometry|1 objects, 2 triangles",  # not every version reads a line of 20 MB
    "obj_backslash": "1 objects, 2 triangles",
    "obj_nan_line": "1 objects, 2 triangles",
    "obj_mtl_deep": "1 objects, 2 triangles; a texture is missing",
    "obj_mtl_100k": "1 objects, 2 triangles; 20,000 textures are missing",
    "obj_curv_out": "1 objects, 2 triangles",
    "ply_uv_index_out": "import_failed: The model file is damaged: it refers to vertices that it does not have.",
    "ply_count_lies": "result_damaged",
    "ply_ascii_count_lies": "result_damaged",
    "ply_index_out": "0 triangles; the file has 3 points",
    "ply_index_negative": "0 triangles; the file has 3 points",
    "ply_ascii_index_out": "1 objects, 1 triangles",
    "ply_ascii_list_lies": "import_failed: The model file can't be read",
    "ply_list_int_lies": "result_damaged",
    "ply_list_double_count": "result_damaged",
    "ply_properties_1000": "import_failed: The model is empty: all points coincide.",
    "ply_tristrips": "0 triangles; the file has 3 points",
    "ply_edges_out": "1 objects, 1 triangles",
    "stl_count_lies": "result_damaged",
    "stl_count_lies_solid": "result_damaged",
    "stl_vertex_line": "1 objects, 1 triangles",
    "stl_nan": "import_failed: The model file has no geometry.",
    "stl_ascii_no_numbers": "import_failed: The model file has points but no faces.",
}
"""By case: a part of what becomes of it, or several where Blender's versions differ."""


HEAVY: Final = {
    "glb_animation_keys",
    "glb_png_bomb_60000",
    "glb_unbacked_mat4_99m",
}
"""Cases that take gigabytes, or many seconds."""
LONG: Final = {"glb_morph_1000x1m", "glb_primitives_shared_50x1m", "glb_unbacked_99m_vec3"}
"""Cases that take half a minute or more."""
_MARKS: Final = {**dict.fromkeys(HEAVY, pytest.mark.heavy), **dict.fromkeys(LONG, pytest.mark.long)}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", [pytest.param(x, marks=_MARKS[x]) if x in _MARKS else x for x in CASES])
def test_a_hostile_file_ends_well(worker: WorkerProcess, job_folder: Path, name: str) -> None:
    secret = str(job_folder.parent / "secret.png").encode()
    files = {file: content.replace(b"@SECRET@", secret) for file, content in CASES[name]().items()}
    found = outcome(worker, job_folder, files)
    assert any(part in found for part in OUTCOMES[name].split("|")), found


def assert_mangled_files_end_well(worker: WorkerProcess, folder: Path, seed: int, count: int) -> None:
    chance = Random(seed)
    models = {name: data for name, data in WHOLE.items() if name.split()[0] in {"glb", "obj", "ply", "stl"}}
    for number in range(count):
        name = chance.choice(list(models))
        file = f"m.{name.split()[0]}"
        try:
            outcome(worker, folder, {file: mangled(chance, models[name])})
        except ImageTo3DError as error:
            pytest.fail(f"file {number} of seed {seed}: {error!r}")
        (folder / "model.blend").unlink(missing_ok=True)


@pytest.mark.heavy
@pytest.mark.timeout(300)
def test_a_damaged_file_never_fails_in_an_unexpected_way(worker: WorkerProcess, job_folder: Path) -> None:
    assert_mangled_files_end_well(worker, job_folder, 1, 400)


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("seed", range(10, 16))
def test_thousands_of_damaged_files(worker: WorkerProcess, job_folder: Path, seed: int) -> None:
    assert_mangled_files_end_well(worker, job_folder, seed, 1000)
