"""A document to check, its PDF, and the list of those that one may open."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import NotFound
from huisuan.documents.models import Document, DocumentKind
from huisuan.documents.queries import find_document, list_documents, load_pdf
from huisuan.documents.typesetting import PDF_TYPE
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, public_page, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind
from huisuan.portal.ui.refusals import refusal_html
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


@public_page
def check_page(request: HttpRequest) -> HttpResponseBase:
    """Type the code that stands on a sheet of paper."""
    typed = request.GET.get("code", "")
    context: dict[str, object] = {"here": "check-document", "typed": typed}
    if typed:
        try:
            return redirect("document", find_document(typed).code)
        except NotFound as wrong:
            context |= {"wrong": refusal_html(wrong), "not_used": refused(request, "code")}
    return render(request, "portal/documents/check.html", context, status=404 if typed else 200)


@public_page
def document_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """What everyone may know of a document: issued, by whom, its hash, whether it holds or was replaced."""
    try:
        document = find_document(code)
    except NotFound as wrong:
        context = {"here": "check-document", "typed": code, "wrong": refusal_html(wrong)}
        return render(request, "portal/documents/check.html", context, status=404)
    later = getattr(document, "replaced_by", None)
    known: dict[str, object] = {
        "here": "check-document", "document": document, "later": later, "kind": _kind(document.kind),
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


def document_table(request: HttpRequest, viewer: Viewer | None) -> Table:
    """The documents that a viewer may open; None: somebody who has not signed in."""
    return Table(
        request,
        list_documents(viewer),
        [
            Column("number", _("文号"), "full_number", link=lambda row: reverse("document", args=[row.code])),
            Column("kind", _("种类"), lambda row: _kind(row.kind), sort="kind"),
            Column("title", _("标题"), "title"),
            Column("office", _("发文机关"), "series.office", sort="series__office"),
            Column("issued", _("签发"), "issued_at", Kind.MOMENT, "issued_at"),
            Column("holds", _("现状"), _standing),
        ],
        file="documents",
        order="-issued",
        search=("code", "letter__title", "series__office"),
        choices=[
            Choice(
                "kind",
                _("种类"),
                lambda rows: [(kind, _kind(kind)) for kind in DocumentKind.values],
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
    tables = [document_table(request, viewer_of(request))]
    return render_tables(request, "portal/documents/documents.html", {"here": "documents"}, tables)


def _standing(document: Document) -> str:
    later = getattr(document, "replaced_by", None)
    return str(_("已被 %s 替代") % later.full_number if later else _("有效"))


def _kind(kind: str) -> str:
    return str(_KINDS[DocumentKind(kind)])


def _viewer(request: HttpRequest) -> Viewer | None:
    return Viewer.for_person(request.user) if isinstance(request.user, Person) else None
