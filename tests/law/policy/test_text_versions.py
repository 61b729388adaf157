"""A text has two times: how a sentence reads on a day, and what was known of it on a day."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.model.answers import Answer
from huisuan.law.model.errors import LawError
from huisuan.law.policy.by_day import find_part_starts
from huisuan.law.policy.load import load_folder
from huisuan.law.policy.policy import Policy, PolicyStanding
from huisuan.law.sql.compute_file import answer_query

TEXT = """# 试验政策

### 第1条 补助

- [1.1] 按实际用量给予不超过算力支出20%的补助，最高100元。
- [1.2] 本政策有效期至2025年12月31日。
"""
ABOUT = 'issuer = "某市"\nissued = 2024-01-01\nvalid_from = 2024-01-01\nvalid_to = 2025-12-31\n'
ARTICLE = """
from __future__ import annotations

from huisuan.law import Article, Facts, Money, interpretation, legal_money, legal_share, money

article = Article("1")
article.validity("1.2", "有效期至2025年12月31日"{questions})


class Use(Facts):
    spend = money("支出", "Spend", maximum="1亿元", asked_by="1.1")


@article.pays("1.1", "不超过算力支出20%的补助", to="用户", to_en="users", title="补助", title_en="Subsidy")
def subsidy(use: Use) -> Money:
    share = (legal_share("20%", "1.1", "不超过算力支出20%") * use.spend).by_day_of_use("1.1", "按实际用量")
    return share.capped(legal_money("100元", "1.1", "最高100元"), "1.1", "最高100元").rounded_down("fen")
"""
AMENDED = """

@article.pays(
    "1.1", "不超过算力支出10%的补助", to="用户", to_en="users", title="补助", title_en="Subsidy", version="{version}"
)
def subsidy_{name}(use: Use) -> Money:
    share = (legal_share("10%", "1.1", "不超过算力支出10%") * use.spend).by_day_of_use("1.1", "按实际用量")
    return share.capped(legal_money("{cap}", "1.1", "最高{cap}"), "1.1", "最高{cap}").rounded_down("fen")
