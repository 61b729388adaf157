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


def test_every_figure_of_the_page_is_a_setting_or_a_programme_of_the_policy() -> None:
    declared = (*LAW.rules, *LAW.allotments, *LAW.programmes)
    known = {spec.name for each in declared for spec in each.settings()} | {each.key for each in LAW.programmes}
    known |= LAW.interpretation_specs().keys() | LAW.setting_specs().keys()
    known |= {each.answer.setting.name for each in LAW.registers if each.answer}
    known |= {each.earmarked.within.name for each in LAW.programmes if each.earmarked}
    written = {text for text in re.findall(r"`([^`]+)`", PAGE) if FIGURE.match(text)}
    assert written - known == set()
