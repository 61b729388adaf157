"""No page passes over what its address asks: what it can not use, it names."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse

from huisuan.law.policy.load import list_policies
from support.english_pages import pages

if TYPE_CHECKING:
    from support.portal import World

pytestmark = pytest.mark.django_db
#: what no page can use, and misspellings that none reads
NONSENSE = {
    "page": "zz", "sort": "zz", "state": "zz", "centre": "zz", "lang": "zz", "year": "1066", "on": "zz", "known": "zz",
    "who": "zz", "by": "zz", "policy": "zz", "seed": "-4", "export": "zz", "nosuch": "1",
}  # fmt: skip
#: parts of pages, which htmx asks for; they follow only what the page itself wrote
PARTS = {"raw-line", "bill-branch", "line-branch", "held-cancels"}
#: who opens what not everybody does
READERS = {
    "appeal-bulletin": "city",
    "submit-job": "alpha", "drafts": "alpha", "draft": "alpha", "new-draft": "alpha", "centre": "city",
    **dict.fromkeys(("claims", "submit-draft", "offer"), "alpha"),
    "sign-in": "", "people": "operator", "new-person": "operator", "person": "operator",
    **dict.fromkeys(("firm", "members", "project", "sessions", "held-cancels", "job-files", "job-log"), "alpha"),
    "ask-for-data": "alpha", "review-seat": "expert",
    "centre-maintenance": "province", "unclaimed": "province",
    **dict.fromkeys(("centre-tariffs", "usage-imports", "seal-checklist", "centre-figures"), "province"),
}  # fmt: skip
#: what names a thing in words of its own, and what opens to somebody only by way of a sign-in
SAID = {
    "year": ("没有 1066 年的数据", "1066 年没有一天在有效期内"), "policy": ("没有政策 zz",),
    "seed": ("seed=-4 不是可用的数",), "on": ("“zz”不是日期",), "known": ("“zz”不是日期",),
}  # fmt: skip
ELSEWHERE = {"second-step", "enrol-factor"}


def address(world: World, name: str) -> str:
    from huisuan.documents.issuing import issue_document
    from huisuan.documents.letters import Letter, Part
    from huisuan.documents.models import DocumentKind
    from huisuan.opendata.catalogue.catalogue_import import import_catalogue
    from huisuan.settlement.models import SettingsProposal
    from support.browser import proposal
    from support.catalogue import as_csv, code, line
    from support.portal import NOW
    from support.registers import registered_park

    bill = world.bill(world.alpha, 5)
    arguments: dict[str, list[object]] = {
        "person": [world.people["alpha"].pk], "job": [world.jobs["alpha"].uid], "record": ["hf", 1],
        "bill": [bill.pk], "entitlement": [world.entitlement(world.alpha).pk], "centre": ["hf"],
        "run": [world.run.pk], "policy": list_policies()[:1], "settings": list_policies()[:1],
        "propose-settings": list_policies()[:1], "new-draft": [list_policies()[0], "2.2"],
        "party": [world.alpha.uscc], "change-party": [world.alpha.uscc],
        "relation-form": [world.alpha.uscc], "succession-form": [world.alpha.uscc], "project": ["default"],
        "centre-maintenance": ["hf"], "unclaimed": ["hf"], "centre-tariffs": ["hf"],
        "usage-imports": ["hf"], "seal-checklist": ["hf"],
        "centre-figures": ["hf"], "job-files": [world.jobs["alpha"].uid],
        "whole-city": ["340100"], "job-log": [world.jobs["alpha"].uid], "job-file-view": [world.jobs["alpha"].uid],
    }  # fmt: skip
    if name in ("notice", "object-to-line", "objection", "answer-objection"):
        arguments[name] = _public(world, name)
    if name in ("application", "offer", "call", "submit-draft", "post", "budget-line", "bank-return", "draw",
                "whole-office", "whole-expert",
                "decision-sheet", "correction", "review-seat"):  # fmt: skip
        arguments[name] = [_programme(world, name)]
    if name == "city-payment":
        from huisuan.treasury.city_payments import PaymentClaim, record_city_payment
        from huisuan.treasury.ledger import Act

        claim = PaymentClaim("340100", "V-1", "项目甲", 100, NOW.date())
        arguments[name] = [record_city_payment(claim, Act("李会计", NOW, NOW.date()))[0].pk]
    if name == "document":
        letter = Letter("申报通知", (Part("现予通知。"),))
        arguments[name] = [issue_document(DocumentKind.CALL, "科技厅", letter, world.people["province"], NOW).code]
    if name == "data-request":
        from huisuan.opendata.requests.services import AskedData, request_data

        asked = request_data(AskedData("数据", "用途", "甲局", "340100"), world.people["alpha"], NOW)
        arguments[name] = [asked.pk]
    if name == "opendata-entry":
        import_catalogue(as_csv([line()]), "清单.csv", by="test", now=NOW)
        arguments[name] = [code()]
    if name == "corpus":
        from support.gate import built_corpus

        arguments[name] = [built_corpus().corpus.name]
    if name == "data-grant":
        from huisuan.opendata.models import CatalogueEntry, DataGrant

        import_catalogue(as_csv([line()]), "清单.csv", by="test", now=NOW)
        granted = dict.fromkeys(("purpose", "licence", "terms", "ground"), "x")
        made = DataGrant.objects.create(
            entry=CatalogueEntry.objects.get(), party=world.alpha, starts_on=NOW.date(), ends_on=NOW.date(),
            given_by=world.people["province"], given_at=NOW, **granted,
        )  # fmt: skip
        arguments[name] = [made.pk]
    if name in ("bulletin", "bulletin-draft"):
        from support.bulletins import issued_bulletin

        arguments[name] = [issued_bulletin(NOW).bulletin_id]
    if name in ("bulletin-appeal", "appeal-bulletin"):
        from support.bulletins import appealed, issued_bulletin

        import_catalogue(as_csv([line()]), "清单.csv", by="test", now=NOW)
        issue = issued_bulletin(NOW)
        made_appeal = appealed(issue, world.people["city"], NOW)
        arguments[name] = [made_appeal.pk if name == "bulletin-appeal" else issue.bulletin_id]
    if name in ("gate-file", "gate-lattice"):
        from support.gate import list_entry, uploaded

        list_entry()
        arguments[name] = [uploaded("姓名,电话\n张三,13912345678\n".encode()).pk]
    if name in ("register-of", "register-entry", "enter-in-register"):
        of = list(registered_park(world.people["province"]))
        arguments |= {"register-of": of[:2], "register-entry": of, "enter-in-register": of[:2]}
    if name == "proposal":
        proposal()
        arguments["proposal"] = [SettingsProposal.objects.values_list("pk", flat=True)[0]]
    if name in _WORK:
        arguments[name] = [_work(name)]
    if name == "flag":
        from huisuan.compute.models import MeterFlag

        arguments["flag"] = [MeterFlag.objects.values_list("pk", flat=True)[0]]
    return reverse(name, args=arguments.get(name, []))


def _public(world: World, name: str) -> list[object]:
    """A notice, a line of it, an objection by its code or its number."""
    from huisuan.programmes.models import Objection
    from support.full_programmes import build_programmes

    if not Objection.objects.exists():
        build_programmes(world)
    made = Objection.objects.latest("pk")
    return {
        "notice": [made.line.notice.number], "object-to-line": [made.line.notice.number, made.line.position],
        "objection": [made.code], "answer-objection": [made.pk],
    }[name]  # fmt: skip


def _programme(world: World, name: str) -> str | int:
    """The number of an offer, of a call, or of what its money left in the books."""
    from huisuan.programmes.models import Application, Call, Expert, Office, PanelSeat, Post
    from huisuan.treasury.models import AppropriationLine, BankReturnLine
    from support.full_programmes import build_programmes

    if not Call.objects.exists():
        build_programmes(world)
    kept = {
        "whole-office": Office,
        "whole-expert": Expert,
        "post": Post,
        "budget-line": AppropriationLine,
        "bank-return": BankReturnLine,
    }
    if name in kept:
        return kept[name].objects.values_list("pk", flat=True)[0]
    if name == "review-seat":
        return PanelSeat.objects.filter(expert__person=world.people["expert"]).latest("pk").application.number
    if name in ("call", "submit-draft"):
        return Call.objects.get(edition__key="14.1").number
    if name in ("draw", "decision-sheet"):
        return Call.objects.get(edition__key="5.1").number
    return Application.objects.filter(offers__isnull=False, party=world.alpha).get().number


_WORK = (
    "settlement-request", "seal-request", "comparison-request", "budget-request", "usage-import", "register-file",
)  # fmt: skip


def _work(name: str) -> int:
    """Something that was asked of the background worker."""
    from datetime import date

    from huisuan.compute.models import Centre, SealRequest, UsageImport
    from huisuan.settlement import models
    from huisuan.settlement.models import ComparisonRequest, ScenarioRequest, SettingsProposal, SettlementRequest
    from support.browser import proposal
    from support.portal import NOW, POLICY

    asked = {"requested_by": "王", "requested_at": NOW}
    if name == "settlement-request":
        return SettlementRequest.objects.create(policy=POLICY, year=2024, **asked).pk
    if name == "comparison-request":
        proposal()
        return ComparisonRequest.objects.create(proposal=SettingsProposal.objects.all()[0], year=2024, **asked).pk
    if name == "budget-request":
        days = {"on": date(2024, 12, 31), "as_known": date(2025, 1, 1), "parties": 200, "seed": 1}
        return ScenarioRequest.objects.create(policy=POLICY, key="0" * 64, scenario={}, address="", **days, **asked).pk
    if name == "register-file":
        return models.RegisterFileRequest.objects.create(kind="parties", name="f", content=b"", **asked).pk
    if name == "usage-import":
        centre, file = Centre.objects.get(code="hf"), {"name": "f", "sha256": "0" * 64, "size": 1, "format": "sacct"}
        return UsageImport.objects.create(centre=centre, dry_run=False, **file, **asked).pk
    span = {"first": date(2024, 1, 1), "last": date(2024, 1, 1)}
    return SealRequest.objects.create(centre=Centre.objects.get(code="hf"), **span, **asked).pk


@pytest.mark.parametrize(
    "name",
    sorted(
        set(pages())
        - PARTS
        - ELSEWHERE
        - {"seal", "draft", "cancel-jobs", "job-file-view", "join", "inbox-acts", "inbox-acts-done", "debt"}
    ),
)
def test_whatever_an_address_asks_in_vain_is_named(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from huisuan.parties.models import Person

    monkeypatch.setattr("huisuan.portal.budget.views.PARTIES", 200)
    world.people["operator"] = Person.objects.create_person("operator", None, role="operator")
    where = address(world, name)
    answer = world.browser(READERS.get(name, "province")).get(where, NONSENSE)
    assert answer.status_code in (200, 422), (name, answer.status_code)
    shown = html.unescape(answer.content.decode())
    named = re.findall(r"<code>([^<]+)</code>", shown)
    passed_over = [
        key
        for key, value in NONSENSE.items()
        if f"{key}={value}" not in named and not any(words in shown for words in SAID.get(key, ()))
    ]
    assert passed_over == []


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("calculator", {"who": "enterprise", "on": "2024-05-01", "known": "2024-05-01"}), ("home", {"year": "2024"}),
        ("settings", {"on": "2024-05-01", "known": "2024-05-01"}), ("budget", {"year": "2024", "seed": "2"}),
        ("usage", {"centre": "hf", "sort": "-used", "page": "2", "q": "alpha"}), ("proposal", {"year": "2024"}),
        ("centre", {"year": "2024"}), ("submit-job", {"by": "file"}), ("centre-figures", {"year": "2024"}),
        ("seal-checklist", {"through": "2024-01"}), ("job-files", {"area": "workdir", "run": "0", "path": "a"}),
        ("job-file-view", {"area": "workdir", "path": "a/b.txt"}), ("job-log", {"q": "loss"}),
    ],
)  # fmt: skip
def test_what_an_address_asks_and_gets_is_not_named(
    world: World, name: str, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huisuan.portal.budget.views.PARTIES", 200)
    shown = world.browser(READERS.get(name, "province")).get(address(world, name), query).content.decode()
    assert "不能用" not in shown


def test_a_page_beyond_the_last_and_words_too_long_are_named_too(world: World) -> None:
    browser = world.browser("province")
    assert "<code>page=99</code>" in browser.get("/usage/", {"page": "99"}).content.decode()
    long = "长" * 101
    assert f"<code>q={long}</code>" in browser.get("/usage/", {"q": long}).content.decode()
