"""The plain words of a rule (Markdown as `huisuan.law.explain.prose` writes it) as HTML."""

from __future__ import annotations

import re

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from huisuan.portal.sentences.page import mark_chinese

_BOLD = re.compile(r"\*\*(.+?)\*\*")
_ITEM = re.compile(r"(?:\d+\.|-) (.+)")


def as_html(markdown: str) -> SafeString:
    """Paragraphs, bold and lists; the heading and the quotation are left out, for the page shows both itself."""
    blocks: list[SafeString] = []
    items: list[SafeString] = []
    for line in [*markdown.splitlines(), ""]:
        if found := _ITEM.fullmatch(line):
            items.append(_inline(found[1]))
            continue
        if items:
            blocks.append(
                format_html(
                    '<ul class="reasons">{}</ul>', format_html_join("", "<li>{}</li>", ((each,) for each in items))
                )
            )
            items = []
        if line and not line.startswith(("#", ">")):
            blocks.append(format_html("<p>{}</p>", _inline(line)))
    return mark_safe("".join(blocks))  # noqa: S308 - each block is escaped above


def _inline(text: str) -> SafeString:
    return mark_chinese(_BOLD.sub(r"<b>\1</b>", conditional_escape(text)))
