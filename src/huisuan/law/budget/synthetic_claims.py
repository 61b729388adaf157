"""A synthetic province: parties and their facts drawn at random, for what-if questions and for nothing else.

Every figure is computed from the number of the party, the seed and the fact's name on 64-bit integers alone, so the
same seed gives the same province on every machine and with every version of the engine; nothing is stored.

The distribution (`STATED` says it to readers):
- a party is an enterprise with 84 in 100, an institute 4, a team or founder 4, a university, centre, park,
  platform 1 each, a person 4; what a city claims is a project of some party in it;
- what the platform itself meters, every party has; for the rest one party in 100 comes with a claim;
- of k options of a choice (the city among them) the first is twice as likely as the second, thrice as the third, ...;
- booleans hold in 95 of 100; each fact of a rule is missing in one row of 200;
- money is spread over all sizes, twice the amount half as often, from a tenth of the cap of what is claimed (so that a
  few in a hundred reach it), else from 10,000 yuan; a count or a day that the rule compares with something lies near.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

from huisuan.base.duck import lease_duck
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.fact_hints import (
    compared_figure,
    compared_number,
    count_summands,
    is_excluding,
    is_metered,
    minuend_of,
    smallest_cap,
)
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.policy import Policy

PRIME = 2**31 - 1  # draws are whole numbers below it; products of two stay within 64 bits
MAX_PARTIES = 100_000_000
#: of 100 parties; a city is no party of its own, its claims are for projects of parties
_PARTIES = {
    "enterprise": 84, "institute": 4, "team": 4, "person": 4, "university": 1, "centre": 1, "park": 1, "platform": 1,
}  # fmt: skip
CITY = "city"
ONE_IN = 100
TRUE_OF_100, MISSING_ONE_IN = 95, 200
SMALLEST_MONEY = 1_000_000  # fen
LARGEST_START = 4_000_000_000  # fen: the largest start of a spread, so that start times PRIME fits 64 bits
DISTRIBUTION = (
    "主体：企业 84%，科研院所、团队、个人各 4%，高校、智算中心、园区、平台各 1%；平台计量的规则每个主体都有事实，"
    "其余每 100 个主体有 1 件申报；城市等选项第 k 个的权重为 1/k；是非 95% 为是；每个事实 0.5% 缺失；"
    "金额每翻一番家数减半，申报的有封顶额则从其十分之一起，其余从 1 万元起"
)
DISTRIBUTION_EN = (
    "parties: 84% enterprises; 4% each institutes, teams, persons; 1% each universities, centres, parks, platforms; "
    "every party has what the platform meters, else one party in 100 claims; of options (cities), the k-th weighs 1/k; "
    "95% of yes/no facts hold; 0.5% of each fact is missing; twice the amount half as often, from a tenth of the cap "
    "of what is claimed, else from 10,000 yuan"
)


@dataclass(frozen=True)
class Sample:
    """How large a province, and which one.

    Raises:
        LawError: no parties, or more than MOST_PARTIES.
    """

    parties: int = 1_000_000
    seed: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.parties <= MAX_PARTIES:
            raise LawError(f"样本 {self.parties:,} 个主体：应在 1 与 {MAX_PARTIES:,} 之间", code="law.sample_size")

    @property
    def notice(self) -> str:
        """What must be said wherever its figures are shown."""
        return f"推演样本（随机生成，种子 {self.seed}），不是实际申报"


def sample_query(policy: Policy, rule: Rule, sample: Sample) -> str:
    """A DuckDB query for the rule's rows: `party`, `city`, `kind` and a column per fact; the same at every run."""
    drawing = _Draws(rule, sample)
    cities = _cities(policy)
    city = drawing.option("party:city", list(cities)) if cities else "CAST(NULL AS VARCHAR)"
    values = {spec.name: drawing.value(spec, policy) for spec in rule.facts}
    columns = {"party": "'P' || lpad(CAST(i AS VARCHAR), 9, '0')", "city": city, "kind": _kind(rule, drawing), **values}
    shown = ", ".join(f"{sql} AS {_quoted_name(name)}" for name, sql in columns.items())
    comes = _has_claim(rule, drawing)
    return f"SELECT {shown} FROM ({drawing.draws()}) WHERE {comes}"


