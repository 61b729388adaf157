"""A browser that reads English, the pages that it opens, and what they leave in Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.test import Client
from django.urls import URLPattern

from huisuan.parties.models import Person
from huisuan.portal.urls import urlpatterns
from support.english import Data, leftovers

#: what a GET gives no page for: files, a script, the way to and from the identity provider
NO_PAGE = {
    "open-message",
    "oidc",
    "oidc-return",
    "chart-engine",
    "register",
    "record-proof",
    "export-seal",
    "evidence",
    "statistics-file",
    "document-pdf",
    "statement",
    "released-file",
    "release-statement",
    "scan-statement",
    "opendata-changes",
    "opendata-catalogue-dcat",
    "opendata-dcat",
    "opendata-croissant",
    "table-schema",
    "corpus-shard",
    "corpus-card",
    "bulletin-file",
    "bulletin-template-file",
    "job-file",
    "job-picture",
    "import-faults",
    "submitted-file",
    "objection-file",
    "bank-file",
    "decision-sheet-file",
    "decision-sheet-pdf",
    "document-docx",
    "template-file",
    "template-sample",
    "review-file",
    "delete-template",  # posted by a button of another form
}
#: what is posted from a page: their answers are looked at where the forms are sent
POSTED = {
    "sign-out", "language", "new-token", "revoke-token", "change-factor", "sign-out-everywhere", "person-action",
    "cancel-job", "cancel-array", "answer-flag", "discard-draft", "live-answer", "compare-proposal", "adopt-proposal",
    "withdraw-proposal", "mark-messages-read", "mark-messages-unread",
    "settle-year", "cancel-settlement", "seal-months", "cancel-sealing",
    "cancel-comparison", "cancel-register-file", "accept-register-file", "cancel-budget", "budget-again",
    "new-project", "new-project-token", "change-project", "set-budget", "end-budget", "invite-member",
    "revoke-invitation", "member-action", "open-session", "end-session", "undo-cancel", "submit-again", "keep-template",
    "invite-agent", "revoke-agents", "claim-account", "undo-claim", "cancel-maintenance",
    "take-step", "give-payee", "answer-payee", "answer-application-flag", "contract-act", "say-issuer",
    "confirm-consent", "give-consent", "withdraw-consent", "lift-strike", "give-opinion", "move-application",
    "check-application", "send-score-sheet", "recuse", "acceptance-act", "amend-call", "issue-document",
    "match-register", "publish-notice", "end-budget-line", "send-orders",
    "keep-filter", "forget-filter",
    "cancel-import", "import-for-real", "check-month", "check-agent",
}  # fmt: skip
#: texts with the pages that show them
Found = dict[str, set[str]]


def pages() -> dict[str, URLPattern]:
    """The addresses that a GET gives a page for, by name."""
    named = {entry.name: entry for entry in urlpatterns if isinstance(entry, URLPattern) and entry.name}
    return {name: entry for name, entry in named.items() if name not in NO_PAGE | POSTED}


def browser(person: Person | None) -> Client:
    """A browser that reads English, in which somebody is signed in, or nobody."""
    client = Client()
    client.cookies["django_language"] = "en"
    if person:
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def told(answer: Any, data: Data) -> Iterator[str]:
    """What an answer leaves in Chinese, be it a page, a part of one, a text or a CSV (whose cells nothing can mark)."""
    kind = answer.get("Content-Type", "")
    if kind.startswith("text/html"):
        yield from leftovers(answer.content.decode(), data)
    elif kind.startswith("text/csv"):
        yield from filter(None, (data.leftovers(line, chinese=True) for line in answer.getvalue().decode().split("\n")))
    elif kind.startswith("text/plain"):
        yield from filter(None, [data.leftovers(answer.content.decode(), chinese=False)])


def note(found: Found, texts: Iterable[str], where: str) -> None:
    """Keep each text with where it was met."""
    for text in texts:
        found.setdefault(text, set()).add(where)


def listed(found: Found) -> str:
    """What is left over, a text and the first of its pages each: what is to be worked off."""
    return "\n".join(f"{text}\n    {', '.join(sorted(where)[:3])}" for text, where in sorted(found.items()))
