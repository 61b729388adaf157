"""A document to check, its PDF, and the list of those that one may open."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import NotFound, Refused
from huisuan.documents.docx import DOCX_TYPE
from huisuan.documents.models import Document, DocumentKind, EndReason
from huisuan.documents.queries import find_document, list_documents, load_docx, load_pdf
from huisuan.documents.typesetting import PDF_TYPE
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, public_page, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui.address import refused as not_used
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables

_KINDS = {
    DocumentKind.CALL: _("申报通知"),
    DocumentKind.CORRECTION: _("补正通知"),
    DocumentKind.PUBLICITY: _("公示"),
    DocumentKind.DECISION: _("决定"),
    DocumentKind.REFUSAL: _("不予支持决定"),
    DocumentKind.REVOCATION: _("撤销决定"),
    DocumentKind.FUNDS: _("资金下达通知"),
    DocumentKind.PAYMENT_LIST: _("拨付清单"),
    DocumentKind.RECOVERY: _("追回通知"),
    DocumentKind.LETTER: _("函"),
}
_ENDED = {EndReason.REVOKED.value: _("不再有效：所作决定已撤销")}
#: who works with documents: lists all that their office may see, and its templates
DOCUMENT_OFFICIALS = ("city", "province", "department", "treasury", "auditor")


@public_page
def check_page(request: HttpRequest) -> HttpResponseBase:
    """Type the code that stands on a sheet of paper."""
    typed = request.GET.get("code", "")
    context: dict[str, object] = {"here": "check-document", "typed": typed}
    if typed:
        try:
            return redirect("document", find_document(typed).code)
        except NotFound as wrong:
            context |= {"wrong": refusal_html(wrong), "not_used": not_used(request, "code")}
    return render(request, "portal/documents/check.html", context, status=404 if typed else 200)


@public_page
def document_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """What everyone may know of a document: issued, by whom, its hash, whether it holds or was replaced."""
    try:
        document = find_document(code)
    except NotFound as wrong:
        context = {"here": "check-document", "typed": code, "wrong": refusal_html(wrong)}
        return render(request, "portal/documents/check.html", context, status=404)
    later, end = getattr(document, "replaced_by", None), getattr(document, "ended", None)
    known: dict[str, object] = {
        "here": "check-document", "document": document, "later": later, "kind": document_kind(document.kind),
        "end": end, "why_ended": _ENDED[end.why] if end else "",
        "may_open": list_documents(_viewer(request)).filter(pk=document.pk).exists(),
    }  # fmt: skip
    return render(request, "portal/documents/document.html", known)


@public_page
def document_pdf(request: HttpRequest, code: str) -> HttpResponse:
    """The PDF, for whoever may open it: a public one for everybody."""
    try:
        document = find_document(code)
        content = load_pdf(document, _viewer(request))
    except NotFound as wrong:
        raise Http404 from wrong
    answer = HttpResponse(content, content_type=PDF_TYPE)
    answer["Content-Disposition"] = f'inline; filename="{document.code}.pdf"'
    return answer


@public_page
def document_docx(request: HttpRequest, code: str) -> HttpResponse:
    """The DOCX, for whoever may open the PDF."""
    try:
        document = find_document(code)
        content = load_docx(document, _viewer(request))
    except NotFound as wrong:
        raise Http404 from wrong
    answer = HttpResponse(content, content_type=DOCX_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{document.code}.docx"'
    return answer


def document_table(request: HttpRequest, viewer: Viewer | None) -> Table:
    """The documents that a viewer may open; None: somebody who has not signed in."""
    return Table(
        request,
        list_documents(viewer),
        [
            Column("number", _("文号"), "full_number", link=lambda row: reverse("document", args=[row.code])),
            Column("kind", _("种类"), lambda row: document_kind(row.kind), sort="kind"),
            Column("title", _("标题"), "title"),
            Column("office", _("发文机关"), "series.office", sort="series__office"),
            Column("subject", _("关于"), "subject", Kind.CODE, sort="subject", link=_subject),
            Column("issued", _("签发"), "issued_at", Kind.MOMENT, "issued_at"),
            Column("by", _("谁"), "issued_by.name", sort="issued_by__name", minor=True),
            Column("holds", _("现状"), document_standing, Kind.STATE),
            Column("pdf", "PDF", lambda _row: "PDF", link=lambda row: reverse("document-pdf", args=[row.code])),
            Column("docx", "DOCX", lambda row: "DOCX" if row.docx_sha256 else "", link=_docx, minor=True),
            Column("sha256", _("摘要"), "sha256", Kind.LONG_CODE, minor=True),
        ],
        file="documents",
        order="-issued",
        search=("code", "letter__title", "series__office", "subject"),
        choices=[
            Choice(
                "kind",
                _("种类"),
                lambda rows: [(kind, document_kind(kind)) for kind in DocumentKind.values],
                lambda rows, kind: rows.filter(kind=kind),
            )
        ],
        empty=Empty(
            _("还没有您可以打开的公文。手里有纸面的，可以凭核验码核验。"),
            link=reverse("check-document"),
            link_text=_("核验公文"),
        ),
    )


@allow()
def documents_page(request: HttpRequest) -> HttpResponseBase:
    """The documents that this viewer may open."""
    return show_documents(request)


def show_documents(
    request: HttpRequest, refused: Refused | None = None, typed: Mapping[str, str] = {}, status: int = 200
) -> HttpResponseBase:
    """The list, with what was to be issued and why it was not."""
    viewer = viewer_of(request)
    context = {
        "here": "documents", "typed": typed, "refused": refusal_html(refused) if refused else "",
        "officials": viewer.role in DOCUMENT_OFFICIALS,
        "issues": viewer.role in DOCUMENT_OFFICIALS and viewer.role != "auditor",
        "kinds": [(kind, document_kind(kind)) for kind in DocumentKind.values if kind != DocumentKind.LETTER],
    }  # fmt: skip
    return render_tables(
        request, "portal/documents/documents.html", context, [document_table(request, viewer)], status=status
    )


def document_standing(document: Document) -> Word:
    """Whether a document holds, in the words of the pages."""
    later, end = getattr(document, "replaced_by", None), getattr(document, "ended", None)
    if later:
        return Word(_("已被 %s 替代") % later.full_number, "bad")
    return Word(_ENDED[end.why], "bad") if end else Word(_("有效"), "good")


def document_kind(kind: str) -> str:
    """What a kind of documents is called."""
    return str(_KINDS[DocumentKind(kind)])


def _docx(document: Document) -> str | None:
    return reverse("document-docx", args=[document.code]) if document.docx_sha256 else None


def _subject(document: Document) -> str | None:
    routes = {DocumentKind.CALL: "call", DocumentKind.PUBLICITY: "notice"}
    if not document.subject or document.kind in (DocumentKind.PAYMENT_LIST, DocumentKind.LETTER):
        return None
    return reverse(routes.get(DocumentKind(document.kind), "application"), args=[document.subject])


def _viewer(request: HttpRequest) -> Viewer | None:
    return Viewer.for_person(request.user) if isinstance(request.user, Person) else None
