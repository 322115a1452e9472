# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Blender with its window, seen from the test: eyes (screenshots), hands (mouse, keyboard), questions.

Blender runs in a Debian chroot on a virtual screen (tools/blender). What an artist does is done with xdotool;
what only a script can know is asked of tests/window/inside/acts.py, which runs inside Blender.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools" / "blender"
INSIDE = ROOT / "tests" / "window" / "inside"
SCREENS = ROOT / "build" / "screens"
WIDTH, HEIGHT = 1280, 800


class Line:
    """Questions and answers, one JSON a line, over a Unix socket. Raises TimeoutError where nobody listens."""

    def __init__(self, path: Path, alive: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                self._socket.close()
                if not alive() or time.monotonic() > deadline:
                    raise TimeoutError(f"nobody answers at {path.name}") from None
                time.sleep(0.1)
        self._socket.settimeout(90)
        self._lines = self._socket.makefile("rw")

    def ask(self, question: Any) -> dict[str, Any]:
        self._lines.write(json.dumps(question) + "\n")
        self._lines.flush()
        answer = self._lines.readline()
        if not answer:
            raise ConnectionError("Blender is gone")
        reply: dict[str, Any] = json.loads(answer)
        return reply

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


class Blender:
    """One windowed Blender. `suite` names the chroot; `user` is Blender's user folder."""

    def __init__(
        self,
        suite: str,
        user: Path,
        *,
        folders: tuple[Path, ...] = (),
        variables: dict[str, str] | None = None,
        network: bool = False,
        height: int = HEIGHT,
        limit: int = 150,
        arguments: tuple[str, ...] = (),
    ) -> None:
        self.suite = suite
        self.user = user
        self.height = height
        self._talk = Path(tempfile.mkdtemp(prefix="i3d-"))
        self._log = (self._talk / "log").open("wb")
        command = [str(TOOLS / "run"), suite, "-t", str(limit), "-g", f"{WIDTH}x{height}", "-u", str(user)]
        for folder in (self._talk, INSIDE, *folders):
            command += ["-b", str(folder)]
        for name, value in {"TALK": str(self._talk), **(variables or {})}.items():
            command += ["-e", f"{name}={value}"]
        if not network:
            command.append("-n")
        command += ["-x", str(INSIDE / "hands"), "--", *arguments, "--python", str(INSIDE / "ear.py")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            self._ear = Line(self._talk / "ear", self.alive, 60)
            self._hands = Line(self._talk / "hands", self.alive, 60)
        except TimeoutError as error:
            log = self.log()
            self.close()
            raise AssertionError(f"Blender ({suite}) did not come up: {error}\n{log}") from None

    def alive(self) -> bool:
        return self._process.poll() is None

    def log(self) -> str:
        """What Blender wrote to the terminal so far."""
        return (self._talk / "log").read_text(errors="replace")

    def kill(self) -> None:
        """End Blender as a power cut would, and all that it started."""
        self.run("bash", "-c", "kill -KILL $BLENDER_PID")
        self._process.wait(20)

    def close(self) -> None:
        for line in ("_ear", "_hands"):
            if hasattr(self, line):
                getattr(self, line).close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)
        self._log.close()
        shutil.rmtree(self._talk, ignore_errors=True)

    # Questions

    def ask(self, act: str, **arguments: Any) -> Any:
        """The result of a function of acts.py, run on Blender's main thread."""
        reply = self._ear.ask({"do": act, "with": arguments})
        if "error" in reply:
            raise AssertionError(f"{act} failed inside Blender:\n{reply['error']}")
        return reply["result"]

    def wait_until(self, condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """The first true value of `condition`. Raises AssertionError with Blender's log where it never comes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.1)
        self.screenshot("waited-in-vain")
        raise AssertionError(f"waited {seconds:.0f} s in vain: {what}\n{self.log()[-3000:]}")

    # Hands

    def run(self, *command: object) -> str:
        """Run a program on Blender's screen; what it wrote. Raises AssertionError where it fails."""
        reply = self._hands.ask([str(c) for c in command])
        assert reply["status"] == 0, f"{command}: {reply['text']}"
        text: str = reply["text"]
        return text

    def point(self, x: float, y: float) -> None:
        """Move the mouse to window coordinates, from the lower left as Blender counts."""
        self.run("xdotool", "mousemove", "--sync", round(x), self.height - 1 - round(y))

    def click(self, x: float, y: float, button: int = 1, times: int = 1) -> None:
        # A little way first: Blender makes a button active when the mouse moves over it.
        self.point(x - 3, y)
        self.point(x, y)
        time.sleep(0.15)
        self.run("xdotool", "click", "--repeat", times, "--delay", 80, button)
        time.sleep(0.1)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.run("xdotool", "key", "--delay", "40", key)
            time.sleep(0.05)

    def write(self, text: str) -> None:
        self.run("xdotool", "type", "--delay", "15", text)

    # Sidebar

    def center(self, kind: str = "WINDOW") -> tuple[float, float]:
        x, y, width, height = self.ask("rectangle", kind=kind)
        return x + width / 2, y + height / 2

    def open_sidebar(self, category: str) -> None:
        """Show the viewport's sidebar and turn to a tab, as a click on it does."""
        self.ask("show_sidebar")
        time.sleep(0.5)  # the region needs one redraw before it has tabs
        self.wait_until(lambda: self.ask("turn_to", category=category) == category, f"no tab {category}", 5)
        time.sleep(0.4)

    def find(self, wanted: str, kind: str = "UI") -> tuple[float, float]:
        """Where a button is in the sidebar, found as a hand finds it: moving over each line and looking.

        `wanted` is an operator's name, or the end of a property's path. `kind`: "PREFERENCES" for that window.
        Raises AssertionError where it is not there.
        """
        x, y, width, height = self.ask("rectangle", kind=kind)
        height = min(height, self.height - y)
        icon = 20  # a button with an icon alone; the tabs are about as wide as two
        seen: list[str] = []
        for across in (
            x + width * 0.45,
            *(x + width - (2.4 + n) * icon for n in range(4)),
            x + width * 0.2,
            x + 1.8 * icon,
        ):
            for up in range(y + height - 12, y + 8, -14):
                self.point(across, up)
                time.sleep(0.06)
                under = self.ask("under_mouse", kind=kind)
                if under and (under == wanted or under.endswith(f".{wanted}")):
                    return across, up - 2
                if under and under not in seen:
                    seen.append(under)
        self.screenshot("not-found")
        raise AssertionError(f"no {wanted} in the sidebar, only {seen}")

    def press_button(self, wanted: str, kind: str = "UI") -> None:
        """Click a button of the sidebar."""
        self._find_and_click(wanted, kind)

    def _find_and_click(self, wanted: str, kind: str, times: int = 1) -> None:
        try:
            self.click_button(wanted, *self.find(wanted, kind), kind, times)
        except AssertionError:  # what is above it came or went meanwhile
            self.click_button(wanted, *self.find(wanted, kind), kind, times)

    def click_button(self, wanted: str, x: float, y: float, kind: str = "UI", times: int = 1) -> None:
        """Click a button whose place is known, once Blender has noticed that the mouse is over it."""

        def is_active() -> bool:
            self.point(x - 3, y)
            self.point(x, y)
            time.sleep(0.15)
            under: str = self.ask("under_mouse", kind=kind)
            return under == wanted or under.endswith(f".{wanted}")

        self.wait_until(is_active, f"{wanted} is not under the mouse", 3)
        self.run("xdotool", "click", "--repeat", times, "--delay", 80, 1)
        time.sleep(0.1)

    def click_row(self, number: int) -> None:
        """Click a row of the job list, from the top. The mouse moves there as a hand does: Blender may still draw."""
        self.point(*self.center())  # else the row under the mouse is found, whichever that is
        time.sleep(0.3)
        x, y = self.find("image_to_3d_row")
        self.point(x, y - 21 * number + 10)
        time.sleep(0.4)
        self.point(x, y - 21 * number)
        time.sleep(0.2)
        self.run("xdotool", "click", 1)
        time.sleep(0.4)

    def turn_file_browser_to(self, folder: Path) -> tuple[float, float, float, float]:
        """Type a folder's path into the open file browser. Returns where its files are: x, y, width, height."""
        regions = self.wait_until(lambda: self.ask("file_browser"), "no file browser", 10)
        x, y, width, height = regions["UI"]
        self.click(x + width * 0.3, y + height / 2, times=2)
        self.press("ctrl+a")
        self.write(f"{folder}/")
        self.press("Return")
        x, y, width, height = regions["WINDOW"]
        self.click(x + width / 2, y + 60)  # beside the images: the path has the keyboard until a click elsewhere
        time.sleep(1.0)  # thumbnails
        return x, y, width, height

    def fill_in(self, wanted: str, text: str, kind: str = "UI") -> None:
        """Type into a field of the sidebar."""
        self._find_and_click(wanted, kind, times=2)
        time.sleep(0.2)
        self.press("ctrl+a")
        self.write(text)
        self.press("Return")

    # The add-on

    def generate(self, image_file: Path) -> None:
        """Choose an image and press the button, as an artist does; the job is in the list then."""
        before = len(self.ask("jobs"))
        self.fill_in("image_to_3d.image", str(image_file))
        self.press_button("image_to_3d.generate")
        self.wait_until(lambda: len(self.ask("jobs")) > before, "the button started no job", 10)

    def last_job(self) -> dict[str, Any]:
        job: dict[str, Any] = self.ask("jobs")[-1]
        return job

    def wait_for(self, *states: str, seconds: float = 90) -> dict[str, Any]:
        """The last job, as soon as it is in one of these states."""
        wanted = f"the job did not become {' or '.join(states)}"
        self.wait_until(lambda: self.last_job()["state"] in states, wanted, seconds)
        return self.last_job()

    # Eyes

    def screenshot(self, name: str) -> Path:
        """The whole screen as a PNG in build/screens; its path."""
        time.sleep(0.3)
        self.ask("redraw")
        self.run("import", "-window", "root", str(self._talk / "screen.png"))
        SCREENS.mkdir(parents=True, exist_ok=True)
        target = SCREENS / f"{name}-{self.suite}.png"
        shutil.copyfile(self._talk / "screen.png", target)
        return target


def run_windowless(
    suite: str, user: Path, *arguments: object, folders: tuple[Path, ...] = (), seconds: int = 120
) -> str:
    """Run the chroot's Blender without a screen; what it wrote. Raises AssertionError where it fails."""
    command = [str(TOOLS / "run"), suite, "-t", str(seconds), "-H", "-n", "-u", str(user)]
    for folder in folders:
        command += ["-b", str(folder)]
    done = subprocess.run(
        [*command, "--", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def why_not() -> str:
    """Why windowed Blender can't run here; "" where it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "Blender with its window runs in a chroot, which only root can make"
    if not shutil.which("apt-get") or not Path("/etc/debian_version").exists():
        return "Blender with its window runs in a Debian chroot, and this is no Debian"
    return ""
