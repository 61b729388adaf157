"""One draft of a claim (申报草稿): the form with its evidence, and the live answer beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.law.model import LawError, Rule
from huisuan.law.policy import Policy, load_policy
from huisuan.parties.models import Party, Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.applications import form as draft_form
from huisuan.portal.applications.form import Beside
from huisuan.portal.applications.list import CLAIMANTS
from huisuan.portal.applications.objects import object_fields, typed_objects
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.forms import with_errors
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import state_word
from huisuan.programmes.applications import queries, services
from huisuan.programmes.applications.evidence_files import EXTENSIONS, TooLarge
from huisuan.programmes.applications.evidence_store import load_evidence
from huisuan.programmes.applications.queries import KnownFacts
from huisuan.programmes.applications.services import DraftChanged, DraftTexts
from huisuan.programmes.models import Application, Draft
from huisuan.programmes.models.limits import LARGEST_BYTES
from huisuan.programmes.submissions.consented import is_closed_to_readers

_DIGITS = re.compile(r"[0-9]{1,18}")


@allow(*CLAIMANTS, scope="submit")
def new_draft(request: HttpRequest, policy: str, rule: str) -> HttpResponseBase:
    """An empty form (nothing is stored by looking at it), or the draft that comes of it."""
    law, asked = _law(policy, rule)
    party = queries.claimant(viewer_of(request))
    if party is None:
        text = _t("本市还没有登记为主体：请省专班用 huisuan party import 导入（kind 为 city）后再填。")
        return render(request, "portal/applications/draft_wrong.html", {"wrong": text, "here": "drafts"}, status=409)
    known = queries.known(party, law, asked)
    if request.method != "POST":
        return _form(request, law, asked, party, draft_form.prefilled_texts(asked, known), Beside(known=known))
    typed = _typed(request, asked)
    try:
        draft = services.begin_draft(party, _person(request), law, asked, typed, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return _form(request, law, asked, party, typed.facts, Beside(known=known), label=typed.label, status=422)
    return _saved(request, law, asked, draft)


@allow(*CLAIMANTS)
def draft_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One draft: read by those who may, saved by its own party."""
    viewer = viewer_of(request)
    draft = get_object_or_404(queries.drafts(viewer), pk=number)
    try:
        law = load_policy(draft.policy)
        rule = law.claim_rule(draft.rule)
    except LawError as error:
        context = {"wrong": refusal_html(error), "draft": draft, "here": "drafts"}
        return render(request, "portal/applications/draft_wrong.html", context)
    if request.method != "POST":
        return _form(request, law, rule, draft.party, draft.facts, _beside(law, rule, draft), draft=draft)
    return _save(request, law, rule, draft)


def _save(request: HttpRequest, law: Policy, rule: Rule, draft: Draft) -> HttpResponseBase:
    typed = _typed(request, rule)
    try:
        draft = services.save_draft(
            draft, _number(request, "version"), _person(request), law, rule, typed, timezone.now()
        )
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        draft = get_object_or_404(queries.drafts(viewer_of(request)), pk=draft.pk)
        beside = _beside(law, rule, draft, theirs=draft.facts if isinstance(refusal, DraftChanged) else {})
        status = 409 if isinstance(refusal, DraftChanged) else 422
        return _form(
            request, law, rule, draft.party, typed.facts, beside, draft=draft, label=typed.label, status=status
        )
    return _saved(request, law, rule, draft)


def _saved(request: HttpRequest, law: Policy, rule: Rule, draft: Draft) -> HttpResponseBase:
    """After the facts, the files: withdrawn and added; those refused are said beside their field."""
    now, person = timezone.now(), _person(request)
    refused: dict[str, list[str]] = {}
    status = 422
    try:
        draft = services.name_objects(draft, typed_objects(law, rule, request.POST), person, now)
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
    if number := _number(request, "withdraw"):
        try:
            services.withdraw_evidence(draft, number, person, now)
        except Refused as refusal:
            messages.error(request, refusal_html(refusal))
    for spec in rule.facts:
        for file in request.FILES.getlist(f"file-{spec.name}"):
            try:
                content = file.read(LARGEST_BYTES + 1)
                services.attach_evidence(draft, rule, spec.name, file.name or "", content, person, now)
            except Refused as refusal:
                status = 413 if isinstance(refusal, TooLarge) else status
                refused.setdefault(spec.name, []).append(refusal_html(refusal))
    if refused:
        messages.warning(request, _t("所填内容已保存；有文件没有收下，原因写在各项下面。"))
        beside = _beside(law, rule, draft, refused=refused)
        return _form(request, law, rule, draft.party, draft.facts, beside, draft=draft, status=status)
    messages.success(request, _t("已保存。"))
    return redirect("draft", number=draft.pk)


