"""`huisuan meter` as an operator and an auditor meet it: output, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from huisuan.base.errors import Refused
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.cli.meter_commands import app
from huisuan.compute.models import MeterFlag, Seal
from support.metering import HOUR, T0, agent, leased, said
from support.usage_records import centre, imported, line, sacct

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "home"))


def meter(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], obj=lambda: None)


def told(*words: object) -> Any:
    """What it says in JSON."""
    return json.loads(meter(*words, "--json").stdout)


@pytest.fixture
def sealed() -> None:
    """March of a centre, sealed."""
    centre()
    imported(sacct(line(), line(1002)))
    assert meter("seal", "c1", "2024-03").exit_code == 0


def test_a_whole_ledger_is_said_to_be_whole() -> None:
    centre()
    imported(sacct(line()))
    result = meter("check", "c1")
    assert result.exit_code == 0
    assert "1 条记录，1 批，0 次运行；缺口 0，疑点 0，未答复 0" in result.stdout
    assert told("check", "c1", "2024-03")["whole"] is True


def test_what_is_missing_is_said_and_exits_with_1_until_it_is_answered() -> None:
    site = agent()
    leased(site.centre, state="done", started_at=T0, ended_at=T0 + HOUR)
    result = meter("check", "c1", "2024-03")
    assert (result.exit_code, "有记录的只有 0 秒" in result.stderr) == (1, True)
    (flag,) = told("flags", "c1")
    assert (flag["kind"], flag["about"]) == ("missing", "J1 0")
    assert "缺记录" not in meter("flags", "c1").stdout  # the kind in the glossary's words
    assert "运行过而没有记录" in meter("flags").stdout
    assert meter("answer", flag["id"], "停电，未用卡").exit_code == 0
    assert meter("check", "c1", "2024-03").exit_code == 0
    assert told("flags", "c1") == []
    assert told("flags", "c1", "--all")[0]["answer"] == "停电，未用卡"
    with pytest.raises(Refused, match="已由"):
        CliRunner().invoke(app, ["answer", str(flag["id"]), "再答"], catch_exceptions=False)


def test_the_scheduler_s_accounting_is_compared_and_not_imported(tmp_path: Path) -> None:
    centre()
    imported(sacct(line()))
    (tmp_path / "a.txt").write_bytes(sacct(line(End="2024-03-01T09:30:00"), line(1002)))
    result = meter("check", "c1", "--sacct", tmp_path / "a.txt")
    assert result.exit_code == 1
    assert "1 次运行没有记录" in result.stderr
    assert "后来的文件改为 14,400 卡秒，原为 28,800" in result.stderr
    (tmp_path / "b.txt").write_bytes(sacct(line()))
    assert meter("check", "c1", "--sacct", tmp_path / "b.txt").exit_code == 0
    assert told("check", "c1")["records"] == 1


def test_months_are_sealed_one_by_one_or_through_to_one() -> None:
    centre()
    imported(sacct(line(), line(2, Start="2024-05-01T09:00:00", End="2024-05-01T10:00:00")))
    refused = meter("seal", "c1", "2024-05")
    assert isinstance(refused.exception, Refused)
    assert "下一个该封 2024-03" in str(refused.exception)
    assert [each["month"] for each in told("seal", "c1", "2024-05", "--through")] == ["2024-03", "2024-04", "2024-05"]
    shown = meter("seals", "c1")
    assert "2024-04" in shown.stdout
    assert [each["records"] for each in told("seals", "c1")] == [1, 0, 1]


def test_a_seal_despite_open_flags_needs_its_reason() -> None:
    site = agent()
    leased(site.centre)
    site.report(said(), said("nobody"))
    assert "--despite" in str(meter("seal", "c1", "2024-03").exception)
    (made,) = told("seal", "c1", "2024-03", "--despite", "已问过中心")
    assert json.loads(made["statement"])["despite"] == "已问过中心"
    assert MeterFlag.objects.filter(answered_at__isnull=True).count() == 1


@pytest.mark.parametrize("month", [(), ("--month", "2024-03")])
def test_an_export_is_verified_by_its_folder_and_named_when_it_was_changed(
    sealed: None, tmp_path: Path, month: tuple[str, ...]
) -> None:
    folder = tmp_path / "out"
    assert platform_key.public() in meter("export", "c1", folder, *month).stderr
    result = meter("verify", folder, "--platform-key", platform_key.public())
    assert result.exit_code == 0
    assert "自身一致，没有发现改动" in result.stdout
    assert "完整" not in result.stdout
    assert "登记册" in result.stdout
    assert told("verify", folder)["records"] == 2
    (folder / "seals.json").write_text("[]")
    result = meter("verify", folder)
    assert result.exit_code == 1
    assert "seals.json" in result.stderr


def test_a_centre_is_verified_by_its_code(sealed: None) -> None:
    assert (told("verify", "c1")["consistent"], told("verify", "c1", "2024-03")["month"]) == (True, "2024-03")
    assert isinstance(meter("verify", "c1", "2024-04").exception, Refused)


def test_a_folder_that_is_no_export_is_refused(tmp_path: Path) -> None:
    assert "不是 huisuan meter export 写出的目录" in str(meter("verify", tmp_path).exception)


def test_a_proof_is_given_and_verified(sealed: None, tmp_path: Path) -> None:
    assert Seal.objects.get().root in meter("proof", "c1", 1).stdout
    given = told("proof", "c1", 2)
    (tmp_path / "proof.json").write_text(json.dumps(given))
    result = meter("verify", tmp_path / "proof.json", "--platform-key", told("key")["platform_key"])
    assert (result.exit_code, "证明成立" in result.stdout) == (0, True)
    given["record"]["cards"] = 80
    (tmp_path / "proof.json").write_text(json.dumps(given))
    assert meter("verify", tmp_path / "proof.json").exit_code == 1