def write_sample(policy: Policy, folder: Path, sample: Sample) -> list[Path]:
    """Write the sample as one Parquet file per rule, named by its key, into a folder (made if it is not there).

    Raises:
        LawError: the folder cannot be written.
    """
    import duckdb

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with lease_duck() as engine:
            for rule in policy.rules:
                path = folder / f"{rule.key}.parquet"
                target = str(path).replace("'", "''")
                engine.execute(f"COPY ({sample_query(policy, rule, sample)}) TO '{target}' (FORMAT parquet)")
                written.append(path)
    except (OSError, duckdb.Error) as error:
        raise LawError(
            f"{folder}：写不了样本（{str(error).splitlines()[0]}）；请检查路径与权限", code="law.file_unwritable"
        ) from None
    return written


class _Draws:
    """The random draws of one rule: each has a name and is computed once per row."""

    def __init__(self, rule: Rule, sample: Sample) -> None:
        self.rule, self.sample = rule, sample
        self.names: dict[str, str] = {}

    def draw(self, name: str) -> str:
        """A column: a whole number below PRIME, by chance. What begins with "party:" is one draw for all rules."""
        stream = name if name.startswith("party:") else f"{self.rule.key}:{name}"
        return self.names.setdefault(stream, f"d{len(self.names)}")

    def draws(self) -> str:
        """The query that draws: the party's number `i`, a column per name. Two rounds, or neighbours look alike."""
        first, second = [], []
        for stream, column in self.names.items():
            step, start, factor = self._factors(stream)
            first.append(f"(i * {step} + {start}) % {PRIME} AS r{column}")
            second.append(f"(xor(r{column}, r{column} >> 15) * {factor}) % {PRIME} AS {column}")
        return f"SELECT i, {', '.join(second)} FROM (SELECT i, {', '.join(first)} FROM ({self._parties()}))"

    def _parties(self) -> str:
        """The numbers of the parties that may have a claim: all, or one of every ONE_IN that follow each other."""
        parties = self.sample.parties
        if is_metered(self.rule):
            return f"SELECT i FROM range(1, {parties + 1}) AS parties(i)"
        step, start, _ = self._factors(f"{self.rule.key}:comes")
        each = f"{ONE_IN} * (j - 1) + 1 + (j * {step} + {start}) % {PRIME} % {ONE_IN}"
        tries = -(-parties // ONE_IN)
        return f"SELECT i FROM (SELECT {each} AS i FROM range(1, {tries + 1}) AS tries(j)) WHERE i <= {parties}"

    def _factors(self, stream: str) -> tuple[int, int, int]:
        """Three numbers below PRIME that the seed and the name of a draw stand for."""
        digest = hashlib.sha256(f"{self.sample.seed}:{stream}".encode()).digest()
        step, start, factor = (int.from_bytes(digest[at : at + 8]) % (PRIME - 1) + 1 for at in (0, 8, 16))
        return step, start, factor

    def option(self, name: str, options: list[str], weights: list[int] | None = None) -> str:
        """One of the options; without weights (of any sum), the k-th weighs 1/k."""
        parts = weights or [720_720 // rank for rank in range(1, len(options) + 1)]
        upto = [PRIME * part // sum(parts) for part in accumulate(parts)]
        return _case(
            [
                (f"{self.draw(name)} < {bound}", _quoted_text(option))
                for option, bound in zip(options[:-1], upto, strict=False)
            ],
            _quoted_text(options[-1]),
        )

    def spread(self, name: str, start: int) -> str:
        """From `start` up, twice as much half as often."""
        return f"CAST({start} AS BIGINT) * {PRIME} // ({self.draw(name)} + 1)"

    def value(self, spec: FactSpec, policy: Policy) -> str:
        """A fact's value; in one row of MISSING_ONE_IN it is missing, no two in the same row."""
        at = [spec.name for spec in self.rule.facts].index(spec.name)
        lacks = f"{self.draw('missing')} % {max(MISSING_ONE_IN, len(self.rule.facts))} = {at}"
        return f"CASE WHEN NOT ({lacks}) THEN {_VALUES[spec.kind](self, spec, policy)} END"

    def money(self, spec: FactSpec, policy: Policy) -> str:
        """An amount, at most the declared maximum; what is taken off another amount is up to 30% of it."""
        whole = minuend_of(self.rule, spec)
        if whole is not None:
            return f"least({spec.maximum}, {self.money(whole, policy)} * ({self.draw(spec.name)} % 31) // 100)"
        capped = 0 if is_metered(self.rule) else smallest_cap(self.rule) // 10 // count_summands(self.rule, spec)
        start = compared_number(self.rule, spec) or capped or SMALLEST_MONEY
        return f"least({spec.maximum}, {self.spread(spec.name, min(start, LARGEST_START))})"

    def integer(self, spec: FactSpec, policy: Policy) -> str:
        """A count: around the figure it is compared with, else mostly none or one."""
        named = compared_number(self.rule, spec)
        if named:
            return f"least({spec.maximum}, {self.spread(spec.name, max(named // 2, 1))})"
        first, second = self.spread(spec.name, 1), self.spread(f"{spec.name}:again", 1)
        return f"least({spec.maximum}, {first} - 1, {second} - 1)"

    def boolean(self, spec: FactSpec, policy: Policy) -> str:
        """Mostly what lets the rule apply: true, or false of a fact that excludes."""
        sign = ">=" if is_excluding(self.rule, spec) else "<"
        return f"{self.draw(spec.name)} % 100 {sign} {TRUE_OF_100}"

    def day(self, spec: FactSpec, policy: Policy) -> str:
        """From two years before the day it is compared with to half a year after; else within the policy's validity."""
        day = compared_figure(self.rule, spec)
        first, last = (policy.valid_from, policy.valid_to)
        if isinstance(day, date):
            first, last = day - timedelta(days=730), day + timedelta(days=183)
        return f"DATE '{first}' + CAST({self.draw(spec.name)} % {(last - first).days + 1} AS INTEGER)"

    def share(self, spec: FactSpec, policy: Policy) -> str:
        """Whole per cents, each as likely."""
        return f"CAST({self.draw(spec.name)} % 101 AS VARCHAR) || '%'"

    def choice(self, spec: FactSpec, policy: Policy) -> str:
        """The party's own city or kind where the fact asks for it, else one of the options."""
        options = list(spec.options or {})
        if spec.name == "city" and options == list(_cities(policy)):
            return self.option("party:city", options)
        if spec.name == "kind" and set(options) & set(_PARTIES):
            kind = self.option("party:kind", list(_PARTIES), list(_PARTIES.values()))
            return f"CASE WHEN {_among(kind, options)} THEN {kind} ELSE {_quoted_text(options[-1])} END"
        return self.option(spec.name, options)

    def text(self, spec: FactSpec, policy: Policy) -> str:
        """Always the same word: no rule compares words."""
        return "'样本'"


_VALUES: dict[ValueKind, Callable[[_Draws, FactSpec, Policy], str]] = {
    ValueKind.MONEY: _Draws.money, ValueKind.INT: _Draws.integer, ValueKind.BOOL: _Draws.boolean,
    ValueKind.DATE: _Draws.day,
    ValueKind.SHARE: _Draws.share, ValueKind.CHOICE: _Draws.choice, ValueKind.TEXT: _Draws.text,
}  # fmt: skip


def _kind(rule: Rule, drawing: _Draws) -> str:
    """Who claims: the party, or the city for a project of the party."""
    if rule.claimants == (CITY,):
        return _quoted_text(CITY)
    return drawing.option("party:kind", list(_PARTIES), list(_PARTIES.values()))


def _has_claim(rule: Rule, drawing: _Draws) -> str:
    """Which parties come with a claim under the rule."""
    may = set(rule.claimants) & set(_PARTIES)
    return _among(_kind(rule, drawing), [kind for kind in _PARTIES if kind in may]) if may else "true"


def _cities(policy: Policy) -> dict[str, str]:
    """The cities of a province: the options of a fact of that name."""
    named = (spec for rule in policy.rules for spec in rule.facts if spec.name == "city" and spec.options)
    return dict(next((spec.options for spec in named if spec.options), {}))


def _case(branches: list[tuple[str, str]], otherwise: str) -> str:
    if not branches:
        return otherwise
    return f"CASE {' '.join(f'WHEN {condition} THEN {value}' for condition, value in branches)} ELSE {otherwise} END"


def _among(value: str, options: list[str]) -> str:
    """Whether it is one of the options; not IN, which the engine may turn into a join that loses the rows' order."""
    return f"list_contains([{', '.join(_quoted_text(option) for option in options)}], {value})"


def _quoted_text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


def _quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