@allow(*CLAIMANTS, scope="read")
@require_POST
def live_answer(request: HttpRequest, policy: str, rule: str) -> HttpResponse:
    """What the law says to what stands in the form now, and how each field is read; nothing is stored."""
    law, asked = _law(policy, rule)
    typed = _typed(request, asked)
    party = queries.claimant(viewer_of(request))
    known = queries.known(party, law, asked) if party else None
    fields = draft_form.fact_fields(law, asked, typed.facts, Beside())
    context = {"fields": fields, "unread": with_errors(fields), **_answer(law, asked, typed.facts, known)}
    return render(request, "portal/applications/draft_live.html", context)


@allow(*CLAIMANTS)
@require_POST
def discard(request: HttpRequest, number: int) -> HttpResponseBase:
    """Put a draft away."""
    viewer = viewer_of(request)
    draft = get_object_or_404(queries.drafts(viewer), pk=number)
    services.discard_draft(draft, timezone.now())
    messages.success(request, _t("草稿已舍弃；佐证材料的记录仍保留。"))
    return redirect("drafts")


@allow(*CLAIMANTS)
def download(request: HttpRequest, number: int) -> HttpResponseBase:
    """A piece of evidence as it was uploaded, for those who read its draft; the browser never opens it in place."""
    found = get_object_or_404(queries.evidence(viewer_of(request)), pk=number)
    if any(is_closed_to_readers(made) for made in Application.objects.filter(draft=found.draft)):
        raise Http404
    try:
        content = load_evidence(found.sha256)
    except Refused as refusal:
        context = {"wrong": refusal_html(refusal), "here": "drafts"}
        return render(request, "portal/applications/draft_wrong.html", context, status=409)
    response = HttpResponse(content, content_type=found.media_type)
    response.headers["Content-Disposition"] = _attachment(found.filename)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def _attachment(name: str) -> str:
    from django.utils.http import content_disposition_header

    return content_disposition_header(as_attachment=True, filename=name) or "attachment"


def _law(policy: str, rule: str) -> tuple[Policy, Rule]:
    try:
        law = load_policy(policy)
        return law, law.claim_rule(rule)
    except LawError:
        raise Http404 from None


def _person(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)
    return request.user


def _number(request: HttpRequest, name: str) -> int:
    """A number that the form carries; 0 where there is none, or what stands there is none of ours."""
    text = request.POST.get(name, "")
    return int(text) if _DIGITS.fullmatch(text) else 0


def _typed(request: HttpRequest, rule: Rule) -> DraftTexts:
    facts = {spec.name: request.POST.get(f"fact-{spec.name}", "") for spec in rule.facts}
    return DraftTexts(facts, request.POST.get("label", ""))


def _beside(law: Policy, rule: Rule, draft: Draft, **more: Any) -> Beside:
    files = list(draft.evidence.select_related("uploaded_by"))
    return Beside(files=files, known=queries.known(draft.party, law, rule), **more)


def _answer(law: Policy, rule: Rule, texts: Mapping[str, str], known: KnownFacts | None) -> dict[str, Any]:
    why = draft_form.explain_facts(law, rule, texts, draft_form.law_day(law, known))
    assert why.answer is not None
    return {
        "why": why,
        "word": state_word(state_labels.ENTITLEMENT, why.answer.status.value),
        "nearest": why.nearest,
        "grants": (rule.grants_en if reads_english() else rule.grants) if why.answer.grants else "",
    }


def _form(
    request: HttpRequest, law: Policy, rule: Rule, party: Party, texts: Mapping[str, str], beside: Beside, *,
    draft: Draft | None = None, label: str | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    fields = draft_form.fact_fields(law, rule, texts, beside)
    context = {
        "here": "drafts",
        "same": {"drafts": reverse("draft", args=[draft.pk])} if draft else {},
        "policy": law,
        "rule": rule,
        "title": rule.title_en if reads_english() else rule.title,
        "policy_title": law.title_en if reads_english() else law.title,
        "to": rule.to_en if reads_english() else rule.to,
        "not_for": draft_form.other_claimants(rule, party),
        "party": party,
        "draft": draft,
        "label": label if label is not None else draft.label if draft else "",
        "changed": draft is not None and draft.digest != law.digest,
        "writes": draft is None or draft.discarded_at is None,
        "fields": fields,
        "objects": object_fields(law, rule, draft.named if draft else typed_objects(law, rule, request.POST)),
        "unread": with_errors(fields),
        "accept": ",".join(EXTENSIONS),
        "megabytes": LARGEST_BYTES // (1024 * 1024),
        **_answer(law, rule, texts, beside.known),
    }
    return render(request, "portal/applications/draft.html", context, status=status)
