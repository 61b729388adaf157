"""The demo's conditional data: a firm's application that was decided under 3.2, its grant, and what it read since."""

from __future__ import annotations

from datetime import datetime, timedelta

from huisuan.base.months import SHANGHAI
from huisuan.cli.demo.open_list import listed_code, release_table
from huisuan.opendata.access.grants import GivenGrant, accept_grant
from huisuan.opendata.access.ledger import note_access, record_download
from huisuan.opendata.access.query import run_query
from huisuan.opendata.access.released import get_release
from huisuan.opendata.access.watermark import marked_copy
from huisuan.opendata.models import AccessWay, DataGrant, GateRelease
from huisuan.parties.models import Party, Person, Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.models import Application
from huisuan.programmes.models.applications import CHOSEN_STATES
from huisuan.programmes.registers.data_grants import grant_data_access
from huisuan.programmes.registers.queries import standing_versions

_POLICY, _SENTENCE, _REGISTER = "anhui-agi-2023", "3.2", "agi_firms"
_NUMBER = 14  # of the list: electricity by trade, open on conditions
_TERMS = "只用于申报的用途；不得转给他人；不得还原个人和企业；到期删除。"


def grant_conditional_data(now: datetime) -> tuple[DataGrant, Person] | None:
    """The grant and the person of its firm; None where nobody's application under 3.2 was decided. Made once."""
    code = listed_code(_NUMBER)
    made = DataGrant.objects.filter(entry__code=code, accepted_by__isnull=False).first()
    if made is not None and made.accepted_by is not None:
        return made, made.accepted_by
    found = _decided(now)
    if found is None:
        return None
    application, firm, person = found
    trades = ("采矿业", "制造业", "电力热力", "建筑业", "批发零售", "住宿餐饮", "信息服务", "居民生活")
    rows = [(trade, f"2025-{month:02}", 900 + 37 * at * month % 4100) for at, trade in enumerate(trades, 1)
            for month in range(1, 13)]  # fmt: skip
    release_table(_NUMBER, "用电量.csv", ("行业", "月", "用电量"), rows, now)
    today = now.astimezone(SHANGHAI).date()
    given = GivenGrant(
        code, firm.uscc, "训练本市用电需求预测模型", "安徽省公共数据授权使用许可（示例）", _TERMS, "",
        today, today + timedelta(days=365), application.number,
    )  # fmt: skip
    offered = grant_data_access(given, Person.objects.get(username="zhuanban"), now)
    grant = accept_grant(offered.pk, person, now)
    _read(code, person, now)
    return grant, person


def _decided(now: datetime) -> tuple[Application, Party, Person] | None:
    """An application under 3.2 that was decided for a firm which the register holds today, and the firm's person."""
    held = standing_versions(_POLICY, _REGISTER, now.astimezone(SHANGHAI).date()).values("holder")
    rows = Application.objects.filter(
        edition__policy=_POLICY, edition__content__sentence=_SENTENCE, state__in=CHOSEN_STATES, party__in=held
    )
    for application in rows.select_related("party").order_by("number"):
        if (firm := application.party) is None:
            continue
        person = firm.people.filter(role=Role.USER, is_active=True, machine=False).first()
        if person is not None:
            return application, firm, person
    return None


def _read(code: str, person: Person, now: datetime) -> None:
    """What the firm did with it: looked at the page, loaded both files, asked a query; each in the ledger."""
    viewer = Viewer.for_person(person)
    releases = GateRelease.objects.filter(file__entry__code=code).order_by("pk")
    for at, release in enumerate(releases):
        read = get_release(release.pk, viewer, now)
        if read.grant is None:
            continue
        if at == 0:
            note_access(read, viewer, AccessWay.PAGE, now)
        marked_copy(read.release, read.grant, now)
        record_download(read.grant, read.release, viewer.name, AccessWay.FILE, now, "" if at else "bytes=0-1023")
    run_query("SELECT 行业, sum(CAST(用电量 AS DOUBLE)) FROM data GROUP BY 行业", viewer, now, code)
