"""Ask every rule about every claim, twice: under the policy, and under the policy with a scenario applied.

The claims of a rule are read once: what the first query answers is carried through the second, so that what rose and
what fell is known claim by claim. DuckDB sums integers of 64 bits in 128.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from huisuan.base.duck import lease_duck
from huisuan.law.budget.model import LARGEST_CHANGES, Budget, ClaimChange, Fund, GroupChange, RuleBudget
from huisuan.law.budget.synthetic_claims import Sample, sample_query
from huisuan.law.explain.limits import limit_on
from huisuan.law.model.answers import Status
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.compiler import compile_rule
from huisuan.law.sql.compute_file import answer_query

if TYPE_CHECKING:
    import duckdb

K = TypeVar("K", bound=str)
V = TypeVar("V")

OWNER_COLUMNS = {
    "party": "said__party",
    "city": "said__city",
    "kind": "said__kind",
}  # what a claim may say of whose it is
KEPT_PREFIX = "kept__"  # a fact as it stood, carried past the first query for the second
ANSWER_COLUMNS = (
    "status AS status_{0}, coalesce(amount_fen, 0) AS {0}_fen, capped AS capped_{0}"  # what is kept of an answer
)
_BEFORE = ("status_before", "before_fen", "capped_before")
SUMS = """count(*), count(*) FILTER (WHERE status_before = 'eligible'),
count(*) FILTER (WHERE status_{after} = 'eligible'), sum(before_fen), sum({after}_fen)"""  # as Change has them, and:
MOVED = """count(*) FILTER (WHERE after_fen > before_fen), sum(greatest(after_fen - before_fen, 0)),
count(*) FILTER (WHERE after_fen < before_fen), sum(greatest(before_fen - after_fen, 0))"""


class ClaimSource(Protocol):
    """Where the claims of a rule come from."""

    def query(self, policy: Policy, rule: Rule) -> str | None:
        """A DuckDB query for the rule's claims; None where there are none to be had."""


@dataclass(frozen=True)
class FactFiles:
    """Tables of claims: a Parquet or CSV file per rule in a folder, named by the rule's key (2.2.parquet)."""

    folder: Path

    def query(self, policy: Policy, rule: Rule) -> str | None:
        """The rule's file; cells of CSV all come as text."""
        readers = {"parquet": "read_parquet({})", "csv": "read_csv({}, all_varchar=true, header=true)"}
        for suffix, reader in readers.items():
            path = self.folder / f"{rule.key}.{suffix}"
            if path.is_file():
                return f"SELECT * FROM {reader.format(_quoted_text(str(path)))}"
        return None


@dataclass(frozen=True)
class SampleClaims:
    """A province drawn at random."""

    sample: Sample

    def query(self, policy: Policy, rule: Rule) -> str | None:
        """The rule's claims in the sample."""
        return sample_query(policy, rule, self.sample)


def compute_budget(
    before: Policy,
    after: Policy,
    source: ClaimSource,
    *,
    on: date,
    as_known: date,
    begin_rule: Callable[[str, int, int], None] | None = None,
) -> Budget:
    """Both policies (the second: with a scenario applied) over the same claims.

    `begin_rule` is told the key of each rule before it is asked, its number from 1, and how many there are.

    Raises:
        LawError: claims that cannot be read, or none for any rule.
    """
    import duckdb

    done: list[RuleBudget] = []
    without: list[str] = []
    with lease_duck() as engine:
        for number, (rule, supposed) in enumerate(zip(before.rules, after.rules, strict=True), start=1):
            if begin_rule:
                begin_rule(rule.key, number, len(before.rules))
            claims = source.query(before, rule)
            if claims is None:
                without.append(rule.key)
                continue
            pair = _BeforeAfter(
                engine, _ScenarioRun(before, rule, on, as_known), _ScenarioRun(after, supposed, on, as_known)
            )
            try:
                done.append(pair.run(claims))
            except (duckdb.Error, LawError) as error:
                raise LawError(
                    f"第 {rule.key} 句的事实：{str(error).splitlines()[0]}", code="law.claims_unreadable"
                ) from None
    if not done:
        raise LawError(
            f"没有一条规则有事实文件；请以规则的编号为名，如 {before.rules[0].key}.parquet", code="law.no_claims"
        )
    return Budget(before, on, as_known, tuple(done), tuple(without), _allotted(before, after, on, as_known))


