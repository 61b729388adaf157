"""What a rule owes each party of a run: its facts by the registry of sources, and the rule's own answer, set-based.

Use counts on the days on which the register says that the party is one whom the rule is for. A party that was one on
some of the days on which it used something is asked with that use alone, and with what the register said of it on the
last of those days; a party that was one on none of them is asked with all of it, so that the refusal names what failed.
A day for which it is not known (nobody attested it) is no such day where others are.
The use of a party whose claims another one carries is that one's: they are one claimant, under one cap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from huisuan.compute.fact_sources.registry import UseMeasure, settled_measure_of, state_facts, state_values, use_facts
from huisuan.compute.fact_sources.rules import chosen_options, claimant_rule, facts_that_matter
from huisuan.law.model import FactSpec
from huisuan.law.policy import PolicyRule, dated_facts, find_part_starts, part_name
from huisuan.law.sql import COLUMN_TYPES
from huisuan.law.sql.compute_file import answer_query
from huisuan.parties.party_state import PartyState, StateSpan, region_prefix
from huisuan.settlement.runs.billing import BILL_SUMS, Billing

PARTY_COLUMN = "party"  # the column of whose row it is
FACT_PREFIX = "fact:"  # before a fact's name in `answers`, where a fact may be called as a column of the answer is


@dataclass(frozen=True)
class AskedRule:
    """A rule with the facts that matter on the day on which it is read, as known on a day.

    `parts`: the first days of the parts that the period is cut into, where a setting or the text changes within it;
    the facts in `by_part` then have a column for each, and the rule reads those.
    """

    place: PolicyRule
    on: date
    as_known: date
    facts: tuple[FactSpec, ...]
    parts: tuple[date, ...] = ()
    by_part: frozenset[str] = frozenset()

    @classmethod
    def over(cls, place: PolicyRule, starts: date, on: date, as_known: date) -> AskedRule:
        """The rule over the days from `starts` to `on`, under the options chosen on the last of them."""
        read = place.policy.rule_on(place.rule, on, as_known)
        matter = facts_that_matter(read, chosen_options(place.policy, read, on, as_known))
        facts = [spec for spec in matter if settled_measure_of(spec) is not None]
        parts = find_part_starts(place.policy, place.rule, starts, on, as_known)
        by_part = {spec.name for spec in dated_facts(place.rule)} if parts else set()
        return cls(place, on, as_known, tuple(facts), parts, frozenset(by_part))

    @property
    def types(self) -> dict[str, str]:
        """The columns that the rule reads with their types in DuckDB, and whose they are."""
        whole = {spec.name: COLUMN_TYPES[spec.kind] for spec in self.facts if spec.name not in self.by_part}
        cut = {
            part_name(spec.name, first): COLUMN_TYPES[spec.kind]
            for spec in self.facts if spec.name in self.by_part
            for first in self.parts
        }  # fmt: skip
        return {PARTY_COLUMN: "VARCHAR", **whole, **cut}


def make_facts(
    billing: Billing, asked: AskedRule, spans: Sequence[StateSpan], regions: Mapping[str, str],
    heirs: Mapping[str, str] = {},
) -> None:  # fmt: skip
    """Make `counted` and `facts` of bills that are there: a row for each party whose use the rule is of.

    `regions`: where each centre lies, by code; `heirs`: by party the one that carries its claims.
    """
    billing.table("heir", "party VARCHAR, claimant VARCHAR", list(heirs.items()))
    _make_states(billing, asked, spans)
    _leave_out(billing, asked)
    billing.table("place", "centre VARCHAR, region VARCHAR", list(regions.items()))
    some_left_out = billing.rows("SELECT 1 FROM left_out LIMIT 1")
    billing.engine.execute(_COUNTED_LINES + (_COUNTED_BILLS if some_left_out else _ALL_BILLS) + _COUNTED)
    if asked.parts:
        billing.engine.execute(_PARTS)
    billing.engine.execute(_facts_query(asked))


def make_answers(
    billing: Billing, asked: AskedRule, spans: Sequence[StateSpan], regions: Mapping[str, str],
    heirs: Mapping[str, str] = {},
) -> None:  # fmt: skip
    """Make `answers` of the same: status, amount (fen), reasons and facts, a row for each of `facts`."""
    make_facts(billing, asked, spans, regions, heirs)
    policy, rule = asked.place.policy, asked.place.rule
    query, _ = answer_query(policy, rule, "facts", asked.types, on=asked.on, as_known=asked.as_known)
    shown = "".join(f", f.{_quoted(name)} AS {_quoted(FACT_PREFIX + name)}" for name in fact_names(billing))
    billing.engine.execute(
        f"CREATE TABLE answers AS SELECT a.*{shown} FROM ({query.sql('duckdb', copy=False)}) a JOIN facts f "  # noqa: S608
        f"USING ({PARTY_COLUMN})"
    )


def fact_names(billing: Billing) -> list[str]:
    """The columns of `facts`: each fact, and behind them those of each part of the period."""
    return [name for name, *_ in billing.rows("DESCRIBE facts") if name != PARTY_COLUMN]


def _make_states(billing: Billing, asked: AskedRule, spans: Sequence[StateSpan]) -> None:
    """`state`: what the register says of each party in each of its states, with the days of it, and who claims."""
    of_state = state_facts(asked.facts)
    columns = "".join(f", {_quoted(spec.name)} {COLUMN_TYPES[spec.kind]}" for spec in of_state)
    known: dict[PartyState, tuple[Any, ...]] = {}
    rows = []
    for span in spans:
        if span.ends <= billing.starts or span.starts >= billing.ends:
            continue
        if span.state not in known:
            known[span.state] = tuple(state_values(of_state, span.state).values())
        rows.append((span.uscc, span.starts, span.ends, *known[span.state]))
    billing.table("registered", f"{_DAYS}{columns}", rows)
    billing.engine.execute(
        "CREATE VIEW state AS SELECT coalesce(heir.claimant, r.party) AS claimant, r.* "
        "FROM registered r LEFT JOIN heir USING (party)"
    )


_DAYS = "party VARCHAR, from_day DATE, to_day DATE"


def _leave_out(billing: Billing, asked: AskedRule) -> None:
    """`left_out`: days of parties on which their use does not count; `said`: what is said of each claimant."""
    billing.engine.execute(_STRETCHES)
    read = asked.place.policy.rule_on(asked.place.rule, asked.on, asked.as_known)
    rule = claimant_rule(read, chosen_options(asked.place.policy, read, asked.on, asked.as_known))
    if rule is None:
        billing.engine.execute("CREATE TABLE judged AS SELECT *, true AS counts FROM stretch")
    else:
        types = {"claimant": "VARCHAR", "party": "VARCHAR", "from_day": "DATE", "to_day": "DATE"}
        types |= {spec.name: COLUMN_TYPES[spec.kind] for spec in state_facts(asked.facts)}
        query, _ = answer_query(asked.place.policy, rule, "stretch", types, on=asked.on, as_known=asked.as_known)
        billing.engine.execute(
            "CREATE TABLE judged AS SELECT s.*, a.status NOT IN ('not_eligible', 'missing_facts') AS counts "  # noqa: S608
            f"FROM stretch s JOIN ({query.sql('duckdb', copy=False)}) a USING (party, from_day, to_day)"
        )
    billing.engine.execute(_LEFT_OUT)
    billing.engine.execute(_SAID)


# a claimant of one state needs no judging; of one of several the states on whose days something was used are judged
_STRETCHES = """
CREATE TABLE stretch AS
SELECT s.* FROM state s SEMI JOIN (SELECT claimant FROM state GROUP BY claimant HAVING count(*) > 1) USING (claimant)
WHERE EXISTS (SELECT 1 FROM lines l WHERE l.party = s.party AND s.from_day <= l.starts AND l.ends <= s.to_day)
"""
_LEFT_OUT = """
CREATE TABLE left_out AS SELECT claimant, party, from_day, to_day FROM judged
WHERE NOT counts AND claimant IN (SELECT claimant FROM judged WHERE counts)
"""
# what is said of a claimant: its own last state that counts, else that of the one whose claims it carries
_SAID = """
CREATE TABLE said AS
SELECT * EXCLUDE (counts) FROM (
    SELECT * FROM judged ANTI JOIN left_out USING (party, from_day, to_day)
    UNION ALL
    SELECT *, true FROM state ANTI JOIN judged USING (claimant)
) QUALIFY row_number() OVER (PARTITION BY claimant ORDER BY party = claimant DESC, from_day DESC) = 1
"""
# the lines of the use that counts, and its bills: all of a party's, or rounded anew of its lines that count
_COUNTED_LINES = """
CREATE VIEW counted_lines AS SELECT * FROM lines l WHERE party IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM left_out o WHERE o.party = l.party AND o.from_day <= l.starts AND l.ends <= o.to_day
);
"""
_ALL_BILLS = "CREATE VIEW counted_bills AS SELECT * FROM bills;"
_COUNTED_BILLS = f"""
CREATE TABLE counted_bills AS
SELECT party, centre, month, card_seconds, amount_fen, excluded_fen FROM bills ANTI JOIN left_out USING (party)
UNION ALL
SELECT party, centre, month, {BILL_SUMS} FROM counted_lines SEMI JOIN left_out USING (party) GROUP BY ALL;
"""  # noqa: S608
_COUNTED = """
CREATE TABLE counted AS
SELECT coalesce(heir.claimant, b.party) AS party, centre, month, CAST(sum(card_seconds) AS BIGINT) AS card_seconds,
       CAST(sum(amount_fen) AS BIGINT) AS amount_fen, CAST(sum(excluded_fen) AS BIGINT) AS excluded_fen
