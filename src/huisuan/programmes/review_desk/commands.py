"""`huisuan experts`: the pool of experts and their ties; panels drawn from it, their seats and sheets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.hashing import bytes_sha256
from huisuan.base.months import SHANGHAI
from huisuan.programmes.review_desk import draw_commands
from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer()
app.command("commit")(draw_commands.commit_to_seed)
app.command("draw")(draw_commands.draw_panels_of_call)
app.command("verify")(draw_commands.verify_draws)

_EXPERT_COLUMNS = {
    "username": "用户名", "name": "姓名", "employer": "所在单位", "fields": "领域", "active": "在库",
    "active_from": "自", "active_until": "至（不含）",
}  # fmt: skip
_TIE_COLUMNS = {
    "username": "专家", "party_name": "单位", "party": "统一社会信用代码", "kind": "关系", "starts": "自",
    "ends": "至（不含）", "source": "来源",
}  # fmt: skip
_By = Annotated[str | None, typer.Option("--by", metavar="USERNAME", help="以哪位省专班人员的名义")]


_Person = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Number = Annotated[str, typer.Argument(metavar="NUMBER", help="申报编号，如 A2024-000001")]
_Marks = Annotated[list[str], typer.Option("--mark", metavar="KEY=N", help="一项指标的分数，整数；每项指标一个")]
_SEAT_COLUMNS = {
    "number": "申报", "programme": "程序", "title": "名称", "state": "状态", "sent_at": "已提交评分",
}  # fmt: skip
_CRITERIA_COLUMNS = {"key": "指标", "title": "名称", "most": "满分", "mark": "分数", "reason": "理由"}
_PANEL_COLUMNS = {
    "position": "序", "name": "专家", "state": "席位", "score": "得分", "at": "何时提交", "left_because": "退出原因",
}  # fmt: skip
_FACT_COLUMNS = {"label": "栏目", "text": "内容"}
_FILE_COLUMNS = {"number": "序", "fact": "说明什么", "name": "材料", "media_type": "类型", "size": "字节"}
_SEAT_STATES = {"sitting": "评审组", "alternate": "候补", "left": "已退出"}


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="文件", help="CSV：username,fields,active_from 等；- 为标准输入")],
    ties: Annotated[bool, typer.Option("--ties", help="文件是利害关系：username,party,kind,starts 等")] = False,
    by: _By = None,
    as_json: AsJson = False,
) -> None:
    """导入专家，或（--ties）专家与单位的利害关系；好的行留下，错的行说明。"""
    from huisuan.parties.cli.party_commands import read_file, show_report
    from huisuan.programmes.flags.late_ties import look_back
    from huisuan.programmes.review.pool_import import import_experts, import_ties

    content, name = read_file(file)
    found = (import_ties if ties else import_experts)(content, name, by=_acting(by), now=datetime.now(UTC))
    look_back(datetime.now(UTC))  # what was done before this was known
    show_report(found, as_json=as_json)


@app.command("list")
def list_(
    field: Annotated[str, typer.Option("--field", metavar="领域", help="只列这个领域的")] = "",
    as_json: AsJson = False,
) -> None:
    """列出专家库：谁、在哪里工作、懂什么、现在是否参加评审。"""
    from huisuan.programmes.review.pool_queries import list_experts

    rows = list_experts(datetime.now(SHANGHAI).date(), field)
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "fields": "、".join(row["fields"])} for row in rows]
    print_table("专家库", shown, _EXPERT_COLUMNS, "没有专家：用 huisuan experts import 导入")


@app.command("ties")
def ties(
    username: Annotated[str, typer.Argument(metavar="用户名", help="哪位专家；不写则列全部")] = "",
    as_json: AsJson = False,
) -> None:
    """列出专家与单位的利害关系，新的在前。"""
    from huisuan.programmes.models import TieKind
    from huisuan.programmes.review.pool_queries import list_ties

    rows = list_ties(username)
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "kind": TieKind(row["kind"]).label} for row in rows]
    print_table("利害关系", shown, _TIE_COLUMNS, "没有登记：用 huisuan experts import --ties 导入")


@app.command("seats")
def seats(by: _Person, as_json: AsJson = False) -> None:
    """列出要此人评审的申报：什么程序，评分表是否已提交。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.queries import seats_of

    rows = seats_of(Viewer.for_person(find_person(by)))
    if as_json:
        print_json(rows)
        return
    print_table("我的评审", rows, _SEAT_COLUMNS, "没有要您评审的申报")


