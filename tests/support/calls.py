"""A call of 14.1 with its budget line, and drafts that can be handed in under it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from huisuan.parties.models import Person
from huisuan.programmes.applications.evidence_store import evidence_store
from huisuan.programmes.calls.services import CallTerms, open_call
from huisuan.programmes.models import Call, Draft, Evidence
from huisuan.treasury.lines import open_line
from huisuan.treasury.models import AppropriationLine
from support.programmes import INDUSTRY, LAW, applicant, official
from support.registers import listed_as_agi

OPENED = datetime(2024, 8, 30, 2, tzinfo=UTC)  # 10:00 in Shanghai
DURING = datetime(2024, 9, 10, 2, tzinfo=UTC)
CLOSES = datetime(2024, 9, 30, 16, tzinfo=UTC)  # 24:00 of 30 September in Shanghai
FIRST, LAST = date(2024, 9, 1), date(2024, 9, 30)
FACTS = {"national": "2", "international": "0", "published_on": "2024-03-01"}


def line(sentence: str = "14.1", year: int = 2024) -> AppropriationLine:
    """The budget line of a sentence."""
    return open_line(LAW.name, sentence, year, INDUSTRY, "厅", OPENED)


def publisher() -> Person:
    """Who publishes calls of the department of industry."""
    return official("publisher", "publish")


def terms(**other: Any) -> CallTerms:
    """What a call of 14.1 for September announces."""
    said: dict[str, Any] = {
        "policy": LAW.name, "programme": "14.1", "year": 2024, "title": "2024 年标准制定奖补", "first_day": FIRST,
        "last_day": LAST, "shortage": "pro_rata",
    }  # fmt: skip
    return CallTerms(**(said | ({} if "line" in other else {"line": line().pk}) | other))


def opened(now: datetime = OPENED, **other: Any) -> Call:
    """The call, published."""
    return open_call(terms(**other), publisher(), now)


def draft(
    number: int = 1,
    *,
    rule: str = "14.1",
    files: tuple[str, ...] = ("agi_enterprise", "national"),
    standards: tuple[str, ...] | None = None,
    listed: bool = True,
    **facts: str,
) -> Draft:
    """A draft of a firm with what it needs, a file for each of some facts, and standards of its own.

    `listed`: the firm is on the register of firms of general AI.
    """
    owner = applicant(number)
    if listed:
        listed_as_agi(owner)
    if standards is None:
        standards = tuple(f"GB/T {40_000 + 2 * Draft.objects.count() + more}-2022" for more in range(2))
    made = Draft.objects.create(
        party=owner.party, owner=owner, policy=LAW.name, digest=LAW.digest, rule=rule, facts=FACTS | facts,
        named=_named(rule, standards),
        created_at=OPENED, updated_at=OPENED, updated_by=owner,
    )  # fmt: skip
    for fact in files:
        attach(made, fact, f"{made.pk} {fact}".encode())
    return made


def _named(rule: str, standards: tuple[str, ...]) -> list[dict[str, str]]:
    """What a draft of a rule names: its standards, or a project of its own where the programme asks for one."""
    if rule == "14.1":
        return [{"kind": "standard", "code": code} for code in standards]
    asked = {each.kind.value for each in LAW.programme(rule).objects if each.required}
    return [{"kind": "project", "code": f"XM-{Draft.objects.count() + 1}"}] if "project" in asked else []


def attach(to: Draft, fact: str, content: bytes) -> Evidence:
    """A file of some content beside a fact; whether it may be kept is asked elsewhere."""
    return Evidence.objects.create(
        draft=to, fact=fact, filename=f"{fact}.pdf", media_type="application/pdf", size=len(content),
        sha256=evidence_store().store(content), uploaded_by=to.owner, uploaded_at=OPENED,
    )  # fmt: skip
