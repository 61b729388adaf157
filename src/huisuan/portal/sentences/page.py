"""Sentences as a page shows them, in the language of its reader."""

from __future__ import annotations

import re

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from huisuan.portal.sentences.catalogue import translate

#: Chinese letters and signs in a row
RUN = re.compile(r"[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]+")


def translate_sentence(text: str) -> str:
    """The text in the reader's language, as far as the catalogue knows it."""
    return translate(text) if get_language() == "en" else text


def mark_chinese(escaped: str) -> SafeString:
    """HTML without attributes, in the reader's language but for what it quotes: that is marked as Chinese."""
    if get_language() != "en":
        return mark_safe(escaped)  # noqa: S308 (the caller escaped it)
    return mark_safe(RUN.sub(r'<span lang="zh-hans">\g<0></span>', escaped))  # noqa: S308 (the caller escaped it)


def sentence_html(text: str) -> SafeString:
    """The same for HTML, escaped; what is Chinese on an English page is marked so, for those who hear the page."""
    if get_language() != "en":
        return escape(text)
    found = translate(text)
    if found == text and RUN.search(text):
        return mark_safe(f'<span lang="zh-hans">{escape(text)}</span>')  # noqa: S308 (escaped)
    return mark_chinese(escape(found))
