"""Procedures are declared beside their rules; what nobody could carry out does not load."""

from __future__ import annotations

from dataclasses import replace

import pytest

from huisuan.law.model import LawError
from huisuan.law.policy import load_policy, suggested_names
from huisuan.law.procedure import (
    ACTION_WORDS,
    DUTY_WORDS,
    STATE_WORDS,
    Duty,
    ProgrammeSpec,
    State,
    draw_programme,
    offices_named,
    programme_sentences,
    step,
    variant,
)
from huisuan.law.procedure.checks import check_programme

LAW = load_policy("anhui-agi-2023")
CLAIM = LAW.programme("14.1")
OFFICES, TREASURY = offices_named(LAW.text, "14.1"), "省财政厅"


def changed(*steps: object, without: str = "") -> ProgrammeSpec:
    """14.1 with more steps, or less."""
    return replace(CLAIM, steps=variant(CLAIM.steps, without=[without] if without else [], more=steps))  # type: ignore[arg-type]


def test_the_programmes_of_the_province_and_of_wuhu_are_declared() -> None:
    assert {"2.2", "5.1", "8.2", "14.1"} <= {programme.key for programme in LAW.programmes}
    assert len(LAW.programmes) == 27
    assert [programme.key for programme in load_policy("wuhu-compute-2025").programmes] == ["w.2", "w.4"]


def test_offices_are_those_that_the_text_names_behind_the_sentence() -> None:
    assert OFFICES == ("省经济和信息化厅", "省财政厅", "各市人民政府")
    assert offices_named(LAW.text, "5.1")[0] == "省科技厅"  # behind 5.2, for both


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (
            changed(step("close", State.DECIDED, State.CLOSED, Duty.DECIDE, "省科技厅")),
            "law.programme_office_not_named",
        ),
        (changed(step("close", State.DECIDED, State.CLOSED, Duty.DECIDE)), "law.programme_office_not_named"),
        (changed(step("submit", State.CHECKED, State.RANKED, Duty.APPLY, TREASURY)), "law.programme_office_not_named"),
        (changed(step("close", State.RANKED, State.CLOSED, Duty.CHECK, OFFICES[0])), "law.programme_state_unreachable"),
        (
            changed(step("rank", State.CHECKED, State.RANKED, Duty.CHECK, OFFICES[0])),
            "law.programme_state_without_exit",
        ),
        (changed(without="check"), "law.programme_state_unreachable"),
        (changed(step("check", State.SUBMITTED, State.CLOSED, Duty.CHECK, OFFICES[0])), "law.programme_step_twice"),
        (changed(step("leap", State.DRAFT, State.CLOSED, Duty.APPLY)), "law.programme_action_unknown"),
        (changed(step("close", State.DECIDED, State.CLOSED, Duty.COMMIT, OFFICES[0])), "law.programme_money_apart"),
    ],
)
def test_a_procedure_that_cannot_be_carried_out_is_refused(wrong: ProgrammeSpec, code: str) -> None:
    with pytest.raises(LawError) as refusal:
        check_programme(wrong, OFFICES, TREASURY)
    assert refusal.value.code == code


def test_who_is_eliminated_from_a_race_owes_nothing_so_it_does_not_lead_to_recovery() -> None:
    race = LAW.programme("5.1.race")
    steps = tuple(
        replace(taken, target=State.IN_RECOVERY) if taken.action == "eliminate" else taken for taken in race.steps
    )
    check_programme(race, offices_named(LAW.text, "5.1"), TREASURY)
    with pytest.raises(LawError, match="淘汰（eliminate）不转入追回") as refusal:
        check_programme(replace(race, steps=steps), offices_named(LAW.text, "5.1"), TREASURY)
    assert refusal.value.code == "law.eliminate_recovers"


def test_a_step_needs_a_duty_and_its_figures_are_settings() -> None:
    with pytest.raises(LawError, match="没有写职责"):
        step("check", State.SUBMITTED, State.CHECKED, "check", OFFICES[0])  # type: ignore[arg-type]
    with pytest.raises(LawError, match="不能写死"):
        step("check", State.SUBMITTED, State.CHECKED, Duty.CHECK, OFFICES[0], within=15)
    with pytest.raises(LawError, match="原程序没有的“rank”"):
        variant(CLAIM.steps, without=["rank"])


def test_every_figure_of_a_programme_is_set_with_authority_and_day() -> None:
    for name in ("anhui-agi-2023", "wuhu-compute-2025"):
        law = load_policy(name)
        held = law.adopted(law.valid_from, law.valid_to)
        for programme in law.programmes:
            assert {spec.name for spec in programme.settings()} <= set(held)


def test_the_digest_is_that_of_what_is_done_and_not_of_its_order_of_keys() -> None:
    assert CLAIM.digest == replace(CLAIM).digest
    assert changed(step("monitor", State.PAYING, State.CLOSED, Duty.PAY, TREASURY)).digest != CLAIM.digest


def test_each_state_duty_and_action_has_its_words_in_both_languages() -> None:
    assert set(STATE_WORDS) == set(State)
    assert set(DUTY_WORDS) == set(Duty)
    for words in (*STATE_WORDS.values(), *DUTY_WORDS.values(), *((one.zh, one.en) for one in ACTION_WORDS.values())):
        assert all(words)


def test_figures_that_no_text_says_are_called_suggestions_in_both_languages() -> None:
    adopted = LAW.adopted(LAW.valid_from, LAW.valid_to)
    values = {name: setting.value for name, setting in adopted.items()}
    named = suggested_names(adopted)
    assert {"0.1.publicity_days", "5.1.panel"} <= named
    assert not named & {"2.2.rate", "5.1.rate", "14.1.national"}  # the text's own
    programme = LAW.programme("5.1")
    said = programme_sentences(programme, values, suggested=named)[-1]
    assert said.startswith("下列数字没有公开的规定，是建议值")
    assert "每组专家人数（5）" in said
    english = programme_sentences(programme, values, suggested=named, english=True)[-1]
    assert english.startswith("No published text says these figures")
    decided = programme_sentences(programme, values, suggested=named - {each.name for each in programme.settings()})
    assert "建议值" not in "".join(decided)


def test_sentences_and_drawing_say_the_same_steps() -> None:
    for programme in LAW.programmes:
        values = {name: setting.value for name, setting in LAW.adopted(LAW.valid_from, LAW.valid_to).items()}
        said = programme_sentences(programme, values)
        more = [
            programme.objects, programme.selection, programme.earmark, programme.contract, programme.opinions,
        ]  # fmt: skip
        asked = len(list(programme.questions()))
        least = len(programme.steps) + 1 + sum(map(bool, more))
        assert least <= len(said) <= least + asked
        assert "（未定）" not in "".join(said)
        assert "(not set)" in "".join(programme_sentences(programme, {}, english=True))
        drawing = draw_programme(programme)
        assert drawing.count("marker-end") == sum(len(taken.sources) for taken in programme.steps)
        assert all(f">{ACTION_WORDS[taken.action].zh}</text>" in drawing for taken in programme.steps)
