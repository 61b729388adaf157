"""Settings and interpretations of a policy: what holds and since when, what is proposed, what it changes for whom."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.law.explain import default_day
from huisuan.law.model import InvalidValue, parse_date
from huisuan.law.policy import (
    AdoptedSetting,
    Policy,
    SettingHistory,
    Settings,
    list_policies,
    list_settings,
    load_policy,
)
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, public_page, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.settings.form import blank_form, parse_proposal_form
from huisuan.portal.settings.impact import compared_table, comparison_context
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.settlement.adoption import services
from huisuan.settlement.adoption.proposed_settings import draft_of_proposal
from huisuan.settlement.adoption.queries import list_proposals, proposal_state
from huisuan.settlement.impact.compare import rules_without_facts, settled_years
from huisuan.settlement.impact.requests import request_foreseen
from huisuan.settlement.impact.settled_days import overruled, settled_reach
from huisuan.settlement.models import Comparison, SettingsProposal, Through

_STATES = {
    "proposed": Word(_("待采用"), "wait"),
    "adopted": Word(_("已采用"), "good"),
    "withdrawn": Word(_("已撤回"), "plain"),
}


def _address(each: SettingsProposal) -> str:
    return reverse("proposal", args=[each.pk])


_COLUMNS = [
    Column("number", _("提案"), lambda each: f"#{each.pk}", Kind.CODE, "id", link=_address),
    Column("title", _("标题"), "title", Kind.SENTENCE, sort="title"),
    Column("state", _("状态"), lambda each: _STATES[proposal_state(each)], Kind.STATE),
    Column("valid_from", _("自"), "valid_from", Kind.DAY, sort="valid_from"),
    Column("by", _("提出人"), "proposed_by", sort="proposed_by"),
    Column("at", _("提出时间"), "proposed_at", Kind.MOMENT, sort="proposed_at", minor=True),
    Column("ended_by", _("采用或撤回人"), lambda each: each.end.by if proposal_state(each) != "proposed" else ""),
]


def _policy(name: str) -> Policy:
    if name not in list_policies():
        raise Http404
    return load_policy(name)  # one that does not stand up is not one that is not there: see middleware.BrokenLaw


def _asked_day(request: HttpRequest, key: str, otherwise: date) -> tuple[date, bool]:
    """The day that the address names, else another; and whether that is what was asked."""
    asked = request.GET.get(key, "")
    try:
        return (parse_date(asked), True) if asked else (otherwise, True)
    except InvalidValue:
        return otherwise, False


def row_of(listed: SettingHistory, on: date) -> dict[str, Any]:
    """A setting as the pages show it on a day, in the reader's language.

    `decided` is what holds then, or the repeal by which nothing does.
    """
    spec = listed.spec
    decided = next((each for each in listed.history if each.holds_on(on)), None)
    return {
        "name": spec.name,
        "label": spec.en if reads_english() else spec.zh,
        "sentence": spec.sentence,
        "phrase": spec.phrase,
        "bound": listed.format_bound(english=reads_english()),
        "holds": _entry(listed, listed.current) if listed.current else None,
        "decided": _entry(listed, decided) if decided else None,
        "history": [_entry(listed, each) for each in listed.history if each is not decided],
    }


def _entry(listed: SettingHistory, adopted: AdoptedSetting) -> dict[str, Any]:
    return {"shown": listed.format_adopted(adopted, english=reads_english()), "adopted": adopted}


@public_page
def settings_page(request: HttpRequest, name: str) -> HttpResponseBase:
    """The settings of a policy on a day, as known on a day, for everyone; whoever oversees sees the proposals too."""
    policy = _policy(name)
    today = timezone.localdate()
    on, on_read = _asked_day(request, "on", default_day(policy, today))
    known, known_read = _asked_day(request, "known", today)
    listed = list_settings(policy, on, known)
    viewer = Viewer.for_person(request.user) if isinstance(request.user, Person) else None
    oversees = viewer is not None and viewer.sees_everything
    context = {
        "policy": policy,
        "title": policy.title_en if reads_english() else policy.title,
        "on": on,
        "known": known,
        "not_used": refused(request, *(() if on_read else ("on",)), *(() if known_read else ("known",))),
        "settings": [row_of(row, on) for row in listed if hasattr(row.spec, "kind")],
        "questions": [row_of(row, on) for row in listed if not hasattr(row.spec, "kind")],
        "oversees": oversees,
        "may_propose": viewer is not None and viewer.role == "province",
        "here": "policies",
    }
    tables = [_proposal_table(request, policy, may_propose=bool(context["may_propose"]))] if oversees else []
    return render_tables(request, "portal/settings/settings.html", context, tables)


def _proposal_table(request: HttpRequest, policy: Policy, *, may_propose: bool) -> Table:
    return Table(
        request,
        list_proposals(policy.name),
        _COLUMNS,
        file=f"proposals-{policy.name}",
        order="-number",
        empty=Empty(
            _("还没有提案。"),
            command=f"huisuan settings propose {policy.name} --file F.toml",
            link=reverse("propose-settings", args=[policy.name]) if may_propose else "",
            link_text=_("提出参数"),
        ),
    )


@allow("province")
def propose(request: HttpRequest, name: str) -> HttpResponse:
    """The form to propose settings."""
    policy = _policy(name)
    today = timezone.localdate()
    day = default_day(policy, today)
    listed = list_settings(policy, day, today)
    form, status = blank_form(listed, day), 200
    if request.method == "POST":
        form, draft = parse_proposal_form(policy, listed, request.POST)
        if draft is not None:
            try:
                made = services.propose_settings(policy.name, draft, _actor(request), timezone.now())
            except Refused as refusal:
                form.errors[""] = refusal_html(refusal)
            else:
                request_foreseen(made, viewer_of(request).name, timezone.now())
                messages.success(request, _t("已提出。采用须由另一人。"))
                return redirect("proposal", number=made.pk)
        status = 422
    rows = [(entry, row_of(entry.listed, day) | {"repeals": entry.repeals}) for entry in form.entries]
    context = {
        "policy": policy,
        "title": policy.title_en if reads_english() else policy.title,
        "form": form,
        "rows": [(entry.as_field(row["label"], english=reads_english()), row) for entry, row in rows],
        "here": "policies",
    }
    return render(request, "portal/settings/propose.html", context, status=status)


@allow("province", "auditor")
def proposal_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One proposal: what it sets, what it would change for whom, what became of it."""
    viewer, proposal = viewer_of(request), _proposal(number)
    offered = settled_years(proposal)
    asked = request.GET.get("year", "")
    year = int(asked) if asked in map(str, offered) else next(iter(offered), 0)
    not_used = [] if asked in map(str, offered) else refused(request, "year")
    comparison = Comparison.objects.filter(proposal=proposal, run__year=year).select_related("run").first()
    context: dict[str, Any] = {
        "proposal": proposal,
        "state": _STATES[proposal_state(proposal)],
        "end": getattr(proposal, "end", None),
        "years": offered,
        "year": year,
        "not_used": not_used,
        "may_end": viewer.role == "province" and proposal_state(proposal) == "proposed",
        "may_adopt": viewer.name.lower() != proposal.proposed_by.lower(),
        "may_compare": viewer.role == "province",
        "comparing": [each for each in proposal.requests.all() if each.is_under_way],
        "here": "policies",
    }
    try:
        context |= _sets(proposal)
        if proposal_state(proposal) == "proposed":
            context |= {"reaches": _reaches(proposal), "overruled": overruled(proposal)}
    except Refused as refusal:
        context["gone"] = refusal_html(refusal)
    if comparison is None:
        return render_tables(request, "portal/settings/proposal.html", context, [])
    context |= comparison_context(comparison)
    return render_tables(request, "portal/settings/proposal.html", context, [compared_table(request, comparison)])


