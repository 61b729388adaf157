"""A programme walked by the requests that its pages send: a call, a claim, every step, money; a clock that all see."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from huisuan.base.money import plain_yuan
from huisuan.parties.models import Person
from huisuan.programmes.flags.answered import flags_of
from huisuan.programmes.models import Application, Call, PanelSeat, ProcedureEdge, ProcedureEdition
from huisuan.programmes.review.plan import plan_of_call
from huisuan.programmes.workflow import store_edition
from huisuan.treasury.models import AppropriationLine, PaymentOrder
from support.calls import OPENED
from support.evidence import PDF
from support.notices import ended, notice_of
from support.programmes import LAW, TREASURY, official
from support.treasury import returned

MONEY = ("commit", "pay")


class PageWalk:
    """People at pages, by requests alone; from `clock` on all of them see that time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.clients: dict[str, Client] = {}
        self.clock(OPENED)

    def clock(self, now: datetime) -> None:
        """It is this time now; everybody signs in anew."""
        self.monkeypatch.setattr(timezone, "now", lambda: now)
        self.clients.clear()

    def of(self, who: Person) -> Client:
        """The browser of a person."""
        if who.username not in self.clients:
            self.clients[who.username] = Client()
            self.clients[who.username].force_login(who, backend="django.contrib.auth.backends.ModelBackend")
        return self.clients[who.username]

    def read(self, who: Person, path: str) -> str:
        """A page, as its reader gets it."""
        answer = self.of(who).get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.content.decode()

    def send(self, who: Person, path: str, typed: dict[str, Any]) -> str:
        """A form; where the page goes on."""
        answer = self.of(who).post(path, typed)
        assert answer.status_code == 302, (path, answer.status_code, _refusal(answer.content.decode()))
        return answer.headers["Location"]

    def refused(self, who: Person, path: str, typed: dict[str, Any]) -> str:
        """A form that is refused; the page with the reason."""
        answer = self.of(who).post(path, typed)
        assert answer.status_code in (403, 409, 422), (path, answer.status_code)
        return answer.content.decode()

    def enter(self, who: Person, key: str, reason: str = "", **cells: str) -> str:
        """An entry of a register; its page."""
        typed = {"from": "2024-08-01", "reason": reason} | {name.rstrip("_"): text for name, text in cells.items()}
        return self.send(who, f"/registers/enter/{LAW.name}/{key}", typed)

    def open_call(self, key: str, yuan: str = "50000000", opened: datetime = OPENED) -> Call:
        """The budget of a programme, and its call of a month for 2024; then it is ten days later."""
        edition, first = store_edition(LAW, key), timezone.localdate(opened) + timedelta(days=2)
        self.clock(opened)
        committer = official("committer", "commit", TREASURY)
        typed = {
            "programme": f"{LAW.name} {key}",
            "year": str(opened.year),
            "amount": yuan,
            "document": f"皖财〔2024〕{key} 号",
        }
        self.send(committer, "/treasury/lines/", typed)
        line = AppropriationLine.objects.latest("pk")
        ranks = edition.edges.filter(action="rank").exists()
        typed = {
            "programme": f"{LAW.name} {key}", "year": "2024", "title": f"2024 年 {key}", "first": first.isoformat(),
            "last": (first + timedelta(days=29)).isoformat(), "line": str(line.pk), "tie-1": "applied",
            "shortage": "rank" if ranks else "pro_rata",
        }  # fmt: skip
        self.send(_publisher(edition), "/calls/new", typed)
        self.clock(opened + timedelta(days=11))
        return Call.objects.latest("pk")

    def hand_in(self, call: Call, who: Person, facts: dict[str, str], **objects: str) -> Application:
        """A draft filled in with its papers, handed in under a call."""
        rule = call.edition.content.get("rule") or call.edition.rule_key
        typed: dict[str, Any] = {f"fact-{name}": text for name, text in facts.items()}
        typed |= {f"object-{kind}": code for kind, code in objects.items()}
        for name in call.evidence:
            if facts.get(name, "0") not in ("0", "否"):
                content = PDF + f"% {who.username} {call.number} {name} {facts[name]}".encode()
                typed[f"file-{name}"] = SimpleUploadedFile(f"{name}.pdf", content, content_type="application/pdf")
        draft = self.send(who, f"/drafts/new/{call.edition.policy}/{rule}", typed).rsplit("/", 1)[1]
        where = self.send(who, f"/calls/{call.number}/submit", {"draft": draft})
        return Application.objects.get(number=where.rsplit("/", 1)[1])

    def take(self, made: Application, *actions: str, **typed: str) -> None:
        """Steps of an application, each by an official of the office that takes it; a notice is waited for."""
        for action in actions:
            made.refresh_from_db()
            by = self.who(made, action)
            path = f"/applications/{made.number}"
            if action == "check":
                self.send(by, f"{path}/checks", {})
            self.answer_flags(made)
            year = {"budget_year": str(timezone.now().year)} if action == "commit" else {}
            self.send(by, f"{path}/acts/{action}", {"key": uuid4().hex, "reason": "核对过", **year, **typed})
            if action == "publicise":
                self.clock(ended(notice_of(made.number)) + timedelta(minutes=1))
        made.refresh_from_db()

    def publish(self, made: Application, title: str, reason: str, yuan: str) -> None:
        """Put up in public with an amount and a reason, where no rule computes them."""
        typed = {"number": made.number, f"amount-{made.number}": yuan, "title": title, "reason": reason}
        self.send(self.who(made, "publicise"), "/publicity/publish", typed)
        self.clock(ended(notice_of(made.number)) + timedelta(minutes=1))
        made.refresh_from_db()

    def who(self, made: Application, action: str) -> Person:
        """Who takes an action now."""
        edge = ProcedureEdge.objects.get(edition=made.edition_id, action=action, from_state=made.state)
        return official(f"{edge.duty}-{edge.office}"[:60], edge.duty, edge.office)

    def answer_flags(self, made: Application) -> None:
        """What was found is answered by an official who does nothing else with it."""
        waiting = flags_of([made]).filter(answered_at=None)
        edge = ProcedureEdge.objects.filter(edition=made.edition_id).exclude(office="").exclude(duty__in=MONEY).first()
        for flag in waiting:
            assert edge is not None
            by = official("answers", "check", edge.office)
            path = f"/applications/{flag.application.number}/flags/{flag.pk}/answer"
            self.send(by, path, {"flag_reason": "已核实"})

    def review(self, made: Application, percent: int = 80) -> None:
        """Experts are drawn and score, and the sheet is frozen."""
        assert made.call is not None
        self.clock(OPENED + timedelta(days=45))
        organiser, call = self.who(made, "review"), made.call.number
        self.send(organiser, f"/calls/{call}/draw", {"seed": "2024-10-12 体彩"})
        criteria = plan_of_call(made.call).criteria.criteria
        marks = {f"mark-{one.key}": str(one.most * percent // 100) for one in criteria}
        marks |= {f"reason-{one.key}": "见材料" for one in criteria}
        for seat in PanelSeat.objects.filter(application=made, alternate=False).select_related("expert__person"):
            self.send(seat.expert.person, f"/reviews/{made.number}/score", marks)
        self.take(made, "review")
        self.send(self.who(made, "rank"), f"/calls/{call}/sheet", {})
        self.take(made, "rank")

    def paid(self, made: Application, by: Person, holder: str = "") -> None:
        """An account, money set aside and ordered, and what the bank says of it."""
        account = {"account": "1302010109022100001", "bank": "工商银行合肥分行", "holder": holder}
        self.send(by, f"/applications/{made.number}/payee", account)
        if made.city_id:  # the first account of a city counts once a second person has looked at it
            self.send(
                official("second", "pay", TREASURY), f"/applications/{made.number}/payee/answer", {"accept": "yes"}
            )
        self.take(made, "commit", "pay")
        payer = official(f"pay-{TREASURY}", "pay", TREASURY)
        self.send(payer, "/treasury/orders/send", {})
        lines = [
            f"{order.name},{plain_yuan(order.instalment.amount_fen)},成功,"
            for order in PaymentOrder.objects.filter(outcome="").select_related("instalment")
        ]
        file = SimpleUploadedFile("r.csv", returned(*lines), content_type="text/csv")
        answer = self.of(payer).post("/treasury/returns/", {"file": file})
        assert answer.status_code in (200, 302)
        made.refresh_from_db()


def _publisher(edition: ProcedureEdition) -> Person:
    edge = edition.edges.filter(action="publicise").first() or edition.edges.get(action="record")
    return official(f"{edge.duty}-{edge.office}"[:60], edge.duty, edge.office)


def _refusal(page: str) -> str:
    """What a page says that it refuses, for whoever reads the failure of a test."""
    return " … ".join(part[:300] for part in page.split('class="said error"')[1:3]) or page[-600:]
