"""Syntax trees of the front ends: the keys of texts that they name, the questions that they ask."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TREES = {
    path: ast.parse(path.read_text(encoding="utf-8"))
    for path in (ROOT / "app.py", ROOT / "gradio_app.py", *(ROOT / "ui").rglob("*.py"))
}
TRANSLATORS = {"text", "printed", "t", "translate", "InputError"}
"""Names of what turns a key into a sentence; Text(language)(key) is another."""


def calls() -> Iterator[ast.Call]:
    """Every call in the front ends."""
    for tree in TREES.values():
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def word(node: ast.expr | None) -> str | None:
    """The value of a string literal; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def keys_of_calls() -> set[str]:
    """Keys that are given to a translator as literals."""
    found = set()
    for call in calls():
        function = call.func
        named = isinstance(function, ast.Name) and function.id in TRANSLATORS
        made = (
            isinstance(function, ast.Call)
            and isinstance(function.func, ast.Name)
            and function.func.id == "Text"
        )
        if (named or made) and call.args and (key := word(call.args[0])):
            found.add(key)
    return found


def literals(tree: ast.AST) -> set[str]:
    """Strings of a module that are no docstrings and no parts of formatted ones."""
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in parts | docstrings
    }


def patterns() -> set[str]:
    """Formatted keys with * for each value, such as "errors.*" of f"errors.{code}"."""
    found = set()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                pattern = "".join(word(part) or "*" for part in node.values)
                key = pattern.replace("*", "").replace("_", "")
                if "." in key.rstrip("0123456789") and key.replace(".", "").isalnum():
                    found.add(pattern)
    return found


def _asked(method: str, place: int) -> Iterator[tuple[str, str]]:
    """Name and right answer of each question that the lesson's frame is given by a method."""
    for call in calls():
        function = call.func
        if (
            isinstance(function, ast.Attribute)
            and function.attr == method
            and isinstance(function.value, ast.Name)
            and function.value.id == "frame"
        ):
            right = next((word(one.value) for one in call.keywords if one.arg == "right"), None)
            yield word(call.args[place]) or "", right or ""


def question_of(step: str) -> str:
    """The question that a step of the lesson answers when it is revealed."""
    steps = [name for name, _ in _asked("reveal", 1)]
    return list(_asked("reveal", 2))[steps.index(step)][0]


def _entries() -> Iterator[tuple[str, str]]:
    """Name and right answer of each entry of the table of misconceptions."""
    path = ROOT / "ui" / "lesson" / "misconceptions" / "page.py"
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Dict):
            for topic, entry in zip(node.keys, node.values, strict=True):
                made = isinstance(entry, ast.Call) and isinstance(entry.func, ast.Name)
                if made and entry.func.id == "Entry":
                    yield f"wrong_{word(topic)}", word(entry.args[1]) or ""


_FIXED = [*_asked("check", 1), *_asked("reveal", 2)]
QUESTIONS = dict([*_entries(), *((name, right) for name, right in _FIXED if name)])
PREDICTED = [name for name, _ in [*_asked("begin", 2), *_asked("prediction", 1)]]
