"""A fingerprint of a command's code: what must run again when a script changes.

Comments, docstrings and layout do not count, so that a better sentence retrains nothing; a changed
statement in the command or in any of the project's modules that it imports does.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def fingerprint(command: str) -> str:
    """Return a hash over `scripts/<command>.py` and every module of scripts/ that it imports."""
    digest = hashlib.sha256()
    for module in sorted(_closure(f"scripts.{command}")):
        digest.update(f"{module}\0{_statements(module)}\0".encode())
    return digest.hexdigest()[:16]


def _closure(module: str) -> set[str]:
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imports(name)
    return found


def _path(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _tree(module: str) -> ast.Module:
    path = _path(module)
    assert path is not None, module
    return ast.parse(path.read_text(encoding="utf-8"))


def _blocks(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the module and all statements in it, without a look at their expressions."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting += getattr(node, block, [])


@cache
def _imports(module: str) -> list[str]:
    names: list[str] = []
    for node in _blocks(_tree(module)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.startswith("scripts.") and _path(name)]


@cache
def _statements(module: str) -> str:
    """Return the module's syntax tree as text, without docstrings and positions."""
    tree = _tree(module)
    for node in _blocks(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)
