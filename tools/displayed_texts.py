# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds every English text in the code that the add-on can display, by static analysis of the syntax trees.

A text is displayed if it reaches one of the places in `_POSITIONS`, `_KEYWORDS` or `_DEFAULTS`. What reaches them is
followed through conditions, constants, tables, local variables, and functions that return texts. A text that is
composed with an f-string can't be translated: it is reported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from product_modules import ROOT, product_modules

NOT_TRANSLATED: Final = frozenset(
    {
        *("GLB", "OBJ", "STL", "PLY", "X", "Y", "Z", "HTTP {status}", "ModelsLab", "Image to 3D", "{size} GB"),
        *("Unity", "Unreal Engine", "Godot", "glTF", "3MF", "QuadriFlow"),
        *("{name} × {count}", "{triangles}, {size} m", "API", "https://…"),
    }
)
"""Names, and templates of which nothing is in a language."""

_ENGLISH: Final = ("command_line/", "jobs/report_html.py", "jobs/report_script.py")
"""The command line is in English, like the log; so is the report of a batch, which is passed on to others."""
_BELOW: Final = ("api/", "errors.py", "formats/", "jobs/", "worker/")
"""Where `str()` of an error is a reason in an error of ours."""
_INTERFACE: Final = ("panels/", "operators/", "preferences", "properties", "handlers")
"""Where a function that returns a text returns it for the interface."""

_POSITIONS: Final[Mapping[str, tuple[int, ...]]] = {
    "tr": (0,),
    "tr_report": (0,),
    "Message": (0,),
    "counted": (1, 2),
    "FormatError": (0,),
    "require": (1,),
    "report": (1,),
    "poll_message_set": (0,),
    "Status": (0,),
    "open_with_system": (1,),
}
"""The positions of texts among the arguments of these functions. The classes of errors are added to them."""
_KEYWORDS: Final = frozenset({"text", "heading", "title", "message", "confirm_text", "placeholder", "advice"})
"""Names of arguments that are texts, in calls of Blender's functions and of ours."""
_MESSAGES: Final = frozenset({"error", "message", "note", "warning", "reason", "advice"})
"""Names of variables with an error or a message: `str()` of one is English."""
_DEFAULTS: Final = frozenset({"default_advice", "bl_label", "bl_description"})
"""Attributes of classes that are texts."""
_PLACEHOLDER: Final = re.compile(r"\{\w*\}")
_WORD: Final = re.compile(r"[^\W\d_]{2}")
_IDENTIFIER: Final = re.compile(r"[A-Z][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Found:
    """The displayed texts, in a stable order, and where texts are composed so that they can't be translated."""

    texts: dict[str, str] = field(default_factory=dict)
    """Each text, and the first place where it was found."""
    composed: list[str] = field(default_factory=list)
    """Place and code of each text that is composed in English."""


def placeholders(text: str) -> set[str]:
    """Returns the names in braces of a template."""
    return set(re.findall(r"\{(\w+)\}", text))


def is_text(text: str) -> bool:
    """Whether there is something to translate, rather than a name, an identifier or a number."""
    if text in NOT_TRANSLATED or _IDENTIFIER.fullmatch(text):
        return False
    return _WORD.search(_PLACEHOLDER.sub("", text)) is not None


def in_code() -> Found:
    """Returns the texts in the code."""
    trees = syntax_trees()
    errors = (*error_classes(trees), "kind")  # a variable for a class of errors
    positions = {**_of_our_functions(trees), **_POSITIONS, **dict.fromkeys(errors, (0,))}
    program = _Program(trees)
    found = Found()
    for name, tree in trees.items():
        for node, scope in _with_scopes(tree):
            inner = (*scope, node) if isinstance(node, ast.FunctionDef) else scope
            for value in _displayed(node, positions, _of_interface(name, node)):
                for text in program.texts(value, inner):
                    if isinstance(text, ast.Call) and name.startswith(_BELOW):
                        continue  # the text of an error of the operating system
                    if isinstance(text, ast.expr):
                        found.composed.append(f"{name}:{value.lineno}: {ast.unparse(text)}")
                    elif is_text(text):
                        found.texts.setdefault(text, f"{name}:{value.lineno}")
    found.composed[:] = dict.fromkeys(found.composed)
    return found


def syntax_trees() -> dict[str, ast.Module]:
    """Returns the syntax trees of the modules whose texts artists see in Blender, by their paths below the root."""
    paths = {path.relative_to(ROOT).as_posix(): path for path in product_modules()}
    return {name: ast.parse(path.read_text("utf-8")) for name, path in paths.items() if not name.startswith(_ENGLISH)}


def error_classes(trees: Mapping[str, ast.Module]) -> set[str]:
    """Returns the names of the classes of errors: those in errors.py, and those derived from them elsewhere."""
    classes = [node for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef)]
    found = {n.name for n in trees["errors.py"].body if isinstance(n, ast.ClassDef) and n.name.endswith("Error")}
    while more := {n.name for n in classes if n.name not in found and found & {_name_of(base) for base in n.bases}}:
        found |= more
    return found


