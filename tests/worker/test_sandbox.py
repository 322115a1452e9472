# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile file reads nothing else, ends within its limits, and harms the background Blender only."""

from __future__ import annotations

import base64
import ctypes
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy  # noqa: F401  before what needs bmesh
import pytest
from image_to_3d.errors import Action, ConversionLimitError, ImageError, ImportFailedError
from image_to_3d.worker import process_limits, temp_folder
from image_to_3d.worker.child_process import ChildProcess, Launch
from image_to_3d.worker.process_limits import ExtendedLimits, default_memory_limit, memory_of, process_exists
from image_to_3d.worker.repair import has_nonfinite_points
from image_to_3d.worker.worker_process import MAX_TIME_LIMIT, TIME_LIMIT, WorkerProcess, time_limit
from model_files import glb_of, scene_of
from package_stub import ROOT
from PIL import Image
from repairs import repairs_of
from systems import needs_proc, needs_symlinks

pytestmark = pytest.mark.heavy

SUPPORT = ROOT / "tests" / "support"
GIB = 1 << 30


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """An image outside the job's folder."""
    path = tmp_path / "elsewhere" / "secret.png"
    path.parent.mkdir()
    Image.effect_noise((32, 32), 90).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A job's folder, whose name is not plain ASCII and which is reached by a symbolic link."""
    real = tmp_path / "Stühle 椅子"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    return link


def convert(worker: WorkerProcess, path: Path, **changes: Any) -> dict[str, Any]:
    timeout = changes.pop("timeout", None)
    request = {"do": "model", "source": str(path), "format": path.suffix[1:], "name": "chair"}
    return worker.run(request | {"target": str(path.with_name("model.blend"))} | changes, timeout=timeout)


