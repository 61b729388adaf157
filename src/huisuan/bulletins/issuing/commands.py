"""`huisuan bulletin snapshot|make|verify`: freeze figures, make a bulletin of them, prove that it follows from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from huisuan.terminal import AsJson, note, out, print_json, print_table


class BulletinSubject(StrEnum):
    """What a bulletin may be about, as the command line says it."""

    OPENNESS = "openness"
    SCENARIOS = "scenarios"
    USE = "use"
    MONEY = "money"


_COLUMNS = {"what": "不同的是", "stated": "清单写的", "found": "现在的"}


def snapshot(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="写到哪个文件（JSON）；已有的不覆盖")],
    formula: Annotated[
        Path | None, typer.Option("--formula", help="公式文件（TOML）；不写用上一期的，首期用建议的分值")
    ] = None,
    kind: Annotated[
        BulletinSubject, typer.Option("--kind", help="开放程度、场景、算力使用或资金拨付")
    ] = BulletinSubject.OPENNESS,
    period: Annotated[str, typer.Option("--period", help="场景、算力、资金：哪个期间，如 2026Q3、2026H1、2026")] = "",
    policy: Annotated[str, typer.Option("--policy", help="场景、资金：哪项政策，名称见 huisuan policy list")] = "",
    register: Annotated[str, typer.Option("--register", help="场景：政策的哪个名录")] = "",
    as_json: AsJson = False,
) -> None:
    """冻结现在的得分，或一个期间的数，连同公式或不公布的格写进一个文件；通报只由它生成。要签发的用 draft。"""
    from huisuan.bulletins.desk.freezing import FreezeWish, freeze_wish
    from huisuan.bulletins.issuing.snapshot_file import format_snapshot
    from huisuan.bulletins.models import BulletinKind

    with disk_refusals():
        wish = FreezeWish(BulletinKind(kind.value), period, policy, register, formula)
        frozen = freeze_wish(wish, datetime.now(UTC)).content
        with file.open("xb") as written:
            written.write(format_snapshot(frozen))
    if as_json:
        print_json({"file": str(file), "sha256": frozen["sha256"], "day": frozen["day"], "kind": kind.value})
    else:
        out.print(f"{file}: {frozen['day']}，SHA-256 {frozen['sha256']}", markup=False)


def make(
    file: Annotated[Path, typer.Argument(metavar="SNAPSHOT", help="冻结的快照")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="写到哪个新文件夹")],
    office: Annotated[str, typer.Option("--office", help="发文机关")],
    number: Annotated[str, typer.Option("--number", help="文号，如 皖数通〔2026〕3号")],
    day: Annotated[datetime, typer.Option("--day", formats=["%Y-%m-%d"], help="成文日期")],
    period: Annotated[str, typer.Option("--period", help="哪一期，如 2026年第三季度")],
    before: Annotated[Path | None, typer.Option("--before", help="上一期的快照：比较名次和整改")] = None,
    demands: Annotated[
        Path | None, typer.Option("--demands", help="“下一步工作要求”的文字，一行一段；不写用通用的两段")
    ] = None,
    template: Annotated[Path | None, typer.Option("--template", help="DOCX 用发文机关自己的模板")] = None,
    as_json: AsJson = False,
) -> None:
    """由快照生成通报：PDF（GB/T 9704）、DOCX、HTML 和清单；同一快照每次生成的字节都相同。"""
    from huisuan.bulletins.issuing.bulletin_folder import BulletinImprint, make_bulletin
    from huisuan.bulletins.issuing.openness_letter import DEMANDS, FIGURES_DEMANDS
    from huisuan.bulletins.issuing.snapshot_file import load_snapshot

    with disk_refusals():
        figures = load_snapshot(file)
        usual = FIGURES_DEMANDS if "measures" in figures else DEMANDS
        said = tuple(filter(None, map(str.strip, demands.read_text("utf-8").splitlines()))) if demands else usual
        imprint = BulletinImprint(office, number, date(day.year, day.month, day.day), period, said)
        form = template.read_bytes() if template else b""
        made = make_bulletin(figures, load_snapshot(before) if before else None, imprint, form)
        folder.mkdir(parents=True)
        for name, content in made.items():
            (folder / name).write_bytes(content)
    if as_json:
        print_json({"folder": str(folder), "files": sorted(made)})
    else:
        out.print(f"{folder}: {'、'.join(sorted(made))}", markup=False)


def verify_folder(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="make 或 issue 生成的文件夹")],
    key: Annotated[str, typer.Option("--key", help="平台公钥（十六进制），事先抄下的；写了就必须有签名")] = "",
    as_json: AsJson = False,
) -> None:
    """由快照把通报重做一遍，逐字节比较；不同的文件、排版程序、字体、模板逐个列出，以 1 退出。不需要数据库。"""
    from huisuan.bulletins.desk.statement import read_issue
    from huisuan.bulletins.issuing.verifying import verify_bulletin

    with disk_refusals():
        signed = read_issue(folder, key)
        found = verify_bulletin(folder)
    rows = [{"what": one.what, "stated": one.stated, "found": one.found} for one in found]
    if as_json:
        print_json({"genuine": not found, "differences": rows, "signed": signed})
    else:
        print_table(str(folder), rows, _COLUMNS, f"{folder}: 与快照逐字节一致")
        if signed:
            note(f"{signed['number']} 由平台签名，{signed['issued_by']} 签发")
    if found:
        note(f"{len(found)} 处不同")
        raise typer.Exit(1)


@contextmanager
def disk_refusals() -> Iterator[None]:
    """What the disk refuses, said as every other refusal."""
    from huisuan.base.errors import InvalidRequest, Unavailable

    try:
        yield
    except FileExistsError as error:
        raise InvalidRequest(
            f"{error.filename} 已经有了：请换一个名字，已生成的不覆盖", code="bulletin.exists"
        ) from None
    except UnicodeDecodeError:
        raise InvalidRequest("工作要求的文件不是 UTF-8：请另存为 UTF-8", code="bulletin.demands_not_utf8") from None
    except OSError as error:
        raise Unavailable(f"{error.filename}：{error.strerror}；请检查路径与权限", code="file.unreadable") from None