def _allotted(before: Policy, after: Policy, on: date, as_known: date) -> dict[str, tuple[int | None, int | None]]:
    """Per allotment the year's budget in fen, before and after; None where it is not set."""
    found = {}
    for allotment in before.allotments:
        both = [policy.adopted(on, as_known).get(allotment.budget.name) for policy in (before, after)]
        old, new = (setting.value if setting and isinstance(setting.value, int) else None for setting in both)
        found[allotment.key] = (old, new)
    return found


@dataclass(frozen=True)
class _ScenarioRun:
    """A rule under a policy, on a day, as known on a day."""

    policy: Policy
    rule: Rule
    on: date
    as_known: date

    def answers(self, table: str, types: Mapping[str, str], carried: Iterable[str]) -> str:
        """The query that answers a table of facts of these types, with further columns carried over."""
        columns = {**types, **dict.fromkeys(carried, "VARCHAR")}
        query, _ = answer_query(self.policy, self.rule, table, columns, on=self.on, as_known=self.as_known, capped=True)
        return query.sql("duckdb", copy=False)

    def same_as(self, other: _ScenarioRun) -> bool:
        """Whether both answer every claim alike."""
        first, second = (compile_rule(way.policy, way.rule, way.on, way.as_known) for way in (self, other))
        return first == second

    def fund(self, demand_fen: int) -> Fund | None:
        """The rule's fund against what is owed."""
        if self.rule.fund is None:
            return None
        limit = limit_on(self.policy, self.rule.fund, self.on, self.as_known)
        return None if limit is None else Fund(limit, demand_fen)


@dataclass
class _Sums:
    """What is added up while the groups come in."""

    total: GroupChange = field(default_factory=GroupChange)
    cities: dict[str, GroupChange] = field(default_factory=dict)
    kinds: dict[str, GroupChange] = field(default_factory=dict)
    statuses: dict[Status, tuple[int, int]] = field(default_factory=dict)
    capped: tuple[int, int] = (0, 0)

    def add(
        self, city: str, kind: str, statuses: tuple[Status, Status], capped: tuple[int, int], change: GroupChange
    ) -> None:
        """Add a group of claims that share city, kind and both statuses."""
        self.total += change
        self.cities[city] = self.cities.get(city, GroupChange()) + change
        self.kinds[kind] = self.kinds.get(kind, GroupChange()) + change
        self.capped = (self.capped[0] + capped[0], self.capped[1] + capped[1])
        for at, status in enumerate(statuses):
            old, new = self.statuses.get(status, (0, 0))
            self.statuses[status] = (old + change.claims, new) if at == 0 else (old, new + change.claims)


