"""Whatever a form of the programmes' pages does is done by API too: with the same fields, by the same persons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.urls import URLPattern, get_resolver

import huisuan.portal
from huisuan.api.assembly import api
from huisuan.parties.route_access import Allow

TEMPLATES = Path(huisuan.portal.__file__).parent / "templates" / "portal"
ROOMS = ("applications", "documents", "notices", "programmes", "registers", "reviews", "struck", "treasury")
#: of the page itself: where to go on, and what makes a second press the first
OWN = {"from": "", "key": "Idempotency-Key"}
_MILESTONE = "/applications/{number}/milestones/{milestone}"
_ROW = "POST /registers/{policy}/{key}"
_ENTRY = dict.fromkeys(("code", "name", "holder", "region", "from", "until", "{{ one.key }}"), "file")


class Way(NamedTuple):
    """The operation that does what a form does, and which of its fields are which of the form's."""

    operation: str
    fields: dict[str, str] = {}


#: form (template, and the act where a template has several) -> what does the same; a form may need several
WAYS: dict[str, tuple[Way, ...]] = {
    "applications/draft": (
        Way("POST /drafts"),
        Way("PUT /drafts/{number}", {"label": "label", "version": "version", "{{ object.key }}": "objects"}),
        Way("POST /drafts/{number}/evidence/{fact}"), Way("POST /drafts/{number}/withdrawals/{evidence}"),
    ),
    "applications/consents give-consent": (
        Way("POST /applications/{number}/consents", {"name": "name", "paper": "paper", "given_on": "given_on"}),
    ),
    "applications/consents confirm-consent": (Way("POST /applications/{number}/consents/{consent}/confirmation"),),
    "applications/consents withdraw-consent": (
        Way("POST /applications/{number}/consents/{consent}/withdrawal",
            {"paper": "paper", "withdrawn_on": "withdrawn_on"}),
    ),
    "applications/moves move-application": (Way("POST /applications/{number}/move", {"move_reason": "reason"}),),
    "applications/opinions give-opinion": (
        Way("POST /applications/{number}/opinions",
            {"office": "office", "opinion": "text", "proposed": "amount_fen"}),
    ),
    "applications/draft discard-draft": (Way("POST /drafts/{number}/discard"),),
    "documents/documents issue-document": (Way("POST /papers", {"kind": "kind", "number": "number"}),),
    "documents/papers issue-document": (Way("POST /papers", {"kind": "kind", "number": "number"}),),
    "documents/templates": (
        Way("POST /document-templates", {"file": "file", "kind": "kind", "office": "office"}),
        Way("POST /document-templates/check", {"check": ""}),
    ),
    "notices/answer": (Way("POST /objections/{number}/answer", {"text": "text", "upheld": "upheld"}),),
    "notices/desk publish-notice": (
        Way("POST /notices", {"title": "title", "number": "lines", "amount-{{ row.application.number }}": "lines"}),
    ),
    "notices/object": (
        Way("POST /notices/{number}/lines/{position}/objections",
            {"name": "name", "contact": "contact", "facts": "facts", "files": "files"}),
    ),
    "programmes/act_form take-step": (
        Way("POST /applications/{number}/acts/{action}",
            {"reason": "reason", "amount": "amount_fen", "budget_year": "budget_year", "owed": "owed_fen",
             "fields": "fields", "{{ fact.key }}": "facts", "repay_amount": "repayments", "repay_day": "repayments"}),
        Way("POST /applications/{number}/checks"),
    ),
    "programmes/application_account answer-payee": (
        Way("POST /applications/{number}/payee/answer", {"accept": "accept"}),
    ),
    "programmes/application_account give-payee": (
        Way("POST /applications/{number}/payee",
            {"account": "account", "bank": "bank", "holder": "name", "change_reason": "reason"}),
    ),
    "programmes/application_checks check-application": (Way("POST /applications/{number}/checks"),),
    "programmes/application_contract amend": (
        Way("POST /applications/{number}/contract/amendments",
            {"code": "code", "agreed_on": "agreed_on", "reason": "reason", "targets": "targets"}),
    ),
    "programmes/application_contract plan": (
        Way("POST /applications/{number}/contract/plan", {"targets": "targets"}),
    ),
    "programmes/application_contract draw-up": (
        Way("POST /applications/{number}/contract",
            {"code": "code", "signed_on": "signed_on", "milestones": "milestones", "targets": "milestones"}),
    ),
    "programmes/application_contract report": (
        Way(f"POST {_MILESTONE}/reports",
            {"milestone": "milestone", "text": "text", "reached.{{ target.code }}": "reached"}),
    ),
    "programmes/application_contract check-site": (
        Way(f"POST {_MILESTONE}/site-checks",
            {"milestone": "milestone", "day": "day", "first": "first", "second": "second", "text": "text",
             "differs": "holds"}),
    ),
    "programmes/application_contract confirm-site": (
        Way("POST /applications/{number}/site-checks/{check}/confirmation",
            {"check": "check", "differs": "agrees", "text": "text"}),
    ),
    "programmes/application_contract draw-panel": (
        Way(f"POST {_MILESTONE}/panel", {"milestone": "milestone"}),
    ),
    "programmes/application_contract leave": (
        Way(f"POST {_MILESTONE}/recusals", {"milestone": "milestone", "expert": "expert", "reason": "reason"}),
    ),
    "programmes/application_contract accept": (
        Way(f"POST {_MILESTONE}/results",
            {"milestone": "milestone", "reason": "reason", "score": "score", "verdict": "accepted"}),
    ),
    "programmes/application_contract evaluate": (
        Way("POST /applications/{number}/evaluation",
            {"score": "score", "reason": "reason", "final_cost": "final_cost_fen"}),
    ),
    "programmes/application_flags answer-application-flag": (
        Way("POST /applications/{number}/flags/{flag}/answer", {"flag": "flag", "flag_reason": "reason"}),
    ),
    "programmes/bulk_acts inbox-acts": (
        Way("POST /acts/{action}", {"action": "action", "numbers": "numbers", "reason": "reason"}),
        Way("POST /checks"),
    ),
    "programmes/call amend-call": (
        Way("POST /calls/{number}/amendments", {"text": "text", "last": "last_day"}),
    ),
    "programmes/new_call": (
        Way("POST /calls",
            {"programme": "programme", "year": "year", "title": "title", "first": "first_day", "last": "last_day",
             "line": "line", "shortage": "shortage", "tasks": "tasks", "{{ name }}": "ties"}),
    ),
    "programmes/new_post": (
        Way("POST /posts",
            {"person": "person", "office": "office", "duty": "duty", "from": "from", "until": "until",
             "for": "stands_in_for"}),
    ),
    "programmes/offer offer": (
        Way("POST /offers/{number}/confirmation", {"account": "account", "bank": "bank", "truthful": "truthful"}),
    ),
    "programmes/post": (Way("POST /posts/{number}/end", {"last": "last_day"}),),
    "programmes/submit_draft submit-draft": (
        Way("POST /calls/{number}/submissions", {"draft": "draft", "task": "task"}),
    ),
    "registers/enter": (Way(_ROW, _ENTRY | {"reason": "reason"}),),  # a file of one row
    "registers/register match-register": (Way("POST /register-matches/{policy}/{key}"),),
    "reviews/decision_sheet decision-sheet": (Way("POST /calls/{number}/sheet"),),
    "reviews/seats vote": (
        Way(f"POST {_MILESTONE}/votes", {"verdict": "accepts", "score": "score", "reason": "reason"}),
    ),
    "reviews/seats leave": (Way(f"POST {_MILESTONE}/recusals", {"why": "reason"}),),
    "reviews/draw draw": (
        Way("POST /calls/{number}/draws", {"seed": "seed", "application": "again", "reason": "reason"}),
        Way("POST /calls/{number}/seed-commitment", {"commits": "", "seed": "seed"}),
    ),
    "reviews/seat send-score-sheet": (
        Way("POST /reviews/{number}/score", {"mark-{{ each.key }}": "marks", "reason-{{ each.key }}": "reasons"}),
    ),
    "reviews/seat recuse": (Way("POST /reviews/{number}/recusal", {"reason": "reason"}),),
    "struck/issuers say-issuer": (
        Way("POST /applications/{number}/evidence/{sha256}/issuer",
            {"file": "sha256", "issuer": "issuer", "issued_on": "issued_on"}),
    ),
    "struck/struck struck": (
        Way("POST /struck",
            {"uscc": "uscc", "name": "name", "since": "since", "source": "source", "reason": "reason"}),
    ),
    "struck/struck lift-strike": (Way("POST /struck/lift", {"strike": "uscc", "reason": "reason"}),),
    "treasury/city_voucher": (
        Way("POST /city-payments/{number}/lower", {"amount": "amount_fen", "reason": "reason"}),
        Way("POST /city-payments/{number}/reverse", {"reverse": ""}),
    ),
    "treasury/city_vouchers": (Way("POST /city-payments", {"file": "file"}),),
    "treasury/correction": (Way("POST /awards/{number}/rebase", {"reason": "reason"}),),
    "treasury/debt": (Way("POST /treasury/receipts", {"amount": "amount_fen", "voucher": "voucher"}),),
    "treasury/line carry-over": (Way("POST /treasury/lines/{number}/carry-over", {"year": "year"}),),
    "treasury/line lapse": (Way("POST /treasury/lines/{number}/lapse"),),
    "treasury/lines": (
        Way("POST /treasury/appropriations",
            {"programme": "programme", "year": "year", "amount": "amount_fen", "document": "document"}),
    ),
    "treasury/orders send-orders": (Way("POST /treasury/files"),),
    "treasury/return": (Way("POST /treasury/unmatched/{number}", {"reason": "reason"}),),
    "treasury/returns": (Way("POST /treasury/returns", {"file": "file"}),),
}  # fmt: skip
#: forms that are sent to their own page, which is for whoever sends them
PAGES = {"programmes/new_call": "new-call"}
SCHEMA: dict[str, Any] = api.get_openapi_schema()  # type: ignore[assignment]


