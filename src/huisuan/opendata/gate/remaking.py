"""The product: a table written anew from scanned cells, as CSV and Parquet. What was uploaded is never served."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.base.hashing import text_sha256
from huisuan.compute.metering.audit.folder import canonical
from huisuan.opendata.gate.judging import latest_scan
from huisuan.opendata.gate.labels import safe_label
from huisuan.opendata.gate.mask_keys import key_for, living_key
from huisuan.opendata.gate.recipe import Judged, MadeTable, TableRecipe, TokensDisagree, write_csv, write_parquet
from huisuan.opendata.gate.scan_work import ask_for_scan
from huisuan.opendata.gate.steps import lock_file, take_duty, take_step
from huisuan.opendata.gate.stores import checked_path, load_content, quarantine
from huisuan.opendata.gate_arrows import GateDuty, GateState
from huisuan.opendata.models import GateFile, GateProduct, GateRemake, GateScan
from huisuan.opendata.scanning.caged import ReadTable, read_tables
from huisuan.parties.models import Person

_JUDGED = """
SELECT f.kind, f.row, f.column, opendata_judged(s.file_id, s.id, f.number, f.kind, f.part, f.column),
       NOT EXISTS (SELECT 1 FROM opendata_gatejudgement j WHERE j.scan_id = s.id AND j.number = f.number)
FROM opendata_gatefinding f JOIN opendata_gatescan s ON s.id = f.scan_id
WHERE s.id = %s AND f.part = %s AND f.column > 0 ORDER BY f.number
"""


def remake_file(number: int, person: Person, now: datetime, part: str = "") -> GateRemake:
    """Make the product of a file by what was judged; its scan is asked for. `part` names the table, of several.

    Raises:
        NotFound, NotAllowed: see `lock_file` and `take_duty`.
        Conflict: findings are open, or the file does not stand there.
        InvalidRequest: it has no table, or several and none was named.
    """
    with transaction.atomic():
        file = lock_file(number, person)
        _may(file, person)
        key = living_key(file.scope, now)
        steps_before = file.steps_taken
    scan = latest_scan(file)
    table = _table(file, part)
    secret = key_for(key, "mask")
    try:
        made = TableRecipe(table.rows, _judged(scan, safe_label(table.part)[:300]), secret).make()
    except TokensDisagree:
        raise Conflict("不同的值得到了同一个令牌：没有重制", code="gate.tokens_disagree") from None
    contents = {"csv": write_csv(made), "parquet": write_parquet(made)}
    stored = {form: quarantine().store(content) for form, content in contents.items()}
    recipe = _recipe(table, made)
    with transaction.atomic():
        file = lock_file(number, person)
        _may(file, person)
        if latest_scan(file) != scan or file.steps_taken != steps_before:
            raise Conflict("期间有人改了判断：请重来", code="gate.judged_meanwhile")
        remake = GateRemake.objects.create(
            file=file, scan=scan, key=key, recipe=recipe, recipe_sha256=text_sha256(canonical(recipe)),
            rows=len(made.rows), by=person, at=now,
        )  # fmt: skip
        GateProduct.objects.bulk_create(
            GateProduct(remake=remake, format=form, sha256=stored[form], size=len(contents[form])) for form in contents
        )
        take_step(file, "remake", now, person, GateDuty.JUDGE)
        ask_for_scan(file, person.username, now)
    return remake


def _may(file: GateFile, person: Person) -> None:
    if file.state != GateState.CLEAN:
        state = GateState(file.state).label
        raise Conflict(f"第 {file.pk} 号文件现在{state}：没有未判断的发现时才能重制", code="gate.not_to_remake")
    if file.uploaded_by_id == person.pk:
        raise NotAllowed("送交的人不能重制：送交、判断、放行须是三个人", code="gate.another_duty")
    take_duty(file, person, GateDuty.JUDGE)


def _table(file: GateFile, part: str) -> ReadTable:
    name = load_content(quarantine(), file.name_sha256).decode("utf-8", "replace")
    tables = read_tables(checked_path(quarantine(), file.sha256), name)
    if isinstance(tables, str):
        raise Conflict(f"读取超过了限度：{tables}", code="gate.reading_refused")
    named = [table for table in tables if not part or safe_label(table.part) == part]
    if len(named) != 1:
        parts = "、".join(safe_label(table.part) for table in tables[:10]) or "没有表格"
        raise InvalidRequest(f"须指明一张表（--part）：{parts}", code="gate.one_table")
    return named[0]


def _judged(scan: GateScan, part: str) -> Sequence[Judged]:
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED, [scan.pk, part])
        return [Judged(*row) for row in cursor.fetchall()]


def _recipe(table: ReadTable, made: MadeTable) -> dict[str, object]:
    columns = [{**each, "heading": safe_label(each["heading"])} for each in made.columns]
    return {"part": safe_label(table.part), "columns": columns, "rows": len(made.rows)}
