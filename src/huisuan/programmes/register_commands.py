"""`huisuan register`: the things that articles are about - parks, products, scenarios, standards - on record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer(no_args_is_help=True)
_Policy = Annotated[str, typer.Argument(metavar="POLICY", help="政策；见 huisuan law policies")]
_Key = Annotated[str, typer.Argument(metavar="KEY", help="名录；见 huisuan register list")]
_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义：维护单位的登记岗位")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """有哪些名录，由谁维护，现有几件。"""
    from huisuan.programmes.registers.queries import list_registers, register_to_dict

    rows = [register_to_dict(policy, spec) for policy, spec in list_registers()]
    if as_json:
        print_json(rows)
        return
    columns = {
        "policy": "政策", "key": "名录", "title": "名称", "sentence": "句", "office": "维护单位", "entries": "现有",
    }  # fmt: skip
    print_table("名录", rows, columns, "现有的政策没有声明名录")


@app.command("columns")
def columns(policy: _Policy, key: _Key, as_json: AsJson = False) -> None:
    """一份名录的列：导入的文件第一行照此写。"""
    from huisuan.programmes.registers.services import get_register

    spec = get_register(policy, key)
    if as_json:
        print_json(dict(spec.columns))
        return
    out.print(",".join(spec.columns.values()), markup=False, soft_wrap=True)


@app.command("show")
def show(
    policy: _Policy,
    key: _Key,
    code: Annotated[str, typer.Argument(metavar="[CODE]", help="只看一件，和它的历次登记")] = "",
    on: Annotated[str, typer.Option("--on", metavar="日期", help="只列那天在册的")] = "",
    as_json: AsJson = False,
) -> None:
    """一份名录，或其中一件。"""
    from huisuan.programmes.registers.queries import get_version, list_versions, standing_versions, version_to_dict
    from huisuan.programmes.registers.services import get_register

    spec = get_register(policy, key)
    found = list_versions(get_version(policy, key, code)) if code else standing_versions(policy, key, _day(on, "--on"))
    rows = [version_to_dict(spec, row) for row in (found if code else found.order_by("entry__code"))]
    if as_json:
        print_json(rows)
        return
    shown = {"code": "编号", "name": spec.name_is, "holder": spec.holder_is or "持有单位", "region": "市", "from": "自",
             "until": "至", "version": "版本"}  # fmt: skip
    print_table(spec.title, rows, shown, "名录里还没有；用 huisuan register import 导入")


@app.command("import")
def import_(
    policy: _Policy,
    key: _Key,
    file: Annotated[str, typer.Argument(metavar="FILE", help="CSV 或 XLSX；列见 huisuan register columns")],
    by: _By,
    reason: Annotated[str, typer.Option("--reason", metavar="理由", help="改动已有各件的理由；没有改动则不需要")] = "",
    as_json: AsJson = False,
) -> None:
    """更新一份名录：好行留下，坏的格子逐个说明；改动成为新的版本，旧的仍可查。"""
    from huisuan.parties.cli.party_commands import read_file, show_report
    from huisuan.programmes.people import find_person
    from huisuan.programmes.registers.services import import_register

    content, name = read_file(file)
    report = import_register(content, name, policy, key, by=find_person(by), now=datetime.now(UTC), reason=reason)
    show_report(report, as_json=as_json)


@app.command("match")
def match(policy: _Policy, key: _Key, by: _By, as_json: AsJson = False) -> None:
    """把名录里的要素与需求对接：先优先、再按收到先后；从不超过所列的数量。"""
    from huisuan.parties.cli.party_commands import show_report
    from huisuan.programmes.people import find_person
    from huisuan.programmes.registers.matching import give_matches

    show_report(give_matches(policy, key, by=find_person(by), now=datetime.now(UTC)), as_json=as_json)


@app.command("freeze")
def freeze(
    policy: _Policy,
    key: _Key,
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="年份或季度，如 2024 或 2024Q2")],
    by: _By,
    reason: Annotated[str, typer.Option("--reason", metavar="理由", help="数字与已固定的不同时须写")] = "",
    as_json: AsJson = False,
) -> None:
    """固定一期的数字，带校验值；以后的更正不改动它，只能再固定一次。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.registers.snapshots import freeze_register, snapshot_to_dict

    made = freeze_register(policy, key, period, by=find_person(by), now=datetime.now(UTC), reason=reason)
    row = snapshot_to_dict(made)
    if as_json:
        print_json(row)
        return
    out.print(f"{row['period']} 第 {row['number']} 次固定 · {row['sha256']}", markup=False)
    shown = {name: name for name in (row["rows"][0] if row["rows"] else ())}
    print_table(period, row["rows"], shown, "那天名录里没有")


@app.command("award")
def award(
    policy: _Policy,
    rule: Annotated[str, typer.Argument(metavar="RULE", help="按绩效分配的规则，如 4.1.cities")],
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="年份或季度，如 2024 或 2024Q2")],
    edition: Annotated[int, typer.Option(help="固定数字的第几版；不写则最近一版", min=0)] = 0,
    against: Annotated[int, typer.Option(help="与第几版比较；不写则前一版", min=0)] = 0,
    budget: Annotated[int | None, typer.Option(help="假设的预算（分）；不写则用已采用的", min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """按固定的数字把省级奖补分给各市，合计与预算一分不差；更正后各市差额逐市列出。"""
    from huisuan.programmes.registers.city_award import award_cities, city_award_to_dict

    known = datetime.now(UTC).astimezone(SHANGHAI).date()
    done = award_cities(policy, rule, period, known=known, edition=edition, budget_fen=budget)
    other = against or done.edition.number - 1
    before = award_cities(policy, rule, period, known=known, edition=other, budget_fen=budget) if other else None
    said = city_award_to_dict(policy, rule, done, before)
    if as_json:
        print_json({"rule": rule, "period": period, **said})
        return
    shown = [{**row, "amount": yuan(row["amount_fen"]), "change": yuan(row["change_fen"])} for row in said["cities"]]
    columns = {"name": "市", "amount": "金额（元）"} | ({"change": f"比第 {other} 版（元）"} if before else {})
    print_table(f"{period} 第 {done.edition.number} 版", shown, columns, "没有一个市")
    out.print(done.result.formula(), markup=False)
    for line in said["twice"]:
        out.print(line, markup=False, soft_wrap=True)


@app.command("end")
def end(
    policy: _Policy,
    key: _Key,
    code: Annotated[str, typer.Argument(metavar="CODE", help="编号")],
    by: _By,
    reason: Annotated[str, typer.Option("--reason", metavar="理由", help="为什么撤下")],
    on: Annotated[str, typer.Option("--on", metavar="日期", help="在册的最后一天；不写则今天")] = "",
    as_json: AsJson = False,
) -> None:
    """撤下一件：称号撤销、认定到期。留有记录。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.registers.queries import version_to_dict
    from huisuan.programmes.registers.services import end_entry, get_register

    now = datetime.now(UTC)
    last_day = _day(on, "--on") or now.astimezone(SHANGHAI).date()
    made = end_entry(policy, key, code, last_day, by=find_person(by), now=now, reason=reason)
    row: dict[str, Any] = version_to_dict(get_register(policy, key), made)
    if as_json:
        print_json(row)
        return
    out.print(f"{row['code']}：在册至 {row['until']}", markup=False)


def _day(text: str, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidRequest(f'{option} "{text}" 写法不对；请写成 2026-06-30', code="register.day_malformed") from None