def textured(image: dict[str, Any], **more: Any) -> tuple[dict[str, Any], bytes]:
    scene, binary = scene_of()
    scene["meshes"][0]["primitives"][0]["material"] = 0
    scene |= {"images": [image], "textures": [{"source": 0}]}
    return scene | {"materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]} | more, binary


def assert_leaks_nothing(folder: Path, secret: Path) -> None:
    content = secret.read_bytes()
    for path in folder.iterdir():
        if path.is_file() and path.suffix == ".blend":
            assert content[40:200] not in path.read_bytes(), path.name
            assert b"elsewhere" not in path.read_bytes(), path.name


def outside(secret: Path) -> Iterator[Any]:
    path = str(secret)
    relative = f"../elsewhere/{secret.name}"
    for text in (path, relative, f"/../../../../../../{path}", relative.replace("../", "%2e%2e/")):
        yield from (text, f"file://{text}", f"data:{text}", f"data:/{text}", f"DATA:/{text}", f"data:image/png,{text}")
    yield from ("", "data:", "/dev/zero", "data:/../../../../../../../../dev/zero", "a\0b", 7, None, ["data:"])
    yield "data:image/png;base64,@@@@"


@needs_symlinks
def test_a_texture_elsewhere_is_left_out_and_reported(worker: WorkerProcess, folder: Path, secret: Path) -> None:
    for uri in outside(secret):
        (folder / "a.glb").write_bytes(glb_of(*textured({"uri": uri})))
        details = convert(worker, folder / "a.glb")
        assert details["triangles"] == 1, uri
        assert repairs_of(details) == ["a texture is missing: the file does not contain all images"], uri
        assert_leaks_nothing(folder, secret)


@needs_symlinks
def test_an_embedded_texture_arrives(worker: WorkerProcess, folder: Path, secret: Path) -> None:
    uri = "data:image/png;base64," + base64.b64encode(secret.read_bytes()).decode()
    (folder / "a.glb").write_bytes(glb_of(*textured({"uri": uri})))
    assert repairs_of(convert(worker, folder / "a.glb")) == []
    assert secret.read_bytes() in (folder / "model.blend").read_bytes()


@needs_symlinks
def test_an_extension_refers_to_no_texture_elsewhere(worker: WorkerProcess, folder: Path, secret: Path) -> None:
    for name in ("EXT_texture_webp", "KHR_texture_basisu", "MSFT_texture_dds"):
        extension = {name: {"source": 0, "uri": str(secret)}}
        scene, binary = textured({"uri": str(secret)}, textures=[{"extensions": extension}], extensionsUsed=[name])
        (folder / "a.glb").write_bytes(glb_of(scene, binary))
        assert convert(worker, folder / "a.glb")["triangles"] == 1
        assert_leaks_nothing(folder, secret)


@needs_symlinks
def test_a_shape_in_another_file_is_not_read(worker: WorkerProcess, folder: Path, secret: Path) -> None:
    secret.write_bytes(os.urandom(72))
    for uri in outside(secret):
        scene, _ = scene_of()
        scene["buffers"][0]["uri"] = uri
        (folder / "a.glb").write_bytes(glb_of(scene))
        with pytest.raises(ImportFailedError, match="another file") as raised:
            convert(worker, folder / "a.glb")
        assert raised.value.action is not Action.DOWNLOAD_AGAIN
        assert not (folder / "model.blend").exists()


@needs_symlinks
def test_a_buffer_that_nothing_needs_does_not_matter(worker: WorkerProcess, folder: Path) -> None:
    scene, binary = scene_of()
    scene["buffers"].append({"byteLength": 9, "uri": "/dev/zero"})
    (folder / "a.glb").write_bytes(glb_of(scene, binary))
    assert convert(worker, folder / "a.glb")["triangles"] == 1


@needs_symlinks
def test_a_gltf_in_text_form_is_treated_the_same(worker: WorkerProcess, folder: Path, secret: Path) -> None:
    scene, binary = textured({"uri": str(secret)})
    scene["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(binary).decode()
    (folder / "a.glb").write_text(json.dumps(scene))
    assert "missing" in repairs_of(convert(worker, folder / "a.glb"))[0]
    assert_leaks_nothing(folder, secret)


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf%s", b'{"a":1,%s', b"[%s]"], ids=["BOM", "cut", "list"])
@needs_symlinks
def test_a_description_that_we_cannot_read_is_not_given_to_the_importer(
    worker: WorkerProcess, folder: Path, secret: Path, text: bytes
) -> None:
    scene, binary = textured({"uri": str(secret)})
    description = text % json.dumps(scene).encode()
    description += b" " * (-len(description) % 4)
    chunks = struct.pack("<I4s", len(description), b"JSON") + description
    chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    for data in (struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks, description):
        (folder / "a.glb").write_bytes(data)
        with pytest.raises(ImportFailedError, match="can't be read"):
            convert(worker, folder / "a.glb")


@needs_symlinks
def test_of_two_keys_with_one_name_the_same_one_counts_for_all(
    worker: WorkerProcess, folder: Path, secret: Path
) -> None:
    scene, binary = textured({"uri": "FIRST"})
    double = json.dumps(scene).replace('"uri": "FIRST"', f'"uri": "data:image/png;base64,AAAA", "uri": "{secret}"')
    chunks = struct.pack("<I4s", len(double), b"JSON") + double.encode()
    chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    (folder / "a.glb").write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    convert(worker, folder / "a.glb")
    assert_leaks_nothing(folder, secret)


@pytest.mark.parametrize("format", ["glb", "obj", "stl", "ply"])
@needs_symlinks
def test_a_pipe_or_a_device_in_place_of_the_model_is_not_opened(
    worker: WorkerProcess, folder: Path, format: str
) -> None:
    os.mkfifo(folder / f"pipe.{format}")
    (folder / f"device.{format}").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        with pytest.raises(ImportFailedError, match="missing"):
            convert(worker, folder / f"{name}.{format}", timeout=20)


@needs_symlinks
def test_python_reaches_only_the_jobs_folder_while_a_file_is_handled(folder: Path, secret: Path) -> None:
    content = secret.read_bytes()
    script = SUPPORT / "probe_confinement.py"
    command = [sys.executable, str(script), str(folder), str(secret)]
    (secret.parent.parent / "temp").mkdir()
    environment = os.environ | {"TMPDIR": str(secret.parent.parent / "temp")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    expected = [
        "own read",
        "own write",
        "own list",
        "own rename",
        "own remove in open folder",
        "blender read",
        "outside",
    ]
    assert done.stdout.splitlines() == expected, done.stderr
    assert secret.read_bytes() == content
    assert sorted(path.name for path in secret.parent.iterdir()) == [secret.name]
    assert "refused while a file is handled" in done.stderr


# --- limits ---------------------------------------------------------------------------------------------------------


def huge(folder: Path, count: int, targets: int) -> Path:
    scene, binary = scene_of()
    scene["accessors"] = [{"componentType": 5126, "count": count, "type": "VEC3"}]
    primitive = {"attributes": {"POSITION": 0}, "targets": [{"POSITION": 0}] * targets}
    scene["meshes"] = [{"primitives": [primitive]}]
    (folder / "huge.glb").write_bytes(glb_of(scene, binary))
    return folder / "huge.glb"


@needs_symlinks
def test_a_model_that_needs_too_much_memory_ends_with_a_clear_error(folder: Path) -> None:
    worker = WorkerProcess(Launch.for_wheel(), memory_limit=GIB)
    try:
        with pytest.raises(ConversionLimitError, match="too much memory") as raised:
            convert(worker, huge(folder, 1_000_000, 300))
        assert "could do the same" in str(raised.value)
        (folder / "small.glb").write_bytes(glb_of(*scene_of()))
        assert convert(worker, folder / "small.glb")["triangles"] == 1
    finally:
        worker.stop()


@needs_symlinks
def test_a_file_that_takes_too_long_is_ended(worker: WorkerProcess, folder: Path) -> None:
    with pytest.raises(ConversionLimitError, match="too long") as raised:
        convert(worker, huge(folder, 1_000_000, 50), timeout=1.0)
    assert raised.value.action is Action.IMPORT_AGAIN
    assert not raised.value.transient
    request = {"do": "image", "source": str(folder / "a.bmp"), "folder": str(folder), "limit": 1000}
    Image.effect_noise((5000, 5000), 80).save(folder / "a.bmp")
    with pytest.raises(ImageError, match="too long"):
        worker.run(request, timeout=0.3)


def test_the_time_limit_grows_with_the_file(tmp_path: Path) -> None:
    def limit(size: int) -> float:
        path = tmp_path / "file"
        with path.open("wb") as file:
            file.truncate(size)
        return time_limit({"source": str(path)})

    assert time_limit({"do": "ping"}) == time_limit({"source": str(tmp_path / "nothing")}) == TIME_LIMIT
    assert TIME_LIMIT <= limit(1_000_000) < 60
    assert limit(50_000_000) > 2 * TIME_LIMIT
    assert limit(10**10) == MAX_TIME_LIMIT


@pytest.mark.parametrize("start", ["", "# ", "v", "facet "])
@pytest.mark.parametrize("repeated", ["vertex", "nan", "vertex nan", "v vertex\t", "\nnan", " inf#"])
def test_searching_long_lines_takes_no_longer_than_their_length(tmp_path: Path, start: str, repeated: str) -> None:
    for format in ("stl", "obj"):
        path = tmp_path / f"a.{format}"
        path.write_text(f"solid x\n{start}{repeated * 300_000}\nendsolid nan\n")
        started = time.monotonic()
        has_nonfinite_points(path, format)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("format", ["stl", "obj"])
def test_coordinates_that_are_not_finite_are_found_and_names_are_not_taken_for_them(
    tmp_path: Path, format: str
) -> None:
    texts = {"vertex 0 0 nan\n": True, "v 0 -inf 0\n": True, "  vertex\tNaN 0 0\n": True}
    texts |= {
        "# v nan\n": False,
        "vn nan 0 0\n": False,
        "solid nan\nvertex 0 0 0\n": False,
        "facet normal nan\n": False,
    }
    for text, expected in texts.items():
        (tmp_path / "a").write_text("solid banana\nvertex 1 2 3\n" + text + "o info\n")
        assert has_nonfinite_points(tmp_path / "a", format) is expected, text


def test_a_child_may_use_half_of_the_memory_within_limits() -> None:
    assert process_limits.MIN_MEMORY <= default_memory_limit() <= process_limits.MAX_MEMORY
    assert memory_of(os.getpid()) > 5_000_000
    assert process_exists(os.getpid())
    assert not process_exists(2**22 + 5)


def test_structures_for_windows_have_their_documented_sizes() -> None:
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    assert ctypes.sizeof(ExtendedLimits) == 144
    assert ExtendedLimits.ProcessMemoryLimit.offset == 112
    assert ctypes.sizeof(process_limits._MemoryStatus) == 64


# --- its end ----------------------------------------------------------------------------------------------------------


def ended(pid: int, within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


@needs_proc
def test_a_stuck_child_dies_with_its_blender(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(SUPPORT)!r})\n"
        "import package_stub, os\n"
        "from image_to_3d.worker.child_process import ChildProcess, Launch\n"
        "child = ChildProcess(Launch.for_wheel(), 'tests.support.stuck')\n"
        "print(child.wait_for('stuck'), flush=True)\n"
        "import time; time.sleep(0.5)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert ended(int(done.stdout), within=5)


def test_a_child_outlives_the_thread_that_started_it() -> None:
    children: list[ChildProcess] = []
    thread = threading.Thread(target=lambda: children.append(ChildProcess(Launch.for_wheel(), "tests.support.stuck")))
    thread.start()
    thread.join()
    try:
        children[0].wait_for("stuck")
        time.sleep(0.5)
        assert children[0].running
    finally:
        children[0].end()


@needs_symlinks
def test_temporary_files_are_in_a_folder_of_ours_that_is_removed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (system := tmp_path / "system").mkdir()  # what this Blender would use by itself; others use the computer's
    monkeypatch.setenv("TMPDIR", str(system))
    monkeypatch.setattr(tempfile, "tempdir", None)
    worker = WorkerProcess(Launch.for_wheel())
    pid = worker.run({"do": "ping"})["pid"]
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    own = Path(next(os.fsdecode(x) for x in environment if x.startswith(b"TMPDIR=")).removeprefix("TMPDIR="))
    assert own.stat().st_mode & 0o777 == 0o700
    assert os.readlink(f"/proc/{pid}/cwd") == str(own)
    (folder / "small.glb").write_bytes(glb_of(*scene_of()))
    convert(worker, folder / "small.glb")
    os.kill(pid, signal.SIGKILL)
    worker.stop()
    assert own.parent == system
    assert list(system.iterdir()) == []


def test_temporary_files_of_a_blender_that_was_killed_are_removed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(30)
    dead, other = temp_folder.create(process.pid), tmp_path / "image_to_3d-notes"
    (dead / "left").write_text("")
    other.mkdir()
    mine = temp_folder.create(os.getpid())
    again = temp_folder.create(os.getpid())
    assert {path.name for path in tmp_path.iterdir()} == {other.name, mine.name, again.name}
