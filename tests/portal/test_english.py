"""Every page in English, for every role, with something on it and with nothing: no Chinese but data and the law."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import resolve, reverse
from django.utils import timezone, translation
from pytest_django import DjangoDbBlocker

from huisuan.law.policy.load import list_policies, load_policy
from huisuan.parties.identity.throttle import TooManyAttempts
from huisuan.portal.account.sign_in import too_many_tries_page
from huisuan.serving.http.errors import server_error
from support.english import HAN, Data, Form, forms
from support.english_pages import POSTED, Found, browser, listed, note, pages, told
from support.programme_writes import ProgrammeWrites

if TYPE_CHECKING:
    from support.full_world import Full

pytestmark = pytest.mark.django_db
ROLES = ("alpha", "centre", "city", "province", "auditor", "operator", "expert", "")
#: faces of a page that its address alone does not show: what it can not do, what it leaves out, its files
QUERIES: dict[str, tuple[str, ...]] = {
    "home": ("?year=2019",), "submit-job": ("?by=file",), "usage": ("?centre=nowhere", "?q=zzz", "?export=csv"),
    "jobs": ("?export=csv", "?state=nothing"), "bills": ("?export=csv",), "entitlements": ("?export=csv",),
    "centres": ("?export=csv",), "flags": ("?export=csv", "?state=open"), "seals": ("?export=csv",),
    "people": ("?export=csv",), "documents": ("?export=csv",),
    "inbox": ("?export=csv", "?q=zzz", "?act=check"), "applications": ("?export=csv", "?state=zzz"),
    "notices": ("?export=csv",), "publicity-desk": ("?export=csv",), "follow-objection": ("?code=x",),
    "debts": ("?export=csv", "?state=done"), "corrections": ("?export=csv", "?q=zzz"),
    "reviews": ("?export=csv", "?sent=yes"), "draw": ("?export=csv", "?place=left", "?again=yes"),
    "decision-sheet": ("?export=csv", "?status=zzz"),
    "calls": ("?export=csv", "?window=open"), "posts": ("?export=csv",), "budget-lines": ("?export=csv",),
    "orders": ("?export=csv",), "bank-files": ("?export=csv",), "returns": ("?export=csv", "?outcome=waiting"),
    "programme-year": ("?year=2024", "?year=zzz", "?export=csv"),
    "statement-of-money": ("?by=office", "?by=city", "?by=party", "?by=zzz", "?by=year&export=csv"),
    "opendata": ("?export=csv", "?q=zzz"), "data-requests": ("?export=csv",), "check-document": ("?code=x",),
    "data-grants": ("?export=csv",), "gate-desk": ("?export=csv", "?q=zzz"),
    "opendata-query": ("?sql=SELECT+1", "?sql=x"),
    "bulletins": ("?export=csv",), "bulletin-desk": ("?export=csv",), "bulletin-appeals": ("?export=csv",),
    "bulletin-templates": ("?export=csv",),
    "openness-scores": ("?office=340100", "?office=x"),
    "messages": ("?export=csv", "?state=read"),
    "budget": ("?year=1999", "?policy=x", "?seed=-1", "?s.2.2.rate=99%", "?s.2.2.rate=x"),
    "calculator": ("?who=enterprise", "?who=nobody", "?who=city&on=nonsense", "?who=enterprise&f.x=1"),
    "settings": ("?on=nonsense",),
    "audit-sample": ("?lot=7&by=amount", "?lot=7&size=0"), "todo": ("?kind=nonsense",), "proposal": ("?year=1999",),
}  # fmt: skip
ALIKE = {"new-draft", "live-answer"}  # forms of any rule: their fields differ, what reads them does not


@pytest.fixture(scope="module", autouse=True)
def small_sample() -> Iterator[None]:
    """The budget page says of two hundred parties what it says of a hundred thousand."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huisuan.portal.budget.views.PARTIES", 200)
        yield


