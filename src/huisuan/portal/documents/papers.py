"""The documents of one thing (an application, a call, a notice) on its page, and issuing the next by page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.documents.models import Document
from huisuan.documents.queries import list_documents
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.parties.viewer import Viewer
from huisuan.portal.documents.views import document_kind, document_standing, show_documents
from huisuan.portal.ui.refusals import refusal_status
from huisuan.portal.ui.state_labels import Word
from huisuan.programmes.papers.issuing import issue_from_record, list_issuable

#: kinds that the record of an application may say
APPLICATION_PAPERS = ("correction", "decision", "refusal", "revocation", "funds", "recovery")
ISSUERS = ("city", "province", "department", "treasury")


@dataclass(frozen=True)
class Papers:
    """The documents of one thing that the reader may open, each with its kind and standing, and what may be issued."""

    number: str
    issued: tuple[tuple[Document, str, Word], ...]
    issuable: tuple[tuple[str, str], ...]


def read_papers(request: HttpRequest, number: str, kinds: Iterable[str]) -> Papers:
    """Of a number, for whoever looks; only a post of the office that signs may issue."""
    person = request.user if isinstance(request.user, Person) else None
    found = list_documents(Viewer.for_person(person) if person else None).filter(subject=number, kind__in=list(kinds))
    may = list_issuable(number, kinds, person, timezone.now()) if person and person.role in ISSUERS else []
    return Papers(
        number,
        tuple((one, document_kind(one.kind), document_standing(one)) for one in found),
        tuple((kind, document_kind(kind)) for kind in may),
    )


@allow(*ISSUERS)
@require_POST
def issue_page(request: HttpRequest) -> HttpResponseBase:
    """Issue what the record of a number says; then the page of the document."""
    assert isinstance(request.user, Person)
    kind, number = request.POST.get("kind", ""), request.POST.get("number", "").strip()
    try:
        made = issue_from_record(kind, number, request.user, timezone.now())
    except Refused as refusal:
        return show_documents(request, refusal, {"kind": kind, "number": number}, refusal_status(refusal))
    messages.success(request, _t("已签发 {number}。").format(number=made.full_number))
    return redirect("document", code=made.code)
