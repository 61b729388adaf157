"""`huisuan data upload|files|findings|judge|remake|rescan|release|withdraw|verify|key`: a file through the gate."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huisuan.terminal import AsJson, note, out, print_json, print_table

if TYPE_CHECKING:
    from huisuan.opendata.models import GateRelease
    from huisuan.parties.models import Person

_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Number = Annotated[int, typer.Argument(metavar="N", help="文件编号", min=1)]
_FILES = {
    "number": "编号", "entry": "目录代码", "state_zh": "状态", "ending": "格式", "size": "字节", "findings": "发现",
    "uploaded_by": "送交", "uploaded_at": "时间",
}  # fmt: skip
_FINDINGS = {
    "number": "编号", "kind_zh": "种类", "part": "部件", "row": "行", "column": "列", "heading": "列名",
    "masked": "内容（已遮盖）", "judged": "判断",
}  # fmt: skip
_SHOWN = 50


def upload(
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="目录代码")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="要开放的文件")],
    by: _By,
    group: Annotated[str, typer.Option("--group", help="关联组：同组的文件里，同一个人的令牌相同")] = "",
    as_json: AsJson = False,
) -> None:
    """送交一个文件：封存，由后台检查；原文件永远不会被提供。"""
    from huisuan.base.errors import Unavailable
    from huisuan.opendata.gate.uploading import upload_file

    try:
        content = file.read_bytes()
    except OSError as error:
        raise Unavailable(f"读不了 {file}：{error.strerror}；请检查路径与权限", code="file.unreadable") from None
    made = upload_file(entry, file.name, content, _person(by), datetime.now(UTC), group)
    _print_file(made.pk, by, as_json)


def files(by: _By, as_json: AsJson = False) -> None:
    """列出送交的文件和各自的状态，新的在前。"""
    from huisuan.opendata.gate.queries import gate_file_to_dict, visible_files
    from huisuan.parties.viewer import Viewer

    rows = [gate_file_to_dict(each) for each in visible_files(Viewer.for_person(_person(by)))]
    if as_json:
        print_json(rows)
    else:
        print_table("送交的文件", rows, _FILES, "还没有；用 huisuan data upload 送交")


def findings(
    number: _Number,
    by: _By,
    product: Annotated[bool, typer.Option("--product", help="重制后的文件里还有的发现")] = False,
    as_json: AsJson = False,
) -> None:
    """列出一个文件里的发现：位置、遮盖后的内容和判断；不含原值。"""
    from huisuan.opendata.gate.queries import get_file, list_findings, list_product_findings
    from huisuan.parties.viewer import Viewer

    file = get_file(Viewer.for_person(_person(by)), number)
    rows = list_product_findings(file) if product else list_findings(file)
    if as_json:
        print_json(rows)
        return
    print_table(f"文件 {number}", rows[:_SHOWN], _FINDINGS, "没有发现，或还没有检查完")
    if len(rows) > _SHOWN:
        out.print(f"共 {len(rows):,} 处，这里是前 {_SHOWN} 处；全部见 --json", markup=False)


def judge(
    number: _Number,
    finding: Annotated[int, typer.Argument(metavar="FINDING", help="哪一处发现", min=1)],
    action: Annotated[str, typer.Option("--action", help="mask 令牌，generalise 遮盖，drop 删去，false_alarm 误报")],
    by: _By,
    reason: Annotated[str, typer.Option("--reason", help="理由；误报必写")] = "",
    column: Annotated[bool, typer.Option("--column", help="这一列里同一种的全部")] = False,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="文件里同一种的全部")] = False,
    as_json: AsJson = False,
) -> None:
    """判断一处发现，或一列、一种的全部；后来的判断代替先前的，都留在记录里。"""
    from huisuan.opendata.gate.judging import GivenJudgement, judge_findings

    given = GivenJudgement(finding, action, reason, column, everywhere)
    judge_findings(number, given, _person(by), datetime.now(UTC))
    _print_file(number, by, as_json)


def remake(
    number: _Number,
    by: _By,
    part: Annotated[str, typer.Option("--part", help="哪一张表，如 工作表 名单；只有一张时不写")] = "",
    as_json: AsJson = False,
) -> None:
    """按判断重制一张表（CSV 和 Parquet），并请后台复查它。"""
    from huisuan.opendata.gate.remaking import remake_file

    remake_file(number, _person(by), datetime.now(UTC), part)
    _print_file(number, by, as_json)


def rescan(number: _Number, by: _By, as_json: AsJson = False) -> None:
    """再检查一个停着的文件：上次检查没有完成，或规则变了。"""
    from huisuan.opendata.gate.rescanning import rescan_file

    rescan_file(number, _person(by), datetime.now(UTC))
    _print_file(number, by, as_json)


def reopen(
    number: _Number,
    by: _By,
    reason: Annotated[str, typer.Option("--reason", help="为什么")] = "",
    as_json: AsJson = False,
) -> None:
    """重新判断一个已中止提供的文件：按现行规则再读，再由三个人判断、重制、放行。"""
    from huisuan.opendata.gate.rescanning import reopen_file

    reopen_file(number, _person(by), datetime.now(UTC), reason)
    _print_file(number, by, as_json)


def release(
    number: _Number,
    by: _By,
    supersedes: Annotated[
        int | None, typer.Option("--supersedes", metavar="N", help="取代同一条目录的哪个文件")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FOLDER", help="把放行的文件和声明写到哪个文件夹")] = None,
    as_json: AsJson = False,
) -> None:
    """放行：由没有送交、也没有判断过它的第三个人；每个文件有签名的声明。"""
    from huisuan.opendata.gate.releasing import release_file

    for made in release_file(number, _person(by), datetime.now(UTC), supersedes):
        if to is not None:
            _write_release(made, to)
    _print_file(number, by, as_json)


def withdraw(
    number: _Number,
    reason: Annotated[str, typer.Option("--reason", help="为什么")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """撤回已放行的文件：立即不再提供。"""
    from huisuan.opendata.gate.releasing import withdraw_file

    withdraw_file(number, reason, _person(by), datetime.now(UTC))
    _print_file(number, by, as_json)


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="得到的数据文件")],
    statement: Annotated[Path, typer.Argument(metavar="STATEMENT", help="它的放行声明（.statement.json）")],
    key: Annotated[str, typer.Option("--key", help="平台的公钥，64 位十六进制；不写则只核对声明自带的")] = "",
    as_json: AsJson = False,
) -> None:
    """核对文件与放行声明：摘要、签名；不需要平台和数据库。"""
    from huisuan.base.errors import Unavailable
    from huisuan.opendata.gate.statements import verify_release

    try:
        said = verify_release(file, statement, key)
    except OSError as error:
        raise Unavailable(f"读不了 {error.filename}：{error.strerror}", code="file.unreadable") from None
    if not key:
        note("没有写 --key：只知道声明没有被改过，不知道公钥是不是平台的")
    if as_json:
        print_json(said)
        return
    for name, value in said.items():
        out.print(f"{name}: {value}", markup=False)


def key(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="destroy：销毁")],
    scope: Annotated[str, typer.Argument(metavar="SCOPE", help="目录代码或关联组")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """销毁一个数据集或关联组的密钥：已有的令牌从此定型，谁也不能再算出来。"""
    from huisuan.base.errors import InvalidRequest
    from huisuan.opendata.gate.mask_keys import destroy_key

    if action != "destroy":
        raise InvalidRequest(f'"{action[:20]}"：密钥只能销毁，写 destroy', code="gate.key_action_unknown")
    made = destroy_key(scope, _person(by), datetime.now(UTC))
    done = {"action": action, "scope": made.scope, "number": made.number}
    if as_json:
        print_json(done)
    else:
        out.print(f"已销毁 {made.scope} 的第 {made.number} 把密钥", markup=False)


def _write_release(made: GateRelease, folder: Path) -> None:
    from huisuan.base.errors import Unavailable
    from huisuan.compute.keys.platform_key import public
    from huisuan.opendata.gate.queries import released_bytes
    from huisuan.opendata.gate.statements import release_paper

    name = f"{made.file.entry.code}.{made.product.format}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(released_bytes(made.product_id)[1])
        said = release_paper(made.statement, made.signature, public())
        (folder / f"{name}.statement.json").write_text(said, encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"已放行，但写不了 {folder}：{error.strerror}", code="file.unwritable") from None


def _print_file(number: int, by: str, as_json: bool) -> None:
    from huisuan.opendata.gate.queries import gate_file_to_dict, get_file
    from huisuan.parties.viewer import Viewer

    found: dict[str, Any] = gate_file_to_dict(get_file(Viewer.for_person(_person(by)), number))
    if as_json:
        print_json(found)
        return
    for name, title in _FILES.items():
        out.print(f"{title}: {found[name]}", markup=False)


def _person(by: str) -> Person:
    from huisuan.base.errors import NotFound
    from huisuan.parties.models import Person

    found = Person.objects.filter(username=by, is_active=True).first()
    if found is None:
        raise NotFound(f"--by {by}：没有这个人，或已停用", code="person.unknown")
    return found
