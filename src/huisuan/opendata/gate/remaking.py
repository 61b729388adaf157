"""The product, written anew from scanned cells and text: a table as CSV and Parquet, a document as JSON lines, text
and PDF. What was uploaded is never served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.base.hashing import text_sha256
from huisuan.compute.metering.audit.folder import canonical
from huisuan.opendata.documents.attribute import printed_attribute
from huisuan.opendata.documents.files import write_jsonl, write_pdf, write_text
from huisuan.opendata.documents.recipe import DocumentKeys, DocumentRecipe, JudgedText
from huisuan.opendata.gate.generalising import apply_generalisation, chosen_generalisation
from huisuan.opendata.gate.judging import latest_scan
from huisuan.opendata.gate.labels import part_label, safe_label
from huisuan.opendata.gate.mask_keys import key_for, living_key
from huisuan.opendata.gate.recipe import Judged, MadeTable, TableRecipe, TokensDisagree, write_csv, write_parquet
from huisuan.opendata.gate.scan_work import ask_for_scan
from huisuan.opendata.gate.steps import lock_file, take_duty, take_step
from huisuan.opendata.gate.stores import checked_path, load_content, quarantine
from huisuan.opendata.gate_arrows import GateDuty, GateState
from huisuan.opendata.models import GateFile, GateProduct, GateRemake, GateScan, MaskingKey
from huisuan.opendata.names.stage import names_in_lines
from huisuan.opendata.scanning.caged import ReadTable, ReadText, read_tables, read_texts
from huisuan.opendata.vocabulary import ACCESS_OF_ATTRIBUTE, ATTRIBUTE_WORDS, list_word
from huisuan.parties.models import Person

_JUDGED = """
SELECT f.kind, f.row, f.column, opendata_judged(s.file_id, s.id, f.number, f.kind, f.part, f.column),
       NOT EXISTS (SELECT 1 FROM opendata_gatejudgement j WHERE j.scan_id = s.id AND j.number = f.number)
