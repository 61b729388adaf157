"""Templates by which the DOCX of bulletins is made: given, checked without being kept, looked at filled in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import Refused
from huisuan.bulletins.docx_templates.services import (
    add_bulletin_template,
    check_bulletin_template,
    get_bulletin_template,
    list_bulletin_templates,
)
from huisuan.bulletins.issuing.docx_template import BULLETIN_FIELDS, NEEDED_BULLETIN_FIELDS, merge_bulletin_sample
from huisuan.bulletins.models import BulletinKind
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.bulletins.archive import BULLETIN_KIND_LABELS
from huisuan.portal.documents.template_files import docx_answer, uploaded_template
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.refusals import refusal_html, refusal_status
from huisuan.portal.ui.table import Table, render_tables


@allow("province")
def bulletin_templates_page(request: HttpRequest) -> HttpResponseBase:
    """The templates with all their versions; POST keeps a file, or only checks it."""
    if request.method != "POST":
        return _listed(request, {})
    assert isinstance(request.user, Person)
    kind, office = request.POST.get("kind", BulletinKind.OPENNESS), request.POST.get("office", "")
    typed: dict[str, Any] = {"kind": kind, "office": office}
    try:
        name, content = uploaded_template(request)
        if "check" in request.POST:
            filename, fields = check_bulletin_template(name, content)
            return _listed(request, typed | {"checked": filename, "fields": fields})
        made = add_bulletin_template(kind, office, name, content, request.user, timezone.now())
    except Refused as refusal:
        return _listed(request, typed, refusal)
    messages.success(request, _t("模板第 {n} 版已收下：此后起草的通报用它出 DOCX。").format(n=made.number))
    return redirect("bulletin-templates")


@allow("province")
def bulletin_template_file(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """A template as it was given, or filled in with a bulletin that nobody issued."""
    if what not in ("template", "sample"):
        raise Http404
    try:
        found, content = get_bulletin_template(number)
        content = merge_bulletin_sample(content) if what == "sample" else content
    except Refused as refusal:
        raise Http404 from refusal
    return docx_answer(content, f"{what}-{found.kind}-{found.number}.docx")


def _listed(request: HttpRequest, typed: dict[str, Any], refused: Refused | None = None) -> HttpResponseBase:
    newest = {(one.office, one.kind): one.number for one in list_bulletin_templates().order_by("number")}
    table = Table(
        request, list_bulletin_templates(),
        [
            Column("office", _("发文机关"), "office", sort="office"),
            Column("kind", _("内容"), lambda row: str(BULLETIN_KIND_LABELS[row.kind]), sort="kind"),
            Column("number", _("版本"), "number", Kind.INTEGER, sort="number"),
            Column("standing", _("现状"),
                   lambda row: _t("在用") if newest[row.office, row.kind] == row.number else _t("旧版")),
            Column("file", _("文件"), "filename", link=lambda row: _address(row, "template")),
            Column("sample", _("样张"), lambda _row: "DOCX", link=lambda row: _address(row, "sample")),
            Column("fields", _("域"), lambda row: "、".join(row.fields)),
            Column("by", _("谁"), "by.name", sort="by__name"),
            Column("at", _("何时"), "at", Kind.MOMENT, sort="at"),
            Column("sha256", _("摘要"), "sha256", Kind.LONG_CODE, minor=True),
        ],
        file="bulletin-templates", order="-at", search=("office", "filename", "sha256"),
        empty=Empty(_("还没有模板：通报的 DOCX 用平台的版式。")),
    )  # fmt: skip
    context = {
        "here": "bulletins", "typed": typed, "kinds": BULLETIN_KIND_LABELS.items(), "known": BULLETIN_FIELDS,
        "needed": NEEDED_BULLETIN_FIELDS, "refused": refusal_html(refused) if refused else "",
    }  # fmt: skip
    return render_tables(
        request, "portal/bulletins/templates.html", context, [table], status=refusal_status(refused) if refused else 200
    )


def _address(row: Any, what: str) -> str:
    return reverse("bulletin-template-file", args=[row.pk, what])