@dataclass(frozen=True)
class _BeforeAfter:
    """Both ways over one table of claims."""

    engine: duckdb.DuckDBPyConnection
    before: _ScenarioRun
    after: _ScenarioRun

    def run(self, claims: str) -> RuleBudget:
        """The rule's figures."""
        changed = not self.before.same_as(self.after)
        types = self._prepare_claims(claims, changed)
        sums = (
            self._sums(self._pair_query(types), "after") if changed else self._sums(self._single_query(types), "before")
        )
        old, new = self.before.fund(sums.total.before_fen), self.after.fund(sums.total.after_fen)
        return RuleBudget(
            self.before.rule, changed, sums.total, _in_order(sums.cities), _in_order(sums.kinds),
            _in_order(sums.statuses), sums.capped,
            self._largest("after_fen > before_fen") if changed else (),
            self._largest("after_fen < before_fen") if changed else (),
            (old, new) if old and new else None,
        )  # fmt: skip

    def _prepare_claims(self, claims: str, changed: bool) -> dict[str, str]:
        """The view `claims`: the facts, and whose they are; the types of the facts."""
        self.engine.execute(f"CREATE OR REPLACE TEMP VIEW given AS {claims}")
        held = {name: kind for name, kind, *_ in self.engine.execute("DESCRIBE given").fetchall()}
        types = {spec.name: held[spec.name] for spec in self.before.rule.facts if spec.name in held}
        whose = (f"coalesce(CAST({name} AS VARCHAR), '')" if name in held else "''" for name in OWNER_COLUMNS)
        columns = [f"{what} AS {alias}" for what, alias in zip(whose, OWNER_COLUMNS.values(), strict=True)]
        columns += [f"{_quoted_name(name)} AS {_quoted_name(KEPT_PREFIX + name)}" for name in types if changed]
        shown = ", ".join([*map(_quoted_name, types), *columns])
        self.engine.execute(f"CREATE OR REPLACE TEMP VIEW claims AS SELECT {shown} FROM given")
        return types

    def _single_query(self, types: Mapping[str, str]) -> str:
        """A query with an answer per claim."""
        query = self.before.answers("claims", types, OWNER_COLUMNS.values())
        return f"(SELECT {', '.join(OWNER_COLUMNS.values())}, {ANSWER_COLUMNS.format('before')} FROM ({query}))"

    def _pair_query(self, types: Mapping[str, str]) -> str:
        """The table `pairs`: two answers per claim, in the order of the claims."""
        run, owners = self.engine.execute, list(OWNER_COLUMNS.values())
        first = self.before.answers("claims", types, [*owners, *(KEPT_PREFIX + name for name in types)])
        again = ", ".join([*(f"{_quoted_name(KEPT_PREFIX + name)} AS {_quoted_name(name)}" for name in types), *owners])
        run(f"CREATE OR REPLACE TEMP VIEW answered AS SELECT {again}, {ANSWER_COLUMNS.format('before')} FROM ({first})")
        second = self.after.answers("answered", types, [*owners, *_BEFORE])
        both = ", ".join((*owners, *_BEFORE, ANSWER_COLUMNS.format("after")))
        run(f"CREATE OR REPLACE TEMP TABLE pairs AS SELECT {both} FROM ({second})")
        return "pairs"

    def _sums(self, table: str, after: str) -> _Sums:
        """The sums in all, by city and by kind; the claims by status; the claims that a cap bound."""
        moved = MOVED if after == "after" else "0, 0, 0, 0"
        rows = self.engine.execute(
            f"SELECT said__city, said__kind, status_before, status_{after}, count(*) FILTER (WHERE capped_before), "
            f"count(*) FILTER (WHERE capped_{after}), {SUMS.format(after=after)}, {moved} "
            f"FROM {table} GROUP BY said__city, said__kind, status_before, status_{after}"
        ).fetchall()
        sums = _Sums()
        for city, kind, old, new, capped_before, capped_after, *figures in rows:
            sums.add(
                city, kind, (Status(old), Status(new)), (capped_before, capped_after), GroupChange(*map(int, figures))
            )
        return sums

    def _largest(self, which: str) -> tuple[ClaimChange, ...]:
        """The largest of the changes; of two as large the earlier row."""
        rows: list[tuple[Any, ...]] = self.engine.execute(
            f"SELECT rowid + 1, {', '.join(OWNER_COLUMNS.values())}, before_fen, after_fen FROM pairs WHERE {which} "
            f"ORDER BY abs(after_fen - before_fen) DESC, rowid LIMIT {LARGEST_CHANGES}"
        ).fetchall()
        return tuple(ClaimChange(self.before.rule.key, *row) for row in rows)


def _in_order(group: dict[K, V]) -> dict[K, V]:
    return dict(sorted(group.items()))


def _quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted_text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
