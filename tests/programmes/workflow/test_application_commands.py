"""`huisuan application`: what it shows, and that it acts as the person named."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from huisuan.base.errors import NotFound
from huisuan.parties.viewer import Viewer
from huisuan.programmes.application_commands import app
from huisuan.programmes.workflow.queries import describe_application, get_application, visible_applications
from support.programmes import applicant, application, official, person, walked

pytestmark = pytest.mark.django_db


def run(*words: str) -> object:
    """What a command prints as JSON."""
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_an_act_of_the_command_line_is_that_of_the_person_named() -> None:
    made, checker = application(), official("checker", "check")
    run("act", made.number, "submit", "--by", "firm1")
    back = run(
        "act", made.number, "return", "--by", "checker", "--reason", "缺页", "--fields", "national, international"
    )
    assert isinstance(back, dict)
    assert (back["state"], [step["by"] for step in back["history"]]) == ("returned", ["firm1", checker.username])
    assert made.steps.get(number=2).payload == {"fields": ["national", "international"]}
    for words, code in (
        (["act", made.number, "check", "--by", "checker"], "application.not_in_this_state"),
        (["act", made.number, "submit", "--by", "nobody"], "person.unknown"),
        (["act", made.number, "submit", "--by", "firm1", "--fields", "x"], "application.fields_not_here"),
        (["act", made.number, "submit", "--by", "firm1", "--budget-year", "2024"], "application.budget_year_not_here"),
    ):
        failed = CliRunner().invoke(app, words)
        assert (failed.exit_code, getattr(failed.exception, "code", "")) == (1, code)


def test_an_application_shows_its_history_and_by_when_the_next_step_is_due() -> None:
    made = application()
    walked(made, "check")
    person("shenji", "auditor")
    shown = run("show", made.number, "--by", "shenji")
    assert isinstance(shown, dict)
    assert shown["history"][1] | {"at": ""} == {
        "seq": 2, "action": "check", "from": "submitted", "to": "checked", "duty": "check", "by": "checker", "at": "",
    }  # fmt: skip
    assert shown["due"] == "2024-10-01T00:00:00+08:00"  # 20 working days: 09-14 and 09-29 are worked, 09-15 to 17 free
    assert [row["number"] for row in run("list", "--by", "shenji", "--state", "checked")] == [made.number]  # type: ignore[attr-defined]
    assert run("list", "--by", "shenji", "--state", "paying") == []
    application(2)
    cut = CliRunner().invoke(app, ["list", "--by", "shenji", "--limit", "1"])
    assert (cut.exit_code, "共 2，只列了 1" in cut.stderr) == (0, True)


def test_a_firm_sees_its_own_applications_and_no_other() -> None:
    mine, other = application(1), application(2)
    viewer = Viewer.for_person(applicant(1))
    assert list(visible_applications(viewer)) == [mine]
    with pytest.raises(NotFound):
        get_application(viewer, other.number)
    assert not visible_applications(Viewer.for_person(person("op", "operator"))).exists()


def test_a_draft_without_days_set_for_it_is_never_due() -> None:
    made = application(1, "2.2")
    assert describe_application(made)["due"] is None