FROM opendata_gatefinding f JOIN opendata_gatescan s ON s.id = f.scan_id
WHERE s.id = %s AND f.part = %s AND f.column > 0 ORDER BY f.number
"""
_JUDGED_TEXTS = """
SELECT f.kind, f.part, f.row, f.fingerprint, opendata_judged(s.file_id, s.id, f.number, f.kind, f.part, f.column)
FROM opendata_gatefinding f JOIN opendata_gatescan s ON s.id = f.scan_id
WHERE s.id = %s AND f.column = 0 ORDER BY f.number
"""
_MOST_PARTS = 1000


def remake_file(number: int, person: Person, now: datetime, part: str = "") -> GateRemake:
    """Make the product of a file by what was judged; its scan is asked for. `part` names the table or document.

    Raises:
        NotFound, NotAllowed: see `lock_file` and `take_duty`.
        Conflict: findings are open, or the file does not stand there.
        InvalidRequest: it has neither table nor text, or several and none was named.
    """
    with transaction.atomic():
        file = lock_file(number, person)
        _may(file, person)
        key = living_key(file.scope, now)
        steps_before = file.steps_taken
    scan = latest_scan(file)
    made = _make(file, scan, key, part)
    stored = {form: quarantine().store(content) for form, content in made.contents.items()}
    with transaction.atomic():
        file = lock_file(number, person)
        _may(file, person)
        if latest_scan(file) != scan or file.steps_taken != steps_before:
            raise Conflict("期间有人改了判断：请重来", code="gate.judged_meanwhile")
        remake = GateRemake.objects.create(
            file=file, scan=scan, key=key, recipe=made.recipe, recipe_sha256=text_sha256(canonical(made.recipe)),
            rows=made.rows, by=person, at=now,
        )  # fmt: skip
        GateProduct.objects.bulk_create(
            GateProduct(remake=remake, format=form, sha256=stored[form], size=len(content))
            for form, content in made.contents.items()
        )
        take_step(file, "remake", now, person, GateDuty.JUDGE)
        ask_for_scan(file, person.username, now)
    return remake


@dataclass(frozen=True)
class _Made:
    recipe: dict[str, Any]
    rows: int
    contents: dict[str, bytes]


def _make(file: GateFile, scan: GateScan, key: MaskingKey, part: str) -> _Made:
    """What a file becomes: the table that was named or is the only one, or the document."""
    found = read_parts(file)
    tables = [table for table in found.tables if not part or safe_label(table.part) == part]
    documents = [name for name in found.documents if not part or document_label(name) == part]
    if len(tables) == 1 and (part or not documents):
        return _made_table(scan, tables[0], key)
    if len(documents) == 1 and not tables:
        return _made_document(file, scan, found.documents[documents[0]], key)
    names = [*map(document_label, found.documents), *(safe_label(table.part) for table in found.tables)]
    parts = "、".join(names[:10]) or "没有表格，也没有文字"
    raise InvalidRequest(f"须指明一张表或一份文档（--part）：{parts}", code="gate.one_table")


@dataclass(frozen=True)
class JudgedTable:
    """A table made anew as it is judged now, before columns are made coarser; `parts` are all tables of its file."""

    part: str
    parts: tuple[str, ...]
    made: MadeTable


def table_as_judged(file: GateFile, scan: GateScan, part: str) -> JudgedTable:
    """The table that was named, or the only one.

    Raises:
        Conflict: a limit of reading was reached, or two values came to one token.
        InvalidRequest: there is no such table, or none was named of several.
    """
    tables = read_parts(file).tables
    named = [table for table in tables if not part or part_label(table.part) == part]
    parts = tuple(part_label(table.part) for table in tables)
    if len(named) != 1:
        raise InvalidRequest(f"须指明一张表：{'、'.join(parts[:10]) or '没有表格'}", code="gate.one_table")
    key = MaskingKey.objects.filter(scope=file.scope, destroyed_at=None).last()
    if key is None:
        raise Conflict("这个文件的密钥已销毁：不能再按判断重制", code="gate.key_destroyed")
    return JudgedTable(named[0].part, parts, _judged_table(scan, named[0], key))


def _judged_table(scan: GateScan, table: ReadTable, key: MaskingKey) -> MadeTable:
    try:
        return TableRecipe(table.rows, _judged(scan, part_label(table.part)), key_for(key, "mask")).make()
    except TokensDisagree:
        raise Conflict("不同的值得到了同一个令牌：没有重制", code="gate.tokens_disagree") from None


def _made_table(scan: GateScan, table: ReadTable, key: MaskingKey) -> _Made:
    made = _judged_table(scan, table, key)
    chosen = chosen_generalisation(scan, part_label(table.part))
    generalised = apply_generalisation(made, chosen) if chosen is not None else None
    recipe = _recipe(table, made) | ({"generalised": generalised} if generalised else {})
    return _Made(recipe, len(made.rows), {"csv": write_csv(made), "parquet": write_parquet(made)})


def _made_document(file: GateFile, scan: GateScan, texts: Sequence[ReadText], key: MaskingKey) -> _Made:
    printed = _check_attribute(file, texts)
    keys = DocumentKeys(key_for(key, "mask"), key_for(key, f"fingerprint {file.pk}"))
    made = DocumentRecipe(_judged_texts(scan), keys, names_in_lines).make(texts, part_label)
    if made.values != made.tokens:
        raise Conflict("不同的值得到了同一个令牌：没有重制", code="gate.tokens_disagree")
    contents = {"jsonl": write_jsonl(made), "txt": write_text(made)}
    if (book := write_pdf(made, file.uploaded_at)) is not None:
        contents["pdf"] = book
    recipe = {
        "document": document_label(texts[0].document or ""), "attribute": printed,
        "parts": [part.part for part in made.parts][:_MOST_PARTS],
        "judged": dict(sorted(made.judged.items())), "values": made.values, "tokens": made.tokens,
        "lines": made.rows, "lines_left_out": made.lines_left_out, "pdf": "pdf" in contents, "columns": [],
    }  # fmt: skip
    return _Made(recipe, made.rows, contents)


def _may(file: GateFile, person: Person) -> None:
    if file.state != GateState.CLEAN:
        state = GateState(file.state).label
        raise Conflict(f"第 {file.pk} 号文件现在{state}：没有未判断的发现时才能重制", code="gate.not_to_remake")
    if file.uploaded_by_id == person.pk:
        raise NotAllowed("送交的人不能重制：送交、判断、放行须是三个人", code="gate.another_duty")
    take_duty(file, person, GateDuty.JUDGE)


def _check_attribute(file: GateFile, texts: Sequence[ReadText]) -> str:
    """The attribute that is printed at the end of a document, which must be that of its entry's class.

    Raises:
        Conflict: the document says that it may be disclosed otherwise than the list says.
    """
    printed = printed_attribute(cell for text in texts for _, cells in text.rows for cell in cells)
    latest = file.entry.latest
    if printed is not None and latest is not None and ACCESS_OF_ATTRIBUTE[printed] != latest.access:
        word = list_word(ATTRIBUTE_WORDS, printed)
        raise Conflict(
            f'文末写明"{word}"，与目录 {file.entry.code} 的开放类别不符：请先更正目录，或核对是不是这份文件',
            code="gate.attribute_disagrees",
        )
    return printed or ""


@dataclass(frozen=True)
class FileParts:
    """What a file holds that can be made anew: its tables, and the text of its documents by their names."""

    tables: list[ReadTable]
    documents: dict[str, list[ReadText]]


def read_parts(file: GateFile) -> FileParts:
    """The tables and documents of a file as it came in, read by the readers that scanned it.

    Raises:
        Conflict: a limit of reading was reached, or two parts are called alike once their names are masked and cut, so
            that what was judged of one would be done to the other.
        Unavailable: the file is gone or changed.
    """
    name = load_content(quarantine(), file.name_sha256).decode("utf-8", "replace")
    path = checked_path(quarantine(), file.sha256)
    tables, texts = read_tables(path, name), read_texts(path, name)
    if isinstance(tables, str) or isinstance(texts, str):
        limit = tables if isinstance(tables, str) else texts
        raise Conflict(f"读取超过了限度：{limit}", code="gate.reading_refused")
    named = {table.part for table in tables} | {text.part for text in texts}
    if len({part_label(each) for each in named}) < len(named):
        raise Conflict("有两个部分的名称遮盖、截短之后相同，分不清判断的是哪一个：请改名再送", code="gate.parts_alike")
    documents: dict[str, list[ReadText]] = {}
    for text in texts:
        if text.document is not None:
            documents.setdefault(text.document, []).append(text)
    return FileParts(tables, documents)


def document_label(name: str) -> str:
    """What a document of a file is called."""
    return f"文档 {safe_label(name)}"[:300] if name else "全文"


def _judged(scan: GateScan, part: str) -> Sequence[Judged]:
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED, [scan.pk, part])
        return [Judged(*row) for row in cursor.fetchall()]


def _judged_texts(scan: GateScan) -> list[JudgedText]:
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED_TEXTS, [scan.pk])
        return [JudgedText(*row) for row in cursor.fetchall()]


def _recipe(table: ReadTable, made: MadeTable) -> dict[str, Any]:
    columns = [{**each, "heading": safe_label(each["heading"])} for each in made.columns]
    return {"part": safe_label(table.part), "columns": columns, "rows": len(made.rows)}
