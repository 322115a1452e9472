# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors are data: each message is a template whose arguments are given by name, so it can be translated and tested."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest
from error_pages import constants_of
from image_to_3d import errors
from image_to_3d.errors import _PLACEHOLDER, Action, ErrorInfo, ImageError, Message, NoCreditError
from product_modules import ROOT, product_modules

FAMILY = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.ImageTo3DError)
}
OPTIONS = {"advice", "action", "retry_after"}
CAUSE = {"cause": "reason"}
"""An error of the operating system gives the reason."""


def text_of(node: ast.AST | None, constants: dict[str, str]) -> str | None:
    """The text of a literal, or of a constant of the module; None if it is computed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return constants.get(node.id) if isinstance(node, ast.Name) else None


def raised() -> Iterator[Any]:
    """Every place in the product that makes an error: its position, the call, and its module's text constants."""
    for path in product_modules():
        tree = ast.parse(path.read_text("utf-8"))
        constants = constants_of(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAMILY:
                position = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield pytest.param(node, constants, id=position)


@pytest.mark.parametrize(("call", "constants"), list(raised()))
def test_every_message_is_a_template_that_uses_exactly_its_arguments(call: ast.Call, constants: dict[str, str]) -> None:
    if any(keyword.arg is None for keyword in call.keywords):
        return  # another error's template and arguments, passed on
    if not call.args:
        assert call.func.id == "CancelledError"  # type: ignore[attr-defined]
        return
    template = text_of(call.args[0], constants)
    assert template is not None, "the message is computed"
    advice = next((keyword.value for keyword in call.keywords if keyword.arg == "advice"), None)
    if not (isinstance(advice, ast.Constant) and advice.value is None):
        assert advice is None or isinstance(advice, ast.IfExp | ast.Name) or text_of(advice, constants) is not None
    used = set(_PLACEHOLDER.findall(template)) | set(_PLACEHOLDER.findall(text_of(advice, constants) or ""))
    given = {CAUSE.get(keyword.arg or "", keyword.arg) for keyword in call.keywords}
    assert used == given - OPTIONS
    assert template[0].isupper() or template[0] in "{\"'"
    assert template.endswith((".", "?", ")", "}"))


def test_an_error_is_formatted_only_when_it_is_shown() -> None:
    error = ImageError("{name} is larger than {limit} MB.", name="chair.png", limit=5)
    assert error.info() == ErrorInfo(
        "image",
        Message("{name} is larger than {limit} MB.", {"name": "chair.png", "limit": 5}),
        Message("Choose another image, or save it as PNG and try again.", {"name": "chair.png", "limit": 5}),
        Action.RETRY,
    )
    assert str(error).startswith("chair.png is larger than 5 MB. Choose another")


def test_a_message_can_quote_another_and_survives_json() -> None:
    inner = NoCreditError("No credit: {reason}", reason="{braces} stay").message
    outer = Message("Trying again: {reason}", {"reason": inner})
    assert Message.from_json(outer.to_json()) == outer
    assert str(outer) == "Trying again: No credit: {braces} stay"


@pytest.mark.parametrize("kind", FAMILY.values(), ids=FAMILY)
def test_every_error_has_a_code_of_its_own_and_documents_itself(kind: type[errors.ImageTo3DError]) -> None:
    assert [other.__name__ for other in FAMILY.values() if other.code == kind.code] == [kind.__name__]
    assert kind.__doc__
    assert kind.default_advice or kind.code in ("error", "cancelled")