"""
CHANGE = """kind = "{kind}"
authority = "某市"
document = "某政〔2024〕9 号"
valid_from = {first}
known_from = {known}
"""
WORDS = '\n[sentences]\n"1.1" = "按实际用量给予不超过算力支出10%的补助，最高{cap}。"\n'
JULY, YEAR_END, KNOWN = date(2024, 7, 1), date(2024, 12, 31), date(2026, 1, 1)


def amendment(first: str = "2024-07-01", known: str = "2024-06-15", cap: str = "100元", kind: str = "amendment") -> str:
    return CHANGE.format(kind=kind, first=first, known=known) + WORDS.format(cap=cap)


def policy(place: Path, changes: dict[str, str], article: str = "", questions: str = "") -> Policy:
    folder = place / "trial"
    (folder / "changes").mkdir(parents=True)
    files = {"text.md": TEXT, "policy.toml": ABOUT, "a01_support.py": ARTICLE.format(questions=questions) + article}
    files |= {f"changes/{name}.toml": content for name, content in changes.items()}
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return load_folder(folder)


def amended(place: Path) -> Policy:
    return policy(place, {"july": amendment()}, AMENDED.format(version="july", name="july", cap="100元"))


def answer(law: Policy, facts: dict[str, object], on: date, known: date = KNOWN, began: date | None = None) -> Answer:
    rule = law.rule("1.1")
    found = explain(law, rule, parse_facts(rule, facts), on=on, as_known=known, began=began)
    types = dict.fromkeys(facts, "BIGINT")
    engine = duckdb.connect()
    columns = ", ".join(f'? AS "{name}"' for name in facts)
    engine.execute(f"CREATE TABLE facts AS SELECT {columns}", list(facts.values()))
    query, _ = answer_query(law, rule, "facts", types, on=on, as_known=known, began=began)
    assert engine.execute(query.sql("duckdb")).fetchone() == (
        found.status.value, found.amount_fen, ";".join(reason.code for reason in found.reasons),
    )  # fmt: skip
    return found


def test_an_amended_sentence_holds_from_its_day_as_far_as_it_is_known(tmp_path: Path) -> None:
    law = amended(tmp_path)
    spend = {"spend": 10_000}
    assert answer(law, spend, date(2024, 6, 30)).amount_fen == 2_000
    assert answer(law, spend, JULY).amount_fen == 1_000
    assert answer(law, spend, JULY, date(2024, 6, 14)).amount_fen == 2_000
    assert law.text_on(JULY, KNOWN).sentences["1.1"].text.endswith("支出10%的补助，最高100元。")
    assert law.digest_as_known(date(2024, 6, 14)) != law.digest_as_known(date(2024, 6, 15)) == law.digest


def test_use_of_a_year_is_cut_where_the_sentence_changes_and_the_cap_stays_the_years(tmp_path: Path) -> None:
    law = amended(tmp_path)
    rule = law.rule("1.1")
    assert find_part_starts(law, rule, date(2024, 1, 1), YEAR_END, KNOWN) == (date(2024, 1, 1), JULY)
    assert answer(law, {"spend@2024-01-01": 10_000, "spend@2024-07-01": 10_000}, YEAR_END).amount_fen == 3_000
    most = answer(law, {"spend@2024-01-01": 40_000, "spend@2024-07-01": 40_000}, YEAR_END)
    assert (most.amount_fen, [reason.code for reason in most.reasons]) == (10_000, ["capped@1.1"])
    with pytest.raises(LawError, match=r"第 1\.1 句自 2024-07-01 起已改"):
        answer(law, {"spend@2024-01-01": 10_000}, YEAR_END)


def test_a_correction_holds_from_the_beginning_once_it_is_known(tmp_path: Path) -> None:
    correction = amendment("2024-01-01", "2024-03-01", kind="correction")
    law = policy(
        tmp_path, {"corrected": correction}, AMENDED.format(version="corrected", name="corrected", cap="100元")
    )
    january = date(2024, 1, 15)
    assert answer(law, {"spend": 10_000}, january, date(2024, 2, 28)).amount_fen == 2_000
    assert answer(law, {"spend": 10_000}, january, date(2024, 3, 1)).amount_fen == 1_000


def test_of_two_changes_the_one_known_last_prevails_from_its_day(tmp_path: Path) -> None:
    changes = {"july": amendment(), "leap": amendment("2024-02-29", "2024-09-01", "50元")}
    texts = AMENDED.format(version="july", name="july", cap="100元") + AMENDED.format(
        version="leap", name="leap", cap="50元"
    )
    law = policy(tmp_path, changes, texts)
    much = {"spend": 1_000_000}
    assert [answer(law, much, day).amount_fen for day in (date(2024, 2, 28), date(2024, 2, 29), JULY)] == [
        10_000, 5_000, 5_000,
    ]  # fmt: skip
    assert answer(law, much, JULY, date(2024, 8, 31)).amount_fen == 10_000


def test_a_policy_that_is_not_yet_issued_is_not_yet_known(tmp_path: Path) -> None:
    law = amended(tmp_path)
    found = answer(law, {"spend": 10_000}, JULY, date(2023, 12, 31))
    assert (found.status, found.amount_fen, found.reasons[0].code) == ("not_yet_known", None, "not_yet_known")
    assert "截至 2023-12-31 尚未公布" in found.reasons[0].text
    assert answer(law, {"spend": 10_000}, date(2023, 12, 31)).status == "not_in_force"


def test_a_later_policy_ends_this_one_from_its_day_once_it_is_known(tmp_path: Path) -> None:
    later = CHANGE.format(kind="replacement", first="2025-03-01", known="2025-02-01") + 'by = "trial-2"\n'
    law = policy(tmp_path, {"later": later})
    assert (law.last_day(date(2025, 1, 31)), law.last_day(KNOWN)) == (date(2025, 12, 31), date(2025, 2, 28))
    assert answer(law, {"spend": 10_000}, date(2025, 2, 28)).amount_fen == 2_000
    found = answer(law, {"spend": 10_000}, date(2025, 3, 1))
    assert (found.status, found.amount_fen) == ("not_in_force", 0)
    assert "自 2025-03-01 起由 trial-2" in found.reasons[0].text
    assert answer(law, {"spend": 10_000}, date(2025, 3, 1), date(2025, 1, 31)).amount_fen == 2_000


QUESTION = """, {name}=interpretation(
    "1.2.{name}", "问", "question", {{"covered": ("是", "yes"), "not_covered": ("否", "no")}},
    sentence="1.2", phrase="有效期至2025年12月31日",
)"""


def set_option(place: Path, name: str, option: str) -> None:
    folder = place / "trial" / "settings"
    folder.mkdir(parents=True)
    head = 'authority = "某市"\nvalid_from = 2024-01-01\nknown_from = 2024-01-01\n[interpretations]\n'
    (folder / "2024.toml").write_text(f'{head}"1.2.{name}" = "{option}"\n', encoding="utf-8")


@pytest.mark.parametrize(("option", "status"), [("covered", "eligible"), ("not_covered", "not_in_force")])
def test_what_began_in_time_and_ended_after_is_covered_by_interpretation(
    tmp_path: Path, option: str, status: str
) -> None:
    set_option(tmp_path, "began_within", option)
    law = policy(tmp_path, {}, questions=QUESTION.format(name="began_within"))
    late = date(2026, 2, 1)
    found = answer(law, {"spend": 10_000}, late, began=date(2025, 2, 28))
    assert (found.status, found.on) == (status, date(2025, 12, 31) if option == "covered" else late)
    assert answer(law, {"spend": 10_000}, late, began=date(2026, 1, 1)).status == "not_in_force"
    assert answer(law, {"spend": 10_000}, late).status == "not_in_force"


@pytest.mark.parametrize(("option", "status"), [("covered", "eligible"), ("not_covered", "not_in_force")])
def test_what_began_before_the_policy_is_left_to_the_one_before_by_interpretation(
    tmp_path: Path, option: str, status: str
) -> None:
    set_option(tmp_path, "began_before", option)
    law = policy(tmp_path, {}, questions=QUESTION.format(name="began_before"))
    found = answer(law, {"spend": 10_000}, JULY, began=date(2023, 12, 31))
    assert found.status == status
    if option == "not_covered":
        assert "施行（2024-01-01）之前已经开始" in found.reasons[0].text
    assert answer(law, {"spend": 10_000}, JULY, began=date(2024, 1, 1)).status == "eligible"


def test_a_claim_that_straddles_two_editions_is_refused_with_the_day_to_cut_at(tmp_path: Path) -> None:
    law = amended(tmp_path)
    with pytest.raises(LawError, match="跨过两个版本：本政策只到 2025-12-31"):
        answer(law, {"spend@2025-08-01": 10_000}, date(2026, 1, 31))
    with pytest.raises(LawError, match="跨过两个版本：本政策2024-01-01 施行"):
        answer(law, {"spend@2023-12-01": 10_000, "spend@2024-01-01": 1}, date(2024, 2, 29))
    assert law.standing(date(2026, 1, 31), KNOWN) is PolicyStanding.NOT_COVERED


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": amendment("2023-12-31")}, "x.toml：valid_from 2023-12-31 不在政策有效期.*不能早于政策施行"),
        ({"x": amendment("2026-01-01")}, "不在政策有效期"),
        ({"x": amendment(known="2023-12-31")}, "known_from 2023-12-31 早于政策印发"),
        ({"x": amendment("2023-02-29")}, "不是 TOML"),
        ({"x": amendment().replace('"1.1"', '"1.3"')}, "没有第 1.3 句"),
        ({"x": amendment().replace("10%", "20%")}, "与原文相同"),
        ({"x": amendment().replace("amendment", "repeal")}, "kind 应为 amendment、correction、replacement 之一"),
        ({"x": amendment() + "by = 1\n"}, "不写 by|1.1 每行|应如"),
        ({"x": CHANGE.format(kind="replacement", first="2024-07-01", known="2024-07-01")}, "代替应写 by"),
        ({"x": amendment(), "y": amendment(cap="50元")}, "x.toml 与 changes/y.toml：第 1.1 句同日改了两次"),
        ({"x": amendment()}, r"第 1\.1 句自 2024-07-01 起已改（changes/x\.toml）.*version=\"x\""),
    ],
)
def test_changes_that_cannot_be_are_refused(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(LawError, match=message):
        policy(tmp_path, changes)


@pytest.mark.parametrize(
    ("article", "message"),
    [
        (AMENDED.format(version="june", name="june", cap="100元"), "没有 changes/june.toml；有的是 july"),
        (AMENDED.format(version="july", name="july", cap="50元"), "引文“最高50元”不在第 1.1 句中"),
        (
            AMENDED.format(version="july", name="july", cap="100元").replace('.by_day_of_use("1.1", "按实际用量")', ""),
            "同样写 by_day_of_use",
        ),
    ],
)
def test_versions_that_cannot_be_are_refused(tmp_path: Path, article: str, message: str) -> None:
    with pytest.raises(LawError, match=message):
        policy(tmp_path, {"july": amendment()}, article)


def test_the_cap_of_the_year_binds_the_sum_of_its_parts_to_the_fen(tmp_path: Path) -> None:
    law = amended(tmp_path)
    for first, second in ((49_999, 1), (25_000, 49_999), (0, 100_001)):
        exact = min(Fraction(first, 5) + Fraction(second, 10), Fraction(10_000))
        facts: dict[str, object] = {"spend@2024-01-01": first, "spend@2024-07-01": second}
        assert answer(law, facts, YEAR_END).amount_fen == int(exact)