def _reaches(proposal: SettingsProposal) -> list[dict[str, Any]]:
    """The settled years into which a proposal reaches, with what was computed of each last."""
    made = {each.run_id: each for each in Comparison.objects.filter(proposal=proposal).order_by("pk")}
    return [
        {"run": reach.run, "first": reach.first, "last": reach.last, "made": made.get(reach.run.pk)}
        for reach in settled_reach(proposal)
    ]


def _sets(proposal: SettingsProposal) -> dict[str, Any]:
    """What a proposal sets, beside what held before it."""
    policy = load_policy(proposal.policy)
    draft = draft_of_proposal(policy, proposal)
    end = getattr(proposal, "end", None)
    file = end.file if end else ""
    rows = []
    for listed in list_settings(policy, proposal.valid_from, timezone.localdate()):
        name = listed.spec.name
        if name not in draft.names:
            continue
        earlier = Settings(tuple(each for each in listed.history if not file or each.path.name != file))
        before = earlier.at(proposal.valid_from, date.max).get(name)
        value = AdoptedSetting(
            name, draft.values.get(name, ""), "", "", proposal.valid_from, date.max, "", policy.folder,
            repealed=name in draft.repeals,
        )  # fmt: skip
        rows.append(
            {
                **row_of(listed, proposal.valid_from),
                "before": listed.format_adopted(before, english=reads_english()) if before else "",
                "after": listed.format_adopted(value, english=reads_english()),
            }
        )
    return {
        "policy": policy,
        "title": policy.title_en if reads_english() else policy.title,
        "rows": rows,
        "untouched": rules_without_facts(proposal, policy),
    }


@allow("province")
@require_POST
def adopt(request: HttpRequest, number: int) -> HttpResponse:
    """Adopt a proposal of somebody else."""
    return _end(request, number, services.adopt_proposal, _t("已采用。"))


@allow("province")
@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Withdraw a proposal that has not been adopted."""
    return _end(request, number, services.withdraw_proposal, _t("已撤回。"))


def _end(request: HttpRequest, number: int, end: Any, done: str) -> HttpResponse:
    _proposal(number)
    try:
        end(number, _actor(request), timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
    else:
        messages.success(request, done)
    return redirect("proposal", number=number)


def _proposal(number: int) -> SettingsProposal:
    found = list_proposals().filter(pk=number).first()
    if found is None:
        raise Http404
    return found


def _actor(request: HttpRequest) -> services.ProposalActor:
    return services.ProposalActor(viewer_of(request).name, Through.WEB)
