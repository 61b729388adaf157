"""A person whom a claim is about agrees, stands in public by name, and takes the consent back: the name is gone."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
import typer
from django.db import DatabaseError, transaction
from django.test import Client
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.parties.models import Person
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.check_desk.consents import confirm_consent, give_consent, withdraw_consent
from huisuan.programmes.consent_commands import consent, consents
from huisuan.programmes.consent_commands import withdraw_consent as withdraw_consent_command
from huisuan.programmes.models import (
    Application,
    ConsentConfirmation,
    ConsentWithdrawal,
    Evidence,
    Expert,
    ExpertTie,
    PersonConsent,
    TieKind,
)
from huisuan.programmes.notices.queries import describe_notice
from huisuan.programmes.workflow import act
from support.calls import DURING, attach, draft, line, opened
from support.programmes import applicant, official

pytestmark = pytest.mark.django_db
OFFICE = "省人力资源社会保障厅"
DAY, NAME = date(2024, 9, 1), "欧阳修文"
LATER = DURING + timedelta(days=14)


def who(duty: str) -> Person:
    """Somebody of the office of 11.1."""
    return official(f"{duty} of 11.1", duty, OFFICE)


def claimed(number: int = 1) -> Application:
    """A claim about a person under 11.1, with a file."""
    mine = draft(number, rule="11.1", files=())
    mine.facts = {"agi_field": "是", "high_level": "是"}
    mine.save()
    attach(mine, "high_level", f"{number} 人才认定".encode())
    official("publisher", "publish", OFFICE)
    call = opened(programme="11.1", line=line("11.1").pk, evidence=())
    return submit_draft(call.number, mine.pk, applicant(number), DURING)


def page_of(person: Person) -> Client:
    """A browser in which the person is signed in."""
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_person_who_withdraws_consent_is_named_nowhere_and_the_claim_stops() -> None:
    made, mine, office = claimed(), page_of(applicant(1)), page_of(who("check"))
    page, where = f"/applications/{made.number}", f"/applications/{made.number}/consents"
    check_application(made.number, who("check"), DURING)
    with pytest.raises(Conflict) as missing:
        act(made.number, "check", who("check"), DURING)
    assert missing.value.code == "consent.missing"
    form = {"name": NAME, "paper": "同意书 1 号", "given_on": DAY.isoformat()}
    assert office.post(where, form).status_code == 403  # its office does not agree for a person
    assert mine.post(where, form | {"given_on": "昨天"}).status_code == 422
    assert mine.post(where, form).headers["Location"] == f"{page}#consents"
    assert NAME in mine.get(page).content.decode()
    shown = office.get(page).content.decode()
    assert ("欧＊＊＊" in shown, NAME in shown) == (True, False)
    act(made.number, "check", who("check"), DURING)
    act(made.number, "publicise", who("publish"), DURING)
    notice = made.notice_lines.get().notice
    assert describe_notice(notice, DURING)["lines"][0]["persons"] == [NAME]
    assert "persons" not in describe_notice(notice, LATER)["lines"][0]  # once it has stood, no longer
    (file,) = made.submissions.get().evidence
    assert office.get(f"{page}/files/{file['sha256']}").status_code == 200
    back = {"paper": "撤回书 1 号", "withdrawn_on": DAY.isoformat()}
    consent = made.consents.get()
    assert office.post(f"{where}/{consent.pk}/withdraw", back | {"paper": " "}).status_code == 422
    assert office.post(f"{where}/{consent.pk}/withdraw", back).headers["Location"] == f"{page}#consents"
    held = PersonConsent.objects.get(pk=consent.pk)
    assert (held.name, held.given_on, held.withdrawal.withdrawn_on) == ("", DAY, DAY)
    assert "persons" not in describe_notice(notice, DURING)["lines"][0]
    for reader in (mine, office):
        assert NAME not in reader.get(page).content.decode()
        assert reader.get(f"{page}/files/{file['sha256']}").status_code == 404
    with pytest.raises(Conflict) as stopped:
        act(made.number, "decide", who("decide"), LATER)
    assert stopped.value.code == "consent.withdrawn"
    assert act(made.number, "withdraw", applicant(1), LATER, reason="本人撤回同意").to_state == "withdrawn"


def test_who_agrees_is_a_name_once_and_only_the_applicant_enters_it() -> None:
    made = claimed()
    for name, paper, day, code in (
        ("", "1 号", DAY, "incomplete"), (NAME, " ", DAY, "incomplete"),
        (NAME, "1 号", date(2099, 1, 1), "day_to_come"),
        ("欧阳 340104198001010011", "1 号", DAY, "only_a_name"),
    ):  # fmt: skip
        with pytest.raises(InvalidRequest) as wrong:
            give_consent(made.number, name, paper, day, applicant(1), DURING)
        assert wrong.value.code == f"consent.{code}"
    given = give_consent(made.number, NAME, "1 号", DAY, applicant(1), DURING)
    with pytest.raises(Conflict, match="已登记"):
        give_consent(made.number, NAME, "2 号", DAY, applicant(1), DURING)
    with pytest.raises(NotFound):
        give_consent(made.number, NAME, "1 号", DAY, applicant(2), DURING)
    with pytest.raises(NotFound):
        withdraw_consent(made.number, given.pk + 1, "x", DAY, applicant(1), DURING)
    with pytest.raises(NotAllowed):
        withdraw_consent(made.number, given.pk, "x", DAY, official("elsewhere", "check"), DURING)
    with pytest.raises(DatabaseError), transaction.atomic():  # no name is erased without a record of why
        PersonConsent.objects.update(name="")
    withdraw_consent(made.number, given.pk, "x", DAY, applicant(1), DURING)
    with pytest.raises(Conflict, match="已撤回"):
        withdraw_consent(made.number, given.pk, "x", DAY, applicant(1), DURING)
    with pytest.raises(DatabaseError), transaction.atomic():
        PersonConsent.objects.update(name=NAME)
    with pytest.raises(DatabaseError), transaction.atomic():
        ConsentWithdrawal.objects.all().delete()


def test_what_was_taken_back_the_applicant_alone_never_opens_again() -> None:
    made, mine, office = claimed(), page_of(applicant(1)), page_of(who("check"))
    page, where = f"/applications/{made.number}", f"/applications/{made.number}/consents"
    (file,) = made.submissions.get().evidence
    of_draft = f"/evidence/{Evidence.objects.get(draft=made.draft).pk}"
    given = give_consent(made.number, NAME, "1 号", DAY, applicant(1), DURING)
    give_consent(made.number, "成员乙", "2 号", DAY, applicant(1), DURING)
    assert mine.get(of_draft).status_code == 200
    tied = official("tied", "check", OFFICE)
    ExpertTie.objects.create(
        expert=Expert.objects.create(person=tied, by="李处", at=DURING), party=made.party, kind=TieKind.ADVICE,
        starts=DAY, known_from=DAY, source="关系.csv", by="李处", at=DURING,
    )  # fmt: skip
    with pytest.raises(NotAllowed) as aside:
        withdraw_consent(made.number, given.pk, "x", DAY, tied, DURING)
    assert aside.value.code == "consent.tied_to_applicant"
    withdraw_consent(made.number, given.pk, "x", DAY, applicant(1), DURING)

    def closed(*readers: Client) -> bool:
        answers = {reader.get(f"{page}/files/{file['sha256']}").status_code for reader in readers}
        assert len(answers) == 1
        return answers == {404}

    assert closed(mine, office), "another of the team agreed still, but the papers name who does not"
    assert mine.get(of_draft).status_code == 404, "the same paper through the draft"
    check_application(made.number, who("check"), DURING)
    withdraw_consent(made.number, made.consents.get(name="成员乙").pk, "x", DAY, applicant(1), DURING)
    with pytest.raises(InvalidRequest) as old:  # the paper that was taken back
        give_consent(made.number, NAME, "1 号", DAY, applicant(1), DURING)
    assert old.value.code == "consent.before_withdrawal"
    with pytest.raises(DatabaseError), transaction.atomic():
        PersonConsent.objects.create(
            application=made, name=NAME, paper="1 号", given_on=DAY, by=applicant(1), at=DURING
        )
    again = give_consent(made.number, NAME, "3 号", DAY + timedelta(days=1), applicant(1), DURING)
    assert closed(mine, office)
    with pytest.raises(Conflict) as waits:
        act(made.number, "check", who("check"), DURING)
    assert waits.value.code == "consent.not_confirmed"
    confirm = f"{where}/{again.pk}/confirm"
    assert confirm in office.get(page).content.decode()
    assert confirm not in mine.get(page).content.decode()
    assert mine.post(confirm).status_code == 403
    with pytest.raises(NotAllowed):
        confirm_consent(made.number, again.pk, who("decide"), DURING)
    with pytest.raises(DatabaseError), transaction.atomic():
        ConsentConfirmation.objects.create(consent=again, by=applicant(1), at=DURING)
    assert office.post(confirm).headers["Location"] == f"{page}#consents"
    with pytest.raises(Conflict):
        confirm_consent(made.number, again.pk, who("check"), DURING)
    assert not closed(mine, office)
    assert act(made.number, "check", who("check"), DURING).to_state
    withdraw_consent(made.number, again.pk, "x", DAY + timedelta(days=2), applicant(1), DURING)
    assert closed(mine, office)


def test_consents_are_given_listed_and_taken_back_by_command() -> None:
    made, app = claimed(), typer.Typer()
    who("check")
    app.command("consents")(consents)
    app.command("consent")(consent)
    app.command("withdraw-consent")(withdraw_consent_command)

    def run(*words: str) -> list[dict[str, object]]:
        result = CliRunner().invoke(app, [*words, "--json"])
        assert result.exit_code == 0, (result.output, result.exception)
        rows: list[dict[str, object]] = json.loads(result.stdout)
        return rows

    (given,) = run("consent", made.number, "--name", NAME, "--paper", "1 号", "--on", "2024-09-01", "--by", "firm1")
    assert (given["name"], given["given_on"]) == (NAME, "2024-09-01")
    assert [row["name"] for row in run("consents", made.number, "--by", "check of 11.1")] == ["欧＊＊＊"]
    back = ("withdraw-consent", made.number, str(given["id"]), "--paper", "撤回书", "--on", "2024-09-01")
    assert [(row["name"], row["withdrawn_on"]) for row in run(*back, "--by", "firm1")] == [("—", "2024-09-01")]
    assert CliRunner().invoke(app, ["consents", made.number, "--by", "firm1"]).exit_code == 0
