"""Several policies on the path: a broken one takes no other down, none hides another, all stand together."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from huisuan.law.cases.coverage_gaps import find_gaps
from huisuan.law.cases.policy_check import check_policy
from huisuan.law.cases.runner import case_subjects
from huisuan.law.cli.law_commands import app
from huisuan.law.forms.layout import parse_layout
from huisuan.law.model.errors import LawError
from huisuan.law.model.fact_hints import is_excluding
from huisuan.law.policy.load import load_folder, load_installed, load_policy
from support.trial_policy import ARTICLE, trial_policy

ANHUI = "anhui-agi-2023"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUISUAN_POLICIES", str(tmp_path))
    return tmp_path


def test_one_broken_folder_is_named_with_its_error_and_the_others_are_listed(place: Path) -> None:
    trial_policy(place)
    (place / "trial" / "a01_support.py").write_text("x = 0.5\n", encoding="utf-8")
    found, broken = load_installed()
    assert ANHUI in {policy.name for policy in found}
    assert "浮点数" in broken["trial"]
    listed = CliRunner().invoke(app, ["list", "--json"])
    assert listed.exit_code == 1
    rows = {row["name"]: row for row in json.loads(listed.stdout)}
    assert rows[ANHUI]["rules"]
    assert "a01_support.py 行 1" in rows["trial"]["error"]


@pytest.mark.slow
def test_a_folder_that_hides_another_of_the_same_name_is_refused_and_both_are_named(place: Path) -> None:
    folder = load_policy(ANHUI).folder
    shutil.copytree(folder, place / ANHUI)
    with pytest.raises(LawError, match="有两个文件夹") as refusal:
        load_policy(ANHUI)
    assert str(folder) in str(refusal.value)
    assert str(place / ANHUI) in str(refusal.value)
    assert any("同名" in conflict for conflict in check_policy(load_folder(place / ANHUI)).conflicts)


def test_the_check_sees_rules_that_pay_for_the_same_in_another_policy(place: Path) -> None:
    policy = trial_policy(place)
    assert check_policy(policy).conflicts == ()
    paying = ARTICLE.replace("import Article, Facts", "import Article, claims, Facts").replace(
        'title_en="Support")', 'title_en="Support", claim=claims("compute-spend", Project.cost))'
    )
    (place / "trial" / "a01_support.py").write_text(paying, encoding="utf-8")
    (told,) = check_policy(load_folder(place / "trial")).conflicts
    assert "没有声明如何叠加" in told
    assert "trial/1.1" in told


def test_no_case_file_is_asked_for_that_would_be_refused() -> None:
    policy = load_policy(ANHUI)
    assert {gap.subject for gap in find_gaps(policy, ())} <= set(case_subjects(policy))


def test_an_article_that_calls_max_is_told_about_max(place: Path) -> None:
    trial_policy(place)
    wrong = ARTICLE.replace("(project.part * project.cost)", "max(project.cost, project.cost)")
    (place / "trial" / "a01_support.py").write_text(wrong, encoding="utf-8")
    with pytest.raises(LawError, match=r"max\(\).*capped"):
        load_folder(place / "trial")


@pytest.mark.parametrize("key", ["on", "date"])
def test_a_case_that_writes_on_is_told_to_write_day(place: Path, key: str) -> None:
    policy = trial_policy(place)
    (place / "trial" / "cases").mkdir()
    case = f"- case: x\n  {key}: 2024-06-30\n  facts: {{}}\n  answer: missing_facts\n"
    (place / "trial" / "cases" / "1.1.yaml").write_text(case, encoding="utf-8")
    with pytest.raises(LawError, match="day: 2024-12-31"):
        check_policy(policy)


@pytest.mark.parametrize(
    "written",
    [
        "算力总支出(万元)", "算力总支出（万元）", "算力总支出（万元）[spend]", "算力总支出(万元)（元）",
        "算力总支出（千元）（元）[spend]", "算力总支出（美元）",
    ],
)  # fmt: skip
def test_a_heading_in_another_unit_is_refused_by_its_name_also_after_our_advice(written: str) -> None:
    facts = load_policy(ANHUI).rule("2.2").facts
    with pytest.raises(LawError, match=r"写的单位是(万元|千元|美元)，这里只认元、分.*标题改为“算力总支出（元）”"):
        parse_layout(facts, [written])
    (column,) = parse_layout(facts, ["算力总支出（元）"]).facts
    assert column.by_people


def test_the_sample_draws_towards_those_whom_a_fact_does_not_exclude(place: Path) -> None:
    import duckdb

    from huisuan.law.budget.synthetic_claims import Sample, sample_query

    trial_policy(place)
    excluded = '    opposite(project.banned).required("1.1", "对2024年底前完成的项目")\n'
    wrong = ARTICLE.replace("    in_time =", f"{excluded}    in_time =", 1).replace(
        "    finished = day", '    banned = boolean("失信", "Banned", asked_by="1.1")\n    finished = day', 1
    )
    wrong = wrong.replace("import Article, Facts", "import Article, boolean, opposite, Facts")
    (place / "trial" / "a01_support.py").write_text(wrong, encoding="utf-8")
    policy = load_folder(place / "trial")
    rule = policy.rule("1.1")
    assert [spec.name for spec in rule.facts if is_excluding(rule, spec)] == ["banned"]
    with duckdb.connect() as engine:
        query = sample_query(policy, rule, Sample(20_000, 1))
        told = engine.execute(f"SELECT count(*) FILTER (WHERE banned), count(*) FROM ({query})").fetchone()
    assert told is not None
    assert 0 < told[0] < told[1] / 2
    assert policy.in_force(date(2024, 6, 30))


def test_threads_that_ask_for_a_policy_at_once_get_one_and_the_same(tmp_path: Path) -> None:
    """A server's first requests come together: each dropped the modules that another's articles were run in."""
    folder = trial_policy(tmp_path).folder
    (folder / "a01_support.py").write_text(f"{ARTICLE}\n# loaded by nobody yet\n", encoding="utf-8")
    ready = threading.Barrier(8)

    def load(_number: int) -> int:
        ready.wait()
        return id(load_folder(folder))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(load, range(8)))) == 1