@pytest.fixture(scope="module")
def full(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Full]:
    from support import full_world  # models can be imported only once Django is set up

    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUISUAN_HOME", str(tmp_path_factory.mktemp("home")))
        for name, never in (
            ("COOLDOWN_FACTOR", 0),
            ("_cooldown_until", 0.0),
        ):  # what is submitted is placed, however busy it is
            patch.setattr(f"huisuan.compute.dispatch.scheduling_cycle.{name}", never)
        yield full_world.build()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def data(full: Full) -> Data:
    from support.bulletins import bulletin_texts
    from support.full_world import WRITTEN

    return Data.of(full.names(), [*WRITTEN, *bulletin_texts()])


def addresses(full: Full) -> dict[str, list[str]]:
    """The addresses of every page by the name of its route, each thing of the world once."""
    from huisuan.bulletins.models import Bulletin, BulletinIssue, ScoreAppeal
    from huisuan.compute.models import MeterFlag, SealRequest, UsageImport
    from huisuan.documents.models import Document
    from huisuan.opendata.models import CatalogueEntry, Corpus, DataGrant, DataRequest, GateFile
    from huisuan.programmes.models import (
        Application,
        Call,
        Draft,
        Expert,
        NoticeLine,
        Objection,
        Office,
        PanelSeat,
        Post,
        PublicNotice,
        RegisterVersion,
    )
    from huisuan.settlement.models import ComparisonRequest, RegisterFileRequest, ScenarioRequest, SettlementRequest
    from huisuan.treasury.models import AppropriationLine, BankReturnLine, CityPayment, Debt

    world = full.world
    bill, record = world.bill(world.alpha, 5), world.alpha.usage.get(job_id="100")
    named = list_policies()
    numbers = list(Application.objects.values_list("number", flat=True))
    seated = set(PanelSeat.objects.values_list("application__number", flat=True))
    standing = RegisterVersion.objects.filter(standing_for__isnull=False).select_related("entry")
    found: dict[str, list[Any]] = {
        "project": [["default"], ["speech"], ["closed"]],
        "join": [[full.invitation], ["nothing"]],
        "person": [[full.member.pk], [world.people["alpha"].pk]],
        "job": [[job.uid] for job in full.jobs.values()],
        **{name: [[job.uid] for job in list(full.jobs.values())[:3]] for name in ("job-log", "job-files")},
        "job-file-view": [[next(iter(full.jobs.values())).uid]],
        "record": [["hf", record.sequence], ["wh", 1]],
        "raw-line": [["hf", record.sequence]],
        "seal": [["hf", "2024-01"], ["hf", "2024-05"]],
        "flag": [[number] for number in MeterFlag.objects.values_list("pk", flat=True)],
        "bill": [[bill.pk], [world.bill(world.alpha, 6, "wh").pk]],
        "bill-branch": [[bill.pk]],
        "line-branch": [[bill.pk, bill.lines.values_list("pk", flat=True)[0]]],
        "entitlement": [[world.entitlement(each).pk] for each in (world.alpha, world.beta)],
        "draft": [[full.draft.pk]],
        "data-request": [[number] for number in DataRequest.objects.values_list("pk", flat=True)],
        "enter-in-register": [[each.entry.policy, each.entry.register] for each in standing],
        "register-of": [[each.entry.policy, each.entry.register] for each in standing]
        + [["anhui-agi-2023", "resources"]],
        "register-entry": [[each.entry.policy, each.entry.register, each.entry.code] for each in standing],
        "opendata-entry": [[code] for code in CatalogueEntry.objects.values_list("code", flat=True)],
        "bulletin": [[number] for number in BulletinIssue.objects.values_list("bulletin_id", flat=True)],
        "appeal-bulletin": [[number] for number in BulletinIssue.objects.values_list("bulletin_id", flat=True)],
        "bulletin-appeal": [[number] for number in ScoreAppeal.objects.values_list("pk", flat=True)],
        "bulletin-draft": [[number] for number in Bulletin.objects.values_list("pk", flat=True)],
        "corpus": [[name] for name in Corpus.objects.values_list("name", flat=True)],
        "data-grant": [[number] for number in DataGrant.objects.values_list("pk", flat=True)],
        "gate-lattice": [[number] for number in GateFile.objects.values_list("pk", flat=True)],
        "gate-file": [[number] for number in GateFile.objects.values_list("pk", flat=True)],
        "application": [[number] for number in numbers],
        "notice": [[number] for number in PublicNotice.objects.values_list("number", flat=True)],
        "object-to-line": [[line.notice.number, line.position] for line in NoticeLine.objects.all()],
        "objection": [[code] for code in Objection.objects.values_list("code", flat=True)],
        "answer-objection": [[number] for number in Objection.objects.values_list("pk", flat=True)],
        "offer": [[number] for number in numbers],
        "correction": [[number] for number in numbers],
        "debt": [[number] for number in Debt.objects.values_list("pk", flat=True)],
        "call": [[number] for number in Call.objects.values_list("number", flat=True)],
        "submit-draft": [[number] for number in Call.objects.values_list("number", flat=True)],
        **{
            name: [[number] for number in Call.objects.values_list("number", flat=True)]
            for name in ("draw", "decision-sheet")
        },
        "review-seat": [[number] for number in numbers if number in seated],
        "whole-city": [["340100"], ["340200"]],
        "whole-office": [
            [number] for number in Office.objects.filter(posts__isnull=False).values_list("pk", flat=True)[:3]
        ],
        "whole-expert": [[number] for number in Expert.objects.values_list("pk", flat=True)[:2]],
        "post": [[number] for number in Post.objects.values_list("pk", flat=True)[:2]],
        "budget-line": [[number] for number in AppropriationLine.objects.values_list("pk", flat=True)],
        "bank-return": [[number] for number in BankReturnLine.objects.values_list("pk", flat=True)],
        "city-payment": [[number] for number in CityPayment.objects.values_list("pk", flat=True)],
        "document": [[code] for code in Document.objects.values_list("code", flat=True)],
        "new-draft": [[each, rule.key] for each in named for rule in load_policy(each).rules],
        "centre": [["hf"], ["wh"]],
        "centre-maintenance": [["hf"], ["wh"]],
        "unclaimed": [["hf"], ["wh"]],
        "centre-tariffs": [["hf"], ["wh"]],
        "usage-imports": [["hf"], ["wh"]],
        "seal-checklist": [["hf"], ["wh"]],
        "centre-figures": [["hf"], ["wh"]],
        "usage-import": [[number] for number in UsageImport.objects.values_list("pk", flat=True)],
        "run": [[world.run.pk]],
        "party": [[world.alpha.uscc], [world.beta.uscc]],
        **{name: [[world.alpha.uscc]] for name in ("change-party", "relation-form", "succession-form")},
        "register-file": [[number] for number in RegisterFileRequest.objects.values_list("pk", flat=True)],
        "settlement-request": [[number] for number in SettlementRequest.objects.values_list("pk", flat=True)],
        "seal-request": [[number] for number in SealRequest.objects.values_list("pk", flat=True)],
        "comparison-request": [[number] for number in ComparisonRequest.objects.values_list("pk", flat=True)],
        "budget-request": [[number] for number in ScenarioRequest.objects.values_list("pk", flat=True)],
        "policy": [[each] for each in named],
        "settings": [[each] for each in named],
        "propose-settings": [[named[0]]],
        "proposal": [[number] for number in full.proposals],
    }
    every: dict[str, list[str]] = {}
    for name in pages():
        plain = [reverse(name, args=args) for args in found.get(name, [[]])]
        every[name] = [*plain, *(plain[0] + query for query in QUERIES.get(name, ()))]
    every["inbox-acts"].append(reverse("inbox-acts") + "?" + "&".join(f"number={number}" for number in numbers))
    every["application"].append(reverse("application", args=[numbers[0]]) + "?from=inbox")
    every["submit-draft"] += [
        f"{every['submit-draft'][0]}?draft={pk}" for pk in Draft.objects.values_list("pk", flat=True)
    ]
    return every


