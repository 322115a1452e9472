# SPDX-License-Identifier: GPL-3.0-or-later
"""The second Blender can be killed, cancelled, starved or fed rubbish: the first one goes on, and gets another."""

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
from image_to_3d.errors import CancelledError, ImageError, ImportFailedError, WorkerError
from image_to_3d.worker.worker_process import Launch, WorkerProcess, spawn
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def own() -> Iterator[WorkerProcess]:
    """A worker of the test's own, to be maltreated."""
    worker = WorkerProcess(Launch.for_wheel())
    yield worker
    worker.stop()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that keeps the second Blender busy for a while."""
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


def gone(pid: int, within: float = 10.0) -> bool:
    """Whether the process ends in that time. Ours to reap or not."""
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


def during(begin: threading.Event, action: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        assert begin.wait(30)
        action()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_it_starts_when_first_needed_and_stays_for_the_next_request(own: WorkerProcess) -> None:
    assert not own.running
    first = own.run({"do": "ping"})["pid"]
    assert own.pid == first == own.run({"do": "ping"})["pid"]


def test_warming_up_does_not_wait_for_it(own: WorkerProcess) -> None:
    own.warm()
    assert own.running
    pid = own.pid
    own.warm()
    assert own.run({"do": "ping"})["pid"] == pid


def test_killed_while_idle_it_is_replaced_unnoticed(own: WorkerProcess) -> None:
    first = own.run({"do": "ping"})["pid"]
    os.kill(first, signal.SIGKILL)
    assert own.run({"do": "ping"})["pid"] != first


def test_killed_at_its_work_it_says_so_and_works_again(own: WorkerProcess, large: Path, tmp_path: Path) -> None:
    own.run({"do": "ping"})
    begun = threading.Event()
    killer = during(begun, lambda: os.kill(own.pid, signal.SIGKILL))
    with pytest.raises(WorkerError, match="ended unexpectedly"):
        own.run(model_request(large, tmp_path / "a.blend"), progress=lambda done: begun.set())
    killer.join()
    assert not (tmp_path / "a.blend").exists()
    small = write_glb(tmp_path / "small.glb", ball(500))
    assert own.run(model_request(small, tmp_path / "a.blend"))["root"] == "chair"
    assert (tmp_path / "a.blend").exists()


def test_an_image_on_which_it_dies_is_blamed(own: WorkerProcess, tmp_path: Path) -> None:
    Image.effect_noise((5000, 5000), 80).save(tmp_path / "noise.bmp")
    own.run({"do": "ping"})
    begun = threading.Event()
    killer = during(begun, lambda: os.kill(own.pid, signal.SIGSEGV))
    request = {"do": "image", "source": str(tmp_path / "noise.bmp"), "folder": str(tmp_path), "limit": 1000}
    with pytest.raises(ImageError, match="signal 11"):
        own.run(request, progress=lambda done: begun.set())
    killer.join()
    assert own.run({"do": "ping"})["pid"] == own.pid


def test_stopped_at_its_work_it_is_not_started_again(own: WorkerProcess, large: Path, tmp_path: Path) -> None:
    own.run({"do": "ping"})
    begun = threading.Event()
    stopper = during(begun, own.stop)
    with pytest.raises(WorkerError):
        own.run(model_request(large, tmp_path / "a.blend"), progress=lambda done: begun.set())
    stopper.join()
    assert not own.running


def test_cancelling_ends_its_work_at_once(own: WorkerProcess, large: Path, tmp_path: Path) -> None:
    own.run({"do": "ping"})
    pid = own.pid
    begun = threading.Event()
    with pytest.raises(CancelledError):
        own.run(
            model_request(large, tmp_path / "a.blend"),
            cancelled=begun.is_set,
            progress=lambda done: begun.set(),
        )
    assert gone(pid)
    assert not (tmp_path / "a.blend").exists()
    assert own.run({"do": "ping"})["pid"] != pid


def test_one_request_at_a_time_and_the_others_wait_their_turn(own: WorkerProcess, tmp_path: Path) -> None:
    source = write_glb(tmp_path / "small.glb", ball(500))
    answers: list[Any] = []

    def ask(number: int) -> None:
        answers.append(own.run(model_request(source, tmp_path / f"{number}.blend", name=f"chair {number}"))["root"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [f"chair {number}" for number in range(6)]


def test_waiting_for_a_turn_can_be_cancelled(own: WorkerProcess, large: Path, tmp_path: Path) -> None:
    own.run({"do": "ping"})
    begun, cancel = threading.Event(), threading.Event()
    outcome: list[object] = []

    def second() -> None:
        assert begun.wait(30)
        try:
            outcome.append(own.run({"do": "ping"}, cancelled=lambda: True))
        except CancelledError as error:
            outcome.append(error)
        cancel.set()

    thread = threading.Thread(target=second)
    thread.start()
    with pytest.raises(CancelledError):
        own.run(model_request(large, tmp_path / "a.blend"), cancelled=cancel.is_set, progress=lambda done: begun.set())
    thread.join()
    assert isinstance(outcome[0], CancelledError)


def test_overdue_work_is_ended(own: WorkerProcess, large: Path, tmp_path: Path) -> None:
    own.run({"do": "ping"})
    with pytest.raises(WorkerError, match="too long"):
        own.run(model_request(large, tmp_path / "a.blend"), timeout=0.05)
    assert own.run({"do": "ping"})["pid"] == own.pid


def test_idle_it_ends_itself_and_comes_back_when_needed() -> None:
    worker = WorkerProcess(Launch.for_wheel(), idle_seconds=0.5)
    try:
        first = worker.run({"do": "ping"})["pid"]
        assert gone(first)
        assert worker.run({"do": "ping"})["pid"] != first
    finally:
        worker.stop()


def test_the_host_can_end_an_idle_one() -> None:
    worker = WorkerProcess(Launch.for_wheel(), idle_seconds=5.0)
    try:
        pid = worker.run({"do": "ping"})["pid"]
        worker.stop_if_idle()
        assert worker.pid == pid
        worker._idle_seconds = 0.0
        worker.stop_if_idle()
        assert gone(pid)
        assert not worker.running
    finally:
        worker.stop()


def test_it_ends_with_the_blender_that_started_it(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests/support')!r})\n"
        "import package_stub, os\n"
        "from image_to_3d.worker.worker_process import Launch, WorkerProcess\n"
        "worker = WorkerProcess(Launch.for_wheel())\n"
        "print(worker.run({'do': 'ping'})['pid'], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60).stdout
    assert gone(int(said))


def test_it_ends_with_its_host_even_in_the_middle_of_its_work(large: Path, tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests/support')!r})\n"
        "import package_stub, os\n"
        "from image_to_3d.worker.worker_process import Launch, WorkerProcess\n"
        "worker = WorkerProcess(Launch.for_wheel())\n"
        "print(worker.run({'do': 'ping'})['pid'], flush=True)\n"
        f"worker.run({model_request(large, tmp_path / 'a.blend')!r}, progress=lambda done: os.kill(os.getpid(), 9))\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60).stdout
    assert gone(int(said))


def test_the_api_key_is_not_in_its_environment(own: WorkerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELSLAB_API_KEY", "a-secret-that-nobody-may-see")
    own.run({"do": "ping"})
    assert b"a-secret-that-nobody-may-see" not in Path(f"/proc/{own.pid}/environ").read_bytes()
    assert b"PATH=" in Path(f"/proc/{own.pid}/environ").read_bytes()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/nowhere/blender",), "could not be started"),
        ((sys.executable, "-c", "import sys; sys.exit(3)"), "exit code 3"),
        ((sys.executable, "-c", "import os; os.kill(os.getpid(), 6)"), "signal 6"),
        ((sys.executable, "-c", "print('hello'); print('{}'); print('[1]')"), "did not start"),
    ],
    ids=["missing", "exits", "crashes", "says something else"],
)
def test_what_can_not_be_started_is_said_and_remembered(command: tuple[str, ...], words: str) -> None:
    worker = WorkerProcess(Launch(command))
    with pytest.raises(WorkerError, match=words):
        worker.run({"do": "ping"})
    assert words in worker.cannot_start
    worker.warm()
    worker.stop()


def test_what_goes_wrong_inside_is_told_and_it_works_on(own: WorkerProcess) -> None:
    with pytest.raises(WorkerError, match="KeyError"):
        own.run({"do": "something else"})
    pid = own.pid
    with pytest.raises(WorkerError, match="KeyError"):
        own.run({"do": "model"})
    assert own.run({"do": "ping"})["pid"] == pid


def hostile_files(folder: Path) -> Iterator[tuple[str, Path]]:
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
    (folder / "points.ply").write_bytes(
        b"ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\n"
        b"end_header\n0 0 0\n1 1 1\n"
    )
    yield "points only", folder / "points.ply"
    (folder / "flat.obj").write_text("v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n")
    yield "all in one place", folder / "flat.obj"
    (folder / "far.obj").write_text("v 0 0 0\nv 1e30 0 0\nv 0 1e30 0\nf 1 2 3\n")
    yield "too large", folder / "far.obj"


def test_files_that_are_no_models_are_refused_in_words_and_leave_it_well(own: WorkerProcess, tmp_path: Path) -> None:
    pid = own.run({"do": "ping"})["pid"]
    for name, path in hostile_files(tmp_path):
        with pytest.raises(ImportFailedError) as caught:
            own.run(model_request(path, tmp_path / "out.blend", name=f"made of {name}"))
        assert str(tmp_path) not in str(caught.value.message), name
        assert str(caught.value.message).endswith("."), name
        assert not (tmp_path / "out.blend").exists(), name
        assert own.run({"do": "ping"})["pid"] == pid, name


def test_a_folder_that_can_not_be_written_is_told(own: WorkerProcess, tmp_path: Path) -> None:
    source = write_glb(tmp_path / "small.glb", ball(500))
    with pytest.raises(WorkerError, match="can't be written"):
        own.run(model_request(source, tmp_path / "nowhere" / "a.blend"))


def test_other_modules_can_be_run_in_a_second_blender_too() -> None:
    child = spawn(Launch.for_wheel(), "worker.request_loop", ["1"])
    try:
        assert child.stdout is not None
        assert b"ready" in child.stdout.readline()
    finally:
        child.end()
    assert child.returncode is not None
