"""Claims summed, in SQL: the second reading of `Grouping`, one query for every claim of a file, exact in every engine.

Steps, each a named part of the query: the claims' own conditions (the rule's SQL, without what totals decide), what
counts once, the totals up to each claim in its turn, the rule over those totals (its SQL again), and what each claim
adds. `explain.claims` says the same one claim at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import sqlglot

from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.grouping import Grouping, Period
from huisuan.law.model.rules import Rule
from huisuan.law.model.totals import IN_ALL, UP_TO, claim_rule, group_rule, totals_of
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.cell_parsing import checked_columns
from huisuan.law.sql.compute_file import answer_query
from huisuan.law.sql.dialect import Dialect
from huisuan.law.sql.naming import RAW, ROW

CLAIMANT, CLAIM, RULE = "claimant", "claim", "rule"  # the columns beside the facts: whose, its name, which rule's


@dataclass(frozen=True)
class ClaimsQuery:
    """The parts of the query for one rule; the last, `answered_N`, has a row per claim of that rule.

    Its columns: the row, claimant, period, turn (its place among all claims of the rule), status, amount_fen, reasons.
    """

    parts: Mapping[str, str]
    answered: str


def claims_query(
    policy: Policy, rule: Rule, over: Grouping, at: int, types: Mapping[str, str], *, on: date, as_known: date,
    dialect: Dialect,
) -> ClaimsQuery:  # fmt: skip
    """The query over a table `source` with a column `row__`, columns for whose a claim is, and the facts.

    `at` tells the parts of several rules apart; `types` are DuckDB's words for the source's columns.
    """
    writer = _Writer(policy, rule, over, at, types, (on, as_known), dialect)
    return ClaimsQuery(writer.parts(), f"answered_{at}")


class _Writer:
    """Writes the parts for one rule: what is generic in DuckDB's SQL, turned into the engine's."""

    def __init__(
        self, policy: Policy, rule: Rule, over: Grouping, at: int, types: Mapping[str, str], days: tuple[date, date],
        dialect: Dialect,
    ) -> None:  # fmt: skip
        self.policy, self.rule, self.over, self.at, self.days, self.dialect = policy, rule, over, at, days, dialect
        self.types = {name: kind for name, kind in types.items() if name in {spec.name for spec in rule.facts}}
        self.specs: dict[str, FactSpec] = {spec.name: spec for spec in rule.facts}
        self.totals = totals_of(rule)
        self.named = RULE in types
        self.claim = f'CAST("{CLAIM}" AS VARCHAR)' if CLAIM in types else f"CAST({ROW} + 1 AS VARCHAR)"

    def parts(self) -> dict[str, str]:
        """Every part by its name, in order."""
        alone, group = claim_rule(self.rule), group_rule(self.rule)
        found = {f"mine_{self.at}": self._generic(self._mine())}
        found[f"own_{self.at}"] = self._answers(alone, f"mine_{self.at}", self.types)
        for number, total in enumerate(self.totals):
            part = replace(alone, conditions=(), amount=total.of)
            found[f"part{number}_{self.at}"] = self._answers(part, f"mine_{self.at}", self.types)
        found[f"keyed_{self.at}"] = self._keyed()
        generic = {
            "judged": self._judged(), "counted": self._counted(), "lined": self._lined(), "summed": self._summed(),
            "asked": self._asked(),
        }  # fmt: skip
        found |= {f"{name}_{self.at}": self._generic(sql) for name, sql in generic.items()}
        names = [spec.name for spec in group.facts]
        found[f"group_{self.at}"] = self._answers(group, f"asked_{self.at}", dict.fromkeys(names, "BIGINT"))
        later = {"reached": self._reached(), "brought": self._brought(), "answered": self._answered()}
        return found | {f"{name}_{self.at}": self._generic(sql) for name, sql in later.items()}

    def _generic(self, sql: str) -> str:
        """SQL of which every engine means the same, in this engine's dialect."""
        numbered = sql.replace("@@", "\0").replace("@", f"_{self.at}").replace("\0", "@")
        return sqlglot.transpile(numbered, read="duckdb", write=self.dialect)[0]

    def _answers(self, rule: Rule, table: str, types: Mapping[str, str]) -> str:
        columns = {ROW: "BIGINT", **types}
        query, _ = answer_query(
            self.policy, rule, table, columns, on=self.days[0], as_known=self.days[1], dialect=self.dialect
        )
        return query.sql(self.dialect)

    def _mine(self) -> str:
        mine = f" WHERE \"{RULE}\" = '{self.rule.key}'" if self.named else ""
        return f"SELECT * FROM source{mine}"

    def _keyed(self) -> str:
        """The facts that place a claim, checked, and what stood there."""
        columns = []
        for name in self.over.facts:
            raw, value = checked_columns(self.specs[name], self.types.get(name), self.dialect)
            columns += [raw.sql(self.dialect), value.sql(self.dialect)]
        shown = ", ".join([ROW, *columns])
        return f"SELECT {shown} FROM mine_{self.at}"

    def _judged(self) -> str:
        """Whose a claim is, its period, and its own status: one that cannot be placed lacks a fact."""
        lacks = [f"CASE WHEN m.{CLAIMANT} IS NULL THEN 'missing:{CLAIMANT}' END"]
        lacks += [
            f'CASE WHEN NOT k."{name}" IS NULL THEN NULL WHEN k."{RAW}{name}" IS NULL THEN \'missing:{name}\' '
            f"ELSE 'invalid:{name}' END"
            for name in self.over.facts
        ]
        lacking = f"concat_ws(';', {', '.join(lacks)})"
        placed = f"(o.status <> 'eligible' OR {lacking} = '')"
        places = "".join(f', k."{name}"' for name in self.over.facts)
        counts = f"{placed} AND o.status = 'eligible'"
        parts = "".join(
            f", CASE WHEN {counts} THEN p{at}.amount_fen ELSE 0 END AS part{at}__" for at in range(len(self.totals))
        )
        joins = " ".join(f"JOIN part{at}@ p{at} USING ({ROW})" for at in range(len(self.totals)))
        return (
            f"SELECT {ROW}, CAST(m.{CLAIMANT} AS VARCHAR) AS whose__, {self.claim} AS name__, "
            f"{self._period()} AS period__{places}{parts}, "
            f"CASE WHEN {placed} THEN o.status ELSE 'missing_facts' END AS status__, "
            f"CASE WHEN {placed} THEN o.amount_fen END AS amount__, "
            f"CASE WHEN {placed} THEN o.reasons ELSE {lacking} END AS reasons__ "
            f"FROM own@ o JOIN mine@ m USING ({ROW}) JOIN keyed@ k USING ({ROW}) {joins}"
        )

    def _period(self) -> str:
        day = f'k."{self.over.day}"'
        year = f"CAST(year({day}) AS VARCHAR)"
        match self.over.period:
            case Period.ALWAYS:
                return "''"
            case Period.YEAR:
                named = year
            case Period.QUARTER:
                named = f"concat({year}, '-Q', CAST(quarter({day}) AS VARCHAR))"
            case Period.MONTH:
                named = f"concat({year}, '-', lpad(CAST(month({day}) AS VARCHAR), 2, '0'))"
        return f"CASE WHEN {day} IS NULL THEN '' ELSE {named} END"

    def _turn(self) -> str:
        """The order of turns: as declared, then whose, how much, what it is called, where it stood."""
        added = " + ".join(f"part{at}__" for at in range(len(self.totals)))
        steps = [*(f'"{name}"' for name in self.over.order), "whose__", f"({added})", "name__", ROW]
        return ", ".join(f"{step} ASC NULLS FIRST" for step in steps)

    def _counted(self) -> str:
        """Of what may count once, the first in its turn."""
        once = ", ".join(f'"{name}"' for name in self.over.once) or ROW
        window = f"(PARTITION BY {once} ORDER BY {self._turn()})"
        return (
            f"SELECT {ROW}, row_number() OVER {window} AS nth__, first_value(name__) OVER {window} AS first__ "
            "FROM judged@ WHERE status__ = 'eligible'"
        )

    def _group(self) -> str:
        return ", ".join([*(f'"{name}"' for name in self.over.of)] or ["whose__"]) + ", period__"

    def _lined(self) -> str:
        """Those that count, and those that keep the later ones waiting."""
        whose = [f'"{name}"' for name in self.over.of] or ["whose__"]
        placed = [*whose, *([f'"{self.over.day}"'] if self.over.day else ())]
        known = " AND ".join(f"NOT {name} IS NULL" for name in placed)
        return (
            f"SELECT j.*, CASE WHEN status__ = 'eligible' THEN 0 ELSE 1 END AS waits__ "
            f"FROM judged@ j LEFT JOIN counted@ c USING ({ROW}) "
            f"WHERE (nth__ = 1 OR status__ IN ('missing_facts', 'not_set')) AND {known}"
        )

    def _summed(self) -> str:
        group, window = self._group(), "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        upto, everything = f"(PARTITION BY {group} ORDER BY {self._turn()} {window})", f"(PARTITION BY {group})"
        sums = []
        for at in range(len(self.totals)):
            part = f"CASE WHEN waits__ = 0 THEN CAST(part{at}__ AS DECIMAL(38, 0)) END"
            sums += [f"sum({part}) OVER {upto} AS u{at}__", f"sum({part}) OVER {everything} AS t{at}__"]
        return (
            f"SELECT *, {', '.join(sums)}, sum(waits__) OVER {upto} AS waiting__, "
            f"sum(waits__) OVER {everything} AS waiting_any__ FROM lined@"
        )

    def _asked(self) -> str:
        """The totals as facts of the group; NULL where one waits, or passes what may be declared."""
        columns = []
        for at, total in enumerate(self.totals):
            for sum_, waiting, prefix in ((f"u{at}__", "waiting__", UP_TO), (f"t{at}__", "waiting_any__", IN_ALL)):
                known = f"{waiting} = 0 AND {sum_} <= {total.spec.maximum or 0}"
                columns.append(f'CASE WHEN {known} THEN CAST({sum_} AS BIGINT) END AS "{prefix}{total.spec.name}"')
        return f"SELECT {ROW}, {', '.join(columns)} FROM summed@ WHERE waits__ = 0"

    def _reached(self) -> str:
        """What the group has for good at each claim."""
        after = "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING"
        much = " OR ".join(
            f"(waiting__ = 0 AND u{at}__ > {most}) OR (waiting_any__ = 0 AND t{at}__ > {most})"
            for at, most in enumerate(total.spec.maximum or 0 for total in self.totals)
        )
        return (
            f"SELECT s.*, ({much}) AS beyond__, g.status AS group__, g.amount_fen AS worth__, g.reasons AS told__, "
            f"min(g.amount_fen) OVER (PARTITION BY {self._group()} ORDER BY {self._turn()} {after}) AS reached__ "
            f"FROM summed@ s JOIN group@ g USING ({ROW})"
        )

    def _brought(self) -> str:
        before = f"lag(reached__) OVER (PARTITION BY {self._group()} ORDER BY {self._turn()})"
        return (
            f"SELECT {ROW}, beyond__, group__, worth__, told__, "
            f"CASE WHEN NOT worth__ IS NULL THEN reached__ - coalesce({before}, 0) END AS brings__ FROM reached@"
        )

    def _answered(self) -> str:
        """One row per claim of the rule."""
        own, again, open_ = "status__ <> 'eligible'", "nth__ > 1", "group__ = 'missing_facts'"
        where, ground, sign = self.over.sentence, self.rule.sentence, "-" if self.rule.repays else ""
        spent = f"CASE WHEN group__ = 'eligible' AND brings__ = 0 AND worth__ > 0 THEN 'zero@@{ground}' END"
        waits = f"CASE WHEN beyond__ THEN 'beyond@@{where}' ELSE 'undecided@@{where}' END"
        return (
            f"SELECT {ROW}, whose__, period__, row_number() OVER (ORDER BY {self._turn()}) AS turn__, "
            f"CASE WHEN {own} THEN status__ WHEN {again} THEN 'not_eligible' ELSE group__ END AS status, "
            f"CASE WHEN {own} THEN amount__ WHEN {again} THEN 0 WHEN {open_} THEN NULL ELSE {sign}brings__ END "
            f"AS amount_fen, "
            f"CASE WHEN {own} THEN reasons__ WHEN {again} THEN concat('repeats:', first__, '@@{where}') "
            f"WHEN {open_} THEN {waits} ELSE concat_ws(';', CASE WHEN told__ <> '' THEN told__ END, {spent}) END "
            f"AS reasons FROM judged@ j LEFT JOIN counted@ c USING ({ROW}) LEFT JOIN brought@ b USING ({ROW})"
        )
