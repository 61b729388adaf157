"""Every measure of every source. Pure.

A *state measure* is of a party on a day (register, or what a city or a centre attests): it cuts use where it changes.
A *use measure* is summed over use (meter, relations): one column of the bills, so that a sum over a million parties and
one over a sample are one thing. A *claim measure* is of one project (treasury): what a city paid for it by vouchers.
A *centre measure* is of the centre of one project: what the meter sees there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import round_half_up
from huisuan.law.model import FactSpec, InvalidValue, Value, ValueKind, parse_value
from huisuan.parties.party_state import PartyState, lies_within

#: who may know a fact, in words; of some of them the platform has nothing to ask yet
SOURCES: Mapping[str, str] = {
    "register": "主体登记库", "meter": "平台的计量", "relations": "关联关系登记", "centre": "智算中心的证明",
    "treasury": "财政拨付账", "city": "市的证明", "opendata": "开放数据目录",
    "selection": "本平台的评选结果", "conclusion": "项目的结题审计", "things": "本政策的名录",
}  # fmt: skip
#: registers of things: `measure` names one of the policy's own: the total of its entries, or whether one is held
THINGS = "things"
_APPLICANT = "申报人提供"
_OTHER = "other"  # the option of a choice that takes what none of the others is


@dataclass(frozen=True)
class StateMeasure:
    """What the register says of a party on a day; `takes` are the kinds of fact that it can be."""

    takes: Collection[ValueKind]
    value: Callable[[FactSpec, PartyState], Value | None]


@dataclass(frozen=True)
class UseMeasure:
    """A sum over use: `column` of a bill (and of `UsePiece`), whole units of `per` of it."""

    takes: Collection[ValueKind]
    column: str
    per: int = 1


@dataclass(frozen=True)
class ClaimMeasure:
    """What a register says of one claim (a project); a room above asks it, no settlement from use does."""

    takes: Collection[ValueKind]


@dataclass(frozen=True)
class CentreMeasure:
    """What the meter sees of the centre that a claim's project built; as with single claims a room above asks it."""

    takes: Collection[ValueKind]


@dataclass(frozen=True)
class UsePiece:
    """Some use at one place: fen exactly, of them self-built-self-use, card-seconds."""

    region: str
    amount_fen: Fraction
    excluded_fen: Fraction
    card_seconds: Fraction = Fraction(0)


def _chosen(spec: FactSpec, word: str | None) -> Value | None:
    """The option of a choice that a word is; for a yes-or-no fact whether it is one of those named."""
    if spec.kind is ValueKind.BOOL:
        return word in spec.within
    options = spec.options or {}
    return word if word in options else _OTHER if word is not None and _OTHER in options else None


def _region(spec: FactSpec, state: PartyState) -> Value | None:
    if spec.kind is ValueKind.BOOL:
        return lies_within(state.region, spec.within)
    # a district is its city, where the options are cities
    places = [state.region, f"{state.region[:4]}00", f"{state.region[:2]}0000"] if state.region else []
    named = next((place for place in places if place in (spec.options or {})), None)
    return named or _chosen(spec, state.region)


_WORDS = frozenset({ValueKind.BOOL, ValueKind.CHOICE})
_FEN = frozenset({ValueKind.MONEY})
_COUNT = frozenset({ValueKind.INT})

MEASURES: Mapping[tuple[str, str], StateMeasure | UseMeasure | ClaimMeasure | CentreMeasure] = {
    ("register", "region"): StateMeasure(_WORDS, _region),
    ("register", "kind"): StateMeasure(_WORDS, lambda spec, state: _chosen(spec, state.kind)),
    ("register", "status"): StateMeasure(_WORDS, lambda spec, state: _chosen(spec, state.status)),
    ("register", "registered_on"): StateMeasure(frozenset({ValueKind.DATE}), lambda _spec, state: state.registered_on),
    ("meter", "spend"): UseMeasure(_FEN, "amount_fen"),
    ("meter", "card_hours"): UseMeasure(_COUNT, "card_seconds", per=3600),
    ("meter", "capacity"): CentreMeasure(_COUNT),
    ("relations", "self_use"): UseMeasure(_FEN, "excluded_fen"),
    ("treasury", "city_payments"): ClaimMeasure(_FEN),
}


#: sources of which a policy itself names the items: what they attest of a party by day
ATTESTERS = frozenset({"city", "centre"})