def forms() -> Iterator[tuple[str, set[str]]]:
    """Every form that changes something: its name as in `WAYS`, and the names of its fields."""
    for room in ROOMS:
        for file in sorted((TEMPLATES / room).rglob("*.html")):
            for written in re.findall(r"<form\b.*?</form>", file.read_text(), re.DOTALL):
                if 'method="post"' not in written:
                    continue
                name = file.relative_to(TEMPLATES).with_suffix("").as_posix()
                url = re.search(r"""action="\{% url ['"]([\w-]+)['"][^%]*?(?:['"]([\w-]+)['"] )?%\}""", written)
                act = (url[2] or url[1]) if url else ""
                yield f"{name} {act}".strip(), set(re.findall(r'\bname="([^"]+)"', written))


def accepted(operation: str) -> set[str]:
    """The names that an operation takes: in its address, its head, its body."""
    method, path = operation.split()
    found = SCHEMA["paths"][f"/api/v1{path}"][method.lower()]
    names = {one["name"] for one in found.get("parameters", [])}
    for content in found.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        ref = schema.get("$ref", "").rpartition("/")[2]
        names |= set((SCHEMA["components"]["schemas"][ref] if ref else schema)["properties"])
    return names


FORMS = sorted({name for name, _ in forms()})


@pytest.mark.parametrize("form", FORMS)
def test_what_a_form_does_an_operation_does_with_the_same_fields(form: str) -> None:
    ways = WAYS.get(form)
    assert ways, f"no operation does what {form} does"
    fields = set().union(*(names for name, names in forms() if name == form))
    said = {field: target for way in ways for field, target in way.fields.items()}
    assert fields - set(said) - set(OWN) == set(), "fields of the form that no operation takes"
    assert set(said) <= fields, "fields that the form has no more"
    for way in ways:
        assert {target for target in way.fields.values() if target} <= accepted(way.operation)


def test_whoever_may_send_a_form_may_call_the_operation() -> None:
    gates = {
        f"{method} {path}": frozenset.intersection(*(gate.roles for gate in operation.auth_callbacks))
        for _, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
        if operation.auth_callbacks and all(isinstance(gate, Allow) for gate in operation.auth_callbacks)
    }
    pages = {
        entry.name: getattr(entry.callback, "allowed", None)
        for entry in get_resolver().url_patterns
        if isinstance(entry, URLPattern)
    }
    short = {}
    for form, ways in WAYS.items():
        allowed = pages.get(PAGES.get(form) or form.rpartition(" ")[2])
        for way in ways if allowed else ():
            # audit reads the pages that have a form for others
            if lacking := allowed - {"auditor"} - gates.get(way.operation, allowed):
                short[form, way.operation] = sorted(lacking)
    assert short == {}