@pytest.fixture(scope="module")
def crawled(full: Full, data: Data) -> tuple[Found, list[tuple[str, Form]], dict[str, str]]:
    """What the pages leave over, every form that they have, once, with who met it first, and what looking wrote to."""
    from huisuan.settlement.models import ScenarioRequest
    from huisuan.settlement.scenarios.requests import run_budget_request

    browser(full.world.people["province"]).get(reverse("budget"))  # so that its figures are there to be read
    run_budget_request(ScenarioRequest.objects.latest("pk").pk, timezone.now())
    found: Found = {}
    met: dict[tuple[str, ...], tuple[str, Form]] = {}
    writes = ProgrammeWrites()
    for who in ROLES:
        client = browser(full.world.people.get(who))
        for name, every in addresses(full).items():
            for number, address in enumerate(every):
                if name == "new-draft" and who != "alpha" and number:
                    break  # the same forms
                writes.where = f"{who or 'nobody'} {address}"
                with connection.execute_wrapper(writes):
                    answer = client.get(address)
                assert answer.status_code < 500, (who, address)
                assert answer.status_code != 405, (who, address)
                note(found, told(answer, data), f"{who or 'nobody'} {address}")
                if answer.get("Content-Type", "").startswith("text/html"):
                    for form in forms(answer.content.decode(), address):
                        place = resolve(urlsplit(form.action).path).url_name or ""
                        if place != "language":  # what follows it is another language
                            met.setdefault((place, *(() if place in ALIKE else sorted(form.fields))), (who, form))
                if answer.status_code in (302, 403):
                    break  # the others of this route are as closed to this role
    return found, list(met.values()), writes.found


