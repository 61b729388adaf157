"""A file of what is owed, paid out of a fund that may be too small: one row in, one row out, in the same order.

Columns: `claimant`, `amount_fen` (whole fen, as `law compute` and `law claims` write it); may have `claim` (its name;
needed where one claimant has several rows), `status`, and `applied_on` or `rank`, by which turns go. A row that cannot
be used changes what everybody else gets, so the file is refused whole, with every such row named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from huisuan.law.budget.pool import PoolClaim, PoolMode, PoolPayment, pay_from_fund
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import InvalidValue, parse_date
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.compute_file import transform_file
from huisuan.law.sql.naming import ROW

_COLUMNS = ("claimant", "claim", "amount_fen", "status", "applied_on", "rank")
_OPEN = ("missing_facts", "not_set", "not_yet_known", "discretionary")  # nobody has decided yet what they are owed
_DIGITS = re.compile("[0-9]{1,18}")
_SHOWN = 10  # faults that are written out; the others are counted


@dataclass(frozen=True)
class ApplicantPayment:
    """What one applicant is owed and paid over all its rows, in fen."""

    claimant: str
    rows: int
    owed_fen: int
    paid_fen: int


@dataclass(frozen=True)
class PoolSummary:
    """What was paid out of a file: the fund in fen, and each applicant in the order of the file."""

    fund_fen: int
    applicants: tuple[ApplicantPayment, ...]

    @property
    def owed_fen(self) -> int:
        """What is owed to all together, in fen."""
        return sum(applicant.owed_fen for applicant in self.applicants)

    @property
    def paid_fen(self) -> int:
        """What is paid to all together, in fen: the fund, or all that is owed where it suffices."""
        return sum(applicant.paid_fen for applicant in self.applicants)


def pay_file(
    policy: Policy, rule: Rule, source: Path, target: Path, *, on: date, as_known: date, fund_fen: int | None = None,
    mode: PoolMode | None = None,
) -> PoolSummary:  # fmt: skip
    """Pay the rows of a Parquet or CSV file; the target, which adds `paid_fen`, appears whole or not at all.

    `fund_fen` and `mode` suppose another fund and another way to share it out (see `pay_from_fund`).

    Raises:
        LawError: a file that cannot be read, rows that cannot be used (each named), a fund or a way that is not set.
    """
    with transform_file(source, target) as (engine, types, draft):
        for name in ("claimant", "amount_fen"):
            if name not in types:
                raise LawError(
                    f"{source}：没有列 {name}；应有 claimant（谁的）与 amount_fen（应付，整数分）",
                    code="law.column_missing",
                )
        if "paid_fen" in types:
            raise LawError(f"{source}：已有列 paid_fen，与结果列同名，请改名", code="law.column_name_taken")
        shown = ", ".join(f'CAST("{name}" AS VARCHAR)' if name in types else "NULL" for name in _COLUMNS)
        engine.execute(f"CREATE TEMP TABLE numbered AS SELECT row_number() OVER () - 1 AS {ROW}, * FROM source")  # noqa: S608
        rows = engine.execute(f"SELECT {shown} FROM numbered ORDER BY {ROW}").fetchall()  # noqa: S608
        claims, claimants = _parse_rows(rows)
        fund, payments = pay_from_fund(
            policy, rule, claims, on=on, as_known=as_known, fund_fen=fund_fen, supposed_mode=mode
        )
        paid = pa.table({ROW: range(len(rows)), "paid_fen": [payment.paid_fen for payment in payments]})
        engine.register("paid", paid)
        layout = "FORMAT parquet" if target.suffix == ".parquet" else "FORMAT csv, HEADER true"
        quoted = str(draft).replace("'", "''")
        engine.execute(
            f"COPY (SELECT * EXCLUDE ({ROW}) FROM numbered JOIN paid USING ({ROW}) ORDER BY {ROW}) "  # noqa: S608
            f"TO '{quoted}' ({layout})"
        )
        return PoolSummary(fund, _by_applicant(claimants, payments))


def _parse_rows(rows: Sequence[tuple[Any, ...]]) -> tuple[list[PoolClaim], list[str]]:
    """The claims, named so that no two are alike, and whose each is.

    Raises:
        LawError: naming every row that cannot be used, up to a few.
    """
    faults: list[str] = []
    claims: list[PoolClaim] = []
    first_row: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        try:
            claim = _parse_row(*row)
        except InvalidValue as wrong:
            faults.append(f"第 {number} 笔：{wrong}")
            continue
        if claim.name in first_row:
            faults.append(
                f"第 {number} 笔：与第 {first_row[claim.name]} 笔同为“{claim.name}”；"
                "同一申报主体有多笔时请加列 claim，每笔一个名称"
            )
        first_row.setdefault(claim.name, number)
        claims.append(claim)
    if faults:
        more = f"；另有 {len(faults) - _SHOWN:,} 处" if len(faults) > _SHOWN else ""
        raise LawError("；".join(faults[:_SHOWN]) + more, code="law.pool_rows")
    return claims, [str(row[0]) for row in rows]


def _parse_row(
    claimant: str | None, claim: str | None, amount: str | None, status: str | None, applied: str | None,
    rank: str | None,
) -> PoolClaim:  # fmt: skip
    """Raises InvalidValue, in words that say the column."""
    if not (claimant or "").strip():
        raise InvalidValue("列 claimant 为空；应写是谁的")
    if status in _OPEN:
        raise InvalidValue(f"列 status 为 {status}：应付多少尚未确定；请先补齐，定了再拨付")
    owed = _whole_number(amount, "amount_fen", 0) if (amount or "").strip() else None
    if owed is None and status is None:
        raise InvalidValue("列 amount_fen 为空；应为应付的整数分，不付的写 0")
    turn = _whole_number(rank, "rank", 1) if (rank or "").strip() else None
    try:
        day = parse_date(applied) if applied and applied.strip() else None
    except InvalidValue as wrong:
        raise InvalidValue(f"列 applied_on：{wrong}") from None
    name = f"{claimant} / {claim}" if (claim or "").strip() else str(claimant)
    return PoolClaim(name, owed or 0, day, turn)


def _whole_number(cell: str | None, column: str, least: int) -> int:
    found = _DIGITS.fullmatch(str(cell).strip())
    if not found or int(found[0]) < least:
        raise InvalidValue(f"列 {column} 是“{cell}”；应为不小于 {least} 的整数" + ("（分）" if least == 0 else ""))
    return int(found[0])


def _by_applicant(claimants: Iterable[str], payments: Iterable[PoolPayment]) -> tuple[ApplicantPayment, ...]:
    sums: dict[str, list[int]] = {}
    for claimant, payment in zip(claimants, payments, strict=True):
        found = sums.setdefault(claimant, [0, 0, 0])
        found[0] += 1
        found[1] += payment.owed_fen
        found[2] += payment.paid_fen
    return tuple(ApplicantPayment(claimant, *found) for claimant, found in sums.items())
