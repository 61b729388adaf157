"""Settings come into force by a proposal of one person and the adoption of another, and stay on record for good."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from stdnum.cn import uscc
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_policy
from huisuan.parties.models import Party, Person
from huisuan.parties.viewer import Viewer
from huisuan.settlement.adoption.proposed_settings import parse_draft
from huisuan.settlement.adoption.queries import comparison_lines, comparison_to_dict, proposal_to_dict
from huisuan.settlement.adoption.services import ProposalActor, adopt_proposal, propose_settings, withdraw_proposal
from huisuan.settlement.adoption.settings_files import list_problems, list_unadopted_files, write_adopted
from huisuan.settlement.cli.settings_commands import app
from huisuan.settlement.impact.compare import compare_year
from huisuan.settlement.impact.settled_days import overruled, settled_reach
from huisuan.settlement.models import ProposalEnd, SettingsProposal, SettlementRun, Through
from huisuan.settlement.runs.queries import latest_entitlements, recompute_entitlement
from huisuan.settlement.runs.settle import settle
from support.relations import relate

pytestmark = pytest.mark.django_db
Committed = Callable[..., AbstractContextManager[Any]]

POLICY = "anhui-agi-2023"
ZHANG, LI = ProposalActor("zhang", Through.WEB), ProposalActor("li", Through.WEB)
MARCH, NEXT_DAY = datetime(2025, 3, 1, 4, tzinfo=UTC), datetime(2025, 3, 2, 4, tzinfo=UTC)
YEAR_END = date(2024, 12, 31)
ABOUT = 'authority = "省专班"\ndocument = "皖智专〔2025〕1 号"\nvalid_from = 2024-01-01\n'
LOWER = ABOUT + '[settings]\n"2.2.rate" = "15%"\n'
NARROWER = ABOUT + '[interpretations]\n"2.2.affiliated" = "same"\n'
CARD = "A800-SXM4-80GB"
HEADER = (
    "JobIDRaw|JobID|Cluster|User|Account|Partition|State|Submit|Start|End"
    "|ElapsedRaw|Suspended|AllocTRES|ReqTRES|ExitCode"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own: what a test adopts is nobody else's law."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    return tmp_path / "settings" / POLICY


@pytest.fixture
def settled() -> SettlementRun:
    """Two users of one centre in 2024; the operator controls the second."""
    firm, school, operator = (_party(n, kind) for n, kind in enumerate(("enterprise", "university", "centre_operator")))
    relate(operator, school)
    plan = CentrePlan(
        name="合肥中心", operator=operator.uscc, region="340100", engine=None, partitions=(f"gpu={CARD}:4x8:a800",)
    )
    add_centre("hf", plan)
    set_tariff("hf", CARD, "1000", date(2024, 1, 1))
    tres, start, end = "cpu=8,gres/gpu:a800=4", "2024-05-05T08:00:00", "2024-05-05T18:00:00"
    rows = [
        f"{n}|{n}|ah|u|{who}|gpu|COMPLETED|{start}|{start}|{end}|36000|00:00:00|{tres}|{tres}|0:0"
        for n, who in enumerate(("firm", "school"), start=1)
    ]
    tenants = f"account,uscc\nfirm,{firm.uscc}\nschool,{school.uscc}\n".encode()
    content = "\n".join([HEADER, *rows, ""]).encode()
    import_usage("hf", UsageFile(content, "sacct.txt", "sacct", tenants=(tenants, "t.csv")), MARCH)
    return settle(POLICY, 2024, now=datetime(2025, 2, 1, tzinfo=UTC), by="省专班").run


def _party(number: int, kind: str) -> Party:
    front = f"91340100MA2R{number:05d}"
    code = front + str(uscc.calc_check_digit(front))
    return Party.objects.create(uscc=code, name=f"{kind} {number}", kind=kind, region_id="340100")


def proposed(text: str, by: ProposalActor = ZHANG) -> SettingsProposal:
    return propose_settings(POLICY, parse_draft(load_policy(POLICY), "f.toml", text), by, MARCH)


def rate(as_known: date) -> object:
    return load_policy(POLICY).adopted(YEAR_END, as_known)["2.2.rate"].value


def test_what_is_adopted_is_seen_by_every_reading_from_that_day(
    home: Path, django_capture_on_commit_callbacks: Committed
) -> None:
    before = load_policy(POLICY)
    made = proposed(LOWER)
    assert rate(date(2026, 1, 1)) == Fraction("1/5")  # a proposal is no law
    with django_capture_on_commit_callbacks(execute=True):
        adopt_proposal(made.pk, LI, MARCH)
    assert [path.name for path in home.iterdir()] == [f"{made.pk:03d}-2.2.rate.toml"]
    assert rate(date(2025, 2, 28)) == Fraction("1/5")
    assert rate(date(2025, 3, 1)) == Fraction("3/20")
    after = load_policy(POLICY)
    assert after.digest != before.digest
    assert after.digest_as_known(date(2025, 2, 28)) == before.digest_as_known(date(2025, 2, 28))


def test_an_answer_given_before_an_adoption_is_computed_the_same_again(
    django_capture_on_commit_callbacks: Committed,
) -> None:
    facts = {"in_anhui": True, "kind": "enterprise", "spend": 10_000, "self_use": 0}

    def answer(as_known: date) -> Any:
        policy = load_policy(POLICY)
        rule = policy.rule("2.2")
        return explain(policy, rule, parse_facts(rule, facts), on=YEAR_END, as_known=as_known)

    given = answer(date(2025, 2, 28))
    with django_capture_on_commit_callbacks(execute=True):
        adopt_proposal(proposed(LOWER).pk, LI, MARCH)
    assert answer(date(2025, 2, 28)) == given
    assert (given.amount_fen, answer(date(2025, 3, 1)).amount_fen) == (2000, 1500)


def test_nobody_adopts_their_own_proposal() -> None:
    made = proposed(LOWER)
    with pytest.raises(Refused, match="须由另一人采用"):
        adopt_proposal(made.pk, ProposalActor("Zhang", Through.COMMAND), MARCH)
    with pytest.raises(IntegrityError, match="nobody adopts their own"), transaction.atomic():
        ProposalEnd.objects.create(
            proposal=made,
            end="adopted",
            by="zhang",
            through="web",
            at=MARCH,
            known_from=MARCH.date(),
            file="f",
            text="t",
        )


def test_the_day_of_adoption_cannot_be_chosen() -> None:
    made = proposed(LOWER)
    with pytest.raises(IntegrityError, match="known from the day"), transaction.atomic():
        ProposalEnd.objects.create(
            proposal=made,
            end="adopted",
            by="li",
            through="web",
            at=MARCH,
            known_from=date(2024, 1, 1),
            file="f",
            text="t",
        )


def test_what_was_proposed_and_adopted_never_changes() -> None:
    made = proposed(LOWER)
    end = adopt_proposal(made.pk, LI, MARCH)
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        SettingsProposal.objects.filter(pk=made.pk).update(values='[settings]\n"2.2.rate" = "1%"\n')
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        ProposalEnd.objects.filter(pk=end.pk).update(text="x")
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        end.delete()


def test_what_was_settled_on_the_day_of_an_adoption_still_stands(
    settled: SettlementRun, django_capture_on_commit_callbacks: Committed
) -> None:
    that_evening = datetime(2025, 2, 1, 10, tzinfo=UTC)
    assert settled.as_known == that_evening.date()
    with django_capture_on_commit_callbacks(execute=True):
        end = adopt_proposal(proposed(LOWER).pk, LI, that_evening)
    assert end.known_from == date(2025, 2, 2)
    for owed in latest_entitlements(Viewer(role="province", name="x")):
        reading = recompute_entitlement(owed)
        assert (reading.agrees, reading.same_law) == (True, True)
    assert settle(POLICY, 2024, now=that_evening, by="省专班").run == settled
    assert settle(POLICY, 2024, now=MARCH, by="省专班").run.amount_fen == 6_000


def test_no_settlement_knows_what_is_not_yet_known() -> None:
    with pytest.raises(Refused, match="还没有到 2025-03-02"):
        settle(POLICY, 2024, now=MARCH, by="省专班", as_known=date(2025, 3, 2))


def test_a_proposal_ends_once() -> None:
    made = proposed(LOWER)
    withdraw_proposal(made.pk, ZHANG, MARCH)
    for again in (withdraw_proposal, adopt_proposal):
        with pytest.raises(Refused, match="已撤回（zhang，2025-03-01）"):
            again(made.pk, LI, MARCH)
    assert proposal_to_dict(SettingsProposal.objects.get())["state"] == "withdrawn"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LOWER.replace("15%", "21%"), "f.toml 行 5：参数 2.2.rate（年度补助比例）：21% 超过法定上限 20%"),
        (LOWER.replace("2.2.rate", "2.2.rates"), "f.toml 行 5：未知参数 2.2.rates"),
        (NARROWER.replace("same", "none"), "f.toml 行 5：解释口径 2.2.affiliated 没有选项 none"),
        (LOWER.replace("[settings]", "[setting]"), "f.toml 行 4：不认识 setting"),
        (LOWER.replace("[settings]", "[settings"), "f.toml 行 4：不是 TOML"),
        ("known_from = 2020-01-01\n" + LOWER, "请去掉 known_from"),
        (LOWER.replace("2024-01-01", "2026-01-01"), "2026-01-01 不在政策有效期"),
        (LOWER.replace("省专班", " "), "请写明由谁确定"),
        (ABOUT, "请至少改一项"),
        (LOWER.replace("省专班", "省" * 201), "最多 200 字"),
    ],
)
def test_what_is_wrong_with_a_proposal_is_named(text: str, message: str) -> None:
    with pytest.raises(Refused) as refusal:
        proposed(text)
    assert message in str(refusal.value)
    assert not SettingsProposal.objects.exists()


def test_two_adoptions_of_a_day_do_not_contradict_each_other(django_capture_on_commit_callbacks: Committed) -> None:
    first, second = proposed(LOWER), proposed(LOWER.replace("15%", "10%"))
    adopt_proposal(first.pk, LI, MARCH)
    with pytest.raises(Refused, match="同日重复"):
        adopt_proposal(second.pk, LI, MARCH)
    with django_capture_on_commit_callbacks(execute=True):
        adopt_proposal(second.pk, LI, NEXT_DAY)
    assert (rate(date(2025, 3, 1)), rate(date(2025, 3, 2))) == (Fraction("3/20"), Fraction("1/10"))


def test_the_files_are_brought_back_to_the_record(home: Path) -> None:
    end = adopt_proposal(proposed(LOWER).pk, LI, MARCH)
    assert write_adopted() == [home / end.file]
    assert write_adopted() == []
    (home / end.file).write_text(end.text.replace("15%", "5%"), encoding="utf-8")
    assert write_adopted() == [home / end.file]
    (home / end.file).unlink()
    settle(POLICY, 2024, now=NEXT_DAY, by="省专班")
    assert rate(date(2025, 3, 1)) == Fraction("3/20")


def test_settings_that_nobody_adopted_are_told_and_stop_the_settlement(home: Path) -> None:
    home.mkdir(parents=True)
    smuggled = home / "x.toml"
    smuggled.write_text(LOWER + "", encoding="utf-8")
    assert list_unadopted_files() == [smuggled]
    told = list_problems()
    assert any("x.toml 没有采用记录" in each for each in told)
    assert any("x.toml：缺 known_from" in each for each in told)
    with pytest.raises(LawError, match=r"x\.toml：缺 known_from"):
        load_policy(POLICY)
    with pytest.raises(Refused, match=r"x\.toml 没有采用记录"):
        settle(POLICY, 2024, now=NEXT_DAY, by="省专班")


def test_a_folder_named_by_the_operator_counts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Committed
) -> None:
    folder = tmp_path / "more" / POLICY
    folder.mkdir(parents=True)
    (folder / "a.toml").write_text("known_from = 2025-01-01\n" + LOWER, encoding="utf-8")
    monkeypatch.setenv("HUISUAN_SETTINGS", str(folder.parent))
    assert rate(date(2025, 1, 1)) == Fraction("3/20")
    assert rate(date(2024, 12, 31)) == Fraction("1/5")


def test_a_comparison_says_what_changes_for_whom(settled: SettlementRun) -> None:
    made = compare_year(proposed(LOWER), 2024, "zhang", MARCH)
    done = comparison_to_dict(made)
    # 40 card-hours at 10 yuan; the school is the operator's own, and gets nothing
    assert (made.before_fen, made.after_fen, made.winners, made.losers) == (8_000, 6_000, 0, 1)
    assert {line["party"][-6:-1]: line["difference_fen"] for line in done["lines"]} == {"00000": -2_000, "00001": 0}
    assert [(each["key"], each["difference_fen"]) for each in done["by_city"]] == [("340100", -2_000)]
    assert {each["key"]: each["parties"] for each in done["by_kind"]} == {"enterprise": 1, "university": 1}
    assert sum(line.after_fen for line in comparison_lines(made)) == made.after_fen


def test_another_interpretation_takes_the_facts_anew(settled: SettlementRun) -> None:
    made = compare_year(proposed(NARROWER), 2024, "zhang", MARCH)
    assert made.metered_again
    assert (made.before_fen, made.after_fen) == (8_000, 16_000)
    assert [line.difference_fen for line in comparison_lines(made)] == [0, 8_000]


def test_what_was_compared_is_what_the_next_settlement_pays(
    settled: SettlementRun, django_capture_on_commit_callbacks: Committed
) -> None:
    made = proposed(LOWER)
    foreseen = compare_year(made, 2024, "zhang", MARCH)
    with django_capture_on_commit_callbacks(execute=True):
        adopt_proposal(made.pk, LI, MARCH)
    run = settle(POLICY, 2024, now=NEXT_DAY, by="省专班").run
    assert (run.amount_fen, foreseen.after_fen) == (6_000, 6_000)
    assert comparison_to_dict(compare_year(made, 2024, "li", NEXT_DAY))["difference_fen"] == -2_000


def test_an_entitlement_of_the_past_still_stands_on_its_law(
    settled: SettlementRun, django_capture_on_commit_callbacks: Committed
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        adopt_proposal(proposed(LOWER).pk, LI, MARCH)
    for owed in latest_entitlements(Viewer(role="province", name="x")):
        reading = recompute_entitlement(owed)
        assert (reading.agrees, reading.same_law) == (True, True)


def test_a_proposal_that_does_not_touch_what_is_settled_says_so(settled: SettlementRun) -> None:
    made = proposed(ABOUT + '[settings]\n"14.1.national" = 40_000_000\n')
    with pytest.raises(Refused, match=r"不影响平台自行结算的条款（2\.2）；受影响的句：14\.1"):
        compare_year(made, 2024, "zhang", MARCH)
    with pytest.raises(Refused, match="2023 年还没有结算"):
        compare_year(proposed(LOWER), 2023, "zhang", MARCH)


def test_the_commands_go_the_whole_way(settled: SettlementRun, tmp_path: Path) -> None:
    Person.objects.create_person("li", None, role="province")
    file = tmp_path / "f.toml"
    file.write_text(LOWER, encoding="utf-8")

    def run(*words: str) -> Any:
        answer = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
        assert answer.exit_code == 0
        return json.loads(answer.stdout)

    number = str(run("propose", POLICY, "--file", str(file))["id"])
    assert run("list")[0]["title"] == "调整年度补助比例"
    assert run("compare", number, "--year", "2024")["difference_fen"] == -2_000
    with pytest.raises(Refused, match="须由另一人采用"):
        run("adopt", number)
    with pytest.raises(Refused, match="没有这位省专班人员"):
        run("adopt", number, "--by", "nobody")
    assert run("adopt", number, "--by", "li")["state"] == "adopted"
    shown = run("show", number)
    assert (shown["ended_by"], shown["ended_through"], shown["state"]) == ("li", "command", "adopted")


# The settled use is of 5 May 2024: 8,000 fen at 20% for the firm, nothing for the operator's own school.
MAY = ABOUT.replace("2024-01-01", "2024-05-05")
JUNE = ABOUT.replace("2024-01-01", "2024-06-01")


def adopted(text: str, at: datetime, callbacks: Committed) -> ProposalEnd:
    with callbacks(execute=True):
        return adopt_proposal(proposed(text).pk, LI, at)


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        (MAY + '[settings]\n"2.2.rate" = "15%"\n', 6_000),
        (JUNE + '[settings]\n"2.2.rate" = "15%"\n', 8_000),
        (JUNE.replace("2024-06-01", "2024-02-29\nvalid_to = 2024-05-04") + '[settings]\n"2.2.rate" = "15%"\n', 8_000),
        (MAY.replace("2024-05-05", "2024-05-05\nvalid_to = 2024-05-05") + '[settings]\n"2.2.rate" = "15%"\n', 6_000),
        (JUNE + '[interpretations]\n"2.2.affiliated" = "same"\n', 8_000),
        (MAY + '[interpretations]\n"2.2.affiliated" = "same"\n', 16_000),
        (JUNE + 'repeal = ["2.2.rate"]\n', 8_000),  # what was used in May is owed by the rate that held
        (MAY + 'repeal = ["2.2.rate"]\n', 0),
    ],
)
def test_a_settlement_counts_each_day_by_what_held_on_it_as_the_comparison_said(
    settled: SettlementRun, django_capture_on_commit_callbacks: Committed, text: str, fen: int
) -> None:
    made = proposed(text)
    foreseen = compare_year(made, 2024, "zhang", MARCH)
    with django_capture_on_commit_callbacks(execute=True):
        adopt_proposal(made.pk, LI, MARCH)
    run = settle(POLICY, 2024, now=NEXT_DAY, by="省专班").run
    assert (run.amount_fen, foreseen.after_fen, foreseen.before_fen) == (fen, fen, 8_000)
    for owed in latest_entitlements(Viewer(role="province", name="x")):
        reading = recompute_entitlement(owed)
        assert (reading.agrees, reading.same_law) == (True, True)
        bills = sum(bill.amount_fen for bill in owed.party.bills.filter(run=run))
        assert owed.facts["spend"] == bills == 40_000
        parts = {name: value for name, value in owed.facts.items() if name.startswith("spend@")}
        assert sum(parts.values()) == bills or not parts


def test_a_later_decision_for_the_whole_year_prevails_over_one_from_june(
    settled: SettlementRun, django_capture_on_commit_callbacks: Committed
) -> None:
    adopted(MAY + '[settings]\n"2.2.rate" = "15%"\n', MARCH, django_capture_on_commit_callbacks)
    assert settle(POLICY, 2024, now=MARCH, by="省专班").run.amount_fen == 6_000
    tenth = proposed(LOWER.replace("15%", "10%"))
    assert [entry.valid_from for entry in overruled(tenth)] == [date(2024, 5, 5)]
    foreseen = compare_year(tenth, 2024, "zhang", NEXT_DAY)
    with django_capture_on_commit_callbacks(execute=True):
        adopt_proposal(tenth.pk, LI, NEXT_DAY)
    run = settle(POLICY, 2024, now=datetime(2025, 3, 4, tzinfo=UTC), by="省专班").run
    assert (run.amount_fen, foreseen.after_fen) == (4_000, 4_000)


def test_two_decisions_of_one_day_about_the_same_days_are_refused_and_the_standing_one_is_named(
    settled: SettlementRun, django_capture_on_commit_callbacks: Committed
) -> None:
    end = adopted(JUNE + '[settings]\n"2.2.rate" = "15%"\n', MARCH, django_capture_on_commit_callbacks)
    second = proposed(LOWER.replace("15%", "10%"))
    with pytest.raises(Refused, match=rf"{end.file}.*同日重复.*都说到 2024-06-01"):
        adopt_proposal(second.pk, LI, MARCH)
    before_june = LOWER.replace("2024-01-01", "2024-01-01\nvalid_to = 2024-05-31").replace("15%", "10%")
    adopted(before_june, MARCH, django_capture_on_commit_callbacks)
    assert settle(POLICY, 2024, now=NEXT_DAY, by="省专班").run.amount_fen == 4_000


def test_whoever_proposes_or_adopts_is_told_whose_settled_result_changes_by_how_much(
    settled: SettlementRun, tmp_path: Path, django_capture_on_commit_callbacks: Committed
) -> None:
    Person.objects.create_person("li", None, role="province")
    (tmp_path / "f.toml").write_text(MAY + '[settings]\n"2.2.rate" = "15%"\n', encoding="utf-8")

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, list(words), catch_exceptions=False)

    shown = run("propose", POLICY, "--file", str(tmp_path / "f.toml"))
    warning = f"及于已结算的 2024 年（第 {settled.pk} 批次，2024-05-05 至 2024-12-31）；应享合计 80.00 → 60.00 元"
    assert warning in shown.output.replace("\n", "")
    assert "enterprise 0 -20.00" in shown.output.replace("\n", "")
    number = SettingsProposal.objects.get().pk
    assert warning in run("adopt", str(number), "--by", "li").output.replace("\n", "")
    later = proposed(ABOUT.replace("2024-01-01", "2025-01-01") + '[settings]\n"2.2.rate" = "15%"\n')
    assert settled_reach(later) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LOWER.replace("2024-01-01", "2024-01-01\nvalid_to = 2023-12-31"), "valid_to 2023-12-31 早于 valid_from"),
        (LOWER.replace("2024-01-01", "2024-01-01\nvalid_to = 2026-01-01"), "2026-01-01 应在 2024-01-01 与"),
        (LOWER.replace("2024-01-01", "2024-01-01\nvalid_to = 2023-02-29"), "不是 TOML"),
        ('repeal = ["2.2.rate"]\n' + LOWER, "2.2.rate 写了两次"),
        ('repeal = ["2.2.rates"]\n' + ABOUT, "没有参数或解释口径 2.2.rates"),
        ('repeal = "2.2.rate"\n' + ABOUT, "repeal 应为名称的列表"),
    ],
)
def test_what_is_wrong_with_days_and_repeals_is_named(text: str, message: str) -> None:
    with pytest.raises(Refused) as refusal:
        proposed(text)
    assert message in str(refusal.value)


def test_a_day_that_no_fact_says_is_refused_with_its_reason() -> None:
    text = ABOUT + '[interpretations]\n"%s" = "%s"\n'
    policy = load_policy(POLICY)
    for name, option in (("14.1.day", "event"), ("0.1.same_subsidy", "together")):  # each can be followed
        assert propose_settings(POLICY, parse_draft(policy, "x.toml", text % (name, option)), ZHANG, MARCH).pk
    with pytest.raises(Refused, match=r"第 5\.1 句没有事项发生之日的事实"):
        propose_settings(POLICY, parse_draft(policy, "x.toml", text % ("5.1.day", "event")), ZHANG, MARCH)
    made = propose_settings(POLICY, parse_draft(policy, "x.toml", text % ("5.1.day", "application")), ZHANG, MARCH)
    made.pk, made.values = None, made.values.replace('"application"', '"event"')
    made.save(force_insert=True)
    with pytest.raises(Refused) as refused:  # proposed when the rule said otherwise
        adopt_proposal(made.pk, LI, NEXT_DAY)
    assert refused.value.code == "proposal.not_carried_out"