FROM counted_bills b LEFT JOIN heir USING (party) GROUP BY ALL
"""
# A bill's fen shared out among the parts of the year so that they add up to it: what is excluded and what counts, each
# by the rounded sum up to the part's end less that up to its beginning; what counts ends at what the bill has of it.
_PARTS = """
CREATE TABLE counted_parts AS
WITH exact AS (
    SELECT l.party, l.centre, l.month, p.starts, sum(card_seconds) AS card_seconds,
           sum(card_seconds * fen_per_card_hour) FILTER (excluded_because = '') AS counted,
           sum(card_seconds * fen_per_card_hour) FILTER (excluded_because <> '') AS excluded
    FROM counted_lines l JOIN part p ON p.starts <= l.starts AND l.ends <= p.ends GROUP BY ALL
),
summed AS (
    SELECT party, centre, month, starts, card_seconds,
           sum(coalesce(counted, 0)) OVER so_far AS counted, sum(coalesce(excluded, 0)) OVER so_far AS excluded,
           row_number() OVER (PARTITION BY party, centre, month ORDER BY starts DESC) = 1 AS last
    FROM exact WINDOW so_far AS (PARTITION BY party, centre, month ORDER BY starts)
),
rounded AS (
    SELECT party, centre, month, starts, s.card_seconds, (2 * excluded + 3600) // (2 * 3600) AS excluded,
           CASE WHEN last THEN amount_fen - excluded_fen
                ELSE least((2 * counted + 3600) // (2 * 3600), amount_fen - excluded_fen) END AS counted
    FROM summed s JOIN counted_bills USING (party, centre, month)
),
shared AS (
    SELECT party, centre, month, starts, card_seconds, counted - coalesce(lag(counted) OVER before, 0) AS counted,
           excluded - coalesce(lag(excluded) OVER before, 0) AS excluded
    FROM rounded WINDOW before AS (PARTITION BY party, centre, month ORDER BY starts)
)
SELECT coalesce(heir.claimant, s.party) AS party, centre, month, starts,
       CAST(sum(card_seconds) AS BIGINT) AS card_seconds, CAST(sum(counted + excluded) AS BIGINT) AS amount_fen,
       CAST(sum(excluded) AS BIGINT) AS excluded_fen
FROM shared s LEFT JOIN heir USING (party) GROUP BY ALL
"""


def _facts_query(asked: AskedRule) -> str:
    """Make `facts`: a row for each registered party with use at a place that some fact looks at."""
    of_use = use_facts(asked.facts)
    words = [f"any_value(said.{_quoted(spec.name)}) AS {_quoted(spec.name)}" for spec in state_facts(asked.facts)]
    sums = [f"{_sum(spec, measure, 'counted')} AS {_quoted(spec.name)}" for spec, measure in of_use]
    looked_at = " OR ".join(f"({within_place(spec)})" for spec, _ in of_use) or "true"
    whole = (
        f"SELECT {', '.join([f'counted.{PARTY_COLUMN}', *words, *sums])} "  # noqa: S608
        f"FROM counted JOIN said ON said.claimant = counted.party LEFT JOIN place ON place.centre = counted.centre "
        f"GROUP BY counted.{PARTY_COLUMN} HAVING bool_or({looked_at})"
    )
    cut = [
        f"{_sum_of_part(spec, measure, first)} AS {_quoted(part_name(spec.name, first))}"
        for spec, measure in of_use if spec.name in asked.by_part
        for first in asked.parts
    ]  # fmt: skip
    if not cut:
        return f"CREATE TABLE facts AS {whole} ORDER BY counted.{PARTY_COLUMN}"
    return (
        f"CREATE TABLE facts AS SELECT * FROM ({whole}) JOIN (SELECT p.{PARTY_COLUMN}, {', '.join(cut)} "  # noqa: S608
        f"FROM counted_parts p LEFT JOIN place ON place.centre = p.centre GROUP BY p.{PARTY_COLUMN}) "
        f"USING ({PARTY_COLUMN}) ORDER BY {PARTY_COLUMN}"
    )


def _sum(spec: FactSpec, measure: UseMeasure, table: str, also: str = "") -> str:
    whole = f"coalesce(sum({table}.{measure.column}) FILTER (({within_place(spec)}){also}), 0)"
    return f"CAST({whole} // {measure.per} AS BIGINT)"


def _sum_of_part(spec: FactSpec, measure: UseMeasure, first: date) -> str:
    """What a part adds to the whole units of all parts up to its end."""
    until, before = (_sum(spec, measure, "p", f" AND p.starts {sign} DATE '{first}'") for sign in ("<=", "<"))
    return f"{until} - {before}"


def within_place(spec: FactSpec) -> str:
    """Whether a bill's centre lies where the fact looks, as SQL over a row of `place`."""
    prefixes = (region_prefix(place).replace("'", "''") for place in spec.within)
    return " OR ".join(f"starts_with(place.region, '{prefix}')" for prefix in prefixes) or "true"


def counted_days(billing: Billing) -> dict[str, dict[str, list[list[str]]]]:
    """By claimant, of its parties of whose use some does not count, the days that do: [first, day after the last)."""
    found: dict[str, dict[str, list[list[str]]]] = {}
    for claimant, party in billing.rows("SELECT DISTINCT claimant, party FROM left_out ORDER BY ALL"):
        found.setdefault(claimant, {})[party] = []
    rows = billing.rows("SELECT claimant, party, from_day, to_day FROM judged WHERE counts ORDER BY ALL")
    for claimant, party, first, after in rows:
        if party in found.get(claimant, ()):
            found[claimant][party].append([first.isoformat(), after.isoformat()])
    return found


def carried_parties(billing: Billing) -> dict[str, list[str]]:
    """By claimant the parties with use whose claims it carries."""
    found: dict[str, list[str]] = {}
    rows = "SELECT claimant, party FROM heir SEMI JOIN bills USING (party) ORDER BY ALL"
    for claimant, party in billing.rows(rows):
        found.setdefault(claimant, []).append(party)
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
