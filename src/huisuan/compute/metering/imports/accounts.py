"""Which account or user of a centre's scheduler is which party: the tenants file, kept for later imports."""

from __future__ import annotations

from datetime import datetime

from huisuan.base.csv_lines import CsvTable, FileReport, LineRefused
from huisuan.base.errors import InvalidRequest
from huisuan.base.text_length import shortened
from huisuan.compute.metering.imports.mappings import map_name
from huisuan.compute.models import AccountClaim, Centre, Tenant
from huisuan.parties.csv_import import parse_uscc
from huisuan.parties.models import Party

_WHY_LENGTH = 200
#: column of the file -> what it names
_KINDS = {"user": Tenant.Kind.USER, "account": Tenant.Kind.ACCOUNT, "name": Tenant.Kind.EITHER}


def import_tenants(content: bytes, name: str, centre: Centre, by: str, now: datetime) -> FileReport:
    """Bring a centre's tenants up to the file (columns `user`, `account` or `name`, and `uscc`).

    A line that fills several of the three maps each of them. A name that is mapped, for the first time or to another
    party than before, is put on record as a claim is: by whom, when, by which file. Call it within a transaction.

    Raises:
        InvalidRequest: the file is not a CSV with these columns.
    """
    table = CsvTable(content, name, ("uscc",), tuple(_KINDS))
    if not _KINDS.keys() & set(table.header):
        raise InvalidRequest(
            f"{name}: 表头缺少列 user、account 或 name；第一行应为 account,uscc 或 user,uscc",
            code="tenants.header_unknown",
        )
    report = FileReport(ignored_columns=table.ignored)
    parties = dict(Party.objects.values_list("uscc", "pk"))
    known = {(tenant.kind, tenant.name): tenant for tenant in Tenant.objects.filter(centre=centre)}
    seen: dict[tuple[str, str], tuple[int, str]] = {}
    claims: list[AccountClaim] = []
    for line, cells in table.rows(report.faults):
        try:
            for key, party in _meant(line, cells, parties, seen):
                if (before := known.get(key)) is None or before.party_id != party:
                    claims.append(_claim(_store(centre, key, party, known, report), before, name, by, now))
                else:
                    report.same += 1
        except LineRefused as refusal:
            report.faults.append(refusal.at(line))
    AccountClaim.objects.bulk_create(claims, batch_size=1000)
    return report


def _claim(tenant: Tenant, before: Tenant | None, file: str, by: str, now: datetime) -> AccountClaim:
    return AccountClaim(
        centre=tenant.centre, kind=tenant.kind, name=tenant.name, party_id=tenant.party_id,
        previous_id=before.party_id if before else None, why=shortened(f"对应表 {file}", _WHY_LENGTH), by=by[:80],
        at=now,
    )  # fmt: skip


def _meant(
    line: int, cells: dict[str, str], parties: dict[str, int], seen: dict[tuple[str, str], tuple[int, str]]
) -> list[tuple[tuple[str, str], int]]:
    """What a line maps: (kind, name) and the party."""
    uscc = parse_uscc("uscc", cells["uscc"])
    if uscc not in parties:
        raise LineRefused("uscc", uscc, "不是已登记的主体", "请先用 huisuan party import 导入它")
    keys = [(str(kind), cells[column]) for column, kind in _KINDS.items() if cells.get(column)]
    if not keys:
        raise LineRefused("account", "", "没有账户也没有用户", "请填 user、account 或 name 之一")
    for key in keys:
        if len(key[1]) > 120:
            raise LineRefused(key[0] or "name", key[1], "超过 120 个字符", "请照调度器的写法填写")
        before = seen.setdefault(key, (line, uscc))
        if before[1] != uscc:
            raise LineRefused(key[0] or "name", key[1], f"在第 {before[0]} 行已对应 {before[1]}", "每个名字只留一行")
    return [(key, parties[uscc]) for key in keys]


def _store(
    centre: Centre, key: tuple[str, str], party: int, known: dict[tuple[str, str], Tenant], report: FileReport
) -> Tenant:
    """Map a name that nobody has, or another party."""
    if key in known:
        report.changed += 1
    else:
        report.new += 1
    known[key] = map_name(centre, *key, party)
    return known[key]