@app.command("sheet")
def sheet(number: _Number, by: _Person, as_json: AsJson = False) -> None:
    """打开要评审的申报：内容（匿名评审的不写申报单位、人员、文件名）、指标和满分、已提交的评分。打开时再查一次利害关系。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.queries import own_sheet
    from huisuan.programmes.scoring.material import review_material
    from huisuan.programmes.scoring.seats import open_seat

    seat = open_seat(number, find_person(by), datetime.now(UTC))
    material = review_material(seat)
    if not as_json:
        print_table(material["title"], material["facts"], _FACT_COLUMNS, "没有内容")
        print_table("材料", material["files"], _FILE_COLUMNS, "没有材料")
    _print_sheet(own_sheet(seat) | {"material": material}, as_json)


@app.command("file")
def file(
    number: _Number,
    which: Annotated[int, typer.Argument(metavar="N", min=1, help="第几份材料")],
    output: Annotated[Path, typer.Option("--output", help="写到哪个文件；已有的不覆盖")],
    by: _Person,
    as_json: AsJson = False,
) -> None:
    """取一份要评审的材料；匿名评审时，写有申报单位或其人员名称的不提供。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.scoring.material import review_file
    from huisuan.programmes.scoring.seats import open_seat

    _, _, content = review_file(open_seat(number, find_person(by), datetime.now(UTC)), which)
    try:
        with output.open("xb") as place:
            place.write(content)
    except OSError as error:
        raise InvalidRequest(f"{output}：写不了（{error.strerror}）", code="file.unwritable") from None
    if as_json:
        print_json({"file": str(output), "bytes": len(content), "sha256": bytes_sha256(content)})
        return
    out.print(f"{output}：{len(content)} 字节", markup=False)


@app.command("score")
def score(
    number: _Number,
    marks: _Marks,
    by: _Person,
    reasons: Annotated[
        list[str] | None, typer.Option("--reason", metavar="KEY=TEXT", help="一项指标的理由；很低、很高的分数必须写")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """提交评分表，一次，不能改。提交时再查一次利害关系。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.queries import own_sheet
    from huisuan.programmes.scoring.sheets import send_sheet

    sent = send_sheet(number, _marks(marks), _pairs(reasons or [], "--reason"), find_person(by), datetime.now(UTC))
    _print_sheet(own_sheet(sent.seat), as_json)


@app.command("recuse")
def recuse(
    number: _Number,
    reason: Annotated[str, typer.Option("--reason", help="理由")],
    by: _Person,
    expert: Annotated[
        str, typer.Option("--expert", metavar="USERNAME", help="组织评审的单位请哪位专家退出；专家本人不写")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """专家回避，或由组织评审的单位请其退出；下一位候补专家递补。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.services import release_expert
    from huisuan.programmes.scoring import seats

    person, now = find_person(by), datetime.now(UTC)
    if expert:
        called = release_expert(number, expert, reason, person, now)
    else:
        called = seats.recuse(number, person, reason, now)
    found = {"number": number, "successor": called.expert.person.username, "position": called.position}
    if as_json:
        print_json(found)
        return
    out.print(f"{number}：由候补专家 {called.expert.person.name}（第 {called.position} 位）递补", markup=False)


@app.command("meeting")
def meeting(
    number: _Number,
    marks: _Marks,
    minutes: Annotated[str, typer.Option("--minutes", help="合议记录：怎样得出一致意见")],
    by: _Person,
    as_json: AsJson = False,
) -> None:
    """登记评审组合议的结果：评分相差超过上限时，以合议的分数为准。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.services import record_meeting

    record_meeting(number, _marks(marks), minutes, find_person(by), datetime.now(UTC))
    show_review(number, by, as_json)


@app.command("review")
def show_review(number: _Number, by: _Person, as_json: AsJson = False) -> None:
    """一件申报的评审：评审组和候补、各份评分表、去掉高低分的平均、极差、合议。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.queries import describe_review

    found = describe_review(Viewer.for_person(find_person(by)), number)
    if as_json:
        print_json(found)
        return
    rows = [
        row
        | {"state": _SEAT_STATES[row["state"]]}
        | ({k: row["sheet"][k] for k in ("score", "at")} if row["sheet"] else {})
        for row in found["seats"]
    ]
    print_table(f"{number} 的评审", rows, _PANEL_COLUMNS, "还没有抽签")
    state = "评分相差过大，须合议" if found["must_meet"] else f"收到 {found['sent']}/{found['wanted']} 份"
    out.print(f"得分：{found['score'] or '未定'}　极差：{found['spread'] or '未定'}　{state}", markup=False)


def _print_sheet(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    sent = found["sheet"] or {"marks": {}, "reasons": {}}
    rows = [
        each | {"mark": sent["marks"].get(each["key"]), "reason": sent["reasons"].get(each["key"])}
        for each in found["criteria"]
    ]
    print_table(f"{found['number']} 的评分表", rows, _CRITERIA_COLUMNS, "没有评审指标")
    limits = f"低于满分的 {found['low_percent']}% 或高于 {found['high_percent']}% 须写理由"
    out.print(f"已提交，得分 {sent['score']}" if found["sheet"] else limits, markup=False)


def _marks(given: list[str]) -> dict[str, int]:
    found = {}
    for key, text in _pairs(given, "--mark").items():
        if not (text.isascii() and text.isdigit() and len(text) <= 6):
            raise InvalidRequest(f"--mark {key}={text[:20]}：分数须是整数", code="review.mark_malformed")
        found[key] = int(text)
    return found


def _pairs(given: list[str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        key, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not key or key in found:
            raise InvalidRequest(f"{option} {text[:40]}：请写成 指标=内容，每项一次", code="review.mark_malformed")
        found[key] = value
    return found


def _acting(by: str | None) -> str:
    """The name under which an import is kept.

    Raises:
        NotFound: no active person of the province has it.
    """
    from huisuan.parties.models import Person, Role

    if by and not Person.objects.filter(username=by, role=Role.PROVINCE, is_active=True).exists():
        raise NotFound(f"--by {by}：没有这位省专班人员", code="person.unknown")
    return by or "本机命令行"
