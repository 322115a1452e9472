# SPDX-License-Identifier: GPL-3.0-or-later
"""Defines operators from functions, so that all of them report errors and refresh the interface in the same way.

The function's docstring is the tooltip. `operators` registers every class that its modules define.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple, cast

import bpy
from bpy.props import StringProperty

from .. import engine, job_view, redraw
from ..bl_ids import Op
from ..errors import ImageTo3DError
from ..jobs.batch import Batch, BatchProgress
from ..jobs.job import Job
from ..jobs.progress import model_summary
from ..translation import tr, tr_message, tr_report
from . import monitor

_BUDGET: Final = 0.1
"""Seconds that applying the events of a command may take; "Retry Failed" makes one for each job."""

_ID: Final = StringProperty(options={"HIDDEN", "SKIP_SAVE"})


class Question(NamedTuple):
    """What the artist is asked before something that costs money or loses work. All of it is translated already."""

    title: str
    message: str
    confirm: str
    """The text of the button that does it."""


class PollMixin:
    """Makes Blender gray out an operator, and show why."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cls.why_not(context)
        if reason:
            cast(Any, cls).poll_message_set(tr(reason))
        return not reason

    why_not: ClassVar[Callable[[bpy.types.Context], str]] = staticmethod(lambda _context: "")
    """Returns why the operator can't run now, or an empty text."""


def operator(
    idname: Op,
    label: str,
    *,
    why_not: Callable[[bpy.types.Context], str] | None = None,
    confirm: bool | Callable[[bpy.types.Context], str | Question] = False,
) -> Callable[[Callable[[bpy.types.Context], None]], type[bpy.types.Operator]]:
    """Makes an operator of a function that takes the context.

    `why_not`: returns why it can't run now, or an empty text. `confirm`: the artist is asked first; a function returns
    what to show then, or an empty text if there is nothing to ask.
    """

    def define(function: Callable[[bpy.types.Context], None]) -> type[bpy.types.Operator]:
        def execute(self: Any, context: bpy.types.Context) -> set[str]:
            return _run(self, context, lambda: function(context))

        return _operator_class(idname, label, function, why_not, confirm, execute=execute)

    return define


def job_operator(
    idname: Op,
    label: str,
    *,
    why_not: Callable[[bpy.types.Context], str] | None = None,
    refuses: Callable[[Job], str] | None = None,
    question: Callable[[Job], Question | None] | None = None,
) -> Callable[[Callable[[bpy.types.Context, Job], None]], type[bpy.types.Operator]]:
    """Makes an operator for one job, given by its `job_id`, of a function that takes the context and the job.

    `refuses`: returns why it can't be done to this job now: a button may be older than the job's state. `question`:
    returns what the artist is asked first, or None.
    """

    def define(function: Callable[[bpy.types.Context, Job], None]) -> type[bpy.types.Operator]:
        def execute(self: Any, context: bpy.types.Context) -> set[str]:
            job = job_view.job(self.job_id)
            reason = "The job is no longer in the list" if job is None else refuses(job) if refuses is not None else ""
            if job is None or reason:
                self.report({"WARNING"}, tr_report(reason))
                return {"CANCELLED"}
            return _run(self, context, lambda: function(context, job))

        def invoke(self: Any, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
            job = job_view.job(self.job_id)
            asked = question(job) if question is not None and job is not None else None
            return self.execute(context) if asked is None else _ask(self, context, event, asked)

        def description(cls: Any, _context: bpy.types.Context, properties: Any) -> str:
            """Returns the tooltip: what the operator does, and what is known about the job's model."""
            job = job_view.job(properties.job_id)
            summary = tr_message(model_summary(job.details)) if job is not None else ""
            return "\n".join(text for text in (tr(cls.__doc__), summary) if text)

        body = {"__annotations__": {"job_id": _ID}, "description": classmethod(description)}
        return _operator_class(idname, label, function, why_not, False, **body, invoke=invoke, execute=execute)

    return define


def batch_operator(
    idname: Op,
    label: str,
    *,
    why_not: Callable[[Batch, BatchProgress], str] | None = None,
    question: Callable[[Batch, BatchProgress], Question] | None = None,
) -> Callable[[Callable[[bpy.types.Context, Batch], None]], type[bpy.types.Operator]]:
    """Makes an operator for one batch, given by its `batch_id`, of a function that takes the context and the batch.

    `why_not`: returns why it can't run now, or an empty text. `question`: returns what the artist is asked first.
    """

    def define(function: Callable[[bpy.types.Context, Batch], None]) -> type[bpy.types.Operator]:
        def execute(self: Any, context: bpy.types.Context) -> set[str]:
            batch, reason = _find_batch(self.batch_id, why_not)
            if batch is None or reason:
                self.report({"WARNING"}, tr_report(reason))
                return {"CANCELLED"}
            return _run(self, context, lambda: function(context, batch))

        def invoke(self: Any, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
            batch, reason = _find_batch(self.batch_id, why_not)
            if question is None or batch is None or reason:
                return self.execute(context)
            return _ask(self, context, event, question(batch, cast(BatchProgress, job_view.batch_progress(batch.id))))

        body = {"__annotations__": {"batch_id": _ID}, "invoke": invoke, "execute": execute}
        return _operator_class(idname, label, function, None, False, **body)

    return define


def _ask(operator: Any, context: bpy.types.Context, event: bpy.types.Event, asked: Question) -> set[str]:
    """Ask the artist; the button that confirms it calls the operator's `execute`."""
    options: dict[str, Any] = {"title": asked.title, "message": asked.message, "confirm_text": asked.confirm}
    return context.window_manager.invoke_confirm(operator, event, icon="WARNING", **options)


def _find_batch(batch_id: str, why_not: Callable[[Batch, BatchProgress], str] | None) -> tuple[Batch | None, str]:
    """Returns a batch, and why a command for it can't run now."""
    batch, progress = job_view.batch(batch_id), job_view.batch_progress(batch_id)
    if batch is None or progress is None:
        return None, "The batch is no longer in the list"
    return batch, why_not(batch, progress) if why_not is not None else ""


def _run(operator: Any, context: bpy.types.Context, function: Callable[[], None]) -> set[str]:
    try:
        function()
    except ImageTo3DError as error:
        operator.report({"ERROR"}, tr_report(error.info()))
        return {"CANCELLED"}
    # Show at once what the command changed, and have the rest monitored.
    engine.drain(_BUDGET)
    redraw.sidebars(context.window_manager)
    monitor.start()
    return {"FINISHED"}


def _operator_class(
    idname: Op,
    label: str,
    function: Callable[..., None],
    why_not: Callable[[bpy.types.Context], str] | None,
    confirm: bool | Callable[[bpy.types.Context], str | Question],
    **body: Any,
) -> type[bpy.types.Operator]:
    def ask(self: Any, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not callable(confirm):
            return context.window_manager.invoke_confirm(self, event)
        shown = confirm(context)
        if not shown:
            return self.execute(context)
        if isinstance(shown, Question):
            return _ask(self, context, event, shown)
        return context.window_manager.invoke_confirm(self, event, title=label, message=shown)

    body |= {"bl_idname": idname, "bl_label": label, "bl_options": {"INTERNAL"}}
    body |= {"__doc__": inspect.getdoc(function), "__module__": function.__module__}
    if confirm:
        body["invoke"] = ask
    if why_not is not None:
        body["why_not"] = why_not
    name = "IMAGE_TO_3D_OT_" + idname.partition(".")[2]
    return type(name, (PollMixin, bpy.types.Operator), body)
