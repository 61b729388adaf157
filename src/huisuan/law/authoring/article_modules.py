"""The files of articles: Python that may look at facts and settings only, run as modules of the policy's own."""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from huisuan.law.model.errors import LawError
from huisuan.law.text.policy_text import read_policy_file

ALLOWED_IMPORTS = {"__future__", "datetime", "huisuan.law"}
FORBIDDEN_NAMES = {"today", "now", "utcnow", "open", "eval", "exec", "compile", "__import__", "getattr", "globals"}


def import_articles(folder: Path, digest: str) -> None:
    """Import `a*.py` as modules of a package of their own, so that two policies never share a module.

    Raises:
        LawError: naming file and line: no Python, something impure, whatever goes wrong while it runs.
    """
    package = f"huisuan_policy_{digest[:16]}"
    spec = importlib.machinery.ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    for stale in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[stale]
    sys.modules[package] = importlib.util.module_from_spec(spec)
    for path in sorted(folder.glob("a[0-9][0-9]_*.py")):
        _check_purity(path)
    for path in sorted(folder.glob("a[0-9][0-9]_*.py")):
        try:
            importlib.import_module(f"{package}.{path.stem}")
        except LawError:
            raise
        except Exception as error:  # whatever an article's code may raise: its author must learn where
            raise LawError(
                f"{_innermost_place(error, folder)}：{type(error).__name__}：{error}", code="law.article_raised"
            ) from error


def _check_purity(path: Path) -> None:
    """A rule may look at its facts and settings only: no clock, no chance, no file, no float.

    Raises:
        LawError: naming the line.
    """
    neighbours = {other.stem for other in path.parent.glob("*.py")}
    try:
        tree = ast.parse(read_policy_file(path), path.name)
    except (SyntaxError, ValueError) as error:  # ValueError: a byte of zero
        at = f" 行 {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise LawError(
            f"{path.name}{at}：不是 Python（{getattr(error, 'msg', error)}）", code="law.article_not_python"
        ) from None
    for node in ast.walk(tree):
        at = f"{path.name} 行 {getattr(node, 'lineno', '?')}"
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            raise LawError(
                f'{at}：条款里不能有浮点数 {node.value}；比例写作 "20%" 或 "1/3"', code="law.article_has_float"
            )
        for imported in _imports(node):
            if imported not in ALLOWED_IMPORTS | neighbours:
                raise LawError(
                    f"{at}：条款只能导入 huisuan.law，不能导入 {imported}", code="law.article_import_forbidden"
                )
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in FORBIDDEN_NAMES:
            raise LawError(f"{at}：条款里不能用 {name}：结果只取决于事实与参数", code="law.article_impure")


def _imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""


def _innermost_place(error: Exception, folder: Path) -> str:
    """The line of the policy's own files where it went wrong."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == folder]
    return f"{Path(frames[-1].filename).name} 行 {frames[-1].lineno}" if frames else folder.name
