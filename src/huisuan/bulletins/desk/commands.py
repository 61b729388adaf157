"""`huisuan bulletin list|draft|review|issue|correct`: bulletins of the platform, from the draft to the signature."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huisuan.bulletins.issuing.commands import BulletinSubject, disk_refusals
from huisuan.terminal import AsJson, out, print_json, print_table

if TYPE_CHECKING:
    from huisuan.parties.models import Person


_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以哪位省专班人员的名义")]
_Number = Annotated[int, typer.Argument(metavar="N", help="通报的流水号，见 list", min=1)]
_COLUMNS = {
    "bulletin": "流水号", "period": "哪一期", "state": "状态", "number": "文号", "issued_on": "成文", "day": "数据截至",
    "drafted_by": "起草", "reviewed_by": "审核",
}  # fmt: skip


def list_all(
    issued: Annotated[bool, typer.Option("--issued", help="只列签发了的")] = False, as_json: AsJson = False
) -> None:
    """列出通报：草稿、退回、审核通过、已签发、已更正；新的在前。"""
    from huisuan.bulletins.desk.queries import list_bulletins, state_bulletin

    rows = [state_bulletin(one) for one in list_bulletins().filter(**({"issue__isnull": False} if issued else {}))]
    if as_json:
        print_json(rows)
    else:
        print_table("通报", rows, _COLUMNS, "还没有通报；用 huisuan bulletin draft 起草")


def draft(
    office: Annotated[str, typer.Option("--office", help="发文机关")],
    period: Annotated[str, typer.Option("--period", help="哪一期，如 2026年第三季度；场景、算力、资金写 2026Q3")],
    by: _By,
    kind: Annotated[
        BulletinSubject, typer.Option("--kind", help="开放程度、场景、算力使用或资金拨付")
    ] = BulletinSubject.OPENNESS,
    policy: Annotated[str, typer.Option("--policy", help="场景、资金：哪项政策，名称见 huisuan policy list")] = "",
    register: Annotated[str, typer.Option("--register", help="场景：政策的哪个名录")] = "",
    formula: Annotated[
        Path | None, typer.Option("--formula", help="公式文件（TOML）；不写用上一期的，首期用建议的分值")
    ] = None,
    demands: Annotated[
        Path | None, typer.Option("--demands", help="“下一步工作要求”的文字，一行一段；不写用通用的两段")
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="不与上一期比较")] = False,
    as_json: AsJson = False,
) -> None:
    """冻结现在的得分或一个期间的数并起草通报，与上一次签发的比较；另一个人审核以后签发。"""
    from huisuan.bulletins.desk.freezing import FreezeWish, freeze_wish
    from huisuan.bulletins.desk.services import DraftedWords, draft_bulletin
    from huisuan.bulletins.issuing.openness_letter import DEMANDS, FIGURES_DEMANDS
    from huisuan.bulletins.models import BulletinKind

    with disk_refusals():
        now = datetime.now(UTC)
        frozen = freeze_wish(FreezeWish(BulletinKind(kind.value), period, policy, register, formula), now)
        usual = DEMANDS if kind is BulletinSubject.OPENNESS else FIGURES_DEMANDS
        said = demands.read_text("utf-8").splitlines() if demands else usual
    words = DraftedWords(office, frozen.period, said)
    made = draft_bulletin(
        BulletinKind(kind.value), frozen.content, words, _person(by), now, first=first, kept=frozen.kept
    )  # fmt: skip
    _print(made.pk, as_json)


def review(
    number: _Number,
    by: _By,
    send_back: Annotated[str, typer.Option("--return", metavar="REASON", help="退回，写明理由；不写即通过")] = "",
    as_json: AsJson = False,
) -> None:
    """审核别人起草的通报：通过，或写明理由退回。"""
    from huisuan.bulletins.desk.services import review_bulletin

    review_bulletin(number, not send_back, send_back, _person(by), datetime.now(UTC))
    _print(number, as_json)


def issue(
    number: _Number,
    document_number: Annotated[str, typer.Option("--number", help="文号，如 皖数通〔2026〕3号")],
    day: Annotated[datetime, typer.Option("--day", formats=["%Y-%m-%d"], help="成文日期")],
    by: _By,
    folder: Annotated[Path | None, typer.Option("--folder", help="把签发的文件也写到哪个新文件夹")] = None,
    as_json: AsJson = False,
) -> None:
    """签发审核通过的通报：生成文件，由平台签名；任何人可用 huisuan bulletin verify 验证。"""
    from huisuan.bulletins.desk.queries import get_issue, load_file
    from huisuan.bulletins.desk.services import issue_bulletin
    from huisuan.bulletins.desk.statement import STATEMENT

    issue_bulletin(number, document_number, date(day.year, day.month, day.day), _person(by), datetime.now(UTC))
    if folder:
        issued = get_issue(number)
        with disk_refusals():
            folder.mkdir(parents=True)
            for name in [*issued.files, STATEMENT]:
                (folder / name).write_bytes(load_file(issued, name))
    _print(number, as_json)


def correct(
    number: _Number,
    reason: Annotated[str, typer.Option("--reason", help="错在哪里，为什么更正")],
    by: _By,
    formula: Annotated[Path | None, typer.Option("--formula", help="公式文件（TOML）；不写用原来那一版的")] = None,
    as_json: AsJson = False,
) -> None:
    """更正签发了的通报：以现在的得分起草新的一版，写明更正哪一号；同样审核、签发，原来的一版留着。"""
    from huisuan.bulletins.desk.freezing import freeze_again
    from huisuan.bulletins.desk.services import correct_bulletin

    now = datetime.now(UTC)
    with disk_refusals():
        frozen = freeze_again(number, now, formula)
    made = correct_bulletin(number, frozen.content, reason, _person(by), now, kept=frozen.kept)
    _print(made.pk, as_json)


def _print(number: int, as_json: bool) -> None:
    from huisuan.bulletins.desk.queries import list_bulletins, state_bulletin

    said = state_bulletin(list_bulletins().get(pk=number))
    if as_json:
        print_json(said)
        return
    for name, value in said.items():
        if value not in ("", None, {}):
            out.print(f"{name}: {value}", markup=False)


def _person(by: str) -> Person:
    from huisuan.programmes.people import find_person

    return find_person(by)