def _of_our_functions(trees: Mapping[str, ast.Module]) -> dict[str, tuple[int, ...]]:
    """Returns the positions of texts among the arguments of the interface's own functions: `wrapped(layout, text)`."""
    found = {}
    for name, tree in trees.items():
        for node in ast.walk(tree) if name.startswith(_INTERFACE) else ():
            if isinstance(node, ast.FunctionDef):
                names = [argument.arg for argument in node.args.args if argument.arg != "self"]
                found[node.name] = tuple(number for number, each in enumerate(names) if each in _KEYWORDS)
    return {name: numbers for name, numbers in found.items() if numbers}


def _of_interface(name: str, node: ast.AST) -> bool:
    """Whether what a function returns is shown: it says why something is impossible, or belongs to the interface."""
    if not isinstance(node, ast.FunctionDef) or node.returns is None:
        return False
    returned = ast.unparse(node.returns)
    says_why = "why_not" in node.name
    return (says_why or name.startswith(_INTERFACE)) and returned in {"str", "tuple[str, str]", "str | None"}


def _displayed(node: ast.AST, positions: Mapping[str, tuple[int, ...]], returns: bool) -> Iterator[ast.expr]:
    """Yields the expressions in a node whose texts are displayed."""
    match node:
        case ast.Call():
            name = _name_of(node.func)
            for position in positions.get(name, ()):
                if position < len(node.args):
                    yield node.args[position]
            yield from (keyword.value for keyword in node.keywords if keyword.arg in _KEYWORDS)
            for keyword in node.keywords:
                if keyword.arg == "why_not" and isinstance(keyword.value, ast.Lambda):
                    yield keyword.value.body
                elif keyword.arg == "items" and isinstance(keyword.value, ast.Name):  # a function that lists them
                    yield ast.copy_location(ast.Call(keyword.value, [], []), keyword.value)
        case ast.FunctionDef() if returns:
            inner = (n for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None)
            yield from (n.value for n in inner if n.value is not None)
        case ast.ClassDef():
            for statement in node.body:
                target, value = _assignment(statement)
                if value is not None and target in _DEFAULTS:
                    yield value


