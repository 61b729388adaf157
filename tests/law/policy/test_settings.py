"""Settings within the law's bounds: read, written, listed, supposed otherwise, and what else would follow."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from huisuan.law.budget.impact import LawState, RuleImpact, affected_rules, compare_answers
from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import InterpretationSpec, SettingSpec
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.load import load_folder, load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.scenario import Scenario, apply_scenario, load_scenario, scenario_from_options, with_adopted
from huisuan.law.policy.setting_bounds import SettingDeclarations
from huisuan.law.policy.settings import AdoptedSetting
from huisuan.law.policy.settings_history import list_settings
from huisuan.law.policy.toml_documents import SettingsDocument

POLICY = "anhui-agi-2023"
YEAR_END, LATER = date(2024, 12, 31), date(2025, 6, 1)
REGIONS = {"340100": "合肥市", "340200": "芜湖市"}
DECLARED = SettingDeclarations.from_specs(
    [
        SettingSpec("1.share", ValueKind.SHARE, "比例", "share", "1.1", "不超过20%", Fraction(1, 5)),
        SettingSpec("1.money", ValueKind.MONEY, "金额", "money", "1.1", "最高1万元", 1_000_000),
        SettingSpec("1.regions", ValueKind.REGIONS, "地区", "regions", "1.1", "皖北", None, REGIONS),
        SettingSpec("1.rates", ValueKind.RATES, "各市比例", "rates", "1.1", "一定比例", Fraction(1), REGIONS),
    ],
    [InterpretationSpec("1.open", "1.1", "皖北", "口径", "question", {"a": "甲", "b": "乙"}, {"a": "A", "b": "B"})],
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, in which nothing was adopted."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("number", [0, 3, 4, 6])
def test_a_panel_that_votes_is_odd_and_no_smaller_than_declared(number: int) -> None:
    spec = SettingSpec("1.panel", ValueKind.INT, "人数", "panel", "1.1", "专家", 99, odd_from=5)
    declared = SettingDeclarations.from_specs([spec], [])
    assert declared.parse_setting("1.panel", 7, "f") == 7
    with pytest.raises(LawError, match=f"{number} 不可；须是不少于 5 的单数"):
        declared.parse_setting("1.panel", number, "f")


def document(text: str) -> SettingsDocument:
    return SettingsDocument.parse("f.toml", text, frozenset({"title"}))


def test_values_read_back_as_they_were_written() -> None:
    values = {
        "1.share": Fraction(1, 800), "1.money": 12_345, "1.regions": ("340200", "340100"),
        "1.rates": {"340100": Fraction(1, 8), "340200": Fraction(1, 3)}, "1.open": "b",
    }  # fmt: skip
    assert DECLARED.parse_document(document(DECLARED.to_toml(values))) == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[settings]\n"1.share" = "20.01%"', "f.toml 行 2：参数 1.share（比例）：20.01% 超过法定上限 20%（第 1.1 句"),
        ('[settings]\n"1.share" = 0.1', "行 2：参数 1.share（比例）：“0.1”不是比例"),
        ('[settings]\n"1.money" = 1000001', "1.money（金额）：10,000.01 元 超过法定上限 10,000.00 元"),
        ('[settings]\n"1.money" = true', "应为不小于 0 的整数分"),
        ('[settings]\n"1.money" = -1', "应为不小于 0 的整数分"),
        ('[settings]\n"1.regions" = "340100"', "应为区划代码列表"),
        ('[settings]\n"1.regions" = ["110000"]', "没有区划 110000；可写的有 340100、340200"),
        ('[settings]\n"1.regions" = ["340100", "340100"]', "区划 340100 写了两次"),
        ('[settings]\n"1.rates" = "10%"', "应为区划代码与比例的表"),
        ('[settings]\n"1.rates" = { "340100" = "101%" }', "101% 超过上限 100%"),
        ('[settings]\n"1.none" = 1', "f.toml 行 2：未知参数 1.none；已声明的有 1.money"),
        ('title = "x"\n[interpretations]\n"1.open" = "c"', "行 3：解释口径 1.open 没有选项 c：a、b"),
        ('[interpretations]\n"1.other" = "a"', "未知解释口径 1.other"),
        ('[setings]\n"1.money" = 1', "行 1：不认识 setings"),
        ("settings = 1", "settings 应为表"),
        ('title = "x"\n[settings]\n"1.money" = ', "f.toml 行 3：不是 TOML"),
        ('[settings]\n"1.money" = 1\n"1.money" = 2', "不是 TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(LawError) as refusal:
        DECLARED.parse_document(document(text))
    assert message in str(refusal.value)


def adopted_file(home: Path, text: str, name: str = "a.toml") -> Path:
    folder = home / "settings" / POLICY
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


LOWER = 'authority = "省专班"\nvalid_from = 2024-01-01\nknown_from = 2025-03-01\n[settings]\n"2.2.rate" = "15%"\n'


def test_a_file_added_later_is_noticed_and_only_from_the_day_it_is_known(home: Path) -> None:
    before = load_policy(POLICY)
    path = adopted_file(home, LOWER)
    after = load_policy(POLICY)
    assert [after.adopted(YEAR_END, day)["2.2.rate"].value for day in (date(2025, 2, 28), date(2025, 3, 1))] == [
        Fraction(1, 5), Fraction(3, 20),
    ]  # fmt: skip
    assert after.digest != before.digest
    assert after.digest_as_known(date(2025, 2, 28)) == before.digest_as_known(date(2025, 2, 28))
    assert after.digest_as_known(date(2025, 3, 1)) != before.digest_as_known(date(2025, 3, 1))
    path.unlink()
    assert load_policy(POLICY).digest == before.digest


def test_an_answer_names_the_digest_of_what_was_known(home: Path) -> None:
    def answer() -> object:
        policy = load_policy(POLICY)
        rule = policy.rule("2.2")
        facts = parse_facts(rule, {"in_anhui": True, "kind": "enterprise", "spend": 10_000, "self_use": 0})
        return explain(policy, rule, facts, on=YEAR_END, as_known=date(2025, 2, 28))

    before = answer()
    adopted_file(home, LOWER)
    assert answer() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LOWER.replace("15%", "25%"), "a.toml 行 5：参数 2.2.rate（年度补助比例）：25% 超过法定上限 20%"),
        (LOWER.replace('authority = "省专班"\n', ""), "a.toml：缺 authority"),
        (LOWER.replace("2025-03-01", '"2025-03-01"'), "a.toml 行 3：known_from 应为日期"),
        ("\xff", "a.toml"),
    ],
)
def test_a_broken_file_is_named_with_its_folder(home: Path, text: str, message: str) -> None:
    path = adopted_file(home, text)
    with pytest.raises(LawError) as refusal:
        load_policy(POLICY)
    assert message in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_a_file_that_is_no_text_is_named(home: Path) -> None:
    path = adopted_file(home, "")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LawError, match=r"a\.toml：不是 UTF-8"):
        load_policy(POLICY)


def test_two_files_of_one_day_contradict_each_other(home: Path) -> None:
    adopted_file(home, LOWER)
    adopted_file(home, LOWER.replace("15%", "10%"), "b.toml")
    with pytest.raises(LawError, match=r"2\.2\.rate 在 .*a\.toml 与 .*b\.toml 中同日重复"):
        load_policy(POLICY)


def test_a_policy_read_from_a_folder_alone_has_its_own_settings_only(home: Path) -> None:
    folder = load_policy(POLICY).folder
    adopted_file(home, LOWER)
    assert load_folder(folder).adopted(YEAR_END, LATER)["2.2.rate"].value == Fraction(1, 5)


def test_every_setting_is_listed_set_or_not_with_its_history(home: Path) -> None:
    adopted_file(home, LOWER)
    policy = load_policy(POLICY)
    rows = {row.spec.name: row for row in list_settings(policy, YEAR_END, LATER)}
    assert set(rows) == {*policy.setting_specs(), *policy.interpretation_specs()}
    rate = rows["2.2.rate"]
    assert [rate.format_adopted(entry) for entry in rate.history] == ["15%", "20%"]
    assert (rate.bound, rate.rules, rate.current and rate.current.authority) == ("20%", ("2.2",), "省专班")
    assert rows["4.1.budget"].current is None
    assert not rows["4.1.budget"].to_dict()["set"]
    early = {row.spec.name: row for row in list_settings(policy, YEAR_END, date(2025, 2, 28))}
    assert [early["2.2.rate"].format_adopted(entry) for entry in early["2.2.rate"].history] == ["20%"]


def scenario(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_scenario_holds_from_the_first_day_and_is_no_law(tmp_path: Path) -> None:
    policy = load_policy(POLICY)
    wanted = load_scenario(scenario(tmp_path, '[settings]\n"2.2.rate" = "1/8"\n'), policy)
    supposed = apply_scenario(policy, wanted)
    assert supposed.adopted(policy.valid_from, policy.issued)["2.2.rate"].value == Fraction(1, 8)
    assert supposed.digest != policy.digest
    assert supposed.digest_as_known(LATER) != policy.digest_as_known(LATER)
    assert policy.adopted(YEAR_END, LATER)["2.2.rate"].value == Fraction(1, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[settings]\n"2.2.rate" = "25%"\n', "s.toml 行 2：参数 2.2.rate（年度补助比例）：25% 超过法定上限"),
        ('title = "x"\n', "什么都没有改"),
        ("valid_from = 2024-01-01\n", "不认识 valid_from"),
    ],
)
def test_a_scenario_keeps_within_the_bounds(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LawError) as refusal:
        load_scenario(scenario(tmp_path, text), load_policy(POLICY))
    assert message in str(refusal.value)


def test_another_choice_is_computed_and_says_that_it_is_supposed() -> None:
    policy = load_policy(POLICY)
    supposed = apply_scenario(policy, scenario_from_options(policy, ["0.2.cap=beyond"]))
    facts = {"key_technology": True, "city_paid": 5_000_000_000, "city": "340600"}
    amounts = []
    for each in (policy, supposed):
        rule = each.rule("8.2")
        answer = explain(each, rule, parse_facts(rule, facts), on=YEAR_END, as_known=LATER)
        amounts.append(answer.amount_fen)
    assert amounts == [1_000_000_000, 1_200_000_000]
    assert {used.name: used.authority for used in answer.interpretations}["0.2.cap"] == "情景（未采用）"
    for pair, message in {"0.2.cap": "应写作", "0.2.cap=x": "没有选项 x", "9.9=a": "未知解释口径"}.items():
        with pytest.raises(LawError, match=message):
            scenario_from_options(policy, [pair])


def test_what_is_adopted_further_keeps_its_days() -> None:
    policy = load_policy(POLICY)
    entry = AdoptedSetting(
        "2.2.rate", Fraction(1, 10), "省专班", "", date(2024, 7, 1), date(2024, 8, 1), "p", Path("p")
    )
    changed = with_adopted(policy, [entry])
    found = {
        (on, known): changed.adopted(on, known)["2.2.rate"].value
        for on in (date(2024, 6, 30), date(2024, 7, 1))
        for known in (date(2024, 7, 31), date(2024, 8, 1))
    }
    assert list(found.values()) == [Fraction(1, 5), Fraction(1, 5), Fraction(1, 5), Fraction(1, 10)]
    with pytest.raises(LawError, match="同日重复"):
        with_adopted(changed, [entry])


def compared(after: Policy, rows: list[tuple[object, ...]], identity: str = "id", key: str = "2.2") -> RuleImpact:
    policy = load_policy(POLICY)
    types = {"id": "VARCHAR", "in_anhui": "BOOLEAN", "kind": "VARCHAR", "spend": "BIGINT", "self_use": "BIGINT"}
    with duckdb.connect() as engine:
        engine.execute(f"CREATE TABLE t ({', '.join(f'{name} {kind}' for name, kind in types.items())})")
        engine.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
        sides = (LawState(each, YEAR_END, LATER, "t") for each in (policy, after))
        return compare_answers(engine, key, *sides, types, identity=identity)


ROWS: list[tuple[object, ...]] = [
    ("a", True, "enterprise", 10_000, 0),
    ("b", True, "university", 1_000, 0),
    ("c", False, "enterprise", 10_000, 0),
    ("d", True, "enterprise", None, 0),
]


def test_a_comparison_counts_both_sides_and_names_the_largest_changes() -> None:
    policy = load_policy(POLICY)
    found = compared(apply_scenario(policy, Scenario("x", {"2.2.rate": Fraction(1, 10)})), ROWS)
    assert (found.rows, found.before.amount_fen, found.after.amount_fen) == (4, 2200, 1100)
    assert found.before.by_status == {"eligible": 2, "not_eligible": 1, "missing_facts": 1}
    assert (found.winners, found.won_fen, found.losers, found.lost_fen, found.changed) == (0, 0, 2, 1100, 2)
    assert [(each.identity, each.difference_fen) for each in found.largest] == [("a", -1000), ("b", -100)]


def test_nothing_changes_under_the_same_law() -> None:
    found = compared(load_policy(POLICY), ROWS)
    assert (found.changed, found.difference_fen, found.largest) == (0, 0, ())


def test_rows_that_cannot_be_told_apart_are_refused() -> None:
    policy = load_policy(POLICY)
    with pytest.raises(LawError, match="“a”为空或不止一行"):
        compared(policy, [ROWS[0], ROWS[0]])
    with pytest.raises(LawError, match="为空或不止一行"):
        compared(policy, [(None, *ROWS[0][1:])])
    with pytest.raises(LawError, match="没有列 uscc"):
        compared(policy, ROWS, identity="uscc")


def test_a_change_touches_the_rules_that_rest_on_it() -> None:
    policy = load_policy(POLICY)
    assert [rule.key for rule in affected_rules(policy, ["2.2.rate", "14.1.national"])] == ["2.2", "14.1"]
