"""The whole chain by its commands: from parties, prices and an accounting file to an entitlement, and back."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from stdnum.cn import uscc
from typer.testing import CliRunner, Result

from huisuan.base.errors import Refused
from huisuan.cli.main import assemble
from huisuan.settlement.runs.settle import settle

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 1, 15, tzinfo=UTC)
DATA = Path(__file__).parents[2] / "data"
HEADER = "JobIDRaw|JobID|Cluster|User|Account|Partition|State|Submit|Start|End|ElapsedRaw|Suspended|AllocTRES|ReqTRES"


def code(head: str, number: int) -> str:
    body = f"{head}MATEA{number:04d}"
    return body + str(uscc.calc_check_digit(body))


USER, OPERATOR, PARENT, OUTSIDE = code("91340100", 1), code("91340600", 2), code("91340100", 3), code("91310000", 4)


def huisuan(*words: str | Path, code: int = 0, text: str | None = None) -> Result:
    result = CliRunner().invoke(assemble(), [str(word) for word in words], input=text)
    assert result.exit_code == code, (result.exception, result.output)
    return result


def told(*words: str | Path) -> Any:
    return json.loads(huisuan(*words, "--json").stdout)


def write(path: Path, *rows: tuple[object, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def sacct(path: Path, *jobs: tuple[str, str, str, str, str, str]) -> Path:
    """Lines of finished jobs: id, account, start, end, elapsed seconds, AllocTRES."""
    lines = [
        f"{job}|{job}|ah|u1|{account}|gpu|COMPLETED|{start}|{start}|{end}|{elapsed}|00:00:00|{tres}|{tres}"
        for job, account, start, end, elapsed, tres in jobs
    ]
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    parties = write(
        tmp_path / "parties.csv",
        ("uscc", "name", "kind", "region"),
        (USER, "用户", "enterprise", "340100"),
        (OPERATOR, "运营方", "centre_operator", "340600"),
        (PARENT, "母公司", "enterprise", "340100"),
        (OUTSIDE, "省外用户", "enterprise", "310000"),
    )
    huisuan("party", "import", parties)
    card = "gpu=A800-SXM4-80GB:4x8:a800"
    huisuan("centre", "add", "c1", "--name", "中心", "--operator", OPERATOR, "--region", "340600", "--partition", card)
    huisuan("tariff", "set", "c1", "A800-SXM4-80GB", "1000", "--from", "2024-01-01")
    write(tmp_path / "tenants.csv", ("account", "uscc"), ("lab", USER), ("out", OUTSIDE))
    return tmp_path


def use(stage: Path, *jobs: tuple[str, str, str, str, str, str]) -> Any:
    file = sacct(stage / "sacct.txt", *jobs)
    return told("usage", "import", "--centre", "c1", "--format", "sacct", "--tenants", stage / "tenants.csv", file)


TWO_CARDS = "cpu=8,gres/gpu:a800=2,gres/gpu=2"
HOUR = ("2024-03-05T10:00:00", "2024-03-05T11:00:00", "3600", TWO_CARDS)


def test_a_job_becomes_a_fifth_of_its_price(stage: Path) -> None:
    assert use(stage, ("1", "lab", *HOUR))["new"] == 1
    (owed,) = told("settle", "run", "--year", "2024")["entitlements"]
    assert (owed["facts"]["spend"], owed["amount_fen"], owed["status"]) == (2000, 400, "eligible")


def test_an_entitlement_leads_back_to_its_raw_line(stage: Path) -> None:
    use(stage, ("1", "lab", *HOUR))
    (owed,) = told("settle", "run", "--year", "2024")["entitlements"]
    tree = told("trace", owed["id"])
    assert all(tree["checks"].values())
    (line,) = tree["bills"][0]["lines"]
    (record,) = line["records_shown"]
    assert record["raw"]["text"].startswith("1|1|ah|u1|lab|gpu|COMPLETED")
    assert (record["raw"]["line"], record["raw"]["intact"]) == (2, True)
    assert {step["sentence"] for step in tree["answer"]["steps"]} == {"2.2"}


def test_use_of_an_affiliated_centre_is_left_out_from_the_day_of_the_relation(stage: Path) -> None:
    relations = write(
        stage / "relations.csv",
        ("owner", "owned", "share_permille", "control", "valid_from", "valid_to"),
        (PARENT, OPERATOR, 1000, "true", "2020-01-01", ""),
        (PARENT, USER, 510, "false", "2024-03-06", ""),
    )
    huisuan("party", "import", "--relations", relations)
    overnight = ("2024-03-05T23:00:00", "2024-03-06T01:00:00", "7200", TWO_CARDS)
    use(stage, ("1", "lab", *overnight))
    (owed,) = told("settle", "run", "--year", "2024")["entitlements"]
    assert (owed["facts"]["spend"], owed["facts"]["self_use"], owed["amount_fen"]) == (4000, 2000, 400)


def test_a_user_outside_the_province_gets_a_reason_not_money(stage: Path) -> None:
    use(stage, ("1", "out", *HOUR))
    (owed,) = told("settle", "run", "--year", "2024")["entitlements"]
    assert (owed["status"], owed["amount_fen"], owed["reasons"]) == ("not_eligible", 0, ["failed:in_anhui@2.2"])


def test_settling_twice_gives_the_same_run_and_new_usage_a_new_one(stage: Path) -> None:
    use(stage, ("1", "lab", *HOUR))
    first = told("settle", "run", "--year", "2024")
    again = told("settle", "run", "--year", "2024")
    use(stage, ("1", "lab", *HOUR), ("2", "lab", *HOUR))
    later = told("settle", "run", "--year", "2024")
    assert (first["new"], again["new"], later["new"]) == (True, False, True)
    assert (again["id"], later["entitlements"][0]["amount_fen"]) == (first["id"], 800)


def test_use_of_another_year_does_not_settle_this_one_anew(stage: Path) -> None:
    use(stage, ("1", "lab", *HOUR))
    first = told("settle", "run", "--year", "2024")
    use(stage, ("9", "lab", "2025-03-05T10:00:00", "2025-03-05T11:00:00", "3600", TWO_CARDS))
    again = told("settle", "run", "--year", "2024")
    assert (again["new"], again["id"]) == (False, first["id"])


def test_going_back_to_a_former_price_is_a_new_run_not_the_former_one(stage: Path) -> None:
    use(stage, ("1", "lab", *HOUR))
    amounts = []
    for day, price in (("2024-01-02", "500"), ("2024-01-03", "1000")):
        told("settle", "run", "--year", "2024")
        huisuan("tariff", "set", "c1", "A800-SXM4-80GB", price, "--from", day, "--replace")
        amounts.append(told("settle", "run", "--year", "2024")["amount_fen"])
    assert amounts == [200, 400]
    assert told("settle", "show")["amount_fen"] == 400


def test_a_correction_changes_the_next_run_and_leaves_the_last_one_traceable(stage: Path) -> None:
    use(stage, ("1", "lab", *HOUR))
    (before,) = told("settle", "run", "--year", "2024")["entitlements"]
    longer = ("2024-03-05T10:00:00", "2024-03-05T12:00:00", "7200", TWO_CARDS)
    assert use(stage, ("1", "lab", *longer))["superseding"] == 1
    (after,) = told("settle", "run", "--year", "2024")["entitlements"]
    assert (before["amount_fen"], after["amount_fen"]) == (400, 800)
    assert all(told("trace", before["id"])["checks"].values())
    assert all(told("trace", after["id"])["checks"].values())


def test_a_past_reading_replayed_gives_the_past_result(stage: Path) -> None:
    use(stage, ("1", "lab", *HOUR))
    live = told("settle", "run", "--year", "2024")
    use(stage, ("1", "lab", "2024-03-05T10:00:00", "2024-03-05T12:00:00", "7200", TWO_CARDS), ("2", "lab", *HOUR))
    later = told("settle", "run", "--year", "2024")
    replayed = settle("anhui-agi-2023", 2024, now=NOW, by="test", cursors=live["cursors"]).run
    assert later["result_sha256"] != live["result_sha256"]
    assert replayed.result_sha256 == live["result_sha256"]


def test_usage_before_the_policy_is_not_paid(stage: Path) -> None:
    huisuan("tariff", "set", "c1", "A800-SXM4-80GB", "1000", "--from", "2023-01-01", "--to", "2024-01-01")
    early = ("2023-10-11T23:00:00", "2023-10-12T01:00:00", "7200", TWO_CARDS)
    use(stage, ("1", "lab", *early))
    run = told("settle", "run", "--year", "2023")
    assert run["starts"] == "2023-10-12"
    assert run["entitlements"][0]["facts"]["spend"] == 2000


def test_usage_without_a_price_stops_the_settlement_and_is_named(stage: Path) -> None:
    before_the_tariff = ("2023-11-01T10:00:00", "2023-11-01T11:00:00", "3600", TWO_CARDS)
    use(stage, ("1", "lab", *before_the_tariff))
    refusal = CliRunner().invoke(assemble(), ["settle", "run", "--year", "2023"])
    assert isinstance(refusal.exception, Refused)
    assert "c1 的 A800-SXM4-80GB" in str(refusal.exception)
    assert told("settle", "list") == []


def test_a_year_without_usage_says_what_would_fill_it(stage: Path) -> None:
    assert "先 huisuan usage import" in huisuan("settle", "run", "--year", "2024").stdout


def test_the_output_of_a_real_slurm_is_metered_and_settled(stage: Path) -> None:
    cards = ("a100=A100-SXM4-80GB:2x8:a100", "ascend=Ascend-910B3:1x8:ascend910b", "scav=Ascend-910B3:1x8:ascend910b")
    place = ("--name", "实", "--operator", OPERATOR, "--region", "340600")
    huisuan("centre", "add", "real", *place, *(word for card in cards for word in ("--partition", card)))
    for model in ("A100-SXM4-80GB", "Ascend-910B3"):
        huisuan("tariff", "set", "real", model, "1200", "--from", "2026-01-01")
    tenants = write(stage / "t.csv", ("account", "uscc"), ("keda-lab", USER), ("hfut-cs", USER), ("xunfei-ai", OUTSIDE))
    both = ("usage", "import", "--centre", "real", "--format", "sacct", "--tenants", tenants)
    first = told(*both, DATA / "sacct-real.txt")
    told(*both, DATA / "sacct-real-later.txt")
    assert first["new"] > 100
    run = told("settle", "run", "--policy", "anhui-agi-2023", "--year", "2026")
    assert {owed["status"] for owed in run["entitlements"]} == {"not_in_force"}
    for owed in run["entitlements"]:
        assert owed["facts"]["spend"] > 0
        assert all(told("trace", owed["id"])["checks"].values())
