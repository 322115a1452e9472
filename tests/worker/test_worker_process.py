# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker can be killed, cancelled, time out or get invalid files: the host continues, and starts another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from image_to_3d.benchmarks.shapes import ball, write_glb, write_obj, write_ply, write_stl
from image_to_3d.control import Control
from image_to_3d.errors import CancelledError, ConversionLimitError, ImageError, ImportFailedError, WorkerError
from image_to_3d.worker.child_process import ChildProcess, Launch
from image_to_3d.worker.worker_process import WorkerProcess
from model_files import glb_of, scene_of
from PIL import Image
from systems import needs_posix, needs_proc

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    """A worker for one test, which may kill it."""
    worker = WorkerProcess(Launch.for_wheel())
    yield worker
    worker.stop()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that keeps the worker busy for a while."""
    return write_glb(tmp_path_factory.mktemp("large") / "large.glb", ball(400_000))


def model_request(source: Path, target: Path, **changes: Any) -> dict[str, Any]:
    request = {
        "do": "model",
        "source": str(source),
        "format": source.suffix[1:],
        "target": str(target),
        "name": "chair",
    }
    return request | changes


def has_exited(pid: int, within: float = 10.0) -> bool:
    """Whether the process exits within that many seconds. A zombie counts as exited."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def run_after(begin: threading.Event, action: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        assert begin.wait(30)
        action()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_it_starts_on_the_first_request_and_stays_for_the_next(worker: WorkerProcess) -> None:
    assert not worker.running
    first = worker.run({"do": "ping"})["pid"]
    assert worker.pid == first == worker.run({"do": "ping"})["pid"]


@needs_proc
def test_it_keeps_nothing_of_the_files_that_it_has_imported(worker: WorkerProcess, tmp_path: Path) -> None:
    scene, binary = scene_of()
    padded = binary + bytes(100_000_000)
    scene["buffers"] = [{"byteLength": len(padded)}]
    source = tmp_path / "large.glb"
    source.write_bytes(glb_of(scene, padded))

    def resident() -> int:
        """The worker's memory in bytes."""
        worker.run({"do": "ping"})
        return int(Path(f"/proc/{worker.pid}/status").read_text().partition("VmRSS:")[2].split()[0]) * 1024

    worker.run(model_request(source, tmp_path / "first.blend"))
    before = resident()
    for _ in range(2):
        worker.run(model_request(source, tmp_path / "next.blend"))
    assert resident() - before < len(padded)


def test_warming_up_does_not_block(worker: WorkerProcess) -> None:
    worker.prestart()
    assert worker.running
    pid = worker.pid
    worker.prestart()
    assert worker.run({"do": "ping"})["pid"] == pid


@needs_posix
def test_a_worker_killed_while_idle_is_replaced_silently(worker: WorkerProcess) -> None:
    first = worker.run({"do": "ping"})["pid"]
    os.kill(first, signal.SIGKILL)
    assert worker.run({"do": "ping"})["pid"] != first


@needs_posix
def test_a_worker_killed_during_a_request_is_reported_and_replaced(
    worker: WorkerProcess, large: Path, tmp_path: Path
) -> None:
    worker.run({"do": "ping"})
    started = threading.Event()
    killer = run_after(started, lambda: os.kill(worker.pid, signal.SIGKILL))
    with pytest.raises(WorkerError, match="exited unexpectedly"):
        worker.run(model_request(large, tmp_path / "a.blend"), Control(report=lambda done: started.set()))
    killer.join()
    assert not (tmp_path / "a.blend").exists()
    small = write_glb(tmp_path / "small.glb", ball(500))
    assert worker.run(model_request(small, tmp_path / "a.blend"))["root"] == "chair"
    assert (tmp_path / "a.blend").exists()


@needs_posix
def test_an_image_that_crashes_the_worker_is_an_image_error(worker: WorkerProcess, tmp_path: Path) -> None:
    Image.effect_noise((5000, 5000), 80).save(tmp_path / "noise.bmp")
    worker.run({"do": "ping"})
    started = threading.Event()
    killer = run_after(started, lambda: os.kill(worker.pid, signal.SIGSEGV))
    request = {"do": "image", "source": str(tmp_path / "noise.bmp"), "folder": str(tmp_path), "limit": 1000}
    with pytest.raises(ImageError, match="signal 11"):
        worker.run(request, Control(report=lambda done: started.set()))
    killer.join()
    assert worker.run({"do": "ping"})["pid"] == worker.pid


