"""The texts that the pages use, found in templates and code, for comparing with the English catalogue."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

import huisuan.portal

PORTAL = Path(huisuan.portal.__file__).parent
CATALOGUE = PORTAL / "locale" / "en" / "LC_MESSAGES" / "django.po"
CALLS = {"_", "_t", "gettext", "gettext_lazy"}
_QUOTED = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_TEMPLATE_CALL = re.compile(rf"(?:gettext|_)\({_QUOTED}\)", re.S)


def used() -> set[str]:
    """Every msgid in the templates and the code of the portal."""
    return {text for path in sorted(PORTAL.rglob("*")) for text in _texts(path)}


def _texts(path: Path) -> Iterator[str]:
    if path.suffix == ".html":
        code = templatize(path.read_text(encoding="utf-8"), origin=path.name)
        yield from (ast.literal_eval(found[1]) for found in _TEMPLATE_CALL.finditer(code))
    elif path.suffix == ".py":
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in CALLS and node.args:
                text = node.args[0]
                assert isinstance(text, ast.Constant), f"{path.name} {node.lineno}: a msgid must be written out"
                yield text.value


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
