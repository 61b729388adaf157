"""Grants of public data stand on the register, and on a decision where one is named: they fall with either."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from huisuan.base.errors import InvalidRequest
from huisuan.opendata.access.grants import GivenGrant, accept_grant
from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.models import DataGrant
from huisuan.parties.models import Party
from huisuan.programmes.offices.services import give_post
from huisuan.programmes.registers.data_grants import grant_data_access
from huisuan.programmes.registers.lost_grounds import revoke_groundless_grants
from huisuan.programmes.registers.services import end_entry, import_register
from huisuan.programmes.workflow import act, begin_application
from support.catalogue import as_csv, code, line
from support.gate import NOW, steward
from support.programmes import ENDED, LAW, NOON, official, person
from support.registers import OFFICE

if TYPE_CHECKING:
    from support.portal import World

pytestmark = pytest.mark.django_db
REGISTER = ("anhui-agi-2023", "agi_firms")
HEADER = "编号,企业名称,企业代码,市,自,至,认定依据,认定文件\n"
TERMS = GivenGrant(code(), "", "训练", "授权许可", "不得转让。", "", date(2024, 1, 1), date(2026, 12, 31))


@pytest.fixture
def alpha(world: World) -> Party:
    import_catalogue(
        as_csv([line(access="有条件开放", ground="数据条例", terms="须签订协议")]), "清单.csv", by="test", now=NOW
    )
    give_post(world.people["province"], OFFICE, "register", date(2024, 1, 1), person("giver"), NOW)
    accredit(world, until="2026-12-31")
    return world.alpha


def accredit(world: World, until: str) -> None:
    row = f"F-1,甲,{world.alpha.uscc},合肥市,2024-01-01,{until},x,y"
    import_register((HEADER + row).encode(), "企业.csv", *REGISTER, by=world.people["province"], now=NOW, reason="核对")


def given(world: World, **differs: object) -> DataGrant:
    terms = replace(TERMS, uscc=world.alpha.uscc, **differs)  # type: ignore[arg-type]
    made = grant_data_access(terms, steward("releaser"), NOW)
    return accept_grant(made.pk, world.people["alpha"], NOW)


def test_no_grant_is_given_beyond_the_last_day_of_its_ground(alpha: Party, world: World) -> None:
    with pytest.raises(InvalidRequest, match="2026-12-31"):
        given(world, ends_on=date(2027, 1, 1))


def test_a_firm_taken_off_the_register_loses_its_grants_at_once(alpha: Party, world: World) -> None:
    grant = given(world)
    end_entry(*REGISTER, "F-1", NOW.date() - timedelta(days=1), by=world.people["province"], now=NOW, reason="不再符合")
    grant.refresh_from_db()
    assert (grant.revoked_at, grant.revoked_by, "名录" in grant.reason) == (NOW, world.people["province"], True)


def test_a_firm_whose_days_on_the_register_are_shortened_loses_them_when_that_day_has_passed(
    alpha: Party, world: World
) -> None:
    grant = given(world)
    accredit(world, until=(NOW + timedelta(days=3)).date().isoformat())
    assert revoke_groundless_grants(NOW + timedelta(days=2)) == 0
    assert revoke_groundless_grants(NOW + timedelta(days=5)) == 1
    grant.refresh_from_db()
    assert (grant.revoked_by, grant.revoked_at) == (None, NOW + timedelta(days=5)), "nobody did: a day has passed"
    shown = world.browser("alpha").get(f"/opendata/grants/{grant.pk}").content.decode()
    assert "平台自动收回" in shown


def test_a_grant_falls_with_the_decision_that_it_names_and_only_that_one(alpha: Party, world: World) -> None:
    application = begin_application(LAW, "3.2", 2024, world.people["alpha"], NOON)
    act(application.number, "submit", world.people["alpha"], NOON)
    for action, duty in (("check", "check"), ("publicise", "publish"), ("decide", "decide")):
        act(application.number, action, official(f"{duty}-3.2", duty, OFFICE), ENDED if duty == "decide" else NOON,
            reason="核对过")  # fmt: skip
    named, other = given(world, application=application.number), given(world)
    act(application.number, "revoke", official("revoker", "decide", OFFICE), ENDED, reason="材料不实")
    named.refresh_from_db()
    other.refresh_from_db()
    assert application.number in named.reason
    assert other.revoked_at is None
