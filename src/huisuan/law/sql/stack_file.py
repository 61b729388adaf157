"""Rules that pay for the same spend, for a whole file at once: what each owes, and what of it is payable.

The set-based counterpart of `combine_answers`: one row in, one row out, in the same order. The facts of all rules stand
in one row; rules that name a fact alike read the same column. What two rules claim in common stands in a column
`KEY+KEY common_fen` (the rules' keys in their order); without one the smaller spend lies within the larger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from huisuan.law.model.errors import LawError
from huisuan.law.policy.overlap import part_sets
from huisuan.law.policy.stacking import PolicyRule, StackedRules, StackingMode, adopted_mode
from huisuan.law.sql.compute_file import answer_query, transform_file
from huisuan.law.sql.naming import ROW

if TYPE_CHECKING:
    import duckdb

MAX_RULES = 4  # their sets are columns: 15 of them
#: what is payable of an amount (a) on a part of so much (f) of which so much (p) was paid before
ALLOWED = {
    None: "{a}",
    StackingMode.ONCE: "CASE WHEN {p} > 0 THEN 0 ELSE least({a}, greatest({f} - {p}, 0)) END",
    StackingMode.TOGETHER: "least({a}, greatest({f} - {p}, 0))",
    StackingMode.REST: "least({a}, greatest({f} - {p}, 0))",
    StackingMode.BETTER: "least(greatest({a} - {p}, 0), greatest({f} - {p}, 0))",
}


@dataclass(frozen=True)
class StackedTotals:
    """The sums of one rule over the file, in fen."""

    place: PolicyRule
    owed_fen: int
    payable_fen: int


def stack_file(
    layer: StackedRules, source: Path, target: Path, *, on: date, as_known: date
) -> tuple[StackedTotals, ...]:
    """Combine the layer's rules over every row of a Parquet file; the target appears whole or not at all.

    Its columns: those of the source, then per rule `KEY status`, `KEY amount_fen`, `KEY reasons`, `KEY payable_fen`. In
    a row whose common part is larger than what a rule claims nothing is payable, and the reasons say `overlap`.

    Raises:
        LawError: a file that cannot be read, a column that cannot carry its fact, a mode that is not declared or set.
    """
    modes = tuple(_modes(layer, on, as_known))
    if source.suffix != ".parquet" or target.suffix != ".parquet":
        raise LawError("叠加只读写 .parquet", code="law.file_type")
    with transform_file(source, target) as (engine, types, draft):
        stack = _Stack(engine, layer, types, (on, as_known))
        stack.open()
        for at, mode in enumerate(modes):
            stack.answer(at, mode)
            stack.pay(at, mode)
        path = str(draft).replace("'", "''")
        engine.execute(f"COPY ({stack.gathered()}) TO '{path}' (FORMAT parquet)")
        return tuple(_totals(engine, layer))


def _modes(layer: StackedRules, on: date, as_known: date) -> Iterator[StackingMode | None]:
    """How each rule follows those before it.

    Raises:
        LawError: it is not declared, or not set on the day; more rules than columns can hold.
    """
    if layer.left_out:
        silent = "、".join(place.key for place in layer.left_out)
        raise LawError(f"{silent} 没有声明在“{layer.ground}”上如何叠加", code="law.stacking_undeclared")
    if len(layer.rules) > MAX_RULES:
        raise LawError(
            f"“{layer.ground}”有 {len(layer.rules)} 条规则；整表叠加至多 {MAX_RULES} 条", code="law.stacking_size"
        )
    for at, place in enumerate(layer.rules):
        adopted = adopted_mode(place, layer.ground, on, as_known) if at else None
        if at and adopted is None:
            raise LawError(f"“{layer.ground}”的几条规则如何叠加，{on} 尚未确定", code="law.stacking_not_set")
        yield None if adopted is None else StackingMode(str(adopted.value))


class _Stack:
    """The tables of one run: `stack` (rows; y: spends), `part` (x: its fen), `paid` (z: on a part; NULL: undecided)."""

    def __init__(
        self, engine: duckdb.DuckDBPyConnection, layer: StackedRules, types: Mapping[str, str],
        days: tuple[date, date],
    ) -> None:  # fmt: skip
        self.engine, self.layer, self.types, self.days = engine, layer, types, days
        self.sets = part_sets(len(layer.rules))

    def open(self) -> None:
        """Number the rows and cut each one's spend into parts."""
        spends = ", ".join(f"{self._spend(place)} AS y__{at}" for at, place in enumerate(self.layer.rules))
        self.engine.execute(f"CREATE TEMP TABLE stack AS SELECT row_number() OVER () AS {ROW}, *, {spends} FROM source")
        declared = [(index, name) for index, name in self._common_names() if name in self.types]
        columns = dict(self._declared(declared) if declared else self._nested())
        common = " OR ".join(f"coalesce({fen}, 0) < 0" for fen in columns.values()) if declared else "false"
        shown = ", ".join(f"{fen} AS x__{index}" for index, fen in columns.items())
        self.engine.execute(f"CREATE TEMP TABLE part AS SELECT {ROW}, {common} AS refused, {shown} FROM stack")
        nothing = ", ".join(
            f"CASE WHEN refused THEN NULL ELSE CAST(0 AS BIGINT) END AS z__{index}" for index in columns
        )
        self.engine.execute(f"CREATE TEMP TABLE paid AS SELECT {ROW}, {nothing} FROM part")

    def _spend(self, place: PolicyRule) -> str:
        """What a rule says was spent, where that may be declared."""
        name = place.rule.claim.spent if place.rule.claim else ""
        spec = next((spec for spec in place.rule.facts if spec.name == name), None)
        if spec is None or name not in self.types:
            return "CAST(NULL AS BIGINT)"
        if self.types[name] != "BIGINT":
            raise LawError(
                f"列 {name} 的类型是 {self.types[name]}；叠加须用 Parquet 的 BIGINT（金额以分计）",
                code="law.column_type",
            )
        return f'CASE WHEN "{name}" BETWEEN 0 AND {spec.maximum} THEN "{name}" END'

    def _common_names(self) -> Iterator[tuple[int, str]]:
        keys = [place.rule.key for place in self.layer.rules]
        for index, members in enumerate(self.sets):
            if len(members) > 1:
                yield index, f"{'+'.join(keys[at] for at in sorted(members))} common_fen"

    def _nested(self) -> Iterator[tuple[int, str]]:
        """Every smaller spend within every larger one."""
        for index, members in enumerate(self.sets):
            inside = ", ".join(f"coalesce(y__{at}, 0)" for at in sorted(members))
            outside = ", ".join(f"coalesce(y__{at}, 0)" for at in range(len(self.layer.rules)) if at not in members)
            yield index, f"greatest(least({inside}) - {f'greatest({outside})' if outside else '0'}, 0)"

    def _declared(self, declared: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """What the columns say, and what each rule has to itself: below zero where the common part is too large."""
        for index, name in declared:
            if self.types[name] != "BIGINT":
                raise LawError(f"列 {name} 应为 BIGINT（金额以分计）", code="law.column_type")
            yield index, f'coalesce("{name}", 0)'
        stated = {index for index, _ in declared}
        for index, members in enumerate(self.sets):
            if len(members) == 1:
                (at,) = members
                common = [f'coalesce("{name}", 0)' for part, name in declared if at in self.sets[part]]
                yield index, " - ".join([f"coalesce(y__{at}, 0)", *common])
            elif index not in stated:
                yield index, "0"

    def _mine(self, at: int) -> list[int]:
        return [index for index, members in enumerate(self.sets) if at in members]

    def answer(self, at: int, mode: StackingMode | None) -> None:
        """The rule's answers; by `rest`, what earlier rules paid on its parts is first taken off what was spent."""
        place = self.layer.rules[at]
        name = place.rule.claim.spent if place.rule.claim else ""
        replaced = ""
        if mode is StackingMode.REST and name in self.types:
            rest = " + ".join(
                f"CASE WHEN x__{index} = 0 THEN 0 "
                f"WHEN NOT z__{index} IS NULL THEN greatest(x__{index} - z__{index}, 0) END"
                for index in self._mine(at)
            )
            replaced = (
                f'REPLACE (CASE WHEN y__{at} IS NULL THEN "{name}" ELSE coalesce({rest}, "{name}") END AS "{name}")'
            )
        self.engine.execute(
            f"CREATE OR REPLACE TEMP VIEW asked AS SELECT * {replaced} "
            f"FROM stack JOIN paid USING ({ROW}) JOIN part USING ({ROW})"
        )
        facts = {spec.name: self.types[spec.name] for spec in place.rule.facts if spec.name in self.types}
        columns = {ROW: "BIGINT", **facts}
        query, _ = answer_query(place.policy, place.rule, "asked", columns, on=self.days[0], as_known=self.days[1])
        self.engine.execute(f"CREATE TEMP TABLE answered{at} AS {query.sql('duckdb')}")

    def pay(self, at: int, mode: StackingMode | None) -> None:
        """What of each answer is payable beside what was paid before, part by part; unknown where that is unknown."""
        mine = self._mine(at)
        open_ = " OR ".join(f"(x__{index} > 0 AND z__{index} IS NULL)" for index in mine)
        unknown = f"part.refused OR (amount_fen > 0 AND y__{at} IS NULL)" if at else "part.refused"
        if at:
            unknown += f" OR (amount_fen > 0 AND ({open_}))"
        weights = [
            f"greatest(x__{index} - z__{index}, 0)" if mode is StackingMode.REST else f"x__{index}" for index in mine
        ]
        laid = ", ".join(f"{upto} AS u{index}" for index, upto in zip(mine, _upto(weights), strict=True))
        figures = ", ".join(f"x__{index}, z__{index}" for index in mine)
        self.engine.execute(
            f"CREATE OR REPLACE TEMP TABLE laid AS SELECT {ROW}, amount_fen, amount_fen IS NULL OR {unknown} AS open, "
            f"{laid}, {figures}, y__{at} AS spent FROM answered{at} JOIN part USING ({ROW}) JOIN paid USING ({ROW}) "
            f"JOIN stack USING ({ROW})"
        )
        parts, before = [], "0"
        for index in mine:
            parts.append(ALLOWED[mode].format(a=f"(u{index} - {before})", f=f"x__{index}", p=f"z__{index}"))
            before = f"u{index}"
        allowed = ", ".join(f"{part} AS q{index}" for index, part in zip(mine, parts, strict=True))
        total = " + ".join(f"q{index}" for index in mine) if at else "amount_fen"
        self.engine.execute(
            f"CREATE TEMP TABLE payable{at} AS SELECT {ROW}, CASE WHEN open THEN NULL WHEN amount_fen = 0 THEN 0 "
            f"ELSE {total} END AS payable_fen, open, spent, {', '.join(f'q{index}' for index in mine)} "
            f"FROM (SELECT *, {allowed} FROM laid)"
        )
        after = [self._after(index, index in mine) for index in range(len(self.sets))]
        self.engine.execute(
            f"CREATE OR REPLACE TEMP TABLE paid AS SELECT {ROW}, {', '.join(after)} "
            f"FROM paid JOIN payable{at} USING ({ROW})"
        )

    @staticmethod
    def _after(index: int, mine: bool) -> str:
        """What is paid on a part now: undecided with the rule, every part where not even its spend is known."""
        paid = f"CASE WHEN payable_fen = 0 THEN z__{index} ELSE z__{index} + q{index} END" if mine else f"z__{index}"
        lost = "open" if mine else "open AND spent IS NULL"
        unknown = f"{lost} OR (payable_fen > 0 AND spent IS NULL)"
        return f"CASE WHEN {unknown} THEN NULL ELSE {paid} END AS z__{index}"

    def gathered(self) -> str:
        """The source's columns and the answers beside them."""
        columns, joins = [], []
        for at, place in enumerate(self.layer.rules):
            columns += [f'answered{at}.{name} AS "{place.rule.key} {name}"' for name in ("status", "amount_fen")]
            told = f"CASE WHEN part.refused THEN 'overlap@{place.rule.sentence}' ELSE answered{at}.reasons END"
            columns.append(f'{told} AS "{place.rule.key} reasons"')
            columns.append(f'payable{at}.payable_fen AS "{place.rule.key} payable_fen"')
            joins.append(f"JOIN answered{at} USING ({ROW}) JOIN payable{at} USING ({ROW})")
        own = ", ".join([ROW, *(f"y__{at}" for at in range(len(self.layer.rules)))])
        return (
            f"SELECT stack.* EXCLUDE ({own}), {', '.join(columns)} "
            f"FROM stack JOIN part USING ({ROW}) {' '.join(joins)} ORDER BY {ROW}"
        )


def _upto(weights: Sequence[str]) -> Iterator[str]:
    """What lies on the parts up to each one: whole fen of the amount, in proportion to the weights."""
    whole = " + ".join(weights)
    for at in range(len(weights)):
        some = " + ".join(weights[: at + 1])
        product = f"CAST(amount_fen AS HUGEINT) * CAST({some} AS HUGEINT)"
        yield f"CASE WHEN {whole} > 0 THEN CAST({product} // ({whole}) AS BIGINT) ELSE 0 END"


def _totals(engine: duckdb.DuckDBPyConnection, layer: StackedRules) -> Iterator[StackedTotals]:
    for at, place in enumerate(layer.rules):
        found = engine.execute(
            f"SELECT CAST(coalesce(sum(amount_fen), 0) AS VARCHAR), CAST(coalesce(sum(payable_fen), 0) AS VARCHAR) "
            f"FROM answered{at} JOIN payable{at} USING ({ROW})"
        ).fetchone()
        assert found is not None
        yield StackedTotals(place, int(found[0]), int(found[1]))
