"""Every sentence of every shipped policy has a programme, or the reason why it has none."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from huisuan.law.cli.programme_commands import app
from huisuan.law.policy.load import list_policies, load_policy
from huisuan.law.policy.programme_coverage import programme_coverage

LAW = load_policy("anhui-agi-2023")


@pytest.mark.parametrize("name", list_policies())
def test_every_sentence_of_a_shipped_policy_has_a_programme_or_a_reason(name: str) -> None:
    rows = programme_coverage(load_policy(name))
    assert [row.sentence for row in rows if not row.covered] == []
    assert all(bool(row.programmes) != bool(row.reason and row.reason_en) for row in rows)


def test_a_sentence_somebody_may_claim_under_is_open_without_its_programme() -> None:
    without = replace(LAW, programmes=tuple(each for each in LAW.programmes if each.sentence != "9.1"))
    assert [row.sentence for row in programme_coverage(without) if not row.covered] == ["9.1"]


def test_the_command_lists_27_of_27() -> None:
    found = json.loads(CliRunner().invoke(app, ["coverage", "anhui-agi-2023", "--json"]).stdout)
    assert (found["covered"], found["total"], len(found["rows"])) == (27, 27, 27)
    by_sentence = {row["sentence"]: row for row in found["rows"]}
    assert by_sentence["4.1"]["programmes"] == ["4.1.cities"]
    assert "皖北" in by_sentence["0.2"]["reason"]
