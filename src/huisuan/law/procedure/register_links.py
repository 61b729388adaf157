"""What ties registers together: an entry draws on another, has members, is matched with what is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError

if TYPE_CHECKING:
    from huisuan.law.procedure.registers import RegisterSpec

#: the figure that says how many different holders there are
HOLDERS = "holders"
_OWN = ("code", "name", "holder")  # what every entry has, beside its fields


@dataclass(frozen=True)
class RegisterDraw:
    """An entry takes `amount` (its own field) of the entry named in `of`: together never more than `within` says there.

    `within` is a field of the register that `of` refers to; empty: there is one of each.
    """

    amount: str
    of: str
    within: str = ""


@dataclass(frozen=True)
class RegisterMembers:
    """Entries of `register` belong to the entry that they name in `by`; those count whose holder is on `marked`.

    `above` is the share (a figure of the text) that is told apart, day by day.
    """

    register: str
    by: str
    marked: str
    above: object

    @property
    def share(self) -> Fraction:
        """The figure. Raises `LawError`: it is no share of the text."""
        node = getattr(self.above, "node", None)
        while isinstance(node, nodes.Cited):
            node = node.node
        if not isinstance(node, nodes.Const) or not isinstance(node.value, Fraction):
            raise LawError("名录成员占比的界限须是条文中的比例（legal_share）", code="law.register_members_wrong")
        return node.value


@dataclass(frozen=True)
class RegisterMatching:
    """What is offered here is matched with `needs`, and a match is an entry of `matches`.

    `alike` are pairs of (field here, field of the needs) that must say the same; `amount` is the field of that name
    both here and there (empty: one each). `resource` and `need` are the fields of a match that name the two. First come
    holders of a decision under the programme `first`, then by the day in `received`.
    """

    needs: str
    matches: str
    alike: tuple[tuple[str, str], ...]
    received: str
    resource: str
    need: str
    amount: str = ""
    first: str = ""


@dataclass(frozen=True)
class RegisterAnswer:
    """What is asked on one day (`asked`) is answered on another (`answered`), within working days that are set.

    `said` is the field with the text of the answer. A party that enters its own writes none of the three.
    """

    asked: str
    answered: str
    within: object
    said: str = ""

    @property
    def setting(self) -> nodes.SettingSpec:
        """The setting. Raises `LawError`: it is none."""
        node = getattr(self.within, "node", None)
        while isinstance(node, nodes.Cited):
            node = node.node
        if not isinstance(node, nodes.Setting):
            raise LawError("名录答复期限须是一个参数（count_setting）", code="law.register_answer_wrong")
        return node.spec


@dataclass(frozen=True)
class RegisterLook:
    """Every calendar year an entry is looked at: `register` has an entry that names it (`of`) and the `year`."""

    register: str
    of: str
    year: str


@dataclass(frozen=True)
class RegisterCentre:
    """The centre on the platform that an entry built (`centre`, its code), what it held in P `before` the entry, and
    what the entry `planned` to add: of what the meter sees there the rest is the entry's.
    """

    centre: str
    before: str
    planned: str


@dataclass(frozen=True)
class RegisterJury:
    """An entry is a round that experts judge: `draw` names one draw of a call of `programme`, by its title.

    `jury` (how many sit) and `entries` (how many applications they judge) are filled in from it; nobody types them.
    """

    programme: str
    draw: str
    jury: str
    entries: str


@dataclass(frozen=True)
class RegisterMark:
    """An entry is about an application (its number in `application`) that the jury of the round in `round` judged.

    It was chosen and decided; `mark` is filled in from the frozen sheet, to two decimals, and the holder is its party.
    """

    round: str
    application: str
    mark: str


@dataclass(frozen=True)
class RegisterFeed:
    """The frozen figure of each city (a field's sum, or "holders": how many different ones) is `fact` of `allotment`,
    a rule that shares a budget out by it.
    """

    allotment: str
    fact: str
    figure: str


def check_register_links(spec: RegisterSpec, others: Mapping[str, RegisterSpec], programmes: Collection[str]) -> None:
    """Refuse ties to registers, fields or programmes that the policy does not declare.

    Raises:
        LawError: which tie of which register leads nowhere.
    """
    for one in spec.fields:
        if one.refers and one.refers not in others:
            raise _astray(spec, one.key, one.refers)
    for draw in spec.draws:
        target = others[_field(spec, draw.of).refers] if _field(spec, draw.of).refers else None
        _field(spec, draw.amount)
        if target is None:
            raise _astray(spec, draw.of, "")
        if draw.within:
            _field(target, draw.within)
    if spec.members is not None:
        _ = spec.members.share
        if spec.members.marked not in others:
            raise _astray(spec, "members", spec.members.marked)
        _field(_other(spec, others, spec.members.register), spec.members.by)
    if spec.looked_at is not None:
        looks = _other(spec, others, spec.looked_at.register)
        _field(looks, spec.looked_at.of), _field(looks, spec.looked_at.year)
    if spec.answer is not None:
        _ = spec.answer.setting
        _field(spec, spec.answer.asked), _field(spec, spec.answer.answered)
        if spec.answer.said:
            _field(spec, spec.answer.said)
    for key in _own_keys(spec):
        _field(spec, key)
    if spec.matching is not None:
        _check_matching(spec, spec.matching, others, programmes)
    _check_judged(spec, others, programmes)


def _own_keys(spec: RegisterSpec) -> list[str]:
    """The fields of a register that what is declared of it names, and that no other register has to do with."""
    built = (spec.built.centre, spec.built.before, spec.built.planned) if spec.built else ()
    counted = (spec.counted_when,) if spec.counted_when else ()
    return [*(key for key in spec.once if key != "region"), *spec.same, *counted, *built]


def check_register_feeds(spec: RegisterSpec, allotments: Mapping[str, Collection[str]]) -> None:
    """Refuse figures that feed no rule of the policy; by rule the names of the facts it shares out by.

    Raises:
        LawError: which figure of which register leads nowhere.
    """
    for feed in spec.feeds:
        if feed.fact not in allotments.get(feed.allotment, ()):
            raise _astray(spec, feed.figure, f"{feed.allotment} {feed.fact}")
        if feed.figure != HOLDERS:
            _field(spec, feed.figure)
        elif spec.counted_by or any(one.options for one in spec.fields):  # their parts cannot be added up
            raise _astray(spec, feed.figure, "counted_by")


def _check_matching(
    spec: RegisterSpec, matching: RegisterMatching, others: Mapping[str, RegisterSpec], programmes: Collection[str]
) -> None:
    needs, matches = _other(spec, others, matching.needs), _other(spec, others, matching.matches)
    for mine, theirs in matching.alike:
        _field(spec, mine), _field(needs, theirs)
    _field(needs, matching.received)
    if matching.amount:
        _field(spec, matching.amount), _field(needs, matching.amount)
    drawn = {draw.of for draw in matches.draws}
    if not {matching.resource, matching.need} <= drawn:
        raise _astray(spec, "matching", matching.matches)
    if matching.first and matching.first not in programmes:
        raise _astray(spec, "matching", matching.first)


def _check_judged(spec: RegisterSpec, others: Mapping[str, RegisterSpec], programmes: Collection[str]) -> None:
    """Of rounds and of what their juries marked: the fields are there, and those filled in are not required."""
    jury, mark = spec.jury, spec.mark
    filled: tuple[str, ...] = ()
    if jury is not None:
        if jury.programme not in programmes:
            raise _astray(spec, "jury", jury.programme)
        _field(spec, jury.draw)
        filled = (jury.jury, jury.entries)
    if mark is not None:
        rounds = _field(spec, mark.round).refers
        if not rounds or others[rounds].jury is None:
            raise _astray(spec, mark.round, rounds)
        _field(spec, mark.application)
        filled = (*filled, mark.mark)
    for key in filled:
        found = spec.field_of(key)
        if found is None or found.required:
            raise _astray(spec, key, key)


class _Own:
    refers = ""


def _field(spec: RegisterSpec, key: str) -> _Own:
    found = spec.field_of(key)
    if found is None and key not in _OWN:
        raise _astray(spec, key, key)
    made = _Own()
    made.refers = found.refers if found else ""
    return made


def _other(spec: RegisterSpec, others: Mapping[str, RegisterSpec], key: str) -> RegisterSpec:
    if key not in others:
        raise _astray(spec, key, key)
    return others[key]


def _astray(spec: RegisterSpec, where: str, what: str) -> LawError:
    return LawError(
        f"名录 {spec.key}：“{where}”所指的“{what}”没有声明；请写本政策中已有的名录、栏目或程序",
        code="law.register_link_unknown",
    )