def test_a_worker_stopped_during_a_request_is_not_restarted(worker: WorkerProcess, large: Path, tmp_path: Path) -> None:
    worker.run({"do": "ping"})
    started = threading.Event()
    stopper = run_after(started, worker.stop)
    with pytest.raises(WorkerError):
        worker.run(model_request(large, tmp_path / "a.blend"), Control(report=lambda done: started.set()))
    stopper.join()
    assert not worker.running


@needs_proc
def test_cancelling_a_request_ends_the_worker_at_once(worker: WorkerProcess, large: Path, tmp_path: Path) -> None:
    worker.run({"do": "ping"})
    pid = worker.pid
    started = threading.Event()
    with pytest.raises(CancelledError):
        worker.run(
            model_request(large, tmp_path / "a.blend"),
            Control(started.is_set, lambda done: started.set()),
        )
    assert has_exited(pid)
    assert not (tmp_path / "a.blend").exists()
    assert worker.run({"do": "ping"})["pid"] != pid


def test_concurrent_requests_are_handled_one_after_another(worker: WorkerProcess, tmp_path: Path) -> None:
    source = write_glb(tmp_path / "small.glb", ball(500))
    answers: list[Any] = []

    def ask(number: int) -> None:
        answers.append(worker.run(model_request(source, tmp_path / f"{number}.blend", name=f"chair {number}"))["root"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [f"chair {number}" for number in range(6)]


def test_waiting_for_a_turn_can_be_cancelled(worker: WorkerProcess, large: Path, tmp_path: Path) -> None:
    worker.run({"do": "ping"})
    started, cancel = threading.Event(), threading.Event()
    outcome: list[object] = []

    def second() -> None:
        assert started.wait(30)
        try:
            outcome.append(worker.run({"do": "ping"}, control=Control(lambda: True)))
        except CancelledError as error:
            outcome.append(error)
        cancel.set()

    thread = threading.Thread(target=second)
    thread.start()
    with pytest.raises(CancelledError):
        worker.run(model_request(large, tmp_path / "a.blend"), Control(cancel.is_set, lambda done: started.set()))
    thread.join()
    assert isinstance(outcome[0], CancelledError)


def test_a_request_that_times_out_is_ended(worker: WorkerProcess, large: Path, tmp_path: Path) -> None:
    worker.run({"do": "ping"})
    with pytest.raises(ConversionLimitError, match="too long"):
        worker.run(model_request(large, tmp_path / "a.blend"), timeout=0.05)
    assert worker.run({"do": "ping"})["pid"] == worker.pid


@needs_proc
def test_an_idle_worker_exits_and_is_started_again_when_needed() -> None:
    worker = WorkerProcess(Launch.for_wheel(), idle_seconds=0.5)
    try:
        first = worker.run({"do": "ping"})["pid"]
        assert has_exited(first)
        assert worker.run({"do": "ping"})["pid"] != first
    finally:
        worker.stop()


@needs_proc
def test_it_exits_when_its_host_dies(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests/support')!r})\n"
        "import package_stub, os\n"
        "from image_to_3d.control import Control\n"
        "from image_to_3d.worker.child_process import Launch\n"
        "from image_to_3d.worker.worker_process import WorkerProcess\n"
        "worker = WorkerProcess(Launch.for_wheel())\n"
        "print(worker.run({'do': 'ping'})['pid'], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60).stdout
    assert has_exited(int(output))


@needs_proc
def test_it_exits_when_its_host_dies_during_a_request(large: Path, tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests/support')!r})\n"
        "import package_stub, os\n"
        "from image_to_3d.control import Control\n"
        "from image_to_3d.worker.child_process import Launch\n"
        "from image_to_3d.worker.worker_process import WorkerProcess\n"
        "worker = WorkerProcess(Launch.for_wheel())\n"
        "print(worker.run({'do': 'ping'})['pid'], flush=True)\n"
        f"request = {model_request(large, tmp_path / 'a.blend')!r}\n"
        "worker.run(request, Control(report=lambda done: os.kill(os.getpid(), 9)))\n"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60).stdout
    assert has_exited(int(output))


@needs_proc
def test_the_api_key_is_not_in_its_environment(worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELSLAB_API_KEY", "a-secret-that-nobody-may-see")
    worker.run({"do": "ping"})
    assert b"a-secret-that-nobody-may-see" not in Path(f"/proc/{worker.pid}/environ").read_bytes()
    assert b"PATH=" in Path(f"/proc/{worker.pid}/environ").read_bytes()


@needs_posix
@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("/nowhere/blender",), "could not be started"),
        ((sys.executable, "-c", "import sys; sys.exit(3)"), "exit code 3"),
        ((sys.executable, "-c", "import os; os.kill(os.getpid(), 6)"), "signal 6"),
        ((sys.executable, "-c", "print('hello'); print('{}'); print('[1]')"), "did not start"),
    ],
    ids=["missing", "exits", "crashes", "says something else"],
)
def test_a_failed_start_is_reported_and_remembered(command: tuple[str, ...], reason: str) -> None:
    worker = WorkerProcess(Launch(command))
    with pytest.raises(WorkerError, match=reason):
        worker.run({"do": "ping"})
    assert reason in str(worker.cannot_start)
    worker.prestart()
    worker.stop()


def test_an_exception_in_the_worker_is_reported_and_it_keeps_working(worker: WorkerProcess) -> None:
    with pytest.raises(WorkerError, match="KeyError"):
        worker.run({"do": "something else"})
    pid = worker.pid
    with pytest.raises(WorkerError, match="KeyError"):
        worker.run({"do": "model"})
    assert worker.run({"do": "ping"})["pid"] == pid


def invalid_files(folder: Path) -> Iterator[tuple[str, Path]]:
    shape = ball(2000)
    for write in (write_glb, write_obj, write_stl, write_ply):
        format = write.__name__.removeprefix("write_")
        whole = write(folder / f"whole.{format}", shape).read_bytes()
        for name, data in (
            ("empty", b""),
            ("garbage", bytes(range(256)) * 40),
            ("zeros", b"\0" * 4096),
            ("text", b"<html><body>404</body></html>\n" * 20),
            ("header", whole[:60]),
        ):
            path = folder / f"{name}.{format}"
            path.write_bytes(data)
            yield f"{format} {name}", path
    glb = (folder / "whole.glb").read_bytes()
    for name, data in (
        ("half.glb", glb[: len(glb) // 2]),
        ("liar.glb", glb[:4] + b"\xff" * 4 + glb[8:]),
        ("no-buffer.glb", glb[: 20 + int.from_bytes(glb[12:16], "little")]),
        ("huge-accessor.glb", glb.replace(b'"count": ', b'"count":9', 1)),
    ):
        (folder / name).write_bytes(data)
        yield name, folder / name
    (folder / "flat.obj").write_text("v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n")
    yield "all in one place", folder / "flat.obj"
    (folder / "far.obj").write_text("v 0 0 0\nv 1e30 0 0\nv 0 1e30 0\nf 1 2 3\n")
    yield "too large", folder / "far.obj"


def test_invalid_model_files_are_refused_with_a_sentence_and_do_not_harm_the_worker(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    pid = worker.run({"do": "ping"})["pid"]
    for name, path in invalid_files(tmp_path):
        with pytest.raises(ImportFailedError) as caught:
            worker.run(model_request(path, tmp_path / "out.blend", name=f"made of {name}"))
        assert str(tmp_path) not in str(caught.value.message), name
        assert str(caught.value.message).endswith("."), name
        assert not (tmp_path / "out.blend").exists(), name
        assert worker.run({"do": "ping"})["pid"] == pid, name


def test_a_folder_that_cannot_be_written_is_reported(worker: WorkerProcess, tmp_path: Path) -> None:
    source = write_glb(tmp_path / "small.glb", ball(500))
    with pytest.raises(WorkerError, match="can't be written"):
        worker.run(model_request(source, tmp_path / "nowhere" / "a.blend"))


def test_a_child_process_runs_the_module_it_is_given() -> None:
    child = ChildProcess(Launch.for_wheel(), "worker.request_loop", ["1"])
    try:
        assert child.wait_for("ready")
    finally:
        child.end()
    assert not child.running
