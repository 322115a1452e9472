# SPDX-License-Identifier: GPL-3.0-or-later
"""Describes every error of the add-on for docs/troubleshooting.md, from errors.py and from where errors are raised."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

from product_modules import ROOT, product_modules

NOT_SHOWN = frozenset({"error", "cancelled"})
"""Codes of the base class, and of what is no fault."""


def _texts(node: ast.expr, constants: dict[str, str]) -> list[str]:
    """Returns the constant texts that an argument can be; none if it is composed elsewhere."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Name(id=name) if name in constants:
            return [constants[name]]
        case ast.IfExp(body=first, orelse=second):
            return _texts(first, constants) + _texts(second, constants)
    return []


def constants_of(tree: ast.Module) -> dict[str, str]:
    """Returns the module's constants that are texts."""
    found = {}
    for node in tree.body:
        target = (
            node.target
            if isinstance(node, ast.AnnAssign)
            else node.targets[0]
            if isinstance(node, ast.Assign)
            else None
        )
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
            found[target.id] = value.value
    return found


def _by_variant(trees: list[ast.Module], classes: frozenset[str]) -> dict[str, str]:
    """Returns the class by its own name, and by those of its variants without a code, which are beside their users."""
    found = {name: name for name in classes}
    defined = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for _ in range(3):  # a variant can be one of a variant
        for node in defined:
            for base in node.bases:
                if (name := getattr(base, "id", "")) in found:
                    found.setdefault(node.name, found[name])
    return found


def raised_messages(classes: frozenset[str]) -> dict[str, list[str]]:
    """Returns the message templates of each error class, from where its errors are made."""
    messages: dict[str, set[str]] = {}
    trees = [ast.parse(module.read_text(encoding="utf-8")) for module in product_modules()]
    class_of = _by_variant(trees, classes)
    for tree in trees:
        constants = constants_of(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in class_of:
                    texts = _texts(node.args[0], constants)
                    messages.setdefault(class_of[name], set()).update(text for text in texts if _says_something(text))
    return {name: sorted(texts) for name, texts in messages.items()}


def button_labels() -> dict[str, str]:
    """Returns the labels of operators by their names in `Op`, from where they are defined."""
    found = {}
    for module in sorted((ROOT / "operators").glob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(args=[ast.Attribute(value=ast.Name(id="Op"), attr=name), ast.Constant(value=label), *_]):
                    found[name] = str(label)
    return found


def _says_something(template: str) -> bool:
    """Whether a message template is more than the arguments that fill it in."""
    return re.search("[a-z]", re.sub(r"\{\w+\}", "", template)) is not None


def _title(name: str) -> str:
    """Returns a class's name as a heading: "KeyRejectedError" is "Key rejected"."""
    words = re.findall("[A-Z][a-z0-9]*", name.removesuffix("Error").replace("3D", "3d"))
    return " ".join(words).capitalize()


def _shown(template: str) -> str:
    """Returns a message template for people: "{host} can't be reached." is "*host* can't be reached."."""
    return re.sub(r"\{(\w+)\}", lambda match: f"*{match[1].replace('_', ' ')}*", template)


def _section(error: Any, templates: list[str], buttons: dict[str, str]) -> str:
    """Returns the section about one error class."""
    advice = error.default_advice
    button = buttons[error.action.value] if error.action else ""
    lines = [f"### {_title(error.__name__)}", "", inspect.cleandoc(error.__doc__), ""]
    lines += [f"- **What to do:** {_shown(advice)}"] * bool(advice)
    lines += [f"- **Button in the list:** {button}"] * bool(button)
    lines += [f"- **Repeated by itself:** {'yes, a few times, before the job fails' if error.transient else 'no'}"]
    lines += [f"- **In scripts and reports:** `{error.__name__}`, code `{error.code}`"]
    if templates:
        lines += [
            "",
            "| Messages |",
            "|---|",
            *(f"| {_shown(text).replace('|', chr(92) + '|')} |" for text in templates),
        ]
    return "\n".join(lines) + "\n"


def sections(errors: Any) -> str:
    """Returns a section for each error class of the module `errors` that an artist can meet."""
    found: list[Any] = [item for item in vars(errors).values() if isinstance(item, type)]
    classes = [item for item in found if issubclass(item, errors.ImageTo3DError) and item.code not in NOT_SHOWN]
    messages, buttons = raised_messages(frozenset(item.__name__ for item in classes)), button_labels()
    return "\n".join(_section(item, messages.get(item.__name__, []), buttons) for item in classes)
