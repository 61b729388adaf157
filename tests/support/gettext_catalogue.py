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
CALLS = {
    "_": 0,
    "_t": 0,
    "gettext": 0,
    "gettext_lazy": 0,
    "pgettext": 1,
    "pgettext_lazy": 1,
    "ngettext": 0,
}  # where the msgid stands
_QUOTED = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_TEMPLATE_CALL = re.compile(rf"(?:gettext|_)\((?:{_QUOTED}, *)?{_QUOTED}\)", re.S)
_TEMPLATE_PLURAL = re.compile(rf"ngettext\({_QUOTED}, *{_QUOTED}, *count\)", re.S)


def used() -> set[tuple[str, str]]:
    """Every (context, msgid) in the templates and the code of the portal; most have no context."""
    return {text for path in sorted(PORTAL.rglob("*")) for text in _texts(path)}


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix == ".html":
        code = templatize(path.read_text(encoding="utf-8"), origin=path.name)
        for found in _TEMPLATE_CALL.finditer(code):
            yield ast.literal_eval(found[1]) if found[1] else "", ast.literal_eval(found[2])
        for found in _TEMPLATE_PLURAL.finditer(code):
            one, many = ast.literal_eval(found[1]), ast.literal_eval(found[2])
            assert one == many, f"{path.name}: Chinese has one form: {one} is not {many}"
            yield "", one
    elif path.suffix == ".py":
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in CALLS and node.args:
                at = CALLS[_name(node.func)]
                texts = [each.value for each in node.args[: at + 1] if isinstance(each, ast.Constant)]
                assert len(texts) == at + 1, f"{path.name} {node.lineno}: a msgid must be written out"
                yield texts[0] if at else "", texts[at]


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
