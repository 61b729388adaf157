"""The page of an application: how it stands and who has it, what it says and why, its history, its money, the acts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from huisuan.base.errors import InvalidRequest, NotFound, Refused
from huisuan.base.money import parse_typed_yuan, plain_yuan
from huisuan.law.model import Status
from huisuan.law.procedure import ACTION_WORDS, Duty
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.applications.consents_shown import read_consents
from huisuan.portal.applications.issuers_shown import read_issuers
from huisuan.portal.applications.move_shown import read_moves
from huisuan.portal.applications.opinions_shown import read_opinions
from huisuan.portal.applications.recovery_form import RecoveryForm, read_recovery, recovery_form
from huisuan.portal.documents.papers import APPLICATION_PAPERS, read_papers
from huisuan.portal.programmes.application_desk import may_check, read_desk
from huisuan.portal.programmes.application_list import READERS
from huisuan.portal.programmes.application_money import read_money
from huisuan.portal.programmes.application_said import Said, correctable_fields, read_said
from huisuan.portal.programmes.contract_shown import read_contract_shown
from huisuan.portal.programmes.inbox import applicant_name, due_word
from huisuan.portal.programmes.words import (
    action_label,
    application_state,
    duty_label,
    programme_title,
    refusal_status,
)
from huisuan.portal.ui.refusals import refusal_html
from huisuan.programmes.applications.evidence_store import load_evidence
from huisuan.programmes.check_desk.checking import check_where_nobody_has
from huisuan.programmes.models import Application, ProcedureEdge
from huisuan.programmes.submissions.consented import is_closed_to_readers
from huisuan.programmes.workflow import act, find_breaks
from huisuan.programmes.workflow.inbox import next_waiting
from huisuan.programmes.workflow.possible_steps import list_possible_steps
from huisuan.programmes.workflow.queries import due_count, get_application

ACTORS = ("user", "city", "province", "department", "treasury")
_INBOX = "inbox"
_IS_YEAR = re.compile(r"[0-9]{4}")
#: where what is owed may be named, if nothing computes it
NAMES_WHAT_IS_OWED = ("recover", "relent")
#: what begins on pages of its own: handing in and confirming
_ELSEWHERE = frozenset({"submit"})


@dataclass(frozen=True)
class TypedAct:
    """What was typed into the form of an act, and why it was refused."""

    action: str = ""
    reason: str = ""
    amount: str = ""
    budget_year: str = ""
    owed: str = ""
    fields: tuple[str, ...] = ()
    refused: SafeString | str = ""
    status: int = 200


@dataclass(frozen=True)
class ActForm:
    """One act that the person may take: what its form asks for."""

    action: str
    label: str
    duty: str
    needs_reason: bool
    typed: TypedAct
    amount: str = ""
    computed: bool = False  # the amount, which is not asked for
    fields: tuple[tuple[str, str, bool], ...] = field(default=())
    budget_year: str = ""
    recovery: RecoveryForm = field(default_factory=RecoveryForm)


@allow(*READERS)
def application_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """One application, for whoever may see it."""
    return _shown(request, application_or_404(request, number), TypedAct())


@allow(*ACTORS)
@require_POST
def take_step_page(request: HttpRequest, number: str, action: str) -> HttpResponseBase:
    """Take a step with what was typed; then the same page, or the next of the inbox."""
    application = application_or_404(request, number)
    assert isinstance(request.user, Person)
    asked = request.POST
    typed = TypedAct(
        action, asked.get("reason", "").strip(), asked.get("amount", "").strip(),
        asked.get("budget_year", "").strip(), asked.get("owed", "").strip(), tuple(asked.getlist("fields")),
    )  # fmt: skip
    if action == "check":
        check_where_nobody_has([application.number], request.user, timezone.now())
    try:
        act(
            application.number, action, request.user, timezone.now(), reason=typed.reason,
            amount_fen=_fen(typed.amount), payload=_payload(typed) | read_recovery(action, asked),
            key=asked.get("key", ""),
        )  # fmt: skip
    except Refused as refusal:
        refused = replace(typed, refused=refusal_html(refusal), status=refusal_status(refusal))
        return _shown(request, application, refused)
    done = _t("{number}：已{action}。").format(number=number, action=action_label(action))
    messages.success(request, done)
    if asked.get("from") != _INBOX:
        return redirect("application", number=number)
    following = next_waiting(request.user, timezone.now())
    return redirect(_from_inbox(following)) if following else redirect("inbox")


@allow(*READERS)
def submitted_file(request: HttpRequest, number: str, sha256: str) -> HttpResponseBase:
    """A file that was handed in, as it was; the browser never opens it in place."""
    application = application_or_404(request, number)
    kept = [file for made in application.submissions.all() for file in made.evidence if file["sha256"] == sha256]
    if not kept or is_closed_to_readers(application):
        raise Http404
    try:
        content = load_evidence(sha256)
    except Refused as refusal:
        context = {"wrong": refusal_html(refusal), "here": "applications"}
        return render(request, "portal/applications/draft_wrong.html", context, status=409)
    response = HttpResponse(content, content_type=kept[-1]["media_type"])
    named = content_disposition_header(as_attachment=True, filename=kept[-1]["filename"])
    response.headers["Content-Disposition"] = named or "attachment"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def application_or_404(request: HttpRequest, number: str) -> Application:
    """One that the reader may see."""
    try:
        return get_application(viewer_of(request), number)
    except NotFound:
        raise Http404 from None


def show_refused(request: HttpRequest, application: Application, refusal: Refused) -> HttpResponse:
    """The page again, with what was typed beside the acts and why it was refused."""
    return _shown(request, application, TypedAct(refused=refusal_html(refusal), status=refusal_status(refusal)))


def _from_inbox(number: str) -> str:
    return reverse("application", args=[number]) + f"?from={_INBOX}"


def _fen(amount: str) -> int | None:
    if not amount:
        return None
    fen = parse_typed_yuan(amount)
    if fen is None:
        raise InvalidRequest("金额读不出：以元填写，至多两位小数，如 1234567.85", code="application.amount_malformed")
    return fen


def _payload(typed: TypedAct) -> dict[str, Any]:
    payload: dict[str, Any] = {"fields": list(typed.fields)} if typed.action == "return" else {}
    if typed.action == "commit" and typed.budget_year:
        year = typed.budget_year
        payload["budget_year"] = int(year) if _IS_YEAR.fullmatch(year) else year
    if typed.action in NAMES_WHAT_IS_OWED and typed.owed:
        payload["owed_fen"] = _fen(typed.owed)
    return payload


def _shown(request: HttpRequest, application: Application, typed: TypedAct) -> HttpResponse:
    assert isinstance(request.user, Person)
    person, now, role = request.user, timezone.now(), request.user.role
    steps = list_possible_steps(application, person, now)
    said, money = read_said(application), read_money(application)
    history = list(application.steps.select_related("person", "post__office"))
    from_inbox = _INBOX in (request.GET.get("from"), request.POST.get("from"))
    mine = [edge for edge in steps.mine if edge.action not in _ELSEWHERE]
    forms = [_form(application, edge, said, typed, request.POST) for edge in mine]
    context = {
        "here": "applications",
        "application": application,
        "title": programme_title(application.edition),
        "sentence": application.edition.content["sentence"],
        "applicant": applicant_name(application),
        "word": application_state(application.state, role),
        "waits_for": [(edge.office, duty_label(edge.duty)) for edge in _whom(steps.waits_for)],
        "due": due_word(due_count(application), now),
        "forms": forms,
        "refused": typed.refused if all(form.action != typed.action for form in forms) else "",
        "refusals": [refusal_html(refusal) for refusal in steps.refusals],
        "submits": any(edge.action in _ELSEWHERE for edge in steps.mine),
        "key": uuid4().hex,
        "from_inbox": from_inbox,
        "following": _following(person, application) if from_inbox else "",
        "said": said,
        "why": said.why,
        "money": money,
        "agreed": read_contract_shown(application, person, now),
        "checks_it": may_check(application, person, now),
        "desk": read_desk(application, money, said.offer is not None, person, now),
        "consents": read_consents(application, person, now),
        "opinions": read_opinions(application, person, now),
        "issuers": read_issuers(application, person, now),
        "moves": read_moves(application, person, now),
        "typed": request.POST,
        "history": [
            (step, action_label(step.action), duty_label(step.duty), _to(step.to_state, role)) for step in history
        ],
        "returned": _returned(application, history),
        "broken": find_breaks(history),
        "papers": read_papers(request, application.number, APPLICATION_PAPERS),
    }
    return render(request, "portal/programmes/application.html", context, status=typed.status)


def _to(state: str, role: str) -> str:
    return str(application_state(state, role))


def _following(person: Person, application: Application) -> str:
    found = next_waiting(person, timezone.now(), application.number)
    return _from_inbox(found) if found else ""


def _whom(edges: tuple[ProcedureEdge, ...]) -> list[ProcedureEdge]:
    """Each office and duty once; a way that is always open (to withdraw) keeps nobody waiting for the applicant."""
    officials = [edge for edge in edges if edge.duty != Duty.APPLY]
    return list({(edge.office, edge.duty): edge for edge in officials or edges}.values())


def _returned(application: Application, history: list[Any]) -> dict[str, Any]:
    """What came back and why, while it is to be corrected."""
    last = history[-1] if history else None
    if last is None or last.action != "return" or application.state != last.to_state:
        return {}
    labels = dict(correctable_fields(application))
    return {"step": last, "fields": [labels.get(name, name) for name in last.payload.get("fields", [])]}


def _form(application: Application, edge: ProcedureEdge, said: Said, typed: TypedAct, sent: QueryDict) -> ActForm:
    mine = typed if typed.action == edge.action else TypedAct()
    fields: tuple[tuple[str, str, bool], ...] = ()
    amount = budget_year = ""
    if edge.action == "return":
        fields = tuple((name, label, name in mine.fields) for name, label in correctable_fields(application))
    if edge.action == "decide":
        amount = mine.amount or _computed(said)
    if edge.action == "commit":
        budget_year = mine.budget_year or str(timezone.localdate().year)
    return ActForm(
        edge.action, action_label(edge.action), duty_label(edge.duty), ACTION_WORDS[edge.action].needs_reason, mine,
        amount, said.offer is not None, fields, budget_year,
        recovery_form(
            application, edge.action, [(each.name, each.label, each.text) for each in said.facts],
            sent if mine is typed else QueryDict(),
        ),
    )  # fmt: skip


def _computed(said: Said) -> str:
    """What the law owes on what was handed in, or what was offered, as it is typed."""
    if said.offer is not None:
        return plain_yuan(said.offer.amount_fen)
    answer = said.why.answer if said.why else None
    if answer is None or answer.status is not Status.ELIGIBLE:
        return ""
    return plain_yuan(answer.amount_fen) if answer.amount_fen else ""
