"""What is done on the page of an application beside its acts: its account, its checks, its flags answered."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import NotAllowed, Refused
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import CLOSING_STATES, State
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.programmes.application_money import ApplicationMoney
from huisuan.portal.ui.state_labels import Word
from huisuan.programmes.check_desk.flag_answers import list_flags, may_answer_flags
from huisuan.programmes.checks.stored import last_round
from huisuan.programmes.models import Application, ApplicationCheck, CheckKind, FlagReason
from huisuan.programmes.payments.payees import may_answer_payee_change
from huisuan.programmes.workflow.permission import Permissions, is_applicant

#: why a flag was raised
FLAG_WORDS: dict[str, Promise | str] = {
    FlagReason.SAME_OBJECT.value: _("同一申报对象另有申报"),
    FlagReason.SAME_EVIDENCE.value: _("佐证材料相同"),
    FlagReason.SAME_ACCOUNT.value: _("收款账户相同"),
    FlagReason.SAME_CONTACT.value: _("联系人相同"),
    FlagReason.CONTROL_PATH.value: _("两家申报单位有控制关系"),
    FlagReason.LATE_RELATION.value: _("事后登记的关系使已办的步骤应回避"),
    FlagReason.FACT_DIFFERS.value: _("填报与平台所见不同"),
    FlagReason.STRUCK_EVIDENCE.value: _("佐证材料的出具机构已失去资格"),
}

#: what a round of checks asks, in its order
CHECK_WORDS: dict[str, Promise | str] = {
    CheckKind.LAW.value: _("政策条件"),
    CheckKind.STACKING.value: _("与其他补助的叠加"),
    CheckKind.OBJECTS.value: _("申报对象"),
    CheckKind.RELATIONS.value: _("关联关系"),
    CheckKind.CREDIT.value: _("信用名单"),
    CheckKind.DEBTS.value: _("未还款项"),
    CheckKind.PERFORMANCE.value: _("既往项目评价"),
    CheckKind.BESIDE.value: _("填报与平台所见"),
}
_PASSED: dict[bool | None, Word] = {
    True: Word(_("核对通过"), "good"), False: Word(_("不通过"), "bad"), None: Word(_("有情况，须说明"), "wait"),
}  # fmt: skip


@dataclass(frozen=True)
class ShownCheck:
    """One answer of a round of checks, with its reason."""

    what: Promise | str
    word: Word
    reason: str


@dataclass(frozen=True)
class ShownRound:
    """The newest round of checks: when and by whom it was asked; `older`: of a version that was corrected since."""

    at: datetime
    by: str
    number: int
    older: bool
    answers: tuple[ShownCheck, ...]


@dataclass(frozen=True)
class ShownFlag:
    """A flag as the page lists it; `saw` is what it was found by, in the words of the record."""

    flag: dict[str, Any]
    what: Promise | str
    other: str  # a number that the reader may see, or nothing
    saw: str


@dataclass(frozen=True)
class Desk:
    """What one person may do here."""

    gives_payee: bool
    answers_payee: bool
    flags: tuple[ShownFlag, ...]
    answers_flags: bool
    checks: ShownRound | None  # never for who applies


def may_check(application: Application, person: Person, now: datetime) -> bool:
    """Whether a person may ask everything of what was handed in, before the act that rests on it."""
    if application.call_id is None or not application.submissions.exists():
        return False
    return not isinstance(Permissions.load(person, "check", "", [application], now).ask(application), Refused)


def read_desk(application: Application, money: ApplicationMoney, offered: bool, person: Person, now: datetime) -> Desk:
    """Of an application, for who looks at it; who applies sees no flags."""
    over = application.state in CLOSING_STATES or (offered and application.state == State.DRAFT)
    gives = is_applicant(person, application) and person.widest_scope != "read" and not (over or money.waiting)
    found: list[dict[str, Any]] = []
    checks: ShownRound | None = None
    with suppress(NotAllowed):
        found = list_flags(Viewer.for_person(person), application.number)
        checks = _round(application)
    open_flags = any(flag["answered_by"] is None for flag in found)
    return Desk(
        gives,
        money.waiting is not None and may_answer_payee_change(application, money.waiting, person, now),
        tuple(_shown(flag) for flag in found),
        open_flags and may_answer_flags(application, person, now),
        checks,
    )


def _round(application: Application) -> ShownRound | None:
    answers, newest = last_round(application), application.submissions.last()
    if not answers:
        return None
    first = answers[0]
    shown = tuple(ShownCheck(CHECK_WORDS[row.kind], _PASSED[row.passed], _reason(row, application)) for row in answers)
    older = newest is not None and first.submission_id != newest.pk
    return ShownRound(first.at, first.by.name, first.round, older, shown)


def _reason(row: ApplicationCheck, application: Application) -> str:
    """Why; for a reader of English with what the law and its facts are called in English, where they say so."""
    if not reads_english():
        return row.reason
    text = row.reason
    for said in row.saw.get("reasons", ()):
        text = text.replace(said["text"], said["text_en"] or said["text"])
    edition = application.edition
    with suppress(LawError):  # a policy or a rule that is gone keeps its Chinese
        rule = load_policy(edition.policy).claim_rule(edition.rule_key)
        for chinese, english in [(rule.title, rule.title_en), *((spec.zh, spec.en) for spec in rule.facts)]:
            text = text.replace(f"{chinese}：", f"{english}：")
    return text


def _shown(flag: dict[str, Any]) -> ShownFlag:
    other, saw = flag["other"] or "", flag["saw"]
    if files := saw.get("files"):
        said = "；".join(f"{number} {file['filename']}" for number, file in files.items())
    else:
        said = "；".join(str(value) for value in saw.values() if isinstance(value, str))
    return ShownFlag(flag, FLAG_WORDS[flag["kind"]], other if other.startswith("A") else "", said)
