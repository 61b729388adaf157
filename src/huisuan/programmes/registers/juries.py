"""Rounds that experts judge, and what their juries marked: filled in from draws and frozen sheets, typed by nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from huisuan.base.csv_lines import LineFault
from huisuan.law.policy import Policy
from huisuan.law.procedure import RegisterJury, RegisterMark, RegisterSpec
from huisuan.programmes.models import CHOSEN_STATES, Draw, FrozenLine, PanelSeat, RegisteredThing
from huisuan.programmes.registers.entry_line import ThingContent, normalise_entry_code
from huisuan.programmes.review.sheet_workbook import two_decimals

_CHOSEN = ("funded", "partly_funded")


@dataclass(frozen=True)
class JuryOfDraw:
    """Who a draw seats, alternates apart, and the numbers of the applications that it was for."""

    jury: int
    applications: frozenset[str]


@dataclass
class JudgedRows:
    """What the rows of a file say of rounds and marks, beside what draws and sheets say."""

    spec: RegisterSpec
    juries: Mapping[str, JuryOfDraw] = field(default_factory=dict)  # by the title of the draw, normalised
    draw_of_round: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, FrozenLine] = field(default_factory=dict)  # by the number of the application

    @classmethod
    def load(cls, policy: Policy, spec: RegisterSpec, contents: Iterable[ThingContent]) -> JudgedRows:
        """For some rows of a register, in a few queries whatever their number."""
        if spec.jury is not None:
            return cls(spec, _juries(policy.name, spec.jury.programme))
        if spec.mark is None:
            return cls(spec)
        named = spec.field_of(spec.mark.round)
        rounds = policy.register(named.refers) if named else None
        if rounds is None or rounds.jury is None:
            return cls(spec)
        things = RegisteredThing.objects.filter(policy=policy.name, register=rounds.key, latest__ended=False)
        key = rounds.jury.draw
        draws = {code: str(values.get(key, "")) for code, values in things.values_list("code", "latest__values")}
        numbers = {normalise_entry_code(str(content.values.get(spec.mark.application, ""))) for content in contents}
        lines = FrozenLine.objects.filter(application__number__in=numbers).select_related("application__party")
        last = {line.application.number: line for line in lines.order_by("sheet__number")}  # the last sheet counts
        return cls(spec, _juries(policy.name, rounds.jury.programme), draws, last)

    def fill(self, line: int, content: ThingContent) -> ThingContent | LineFault:
        """A row with what the platform knows of it; or what is wrong with it."""
        if self.spec.jury is not None:
            return self._fill_round(line, content, self.spec.jury)
        if self.spec.mark is not None:
            return self._fill_mark(line, content, self.spec.mark)
        return content

    def _fill_round(self, line: int, content: ThingContent, jury: RegisterJury) -> ThingContent | LineFault:
        title = str(content.values[jury.draw])
        found = self.juries.get(normalise_entry_code(title))
        if found is None:
            rule = f"程序 {jury.programme} 的申报通知没有这次抽签"
            return self._fault(line, jury.draw, title, rule, "请写“专家抽签”页上那次抽签的名称：评委须从专家库抽取")
        filled = self._filled(line, content, {jury.jury: found.jury, jury.entries: len(found.applications)})
        if isinstance(filled, LineFault) or self.spec.share is None:
            return filled
        part, whole = self.spec.share
        if filled.values.get(part, 0) > filled.values.get(whole, 0):
            rule = f"多于“{self.spec.columns[whole]}”（{filled.values[whole]}）"
            return self._fault(line, part, str(filled.values[part]), rule, "请核对两个数")
        return filled

    def _fill_mark(self, line: int, content: ThingContent, mark: RegisterMark) -> ThingContent | LineFault:
        typed, code = str(content.values[mark.application]), str(content.values[mark.round])
        number = normalise_entry_code(typed)
        draw = self.draw_of_round.get(code, "")
        jury = self.juries.get(normalise_entry_code(draw))
        if jury is None:
            rule = f"轮次 {code} 没有写明评委抽签"
            return self._fault(line, mark.round, code, rule, "请先在轮次名录写明是哪次抽签")
        if number not in jury.applications:
            return self._fault(line, mark.application, typed, f"不在 {draw} 评审的申报之中", "请核对轮次和申报编号")
        said = self.lines.get(number)
        if said is None or said.status not in _CHOSEN or said.application.state not in CHOSEN_STATES:
            rule = "没有入选，或还没有公示期满作出决定"
            return self._fault(line, mark.application, typed, rule, "获奖以冻结的决策表和决定为准")
        party = said.application.party
        if content.holder and (party is None or content.holder != party.uscc):
            return self._fault(line, "holder", content.holder, f"不是 {number} 的申报单位", "可不写，由平台填写")
        owned = replace(
            content, holder=party.uscc if party else "", values={**content.values, mark.application: number}
        )
        return self._filled(line, owned, {mark.mark: str(two_decimals(Fraction(said.score)))})

    def _filled(self, line: int, content: ThingContent, known: Mapping[str, int | str]) -> ThingContent | LineFault:
        for key, value in known.items():
            typed = content.values.get(key)
            if typed is not None and str(typed) != str(value):
                return self._fault(line, key, str(typed), f"与平台所知的 {value} 不同", "不必填写，由抽签和评分得出")
        return replace(content, values={**content.values, **known})

    def _fault(self, line: int, key: str, value: str, rule: str, remedy: str) -> LineFault:
        return LineFault(line, self.spec.columns[key], value, rule, remedy)


def _juries(policy: str, programme: str) -> dict[str, JuryOfDraw]:
    """By its title, normalised, whom each draw of the calls of a programme seats and for what."""
    edition = {"application__call__edition__policy": policy, "application__call__edition__key": programme}
    seats = PanelSeat.objects.filter(**edition, alternate=False)
    people: dict[int, set[int]] = {}
    judged: dict[int, set[str]] = {}
    for draw, expert, number in seats.values_list("draw", "expert", "application__number"):
        people.setdefault(draw, set()).add(expert)
        judged.setdefault(draw, set()).add(number)
    titles = dict(Draw.objects.filter(pk__in=people).values_list("pk", "title"))
    return {
        normalise_entry_code(title): JuryOfDraw(len(people[pk]), frozenset(judged[pk])) for pk, title in titles.items()
    }
