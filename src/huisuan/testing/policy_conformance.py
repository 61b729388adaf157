"""What every policy folder must hold: subclass PolicyConformance, give it a `folder` fixture, and its tests run on it.

The same as `huisuan policy check`, one test per promise; docs/writing-policy.md shows a subclass. Needs pytest.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from huisuan.law.cases import PolicyCheck, check_policy
from huisuan.law.policy import load_folder


class PolicyConformance:
    """The promises every policy keeps. A subclass provides the fixture `folder`, with class scope."""

    @pytest.fixture(scope="class")
    @classmethod
    def checked(cls, folder: Path) -> PolicyCheck:
        """The policy, loaded and checked.

        That it loads says a good part already: each phrase is in its sentence, each setting within its legal bound,
        no float, no clock, no two rules on the same ground without an order.
        """
        return check_policy(load_folder(folder))

    def test_every_sentence_of_the_text_is_accounted_for(self, checked: PolicyCheck) -> None:
        assert not checked.open_sentences

    def test_every_worked_case_comes_out_as_written(self, checked: PolicyCheck) -> None:
        assert checked.outcomes, "no cases: write cases/SENTENCE.yaml for every rule"
        wrong = [outcome for outcome in checked.outcomes if not outcome.holds]
        assert not wrong, "\n".join(str(outcome.to_dict()) for outcome in wrong)

    def test_the_cases_leave_no_rule_and_no_outcome_untried(self, checked: PolicyCheck) -> None:
        assert not checked.gaps

    def test_it_stands_beside_the_other_policies_on_the_path(self, checked: PolicyCheck) -> None:
        assert not checked.conflicts

    def test_there_is_nothing_else_to_put_right(self, checked: PolicyCheck) -> None:
        assert not [f"{finding.place}: {finding.what}" for finding in checked.findings]
