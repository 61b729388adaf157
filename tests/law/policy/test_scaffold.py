"""A new policy's folder: it stands, or what to correct is named; a text as issued becomes numbered sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from huisuan.law.cases.policy_check import check_policy
from huisuan.law.cli.policy_commands import app
from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_folder

runner = CliRunner()
DAYS = ["--issuer", "某市", "--from", "2026-01-01", "--to", "2026-12-31"]
ISSUED = """某市支持智能算力发展若干措施
发布机关：某市人民政府

一、强化算力
第一条　加快建设。对新建400P以上的项目，给予不超过10%的补助，最高1000万元。\
特别重大的，“一事一议”。（责任单位：市发改委；配合单位：市财政局）
第二条 支持使用
对使用方给予补助。
二、其他
第十二条 本措施自2026年1月1日起施行。有效期至2026年12月31日。
"""


def made(into: Path, name: str = "some-city-2026", *more: str) -> Path:
    done = runner.invoke(app, ["new", name, *DAYS, *(more or ("--title", "某市措施")), "--into", str(into)])
    assert done.exit_code == 0, done.output
    return into / name


def edited(folder: Path, file: str, old: str, new: str) -> Path:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def test_a_new_policy_stands_at_once(tmp_path: Path) -> None:
    folder = made(tmp_path)
    done = check_policy(load_folder(folder))
    assert done.findings == ()
    assert len(done.outcomes) >= 5
    checked = runner.invoke(app, ["check", str(folder), "--json"])
    assert checked.exit_code == 0
    assert json.loads(checked.stdout)["stands"] is True


def test_a_text_as_issued_becomes_numbered_sentences_that_wait_to_be_encoded(tmp_path: Path) -> None:
    (tmp_path / "issued.txt").write_text(ISSUED, encoding="utf-8")
    folder = made(tmp_path, "some-city-2026", "--text", str(tmp_path / "issued.txt"))
    policy = load_folder(folder)
    assert policy.title == "某市支持智能算力发展若干措施"
    assert [(article.number, article.title, article.chapter) for article in policy.text.articles] == [
        ("1", "加快建设", "一、强化算力"), ("2", "支持使用", "一、强化算力"), ("12", "（原文无标题）", "二、其他"),
    ]  # fmt: skip
    assert {number: sentence.text for number, sentence in policy.text.sentences.items()} == {
        "1.1": "对新建400P以上的项目，给予不超过10%的补助，最高1000万元。",
        "1.2": "特别重大的，“一事一议”。",
        "2.1": "对使用方给予补助。",
        "12.1": "本措施自2026年1月1日起施行。",
        "12.2": "有效期至2026年12月31日。",
    }
    assert policy.text.departments_for("1.1").responsible == "市发改委"
    assert policy.text.departments_for("1.1").cooperating == "市财政局"
    assert check_policy(policy).open_sentences == ("1.1", "1.2", "2.1", "12.1", "12.2")
    checked = runner.invoke(app, ["check", str(folder)])
    assert checked.exit_code == 1
    assert "第 12.2 句" in checked.stdout


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "what"),
    [
        ("a01_example.py", 'article.validity("1.2"', '("1.2"', "第 1.2 句", "未处理"),
        ("cases/1.1.yaml", "amount: 200000.00", "amount: 200000.01", "cases/1.1.yaml 行 2", "算得 200,000.00 元"),
        ("cases/1.1.yaml", "answer: eligible", "answer: yes!", "cases/1.1.yaml 行 2", "answer 应为"),
        ("cases/1.1.yaml", "999_999.95", "999_000.00", "cases/1.1.yaml 行 10", "金额应为 999,999.99"),
        ("cases/1.1.yaml", "local: false", "local: true", "cases/1.1.yaml 行 19", "答案应为 不符合条件"),
    ],
)
def test_what_does_not_stand_is_named_with_its_place(
    tmp_path: Path, file: str, old: str, new: str, place: str, what: str
) -> None:
    findings = check_policy(load_folder(edited(made(tmp_path), file, old, new))).findings
    assert any(finding.place == place and what in finding.what for finding in findings), findings


@pytest.mark.parametrize(
    ("case", "what"),
    [
        ("少 5 分", "只差一分到第 1.1 句的上限；请写一个 amount 为 999999.99 元的"),
        ("多 5 分", "没有一个算例超过第 1.1 句的上限"),
        ("不是本地企业", "没有一个算例不符合条件 local"),
        ("不知道支出多少", "没有一个算例答“缺少事实”"),
        ("有效期过后一天", "没有一个算例答“不在有效期”"),
    ],
)
def test_a_limit_or_an_answer_that_no_case_tries_is_named(tmp_path: Path, case: str, what: str) -> None:
    folder = made(tmp_path)
    path = folder / "cases" / "1.1.yaml"
    head, *cases = path.read_text(encoding="utf-8").split("- case: ")
    kept = [each for each in cases if not each.startswith(case)]
    assert len(kept) == len(cases) - 1
    path.write_text("- case: ".join([head, *kept]), encoding="utf-8")
    findings = check_policy(load_folder(folder)).findings
    assert [finding.place for finding in findings] == ["cases/1.1.yaml"]
    assert what in findings[0].what


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("policy.toml", b"issuer = = 1", "policy.toml：不是 TOML"),
        ("policy.toml", b"\xff\xfe", "policy.toml：不是 UTF-8"),
        ("text.md", b"\xff\xfe", "text.md：不是 UTF-8"),
        ("a01_example.py", b"\xff\xfe", "a01_example.py：不是 UTF-8"),
        ("a01_example.py", b"x = (\n", "a01_example.py 行 1：不是 Python"),
        ("a01_example.py", b"a\0", "a01_example.py：不是 Python"),
        ("a01_example.py", b"x = 1\nx = 1 / 0\n", "a01_example.py 行 2：ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_instead_of_a_traceback(
    tmp_path: Path, file: str, content: bytes, message: str
) -> None:
    folder = made(tmp_path)
    (folder / file).write_bytes(content)
    with pytest.raises(LawError) as refusal:
        load_folder(folder)
    assert message in str(refusal.value)


def test_a_folder_without_its_text_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path)
    (folder / "text.md").unlink()
    with pytest.raises(LawError, match=r"text\.md：读不了"):
        load_folder(folder)


@pytest.mark.parametrize(
    ("name", "days", "code"),
    [
        ("Some City", ["--from", "2026-01-01", "--to", "2026-12-31"], 1),
        ("../x", ["--from", "2026-01-01", "--to", "2026-12-31"], 1),
        ("x", ["--from", "2027-01-01", "--to", "2026-12-31"], 1),
        ("x", ["--from", "2026-13-01", "--to", "2026-12-31"], 2),
    ],
)
def test_a_name_or_days_that_are_none_leave_nothing_behind(
    tmp_path: Path, name: str, days: list[str], code: int
) -> None:
    done = runner.invoke(app, ["new", name, "--title", "试", "--issuer", "某市", *days, "--into", str(tmp_path / "p")])
    assert (1 if done.exception and done.exit_code == 1 else done.exit_code) == code
    assert not (tmp_path / "p").exists()


def test_a_policy_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    folder = made(tmp_path)
    before = sorted((path.name, path.read_bytes()) for path in folder.glob("*.*"))
    done = runner.invoke(app, ["new", folder.name, "--title", "试", *DAYS, "--into", str(tmp_path)])
    assert done.exit_code == 1
    assert sorted((path.name, path.read_bytes()) for path in folder.glob("*.*")) == before
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
