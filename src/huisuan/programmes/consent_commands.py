"""`huisuan application consents|consent|confirm-consent|withdraw-consent`: the persons whom a claim is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from huisuan.terminal import AsJson, print_json, print_table

_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Number = Annotated[str, typer.Argument(metavar="NUMBER", help="申报编号，如 A2024-000001")]
_DAY = ["%Y-%m-%d"]
_COLUMNS = {
    "id": "编号", "name": "姓名", "paper": "同意书", "given_on": "同意", "withdrawn_on": "撤回", "by": "谁登记",
}  # fmt: skip


def consents(number: _Number, by: _By, as_json: AsJson = False) -> None:
    """申报所涉个人的同意：全名只有申报单位看得到。"""
    _print(number, by, as_json)


def consent(
    number: _Number,
    name: Annotated[str, typer.Option("--name", help="姓名，此外什么都不写")],
    paper: Annotated[str, typer.Option("--paper", help="同意书：编号或存放处")],
    given_on: Annotated[datetime, typer.Option("--on", help="同意日期", formats=_DAY)],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """登记本人同意，由申报单位。"""
    from huisuan.programmes.check_desk.consents import give_consent
    from huisuan.programmes.people import find_person

    give_consent(number, name, paper, given_on.date(), find_person(by), datetime.now(UTC))
    _print(number, by, as_json)


def withdraw_consent(
    number: _Number,
    consent: Annotated[int, typer.Argument(metavar="CONSENT", help="编号，见 huisuan application consents", min=1)],
    paper: Annotated[str, typer.Option("--paper", help="依据：本人的书面撤回，编号或存放处")],
    withdrawn_on: Annotated[datetime, typer.Option("--on", help="撤回日期", formats=_DAY)],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """登记本人撤回同意：姓名即删去，申报停办。"""
    from huisuan.programmes.check_desk.consents import withdraw_consent as do_withdraw
    from huisuan.programmes.people import find_person

    do_withdraw(number, consent, paper, withdrawn_on.date(), find_person(by), datetime.now(UTC))
    _print(number, by, as_json)


def confirm_consent(
    number: _Number,
    consent: Annotated[int, typer.Argument(metavar="CONSENT", help="编号，见 huisuan application consents", min=1)],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """确认撤回之后重新登记的本人同意，由核验岗位：确认之后才算数。"""
    from huisuan.programmes.check_desk.consents import confirm_consent as do_confirm
    from huisuan.programmes.people import find_person

    do_confirm(number, consent, find_person(by), datetime.now(UTC))
    _print(number, by, as_json)


def _print(number: str, by: str, as_json: bool) -> None:
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.check_desk.consents import consents_to_dicts
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow.permission import is_applicant
    from huisuan.programmes.workflow.queries import get_application

    person = find_person(by)
    application = get_application(Viewer.for_person(person), number)
    rows = consents_to_dicts(application, whole_names=is_applicant(person, application))
    if as_json:
        print_json(rows)
        return
    print_table(f"{number} 的本人同意", rows, _COLUMNS, "还没有登记")
