"""What each kind of figures is: its measures and who brought what, read from the rooms that own the facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.bulletins.figures.contributions import Piece
from huisuan.bulletins.figures.linked_figures import PublishedMeasure
from huisuan.bulletins.figures.periods import first_and_last_day
from huisuan.bulletins.figures.standing import rank_progress
from huisuan.bulletins.models import BulletinKind
from huisuan.law.model import LawError
from huisuan.law.policy import Policy, load_policy
from huisuan.parties.models import PartyKind, Region
from huisuan.programmes.registers.services import get_register
from huisuan.settlement.runs.inputs import start_of_day
from huisuan.settlement.runs.queries import billing_runs
from huisuan.settlement.statistics.use_pieces import list_used
from huisuan.treasury.paid_pieces import list_paid

FEN, CARD_SECONDS = "fen", "card-seconds"
OUTSIDE = "outside"
_PROVINCE = "0000"


@dataclass(frozen=True)
class AskedFigures:
    """What a bulletin is about: its kind and period; money of which policy, scenarios of which register of it."""

    kind: BulletinKind
    period: str
    policy: str = ""
    register: str = ""


@dataclass(frozen=True)
class GatheredFigures:
    """The measures of a bulletin with what its kinds are called; `pieces` gives the contributions of some quarters."""

    measures: tuple[PublishedMeasure, ...]
    kinds: Mapping[str, str]
    unit: str
    title: str
    pieces: Callable[[Iterable[str]], Iterator[Piece]]
    extra: Mapping[str, Any]


def gather_figures(asked: AskedFigures, now: datetime) -> GatheredFigures:
    """What is to be known for a bulletin of a period that is over.

    Raises:
        InvalidRequest: the period is none or not over, or no such policy.
        NotFound: no such register, or it has no stages.
        Conflict: its use is not settled yet.
    """
    _, last = first_and_last_day(asked.period)
    if last >= now.astimezone(SHANGHAI).date():
        raise InvalidRequest(f"{asked.period} 还没有结束（{last}）；期满后再冻结", code="bulletin.period_running")
    if asked.kind == BulletinKind.USE:
        return _use(asked)
    policy = _policy(asked.policy)
    money = _money(policy)
    if asked.kind == BulletinKind.MONEY:
        return money
    spec = get_register(policy.name, asked.register)
    measure = money.measures[0]
    article = spec.sentence.split(".")[0]
    return GatheredFigures(
        (PublishedMeasure(measure.name, measure.kinds, (article,)),), money.kinds, FEN, policy.title, money.pieces,
        {"progress": rank_progress(policy.name, spec, last)},
    )  # fmt: skip


def list_places() -> dict[str, str]:
    """The cities by code, then the province itself and everywhere else: always the same."""
    anhui = [one for one in Region.objects.order_by("code") if one.in_anhui]
    cities = {one.code: one.name_zh for one in anhui if not one.code.endswith(_PROVINCE)}
    return cities | {one.code: "省本级" for one in anhui if one.code.endswith(_PROVINCE)} | {OUTSIDE: "省外及其他"}


def _money(policy: Policy) -> GatheredFigures:
    articles = {one.number: f"第{one.number}条 {one.title}" for one in policy.text.articles}
    measure = PublishedMeasure(f"money:{policy.name}", tuple(articles))

    def pieces(quarters: Iterable[str]) -> Iterator[Piece]:
        place = bulletin_placing()
        for quarter in quarters:
            for one in list_paid(policy.name, *first_and_last_day(quarter)):
                article = one.sentence.split(".")[0]
                yield Piece(measure.name, quarter, place(one.region), article, one.whose, one.fen)

    return GatheredFigures((measure,), articles, FEN, policy.title, pieces, {})


def _use(asked: AskedFigures) -> GatheredFigures:
    _check_settled(asked.period)
    kinds = {str(value): str(label) for value, label in PartyKind.choices}
    measure = PublishedMeasure("use", tuple(kinds))

    def pieces(quarters: Iterable[str]) -> Iterator[Piece]:
        place = bulletin_placing()
        for quarter in quarters:
            for one in list_used(*first_and_last_day(quarter)):
                yield Piece(measure.name, quarter, place(one.region), one.kind, one.whose, one.card_seconds)

    return GatheredFigures((measure,), kinds, CARD_SECONDS, "全省一体化算力", pieces, {})


def _check_settled(period: str) -> None:
    first, last = first_and_last_day(period)
    after = date(last.year + last.month // 12, last.month % 12 + 1, 1)
    runs = billing_runs(first.year)
    if not runs or any(run.made_at < start_of_day(after) for run in runs):
        raise Conflict(f"{period} 的用量还没有全部结算：请先结算 {first.year} 年", code="bulletin.not_settled")


def bulletin_placing() -> Callable[[str], str]:
    """In which of the places of bulletins a region lies."""
    places = list_places()

    def place(region: str) -> str:
        city = region if region.endswith(_PROVINCE) else region[:4] + "00"
        return city if city in places else OUTSIDE

    return place


def _policy(name: str) -> Policy:
    try:
        return load_policy(name)
    except LawError:
        raise InvalidRequest(
            f'没有政策 "{name[:60]}"，或它不能读；名称见 huisuan policy list', code="bulletin.policy_unknown"
        ) from None
