"""`huisuan document`: issue a letter, list, open, check one, prove all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.terminal import AsJson, err, out, print_json, print_table

app = typer.Typer()
_COLUMNS = {
    "number": "文号", "kind": "种类", "title": "标题", "issued_at": "签发", "code": "核验码", "valid": "有效",
}  # fmt: skip
_WRONG = {
    "missing": "文件缺失", "damaged": "文件已损坏", "set_differently": "按记录重排，与存档不同",
    "not_set": "按记录排不出来",
}  # fmt: skip
_MOST_BYTES = 20_000_000


@app.command("issue")
def issue(
    file: Annotated[Path, typer.Argument(metavar="文件", help="JSON：title、to、body、annexes、note")],
    office: Annotated[str, typer.Option("--office", metavar="机关", help="发文机关，照落款写")],
    by: Annotated[str, typer.Option("--by", metavar="USERNAME", help="哪位省专班人员签发")],
    kind: Annotated[
        str, typer.Option("--kind", metavar="种类", help="call、publicity、decision、letter 等")
    ] = "letter",
    replaces: Annotated[str, typer.Option("--replaces", metavar="核验码", help="替代哪一份")] = "",
    as_json: AsJson = False,
) -> None:
    """签发一份公文：编号、排版、存档；排不成则不占号。"""
    from huisuan.documents.issuing import About, issue_document
    from huisuan.documents.letters import parse_letter
    from huisuan.documents.models import DocumentKind
    from huisuan.documents.queries import document_to_dict, find_document
    from huisuan.parties.models import Person, Role

    if kind not in DocumentKind.values:
        raise InvalidRequest(f"--kind {kind}：只能是 {'、'.join(DocumentKind.values)}", code="document.kind_unknown")
    person = Person.objects.filter(username=by, role=Role.PROVINCE, is_active=True).first()
    if person is None:
        raise NotFound(f"--by {by}：没有这位省专班人员", code="person.unknown")
    letter = parse_letter(_read_json(file))
    about = About(replaces=find_document(replaces) if replaces else None)
    made = issue_document(DocumentKind(kind), office, letter, person, datetime.now(UTC), about)
    if as_json:
        print_json(document_to_dict(made))
    else:
        out.print(f"已签发 {made.full_number}，核验码 {made.code}", markup=False)
        out.print(f"取 PDF：huisuan document open {made.code} --output 文件.pdf", markup=False)


@app.command("list")
def list_(
    office: Annotated[str, typer.Option("--office", metavar="机关", help="只列这个机关的")] = "",
    year: Annotated[int | None, typer.Option("--year", metavar="年", help="只列这一年的")] = None,
    as_json: AsJson = False,
) -> None:
    """列出签发过的公文，新的在前。"""
    from huisuan.documents.models import DocumentKind
    from huisuan.documents.queries import document_to_dict, every_document

    found = every_document()
    found = found.filter(series__office=office) if office else found
    found = found.filter(series__year=year) if year else found
    rows = [document_to_dict(document) for document in found]
    if as_json:
        print_json(rows)
    else:
        shown = [row | {"kind": DocumentKind(str(row["kind"])).label} for row in rows]
        print_table("公文", shown, _COLUMNS, "还没有签发过公文：huisuan document issue 文件 --office 机关 --by 签发人")


@app.command("open")
def open_(
    code: Annotated[str, typer.Argument(metavar="核验码", help="纸面上的核验码")],
    output: Annotated[Path, typer.Option("--output", metavar="文件", help="写到哪个文件；已有的不覆盖")],
    docx: Annotated[bool, typer.Option("--docx", help="取 DOCX（发文单位有模板的），不取 PDF")] = False,
    as_json: AsJson = False,
) -> None:
    """取一份公文的 PDF 或 DOCX。"""
    from huisuan.documents.queries import document_to_dict, find_document, read_docx, read_pdf

    document = find_document(code)
    pdf = read_docx(document) if docx else read_pdf(document)
    try:
        with output.open("xb") as file:
            file.write(pdf)
    except OSError as error:
        raise InvalidRequest(f"{output}：写不了：{error.strerror}", code="document.file_unwritable") from None
    if as_json:
        print_json(document_to_dict(document) | {"bytes": len(pdf)})
    else:
        out.print(f"{document.full_number}：{len(pdf)} 字节，{output}", markup=False)


@app.command("check")
def check(
    code: Annotated[str, typer.Argument(metavar="核验码", help="只查这一份；不写则查全部")] = "",
    file: Annotated[Path | None, typer.Option("--file", metavar="文件", help="和手里的这个 PDF 比")] = None,
    as_json: AsJson = False,
) -> None:
    """核验：一份是否签发、是否仍有效、文件是否一字未动；不写核验码则逐份重读、重排。有不符的退出码 1。"""
    from huisuan.documents.queries import check_documents, document_to_dict, find_document, is_same_file

    if not code:
        if file is not None:
            raise InvalidRequest("--file 要和核验码一起写", code="document.code_missing")
        findings = [{"number": one.number, "code": one.code, "finding": one.what} for one in check_documents()]
        if as_json:
            print_json({"holds": not findings, "findings": findings})
        else:
            for one in findings:
                err.print(f"{one['number']}（{one['code']}）：{_WRONG[one['finding']]}", markup=False)
            out.print("公文与记录一致" if not findings else f"{len(findings)} 处不符", markup=False)
        raise typer.Exit(1 if findings else 0)
    document = find_document(code)
    answer = document_to_dict(document)
    if file is not None:
        answer["same_file"] = is_same_file(document, _read_bytes(file))
    if as_json:
        print_json(answer)
    else:
        out.print(f"{document.full_number}《{document.title}》：{document.series.office} 签发", markup=False)
        out.print(_standing(answer), markup=False)
        if file is not None:
            out.print("文件与存档相同" if answer["same_file"] else "文件与存档不同：不是签发的那一份", markup=False)
    if not answer["valid"] or answer.get("same_file") is False:
        raise typer.Exit(1)


@app.command("prefix")
def prefix(
    office: Annotated[str, typer.Argument(metavar="机关", help="发文机关，照落款写")],
    sign: Annotated[str, typer.Argument(metavar="代字", help="例如 皖智专班")],
    year: Annotated[int, typer.Option("--year", metavar="年", help="从哪一年起；当年发过文的不能改")],
    as_json: AsJson = False,
) -> None:
    """定发文机关代字；以后各年沿用。"""
    from huisuan.documents.issuing import set_prefix

    made = set_prefix(office, year, sign)
    if as_json:
        print_json({"office": made.office, "year": made.year, "prefix": made.prefix})
    else:
        out.print(f"{made.office} 自 {made.year} 年起编 {made}1号、2号……", markup=False)


def _standing(answer: dict[str, object]) -> str:
    if answer["replaced_by"]:
        return f"已被 {answer['replaced_by']} 替代"
    return "现行有效" if answer["valid"] else "不再有效：所作决定已撤销"


def _read_bytes(file: Path) -> bytes:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise InvalidRequest(f"{file}：超过 {_MOST_BYTES // 1_000_000} MB", code="document.file_too_large")
        return file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file}：读不了：{error.strerror}", code="document.file_unreadable") from None


def _read_json(file: Path) -> object:
    try:
        return json.loads(_read_bytes(file))
    except (ValueError, RecursionError):
        raise InvalidRequest(f"{file}：不是 JSON（UTF-8）", code="document.letter_malformed") from None
