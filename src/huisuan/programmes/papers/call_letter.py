"""A call as the notice that applicants read."""

from __future__ import annotations

from datetime import datetime

from huisuan.base.months import SHANGHAI
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part
from huisuan.documents.models import DocumentKind
from huisuan.law.policy import load_policy
from huisuan.law.procedure import OBJECT_WORDS, ObjectKind
from huisuan.programmes.models import Call
from huisuan.programmes.papers.paper import Paper, day_words
from huisuan.programmes.review.ranking import TieOrder
from huisuan.programmes.review.sheet_workbook import MODE_NAMES, TIE_NAMES
from huisuan.programmes.submissions.window import CallWindow

_LOT = "仍相同的按公开的种子抽签"


def call_paper(call: Call) -> Paper:
    """The notice of a call, with all that was known before it opened and what was published to it since."""
    content, policy = call.edition.content, load_policy(call.edition.policy)
    office = next(taken["office"] for taken in content["steps"] if taken["duty"] == "publish")
    window = CallWindow(call.first_day, call.last_day)
    body = (
        Part(
            f"依据《{policy.title}》第 {content['sentence']} 句“{content['phrase']}”，"
            f"现组织 {call.year} 年度{content['title']}申报（编号 {call.number}）。"
        ),
        Part("一、申报时间", "heading"),
        Part(
            f"自 {_instant(window.opens_at)}起，至 {day_words(call.last_day)} 24:00 止；以平台收到完整申报的时间为准。"
        ),
        Part("二、申报办法", "heading"),
        Part(f"在平台上填写并提交，不收纸质材料。{_evidence(call)}{_objects(call)}"),
        Part("三、资金与排序", "heading"),
        Part(
            f"资金列 {call.line.year} 年度第 {call.line.sentence} 句预算（{call.line.office}）。"
            f"预算不足时{_shortage(call)}；{_ties(call)}。"
        ),
        *_amendments(call),
    )
    letter = Letter(f"关于{call.title}的申报通知", body, annexes=_annexes(call))
    return Paper(DocumentKind.CALL, office, letter, call.number)


def _evidence(call: Call) -> str:
    words = {spec.name: spec.zh for spec in load_policy(call.edition.policy).claim_rule(call.edition.rule_key).facts}
    named = "、".join(words.get(name, name) for name in call.evidence)
    return f"须附佐证材料的栏目：{named}。" if named else ""


def _objects(call: Call) -> str:
    named = "、".join(OBJECT_WORDS[ObjectKind(kind)][0] for kind in call.object_kinds)
    return f"须写明编号的对象：{named}。" if named else ""


def _shortage(call: Call) -> str:
    return next(name for mode, name in MODE_NAMES.items() if mode.value == call.shortage)


def _ties(call: Call) -> str:
    said = "，".join(TIE_NAMES[TieOrder(name)] for name in call.ties)
    return f"同分的{said}，{_LOT}" if said else f"同分的{_LOT.removeprefix('仍相同的')}"


def _amendments(call: Call) -> tuple[Part, ...]:
    made = list(call.amendments.all())
    if not made:
        return ()
    said = (
        Part(
            f"{day_words(one.at)}：{one.text}"
            + (f"（申报延长至 {day_words(one.last_day)} 24:00）" if one.last_day else "")
        )
        for one in made
    )
    return (Part("四、补充通知", "heading"), *said)


def _annexes(call: Call) -> tuple[Annex, ...]:
    if not call.tasks:
        return ()
    columns = (AnnexColumn("编号"), AnnexColumn("榜单任务", wide=True))
    return (Annex("榜单任务", columns, tuple(sorted(call.tasks.items()))),)


def _instant(at: datetime) -> str:
    return f"{day_words(at)} {at.astimezone(SHANGHAI):%H:%M} "