def _attested(spec: FactSpec, state: PartyState) -> Value | None:
    """What is attested within the fact's places; None where nothing is, or where two say different things."""
    said = {
        each.value
        for each in state.attested
        if (each.source, each.item) == (spec.known_by, spec.measure) and lies_within(each.place, spec.within)
    }
    if len(said) != 1:
        return None
    try:
        return parse_value(spec.kind, json.loads(said.pop()), maximum=spec.maximum, options=spec.options)
    except InvalidValue:  # attested for another policy's fact of that name
        return None


_ATTESTED = StateMeasure(_WORDS | _FEN | _COUNT | {ValueKind.DATE}, _attested)


def measure_of(spec: FactSpec) -> StateMeasure | UseMeasure | ClaimMeasure | CentreMeasure | None:
    """The measure that a fact is, or None where no source of the platform has it."""
    named = spec.known_by in ATTESTERS and spec.measure
    found = _ATTESTED if named else MEASURES.get((spec.known_by, spec.measure))
    return found if found is not None and spec.kind in found.takes else None


def is_on_register(spec: FactSpec) -> bool:
    """Whether a fact says that the claimant is on a register of things: known of everybody, on every day."""
    return spec.known_by == THINGS and spec.kind is ValueKind.BOOL


def settled_measure_of(spec: FactSpec) -> StateMeasure | UseMeasure | None:
    """The measure that a settlement from use takes a fact by; None where there is none, or it is of single claims."""
    found = measure_of(spec)
    return None if isinstance(found, ClaimMeasure | CentreMeasure) else found


def state_facts(facts: Iterable[FactSpec]) -> list[FactSpec]:
    """Those that the register says of a party on a day."""
    return [spec for spec in facts if isinstance(measure_of(spec), StateMeasure)]


def use_facts(facts: Iterable[FactSpec]) -> list[tuple[FactSpec, UseMeasure]]:
    """Those that are summed over use, each with its measure."""
    return [(spec, measure) for spec in facts if isinstance(measure := measure_of(spec), UseMeasure)]


def state_values(facts: Iterable[FactSpec], state: PartyState) -> dict[str, Value | None]:
    """By name what the register says of a party in a state."""
    measures = ((spec, measure_of(spec)) for spec in facts)
    return {spec.name: measure.value(spec, state) for spec, measure in measures if isinstance(measure, StateMeasure)}


def use_values(facts: Iterable[FactSpec], pieces: Collection[UsePiece]) -> dict[str, Value | None]:
    """By name the sums over some use, in whole units: fen rounded half up as a bill is, hours rounded down."""
    found: dict[str, Value | None] = {}
    for spec, measure in use_facts(facts):
        within = (piece for piece in pieces if lies_within(piece.region, spec.within))
        total = sum((getattr(piece, measure.column) for piece in within), Fraction(0))
        found[spec.name] = round_half_up(total) if measure.per == 1 else int(total // measure.per)
    return found


def require_known(facts: Iterable[FactSpec], rule: str) -> None:
    """Refuse a rule with a fact that no source of the platform has.

    Raises:
        InvalidRequest: it names those facts and who knows them.
    """
    if unknown := [spec for spec in facts if settled_measure_of(spec) is None]:
        named = "；".join(f"{spec.zh}（{spec.name}）：{_who_knows(spec)}" for spec in unknown)
        raise InvalidRequest(
            f"{rule}不能由平台结算，下列事实平台无从得知：{named}。请按 huisuan law form 申报",
            code="settlement.facts_unknown",
        )


def _who_knows(spec: FactSpec) -> str:
    """Who knows a fact that the platform has not, and why it has not."""
    if not spec.known_by:
        return f"{_APPLICANT}（{spec.evidence}）" if spec.evidence else _APPLICANT
    source = SOURCES.get(spec.known_by, spec.known_by)
    if isinstance(measure_of(spec), ClaimMeasure | CentreMeasure) or spec.known_by == THINGS:
        return f"{source}（按项目登记，逐件申报时取，不按用量结算）"
    if spec.known_by in ATTESTERS:
        return f"{source}（政策没有写明其中的哪一项 measure，或它不是可证明的类型）"
    known = sorted(name for by, name in MEASURES if by == spec.known_by)
    if spec.measure and known:
        return f"{source}没有“{spec.measure}”这样的{spec.kind.value}事实；有：{'、'.join(known)}"
    return f"{source}（政策没有写明取哪一项 measure）" if known else f"{source}（平台尚未接入）"
