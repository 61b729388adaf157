"""The page of the fifteen articles names every programme and register of the policy, and no figure that is none."""

from __future__ import annotations

import re

from huisuan.law.policy import load_policy
from support.manual import ROOT

PAGE = (ROOT / "docs" / "articles.md").read_text("utf-8")
LAW = load_policy("anhui-agi-2023")
FIGURE = re.compile(r"^\d+\.\d+(\.\w+)*$")


def test_every_programme_and_register_stands_in_the_section_of_its_article() -> None:
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    assert len(sections) == 15
    for number, section in enumerate(sections, 1):
        named = set(re.findall(r"`([^`]+)`", section))
        here = [each.key for each in (*LAW.programmes, *LAW.registers) if each.sentence.split(".")[0] == str(number)]
        assert set(here) <= named, number


def test_each_article_has_a_page_with_all_that_it_declares_and_who_takes_each_step() -> None:
    for number in range(1, 16):
        page = (ROOT / "docs" / "articles" / f"{number:02d}.md").read_text("utf-8")
        named = set(re.findall(r"`([^`]+)`", page))
        here = [each for each in (*LAW.programmes, *LAW.registers) if each.sentence.split(".")[0] == str(number)]
        assert {each.key for each in here} <= named, number
        offices = {step.office for each in LAW.programmes if each in here for step in each.steps if step.office}
        short = {office.removeprefix("省人工智能产业推进组工作").removeprefix("相关") for office in offices}
        missing = {office for office in short if office not in page and f"省{office}" not in page}
        assert missing <= {"市人民政府", "省发展改革委"}, (number, missing)
        assert f"articles/{number:02d}.md" in PAGE
        written = {text for text in named if FIGURE.match(text)}
        assert written - known_figures() == set(), number


def test_every_figure_of_the_page_is_a_setting_or_a_programme_of_the_policy() -> None:
    written = {text for text in re.findall(r"`([^`]+)`", PAGE) if FIGURE.match(text)}
    assert written - known_figures() == set()


def known_figures() -> set[str]:
    """The names of all settings, questions and programmes of the policy."""
    declared = (*LAW.rules, *LAW.allotments, *LAW.programmes)
    known = {spec.name for each in declared for spec in each.settings()} | {each.key for each in LAW.programmes}
    known |= LAW.interpretation_specs().keys() | LAW.setting_specs().keys()
    known |= {each.answer.setting.name for each in LAW.registers if each.answer}
    return known | {each.earmarked.within.name for each in LAW.programmes if each.earmarked}
