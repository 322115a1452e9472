# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of the panel that tools/screenshots.py shows.

Each is brought about by data: by jobs that scripts start, and by what a service on loopback replies. No place of a
button is needed, so the states outlive a new panel.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SCENE = ROOT / "tools" / "blender" / "screenshot_scene.py"
FOREVER = 10**9
"""Polls until a job is done that never is."""
CHECKED = 6.0
"""Seconds until a chosen image is checked, and its preview is loaded."""


class Stage(NamedTuple):
    """A windowed Blender with the extension, which takes `service` for ModelsLab."""

    blender: Any
    """`Blender` in tests/support/window.py."""
    service: Any
    """`ScriptedService` in tests/support/scripted_service.py."""
    models: Mapping[str, bytes]
    """GLB files by the name of their image."""
    replies: Any
    """The module tests/support/scripted_service.py."""

    def inside(self, function: str, **arguments: Any) -> Any:
        """Returns what a function of tools/blender/screenshot_scene.py returns."""
        return self.blender.ask("call", script=str(SCENE), function=function, arguments=arguments)

    def drag(self, x: int, y: int, to_x: int) -> None:
        """Drag from a point to another one beside it. Blender handles each event before the next one comes."""
        way = [("MOUSEMOVE", "NOTHING", x - 8), ("MOUSEMOVE", "NOTHING", x), ("LEFTMOUSE", "PRESS", x)]
        way += [("MOUSEMOVE", "NOTHING", x + (to_x - x) * step // 4) for step in range(1, 5)]
        for kind, value, at in [*way, ("LEFTMOUSE", "RELEASE", to_x)]:
            self.inside("mouse", kind=kind, value=value, x=at, y=y)
            time.sleep(0.05)
        time.sleep(0.5)

    def start(self, name: str, *states: str, place: int = 0) -> None:
        """Start a job from a sample, and wait until it is in one of these states."""
        self.service.model = self.models[name]
        self.inside("choose_image", image=f"//{name}.png")
        self.inside("generate", image=f"//{name}.png", place=place)
        self.wait_for(name, *states)

    def wait_for(self, name: str, *states: str) -> None:
        def reached() -> bool:
            found = [job for job in self.blender.ask("jobs") if job["name"] == name]
            return bool(found) and found[-1]["state"] in states

        self.blender.wait_until(reached, f"{name} did not become {' or '.join(states)}", 90)

    def finish(self, *names: str) -> None:
        """Have the models of these samples generated and placed, one beside the other."""
        self.service.polls_until_done = 0
        for place, name in enumerate(names):
            self.start(name, "placed", place=place)

    def learn(self, *names: str) -> None:
        """The same, for a price that the add-on learns: from three models on."""
        self.service.price = 0.05
        self.finish(*names)


def no_key(stage: Stage) -> None:
    """As it is right after the installation."""


def local_server(stage: Stage) -> None:
    stage.inside("set_preferences", values={"service": "LOCAL"})
    time.sleep(1.0)


def ready(stage: Stage) -> None:
    stage.inside("choose_image", image="//chair.png")
    time.sleep(CHECKED)


def warning(stage: Stage) -> None:
    stage.inside("choose_image", image="//cropped.png")
    time.sleep(CHECKED)


def running(stage: Stage) -> None:
    stage.learn("toadstool", "vase", "chair")
    stage.service.polls_until_done = FOREVER
    stage.start("mug", "waiting", place=-1)
    stage.start("vase", "waiting", place=3)
    time.sleep(CHECKED)


def failed(stage: Stage) -> None:
    stage.finish("chair")
    refusal = {"status": "error", "message": "You have insufficient credits to run this model."}
    stage.service.next("submit", stage.replies.answers(stage.replies.to_json(refusal, 402)))
    stage.start("mug", "failed", place=1)


def wrong_key(stage: Stage) -> None:
    refusal = {"status": "error", "message": "Invalid API Key."}
    stage.service.next("submit", stage.replies.answers(stage.replies.to_json(refusal, 401)))
    stage.start("mug", "failed")


def no_reply(stage: Stage) -> None:
    stage.finish("chair")
    stage.service.next("submit", stage.replies.takes_and_resets)
    empty = stage.replies.answers(stage.replies.to_json({"status": "success", "data": []}))
    stage.service.next("list", *[empty] * 50)
    stage.start("mug", "unconfirmed", place=1)


def batch(stage: Stage) -> None:
    stage.service.polls_until_done, stage.service.model = 0, stage.models["chair"]
    refusal = {"status": "error", "message": "The image has no recognizable subject."}
    stage.service.next("submit", stage.replies.answers(stage.replies.to_json(refusal, 400)))
    stage.inside("generate_batch", folder="//references")
    stage.blender.wait_until(
        lambda: sum(job["state"] == "placed" for job in stage.blender.ask("jobs")) >= 2,
        "no model of the batch came",
        90,
    )
    stage.service.polls_until_done = FOREVER
    stage.inside("select_row", number=0)
    time.sleep(CHECKED)


def finished(stage: Stage) -> None:
    stage.learn("vase", "toadstool", "chair")
    stage.blender.ask("select_only", name="chair")
    time.sleep(CHECKED)


def mesh_tools(stage: Stage) -> None:
    """A model that was remeshed."""
    stage.finish("chair")
    stage.blender.ask("select_only", name="chair")
    stage.inside("start_tool", tool="REMESH", name="chair", settings={"texture_size": "1024"})
    stage.blender.wait_until(lambda: not stage.blender.ask("tools"), "the tool did not end", 240)
    time.sleep(CHECKED)


def results(stage: Stage) -> None:
    stage.finish("mug", "toadstool", "vase", "chair")
    stage.inside("choose_image", image="//mug.png")
    time.sleep(CHECKED)


def other_file(stage: Stage) -> None:
    stage.service.polls_until_done = FOREVER
    stage.start("mug", "waiting")
    stage.start("vase", "waiting")
    stage.inside("open_empty_file")
    stage.blender.open_sidebar("Image to 3D")
    stage.service.polls_until_done = 0
    stage.wait_for("mug", "ready")
    stage.wait_for("vase", "ready")


def sidebar(stage: Stage) -> None:
    """Three models and a job, for the whole window."""
    stage.finish("chair", "toadstool", "vase")
    stage.service.polls_until_done = FOREVER
    stage.inside("choose_image", image="//mug.png")
    stage.inside("press_generate", place=-1)
    stage.wait_for("mug", "waiting")
    time.sleep(12)  # until shaders are compiled, in software OpenGL


STATES: Mapping[str, Callable[[Stage], None]] = {
    "no-key": no_key,
    "local-server": local_server,
    "ready": ready,
    "warning": warning,
    "running": running,
    "failed": failed,
    "wrong-key": wrong_key,
    "no-reply": no_reply,
    "batch": batch,
    "finished": finished,
    "mesh-tools": mesh_tools,
    "results": results,
    "other-file": other_file,
    "preferences": ready,
    "sidebar": sidebar,
}
"""By name: what brings the state about. *results* shows the popover, *preferences* the preferences, and *sidebar* the
whole window."""
WITHOUT_KEY = frozenset({"no-key"})
WITHOUT_WIDTH = frozenset({"preferences", "results", "sidebar"})
"""Not the panel, but something else."""
TRANSLATED = frozenset({"no-key", "running"})
"""What the documentation shows in other languages, too."""
OTHER_VERSIONS = TRANSLATED | {"finished"}
"""What it shows in another Blender version, too."""