def _name_of(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _assignment(node: ast.AST) -> tuple[str, ast.expr | None]:
    """Returns the name and the value of a plain assignment."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    return "", None


Scope = tuple[ast.FunctionDef, ...]


def _with_scopes(tree: ast.AST, scope: Scope = ()) -> Iterator[tuple[ast.AST, Scope]]:
    """Yields every node, and the functions around it."""
    for child in ast.iter_child_nodes(tree):
        yield child, scope
        yield from _with_scopes(child, (*scope, child) if isinstance(child, ast.FunctionDef) else scope)


class _Program:
    """The constants and the functions of all modules, by name."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self._constants: dict[str, list[ast.expr]] = {}
        self._functions: dict[str, list[ast.FunctionDef]] = {}
        for tree in trees.values():
            for statement in tree.body:
                target, value = _assignment(statement)
                if value is not None:
                    self._constants.setdefault(target, []).append(value)
            for node in ast.walk(tree):
                self._add(node)

    def _add(self, node: ast.AST) -> None:
        """Remember a function that returns texts."""
        if isinstance(node, ast.FunctionDef) and node.returns is not None and "str" in ast.unparse(node.returns):
            self._functions.setdefault(node.name, []).append(node)

    def texts(self, node: ast.expr, scope: Scope, depth: int = 8) -> Iterator[str | ast.expr]:
        """Yields the texts that an expression can have, and the expressions that compose a text in English."""
        if depth == 0:
            return
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case _ if _is_composed(node):
                yield node
            case _:
                for part, inner in self._parts(node, scope):
                    yield from self.texts(part, inner, depth - 1)

    def _parts(self, node: ast.expr, scope: Scope) -> Iterator[tuple[ast.expr, Scope]]:
        """Yields the expressions from which the value of an expression comes."""
        match node:
            case ast.IfExp():
                yield from ((part, scope) for part in (node.body, node.orelse))
            case ast.BoolOp() | ast.Tuple() | ast.List():
                parts = node.values if isinstance(node, ast.BoolOp) else node.elts
                yield from ((part, scope) for part in parts)
            case ast.Dict():
                yield from ((value, scope) for value in node.values)
            case ast.DictComp():
                yield node.value, scope
            case ast.Subscript(value=base) | ast.Call(func=ast.Attribute(value=base, attr="get")):
                yield base, scope
            case ast.BinOp(left=left, op=ast.BitOr() | ast.Add(), right=right):
                yield from ((left, scope), (right, scope))
            case ast.Call(func=ast.Name(id="one_line" | "str" | "cast")):
                yield from ((argument, scope) for argument in node.args[:1])
            case ast.Call():
                for function in self._functions.get(_name_of(node.func), ()):
                    inner = (n for n in ast.walk(function) if isinstance(n, ast.Return))
                    yield from ((n.value, (function,)) for n in inner if n.value is not None)
            case ast.Attribute(attr=name) if name.isupper():
                yield from ((value, ()) for value in self._constants.get(name, ()))
            case ast.Name(id=name):
                yield from self._values(name, scope)

    def _values(self, name: str, scope: Scope) -> Iterator[tuple[ast.expr, Scope]]:
        """Yields what is assigned to a name, in the innermost function that does, or else in any module."""
        for level in range(len(scope), 0, -1):
            own = [value for node in ast.walk(scope[level - 1]) for value in _assigned(node, name)]
            if own:
                yield from ((value, scope[:level]) for value in own)
                return
        yield from ((value, ()) for value in self._constants.get(name, ()))


def _is_composed(node: ast.expr) -> bool:
    """Whether an expression composes an English text, by an f-string, a format, or the text of a message."""
    match node:
        case ast.JoinedStr(values=parts):
            return any(isinstance(part, ast.Constant) and is_text(str(part.value)) for part in parts)
        case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod()):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()), attr="format")):
            return True
        case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name) | ast.Attribute(attr=name)]):
            return name in _MESSAGES
    return False


def _names(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def _assigned(node: ast.AST, name: str) -> Iterator[ast.expr]:
    """Yields what a statement assigns to a name, also as one of several names."""
    target, value = _assignment(node)
    if target == name and value is not None:
        yield value
    elif isinstance(node, ast.For | ast.comprehension) and name in _names(node.target):
        table = node.iter.func if isinstance(node.iter, ast.Call) else node.iter
        yield table.value if isinstance(table, ast.Attribute) and table.attr in {"items", "values"} else table
    elif isinstance(node, ast.AugAssign | ast.NamedExpr) and getattr(node.target, "id", "") == name:
        yield node.value
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
        names = [getattr(each, "id", "") for each in node.targets[0].elts]
        if name in names and isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(names):
            yield node.value.elts[names.index(name)]
        elif name in names:
            yield node.value