def test_looking_at_any_page_by_any_role_changes_nothing_of_programmes_money_and_documents(crawled: Any) -> None:
    assert crawled[2] == {}


def test_no_page_of_any_role_has_chinese_left_in_english(crawled: tuple[Found, Any]) -> None:
    assert not crawled[0], listed(crawled[0])


def test_what_is_wrong_with_a_form_is_said_in_english(full: Full, data: Data, crawled: Any) -> None:
    found: Found = {}
    for who, form in crawled[1]:
        for how, fields in form.fillings():
            with transaction.atomic():
                answer = browser(full.world.people.get(who)).post(form.action, fields, follow=True)
                assert answer.status_code < 500, (who, form.action, how)
                note(found, told(answer, data), f"{who or 'nobody'} POST {form.action} {how}")
                transaction.set_rollback(True)
    assert not found, listed(found)


def test_every_posted_address_is_posted_by_a_form_that_the_crawl_meets(crawled: Any) -> None:
    met = {resolve(urlsplit(form.action).path).url_name for _who, form in crawled[1]}
    # "unread" stands on an answer, a filter is forgotten where one was kept; the others where a change of account, a
    # flag, a plan or a milestone waits, a claim is about a person, an office is to be heard, or somebody else struck an
    # issuer: nowhere here
    elsewhere = {
        "language", "mark-messages-unread", "answer-payee", "answer-application-flag", "contract-act", "forget-filter",
        "acceptance-act", "confirm-consent", "give-consent", "withdraw-consent", "lift-strike", "give-opinion",
        "move-application",
    }  # fmt: skip
    assert met >= POSTED - elsewhere


def test_pages_that_say_no_say_it_in_english(full: Full, data: Data) -> None:
    found: Found = {}
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["django_language"] = "en"
    note(found, told(browser(None).get("/nowhere"), data), "404")
    note(found, told(browser(full.world.people["alpha"]).get("/people/"), data), "403")
    note(found, told(strict.post("/sign-in", {"username": "x"}), data), "403 csrf")
    with translation.override("en"):
        request = RequestFactory().get("/")
        note(found, told(too_many_tries_page(request, TooManyAttempts(61)), data), "429")
        for error in (OperationalError("away"), ValueError("broken")):
            note(found, told(broken(request, error), data), type(error).__name__)
    assert not found, listed(found)


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("/usage/?q=%00", 400, "characters that cannot be stored"), ("/usage/?page=" + "9" * 400, 400, "beyond"),
        ("/sign-in", 413, "exceeds the limit here, 2 MiB"),
    ],
)  # fmt: skip
def test_what_never_reaches_a_page_is_answered_in_both_languages(address: str, status: int, says: str) -> None:
    grows = {"CONTENT_LENGTH": str(3 * 1024 * 1024)} if status == 413 else {}
    answer = Client().generic("POST" if grows else "GET", address, **grows)
    code, chinese, english = answer.content.decode().splitlines()
    assert (answer.status_code, code) == (status, str(status))
    assert HAN.search(chinese)
    assert says in english
    assert not HAN.search(english)


def broken(request: HttpRequest, error: Exception) -> Any:
    """The answer to a request during which this happened."""
    try:
        raise error
    except type(error):
        return server_error(request)
