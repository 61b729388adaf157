"""`huisuan share`: parties' part in the fair share, and how many cards a party or a city may hold at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer()
_MOST = 1_000_000
_COLUMNS = {
    "of": "谁",
    "name": "名称",
    "weight": "权重",
    "most_cards": "最多同时用卡",
    "set_by": "设定者",
    "set_at": "设定于",
}


def _something(context: typer.Context, most_cards: int | None) -> int | None:
    """Wrong usage before the database is asked: click reads what was given first, so --weight is known by now."""
    if most_cards is None and context.params.get("weight") is None and not context.resilient_parsing:
        raise typer.BadParameter("没有说要设定什么：请写 --weight 或 --most-cards")
    return most_cards


@app.command("set")
def set_(
    of: Annotated[str, typer.Argument(metavar="主体或市", help="统一社会信用代码，或市的行政区划代码")],
    weight: Annotated[
        int | None, typer.Option("--weight", min=1, max=_MOST, help="公平份额的权重；未设定的主体为 100")
    ] = None,
    most_cards: Annotated[
        int | None,
        typer.Option("--most-cards", min=0, max=_MOST, callback=_something, help="最多同时用多少卡；0 表示不限"),
    ] = None,
    by: Annotated[str, typer.Option("--by", help="谁设定的，写进记录")] = "huisuan share",
    as_json: AsJson = False,
) -> None:
    """设定主体的份额与上限，或一个市全部主体合计的上限。"""
    from huisuan.compute.models import CityQuota, TenantShare
    from huisuan.parties.models import Party, Region

    now = datetime.now(UTC)
    party = Party.objects.filter(uscc=of).first()
    if party is not None:
        given: dict[str, Any] = {"set_by": by, "set_at": now}
        given |= {"weight": weight} if weight is not None else {}
        given |= {"most_cards": most_cards or None} if most_cards is not None else {}
        TenantShare.objects.update_or_create(party=party, defaults=given)
    else:
        city = Region.objects.filter(pk=of).first() or Region.objects.filter(name_zh=of).first()
        if city is None or not city.in_anhui:
            raise NotFound(
                f"{of}：既不是已登记的主体，也不是安徽的市；主体见 huisuan party list", code="share.tenant_unknown"
            )
        if weight is not None:
            raise InvalidRequest(
                f"市（{of}）没有权重，只有 --most-cards：份额按主体计", code="share.city_has_no_weight"
            )
        if most_cards:
            CityQuota.objects.update_or_create(
                region=city, defaults={"most_cards": most_cards, "set_by": by, "set_at": now}
            )
        else:
            CityQuota.objects.filter(region=city).delete()
    rows = [row for row in _rows() if row["of"] == (party.uscc if party else city.pk)]  # type: ignore[union-attr]
    if as_json:
        print_json(rows[0] if rows else None)
    else:
        print_table("份额与上限", rows, _COLUMNS, f"{of}：不再有上限")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出设定过的份额与上限；没有列出的主体权重为 100，不限卡数。"""
    rows = _rows()
    if as_json:
        print_json(rows)
    else:
        print_table("份额与上限", rows, _COLUMNS, "都没有设定：各主体权重相同，不限卡数；用 huisuan share set 设定")
        out.print("没有列出的主体：权重 100，不限卡数", markup=False)


def _rows() -> list[dict[str, Any]]:
    from huisuan.compute.models import CityQuota, TenantShare

    parties = [
        {
            "of": each.party.uscc, "name": each.party.name, "weight": each.weight, "most_cards": each.most_cards,
            "set_by": each.set_by, "set_at": each.set_at,
        }
        for each in TenantShare.objects.select_related("party").order_by("party__uscc")
    ]  # fmt: skip
    cities = [
        {
            "of": each.region_id, "name": each.region.name_zh, "weight": None, "most_cards": each.most_cards,
            "set_by": each.set_by, "set_at": each.set_at,
        }
        for each in CityQuota.objects.select_related("region").order_by("region")
    ]  # fmt: skip
    return parties + cities
