"""`huisuan meter register`: publish the register of all centres and months, give it out, countersign it anywhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.terminal import AsJson, note, out, print_json, print_table

_COLUMNS = {"month": "月份", "centres": "中心", "sealed": "封账月", "made_at": "公布于", "countersigned": "会签"}


def print_register(
    context: typer.Context,
    month: Annotated[str | None, typer.Option(help="公布到这个月（已过完的），如 2024-03")] = None,
    to: Annotated[Path | None, typer.Option("--out", help="把登记册写成文件，交给中心与审计")] = None,
    countersign: Annotated[
        Path | None, typer.Option("--countersign", help="会签这个文件里最新的一期；不需要平台和数据库")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="会签用的私钥文件（站点代理目录里的 agent-key）；没有就造一把")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="会签者的名称")] = "",
    take: Annotated[Path | None, typer.Option("--take", help="收下一个会签过的文件里的签名")] = None,
    as_json: AsJson = False,
) -> None:
    """登记册：所有中心、代理公钥、账本末端、每个月的封账；逐月相连，平台签名，中心与审计可会签。"""
    if countersign is not None:
        if key is None or not by.strip():
            raise typer.BadParameter("会签要写明 --key 私钥文件 与 --by 名称")
        _countersign(countersign, key, by.strip(), as_json)
        return
    context.obj()  # the platform's own
    from huisuan.base.months import Month
    from huisuan.compute.metering.audit.register import RegisterFile
    from huisuan.compute.metering.seals.register import publish_register, record_countersignatures, register_file

    now = datetime.now(UTC)
    if take is not None:
        taken = record_countersignatures(RegisterFile.model_validate(_read(take)), now)
        note(f"收下 {taken} 个会签")
    if month is not None:
        made = publish_register(Month.parse(month), now)
        note(f"已公布 {'、'.join(str(entry_month) for entry_month in made)}")
    found = register_file()
    if to is not None:
        to.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
        note(f"已写到 {to}")
    if as_json:
        print_json(found)
    elif to is None:
        print_table("登记册", [_row(entry) for entry in found["entries"]], _COLUMNS, "")


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    statement = json.loads(entry["statement"])
    return {
        "month": statement["month"], "centres": len(statement["centres"]),
        "sealed": sum(month["state"] == "sealed" for centre in statement["centres"] for month in centre["months"]),
        "made_at": datetime.fromtimestamp(statement["made_at"], UTC),
        "countersigned": "、".join(signature["by"] for signature in entry["countersignatures"]) or "—",
    }  # fmt: skip


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{path} 读不出来：{error}", code="register.unreadable") from None


def _countersign(path: Path, key_path: Path, by: str, as_json: bool) -> None:
    """Sign the newest entry after checking the register in itself, and write the signature into the file."""
    from huisuan.compute.metering.audit.register import check_register, load_register
    from huisuan.protocol.batch_chain import register_digest
    from huisuan.protocol.signatures import load_key, make_key, public_half

    held = load_register(path)
    if found := check_register(held, held.platform_key):
        raise InvalidRequest(
            f"登记册自身不符，不能会签：{found[0].where}：{found[0].what}", code="register.inconsistent"
        )
    try:
        private = load_key(key_path) if key_path.exists() else make_key(key_path)
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{key_path} 不是私钥：{error}", code="register.key_unusable") from None
    file = _read(path)
    newest, mine = file["entries"][-1], public_half(private)
    signature = private.sign(register_digest(newest["statement"])).hex()
    kept = [signature for signature in newest.get("countersignatures", []) if signature["key"] != mine]
    newest["countersignatures"] = [*kept, {"by": by, "key": mine, "signature": signature}]
    path.write_text(json.dumps(file, ensure_ascii=False, indent=1), encoding="utf-8")
    if as_json:
        print_json({"month": held.newest.month, "key": mine, "signature": signature})
    else:
        note(f"已会签 {held.newest.month}，写回 {path}；公钥如下，核对时用 --countersigner 指定：")
        out.print(mine, markup=False)
