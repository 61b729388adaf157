"""Opening a call, publishing an amendment to it, extending it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length
from huisuan.compute.fact_sources.registry import is_on_register, measure_of
from huisuan.law.budget import PoolMode
from huisuan.law.model import LawError, Rule
from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import ProgrammeSpec, Start
from huisuan.parties.models import Person
from huisuan.programmes.calls.publishing import edition_to_open, require_amender
from huisuan.programmes.models import Call, CallAmendment, NumberSeries
from huisuan.programmes.review.ranking import TieOrder
from huisuan.programmes.submissions.window import CallWindow, WindowState, show_instant
from huisuan.treasury.models import AppropriationLine

_LONGEST_TITLE, _LONGEST_TEXT = 120, 2000
_LONGEST_CODE, _LONGEST_NAME, _MOST_TASKS = 40, 120, 500
_LONGEST_WINDOW_DAYS = 366


@dataclass(frozen=True)
class CallTerms:
    """What a call announces. `evidence` None: of every fact for which the law names a document and nobody knows it."""

    policy: str
    programme: str
    year: int
    title: str
    first_day: date
    last_day: date
    line: int
    shortage: str
    ties: Sequence[str] = ()
    evidence: Sequence[str] | None = None
    tasks: Mapping[str, str] = field(default_factory=dict)
    object_kinds: Sequence[str] = ()  # besides those that the programme requires


@transaction.atomic
def open_call(terms: CallTerms, by: Person, now: datetime) -> Call:
    """Publish a call; from its first day on applications are taken.

    Raises:
        NotFound: no such policy, programme or budget line.
        NotAllowed: not by somebody with a post to publish in an office of the programme.
        InvalidRequest: days in the past or the wrong way round, a year in which the policy did not hold, a line of
            another sentence, terms that nobody knows; by somebody who publishes for several cities and is in none.
    """
    policy, spec = _programme(terms)
    edition = edition_to_open(spec, policy, by, now)
    _check_days(terms, policy, now)
    rule = policy.claim_rule(spec.rule_key)
    evidence = _evidence(terms, rule)
    _require_places(spec, terms)
    line = _line(terms, policy, spec)
    return Call.objects.create(
        number=_take_number(now.astimezone(SHANGHAI).year), edition=edition, year=terms.year,
        title=_text(terms.title, _LONGEST_TITLE, "标题"), first_day=terms.first_day, last_day=terms.last_day,
        line=line, shortage=_shortage(terms, spec), ties=_ties(terms.ties), evidence=evidence,
        tasks=_tasks(terms.tasks), object_kinds=_object_kinds(terms.object_kinds, spec), opened_by=by, opened_at=now,
    )  # fmt: skip


def _require_places(spec: ProgrammeSpec, terms: CallTerms) -> None:
    """Of a programme with so many places a year there is one call a year: a second would give them out again."""
    if spec.selection is None or not spec.selection.places:
        return
    held = Call.objects.filter(edition__policy=terms.policy, edition__key=spec.key, year=terms.year).first()
    if held is not None:
        raise Conflict(
            f"{terms.year} 年度的 {spec.key} 已有通知 {held.number}：每年度 {spec.selection.places} 个名额，不再发",
            code="call.places_given_out",
        )


@transaction.atomic
def amend_call(number: str, text: str, by: Person, now: datetime, *, last_day: date | None = None) -> Call:
    """Publish an amendment to a call; with a last day it is extended until then.

    Raises:
        NotFound: no such call.
        NotAllowed: not by somebody with a post to publish in an office of the programme; in the city whose call it is.
        Conflict: it would be shortened, or it is closed already.
    """
    call = Call.objects.select_for_update(of=("self",)).select_related("edition").filter(number=number).first()
    if call is None:
        raise unknown_call(number)
    policy = load_policy(call.edition.policy)
    require_amender(call, policy, by, now)
    if last_day is not None:
        _check_extension(call, last_day, now)
    CallAmendment.objects.create(
        call=call, text=_text(text, _LONGEST_TEXT, "内容"), last_day=last_day, by=by, at=now
    )  # fmt: skip
    call.refresh_from_db()
    return call


def unknown_call(number: str) -> NotFound:
    """The refusal for a call that is not there."""
    return NotFound(f"没有申报通知 {number}", code="call.unknown")


def _programme(terms: CallTerms) -> tuple[Policy, ProgrammeSpec]:
    try:
        policy = load_policy(terms.policy)
        spec = policy.programme(terms.programme)
    except LawError as error:
        raise NotFound(str(error), code=error.code) from None
    if spec.start is Start.OFFER:
        raise InvalidRequest(
            f"程序 {spec.key} 由平台核算后发出（免申即享），不发申报通知", code="call.programme_is_offered"
        )
    return policy, spec


def _check_days(terms: CallTerms, policy: Policy, now: datetime) -> None:
    today = now.astimezone(SHANGHAI).date()
    if terms.first_day < today:
        raise InvalidRequest(
            f"开始日 {terms.first_day} 已过：最早从今天 {today} 起，条件须在受理前公布", code="call.begins_in_the_past"
        )
    if terms.last_day < terms.first_day:
        raise InvalidRequest(f"截止日 {terms.last_day} 早于开始日 {terms.first_day}", code="call.ends_before_it_begins")
    if (terms.last_day - terms.first_day).days >= _LONGEST_WINDOW_DAYS:
        raise InvalidRequest(f"受理期至多 {_LONGEST_WINDOW_DAYS} 天：请核对年份", code="call.lasts_too_long")
    last = policy.last_day(today)
    if not policy.valid_from.year <= terms.year <= last.year:
        raise InvalidRequest(
            f"{terms.year} 年政策 {policy.name} 不适用：它自 {policy.valid_from} 至 {last} 有效",
            code="call.year_not_covered",
        )
    if terms.year > terms.last_day.year:
        raise InvalidRequest(f"不能在 {terms.year} 年之前申报该年", code="call.year_not_begun")


def _evidence(terms: CallTerms, rule: Rule) -> list[str]:
    if terms.evidence is None:
        return [
            spec.name for spec in rule.facts if spec.evidence and measure_of(spec) is None and not is_on_register(spec)
        ]
    _known(terms.evidence, [spec.name for spec in rule.facts], "佐证材料", "call.evidence_unknown")
    return list(dict.fromkeys(terms.evidence))


def _line(terms: CallTerms, policy: Policy, spec: ProgrammeSpec) -> AppropriationLine:
    line = AppropriationLine.objects.filter(pk=terms.line).first()
    if line is None:
        raise NotFound(f"没有预算 {terms.line}；见 huisuan treasury", code="call.line_unknown")
    if (line.policy, line.sentence) != (policy.name, spec.sentence):
        raise InvalidRequest(
            f"预算 {line.pk} 是 {line.policy} 第 {line.sentence} 句的，不能用于第 {spec.sentence} 句",
            code="call.line_of_another_sentence",
        )
    if line.year < terms.year:
        raise InvalidRequest(f"预算 {line.pk} 是 {line.year} 年的，早于所申报的年度", code="call.line_too_early")
    return line


def _shortage(terms: CallTerms, spec: ProgrammeSpec) -> str:
    _known([terms.shortage], [mode.value for mode in PoolMode], "预算不足时的办法", "call.shortage_unknown")
    if terms.shortage == PoolMode.RANK and all(taken.action != "rank" for taken in spec.steps):
        raise InvalidRequest(f"程序 {spec.key} 没有排序，预算不足时不能按名次", code="call.rank_not_in_procedure")
    if terms.shortage == PoolMode.FIRST_COME and spec.selection is not None:
        raise InvalidRequest(f"程序 {spec.key} 按评审排序入选，不能按申报先后", code="call.selection_by_rank")
    return terms.shortage


def _ties(ties: Sequence[str]) -> list[str]:
    _known(ties, [order.value for order in TieOrder], "同分的先后", "call.ties_unknown")
    if len(set(ties)) < len(ties):
        raise InvalidRequest("同分的先后写了两次同一项", code="call.ties_unknown")
    return list(ties)


def _tasks(tasks: Mapping[str, str]) -> dict[str, str]:
    if len(tasks) > _MOST_TASKS:
        raise InvalidRequest(f"榜单至多 {_MOST_TASKS} 项", code="call.tasks_malformed")
    found = {
        _text(code, _LONGEST_CODE, "榜单编号"): _text(name, _LONGEST_NAME, "榜单名称") for code, name in tasks.items()
    }
    if len(found) < len(tasks):
        raise InvalidRequest("榜单编号重复", code="call.tasks_malformed")
    return found


def _object_kinds(asked: Sequence[str], spec: ProgrammeSpec) -> list[str]:
    _known(asked, [each.kind.value for each in spec.objects], "申报对象", "call.object_kind_unknown")
    return [each.kind.value for each in spec.objects if each.required or each.kind in asked]


def _known(asked: Iterable[str], known: Sequence[str], what: str, code: str) -> None:
    if unknown := [name for name in asked if name not in known]:
        raise InvalidRequest(f"{what}没有 {'、'.join(unknown)}；可用 {'、'.join(known)}", code=code)


def _text(text: str, most: int, what: str) -> str:
    kept = "".join(sign for sign in text if sign.isprintable() or sign == "\n").strip()
    if not kept:
        raise InvalidRequest(f"{what}不能为空", code="call.text_missing")
    return check_length(kept, most, what)


def _check_extension(call: Call, last_day: date, now: datetime) -> None:
    window = CallWindow(call.first_day, call.last_day)
    if window.state(now) is WindowState.CLOSED:
        raise Conflict(
            f"{call.number} 已于 {call.last_day} 24:00 截止（现在是 {show_instant(now)}），不能再延期：请另发通知",
            code="call.closed",
        )
    if last_day <= call.last_day:
        raise Conflict(f"只能延期，不能缩短：现截止日是 {call.last_day}", code="call.not_extended")
    if (last_day - call.first_day).days >= 2 * _LONGEST_WINDOW_DAYS:
        raise InvalidRequest(f"延期后受理期过长：请核对年份 {last_day}", code="call.lasts_too_long")


def _take_number(year: int) -> str:
    """The next of a year; the year's row stays locked until the transaction ends, so that none is lost."""
    NumberSeries.objects.get_or_create(year=year)
    NumberSeries.objects.select_for_update(no_key=True).get(year=year)
    count = Call.objects.filter(number__startswith=f"C{year}-").count()
    return f"C{year}-{count + 1:04d}"
