"""What a page shows of a refusal: its sentence in the reader's language and, to English readers, its stable code.

The sentences are Chinese; the catalogue knows the English of many. An English page shows that English, or the Chinese
marked as such, and beside it the code, which names the rule in words that every reader and program can look up.
"""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from huisuan.base.errors import Conflict, NotAllowed, NotFound, Refused
from huisuan.portal.sentences.page import sentence_html, translate_sentence

_STATUS = ((NotFound, 404), (NotAllowed, 403), (Conflict, 409))


def refusal_html(refusal: Exception, text: str | None = None) -> SafeString:
    """A refusal as HTML; `text` is its message where a page shows a part of it, or another cut of it."""
    message = str(refusal) if text is None else text
    code = _code_for_reader(refusal)
    if not code:
        return sentence_html(message)
    return format_html('{} <code class="small quiet">{}</code>', sentence_html(message), code)


def refusal_lines(refusal: Exception) -> list[SafeString]:
    """A refusal that names several faults, one a line; the code, which is of them all, stands with the last."""
    *first, last = str(refusal).splitlines() or [""]
    return [*(sentence_html(line) for line in first), refusal_html(refusal, last)]


def refusal_plain_text(refusal: Exception) -> str:
    """A refusal as an answer that is no page."""
    message, code = translate_sentence(str(refusal)), _code_for_reader(refusal)
    return f"{message} ({code})" if code else message


def refusal_status(refusal: Refused) -> int:
    """The status with which a page answers what was refused."""
    return next((status for kind, status in _STATUS if isinstance(refusal, kind)), 422)


def _code_for_reader(refusal: Exception) -> str:
    """The code of a refusal, to those who may not read its sentence; values of the law's fields have none."""
    return str(getattr(refusal, "code", "")) if get_language() == "en" else ""
