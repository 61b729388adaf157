"""Templates of offices: given, checked without being kept, their versions, and each filled in to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import Refused
from huisuan.documents.docx import LETTER_FIELDS, NEEDED_FIELDS, merge_sample
from huisuan.documents.models import DocumentKind
from huisuan.documents.queries import list_templates
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.documents.template_files import docx_answer, uploaded_template
from huisuan.portal.documents.views import DOCUMENT_OFFICIALS, document_kind
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind
from huisuan.portal.ui.refusals import refusal_html, refusal_status
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.papers.templates import add_template, check_template, load_template, offices_of


@allow(*DOCUMENT_OFFICIALS)
@require_http_methods(["GET", "POST"])
def templates_page(request: HttpRequest) -> HttpResponseBase:
    """The templates with all their versions; POST keeps a file, or only checks it."""
    if request.method != "POST":
        return _listed(request, {})
    assert isinstance(request.user, Person)
    kind, office = request.POST.get("kind", ""), request.POST.get("office", "")
    typed: dict[str, Any] = {"kind": kind, "office": office}
    try:
        name, content = uploaded_template(request)
        if "check" in request.POST:
            filename, fields = check_template(name, content)
            return _listed(request, typed | {"checked": filename, "fields": fields})
        made = add_template(kind, office, name, content, request.user, timezone.now())
    except Refused as refusal:
        return _listed(request, typed, refusal)
    text = _t("模板第 {n} 版已收下：此后签发的这一种公文同时出 DOCX。").format(n=made.number)
    messages.success(request, text)
    return redirect("document-templates")


@allow(*DOCUMENT_OFFICIALS)
def template_file(request: HttpRequest, number: int) -> HttpResponse:
    """A template as it was given."""
    found, content = _kept(number)
    return docx_answer(content, f"template-{found}.docx")


@allow(*DOCUMENT_OFFICIALS)
def template_sample(request: HttpRequest, number: int) -> HttpResponse:
    """A template filled in with a letter that nobody sent."""
    found, content = _kept(number)
    return docx_answer(merge_sample(content), f"sample-{found}.docx")


def _kept(number: int) -> tuple[str, bytes]:
    try:
        found, content = load_template(number)
    except Refused as refusal:
        raise Http404 from refusal
    return f"{found.kind}-{found.number}", content


def _listed(request: HttpRequest, typed: dict[str, Any], refused: Refused | None = None) -> HttpResponseBase:
    assert isinstance(request.user, Person)
    kinds = [(kind, document_kind(kind)) for kind in DocumentKind.values]
    newest = {(one.office, one.kind): one.number for one in list_templates().order_by("number")}
    table = Table(
        request,
        list_templates(),
        [
            Column("office", _("发文机关"), "office", sort="office"),
            Column("kind", _("种类"), lambda row: document_kind(row.kind), sort="kind"),
            Column("number", _("版本"), "number", Kind.INTEGER, sort="number"),
            Column("standing", _("现状"),
                   lambda row: _t("在用") if newest[row.office, row.kind] == row.number else _t("旧版")),
            Column("file", _("文件"), "filename", link=lambda row: _address("template-file", row)),
            Column("sample", _("样张"), lambda _row: "DOCX", link=lambda row: _address("template-sample", row)),
            Column("fields", _("域"), lambda row: "、".join(row.fields)),
            Column("by", _("谁"), "uploaded_by.name", sort="uploaded_by__name"),
            Column("at", _("何时"), "uploaded_at", Kind.MOMENT, sort="uploaded_at"),
            Column("sha256", _("摘要"), "sha256", Kind.LONG_CODE, minor=True),
        ],
        file="document-templates",
        order="-at",
        search=("office", "filename", "sha256"),
        choices=[Choice("kind", _("种类"), lambda _rows: kinds, lambda rows, kind: rows.filter(kind=kind))],
        empty=Empty(_("还没有模板：公文只出 PDF。由单位当天在任的岗位上传 DOCX 模板，此后同时出 DOCX。")),
    )  # fmt: skip
    context = {
        "here": "documents", "typed": typed, "kinds": kinds, "offices": offices_of(request.user, timezone.now()),
        "known": LETTER_FIELDS, "needed": NEEDED_FIELDS, "refused": refusal_html(refused) if refused else "",
    }  # fmt: skip
    status = refusal_status(refused) if refused else 200
    return render_tables(request, "portal/documents/templates.html", context, [table], status=status)


def _address(route: str, row: Any) -> str:
    return reverse(route, args=[row.pk])
