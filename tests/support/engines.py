"""Rows and cells on which the engines have to agree: the policy as it is and as it might be, and odd cells."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pyarrow.csv
import pytest

from huisuan.law.model.rules import Rule
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings import AdoptedSetting, Settings
from support.representative_rules import representative_rules
from support.trial_policy import by_form

POLICY = load_policy("anhui-agi-2023")


RULES = [pytest.param(rule, id=rule.key) for rule in representative_rules(POLICY)]


DAY, KNOWN = date(2024, 12, 31), date(2025, 12, 31)


ROWS = 1_500


#: cells that some engine, left to itself, would take and another would not
ODD = (
    "", " ", "\t", "十万", "1e3", " 12 ", "\u300012\u00a0", "12\n", "\n12", "１２", "+12", "-0", "1_000", "12.0",
    "0x10", "1" * 19, "00012", "T", "yes", "TRUE", " 是\u3000", "真", "on", "2024-2-3", "2024-02-30", "2023-02-29",
    "1900-02-29", "2024-12-31\n", "2024-12-31T00:00", "epoch", "infinity", "20%\n", "33.333%", "1/3 ", "01/3", "1/0",
    "4/3", "NULL", 'a"b', "\\", "it's",
)  # fmt: skip


def elsewise(policy: Policy, rule: Rule) -> Policy:
    """The policy as the province might have set it: odd shares, half the money, the last option everywhere."""
    options = {spec.name: list(spec.options)[-1] for spec in rule.interpretations()}
    bounds = {spec.name: spec for spec in rule.settings()}

    def other(each: AdoptedSetting) -> AdoptedSetting:
        if each.name in options:
            return replace(each, value=options[each.name])
        kind = bounds[each.name].kind if each.name in bounds else None
        if kind == ValueKind.SHARE:
            return replace(each, value=Fraction(1, 7))
        if kind == ValueKind.MONEY and isinstance(each.value, int):
            return replace(each, value=each.value // 2 + 1)
        if kind == ValueKind.RATES:
            return replace(each, value={"340100": Fraction(1, 10), "340200": Fraction(1, 7), "340300": Fraction(0)})
        return each

    return replace(policy, settings=Settings(tuple(other(adopted) for adopted in policy.settings.adopted)))


def beside(rows: int) -> dict[str, pa.Array]:
    """Columns that are no facts, of types that Spark has not or has otherwise."""
    names = ("甲", None, "", 'a"b', "a,b", "第一行\n第二行", " ")
    return {
        "编号 no": pa.array(range(rows), pa.uint32()),
        "name": pa.array([names[at % len(names)] for at in range(rows)], pa.string()),
        "paid": pa.array([Decimal(at) for at in range(rows)], pa.decimal128(38, 0)),
        "at": pa.array(range(rows), pa.timestamp("ns")),
    }


def spoiled(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """The columns with every sixth cell made odd."""
    chance = random.Random(7)
    return {
        name: pa.array([chance.choice(ODD) if chance.random() < 0.17 else cell for cell in cells.to_pylist()])
        for name, cells in columns.items()
    }


Told = list[tuple[str, int | None, str]]


TRIAL = {"finished": "VARCHAR", "part": "VARCHAR", "cost": "BIGINT"}


BLANKS = (" ", "\t", "\u00a0", "\u3000", "\n", "\r", "\r\n", "\x0b", "\x1f", "\x85", "\u2003", "\u2028", "\ufeff")


def trial_cells() -> pa.Table:
    """Cells of a day and a share: odd ones, and good ones with something around them."""
    finished = [*ODD, *(f"{blank}2024-12-31{blank}" for blank in BLANKS), *(f"2024-12-31{blank}" for blank in BLANKS)]
    part = [*ODD, *(f"{blank}20%{blank}" for blank in BLANKS), *(f"1/3{blank}" for blank in BLANKS)]
    return pa.table({"finished": finished, "part": part, "cost": [10_000] * len(part)})


def expected(policy: Policy, cells: pa.Table) -> Told:
    """What a form that is filled in with these cells answers."""
    told = (by_form(policy, row["finished"], row["part"]) for row in cells.to_pylist())
    return [(status, int(amount) if amount else None, reasons) for status, amount, reasons in told]
