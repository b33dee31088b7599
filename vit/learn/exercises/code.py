"""From a text to the class in it: what may be written, said in a sentence where it may not."""

import ast
import builtins
import math
import typing

import torch
from torch import nn

from vit.errors import VitError
from vit.learn.exercises import errors, tasks
from vit.learn.exercises.attention import Attention
from vit.learn.exercises.tasks import Task

MODULES = ("torch", "math", "typing")
UNAVAILABLE = {"exec", "eval", "compile", "getattr", "setattr", "delattr", "globals", "locals", "vars", "breakpoint"}
DUNDERS = {"__init__", "__name__", "__future__", "__class__", "__call__"}


class CodeError(VitError):
    """A text that is no solution: it doesn't parse, or uses what isn't available here."""


def check(text: str) -> ast.Module:
    """Parse a text, and see that it uses nothing but Python, torch, math and typing.

    Raises:
        CodeError: With the line, and what is wrong there.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CodeError(f"Line {getattr(error, 'lineno', 1)}: this is not Python: {error.args[0]}.") from error
    for node in ast.walk(tree):
        _check_node(node)
    return tree


def _check_node(node: ast.AST) -> None:
    names = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or "."]
    for name in names:
        if name.split(".")[0] not in (*MODULES, "__future__"):
            raise _refused(node, f"`import {name}`", "A solution needs torch, math and typing only.")
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    is_builtin = isinstance(node, ast.Name) and name in UNAVAILABLE
    if is_builtin or (name.startswith("__") and name not in DUNDERS):
        raise _refused(node, f"`{name}`", "It isn't available in exercises.")


def _refused(node: ast.AST, what: str, why: str) -> CodeError:
    return CodeError(f"Line {getattr(node, 'lineno', 1)}: {what} was stopped. {why}")


def load(text: str, task: Task) -> type[nn.Module]:
    """Run a text and take the class that a task asks for. Only a limited process may do that with a stranger's text.

    Raises:
        CodeError: If the text may not be run, or has no such class.
    """
    code = compile(check(text), errors.FILE, "exec")
    offered = {name: thing for name, thing in vars(builtins).items() if name not in UNAVAILABLE}
    space = {"__builtins__": offered, "__name__": "solution", "torch": torch, "math": math, "typing": typing}
    if task is tasks.BLOCK:
        space["Attention"] = Attention
    exec(code, space)
    found = space.get(task.name)
    if not isinstance(found, type):
        raise CodeError(f"There is no class called `{task.name}`.")
    return found
