"""`huisuan law schema`, `template`, `read`: what follows from a rule's facts, for scripts and for sheets."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.law.cli.arguments import PolicyName
from huisuan.law.forms.json_schema import facts_schema
from huisuan.law.forms.submission import SOURCE_ROW, Submission, errors_csv, parse_submission
from huisuan.law.forms.templates import csv_template, xlsx_template
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import ValueKind, to_json
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.policy import Policy
from huisuan.terminal import AlwaysJson, AsJson, note, out, print_json

SentenceName = Annotated[str, typer.Argument(metavar="ARTICLE", help="条或句，如 2 或 8.2")]
SHOWN_ERRORS = 20


def print_schema(policy: PolicyName, article: SentenceName, as_json: AlwaysJson = False) -> None:
    """事实的 JSON Schema（2020-12），与 explain 所收的一致；金额为整数分。"""
    print_json(facts_schema(*_asked(policy, article)))


def write_template(
    policy: PolicyName,
    article: SentenceName,
    target: Annotated[Path, typer.Option("--output", metavar="FILE", help=".csv 或 .xlsx")],
    as_json: AsJson = False,
) -> None:
    """填报模板：一行一例，金额以元填写；XLSX 带下拉列表和逐项说明。"""
    law, rule = _asked(policy, article)
    makers: dict[str, Callable[[], bytes]] = {
        ".csv": lambda: csv_template(rule),
        ".xlsx": lambda: xlsx_template(law, rule),
    }
    _write(target, _maker(target, makers)())
    if as_json:
        print_json({"sentence": rule.sentence, "rule": rule.key, "columns": len(rule.facts), "output": str(target)})
    else:
        out.print(f"第 {rule.sentence} 句，{len(rule.facts)} 列 → {target}", markup=False)


def read_submission(
    policy: PolicyName,
    article: SentenceName,
    source: Annotated[Path, typer.Option("--input", metavar="FILE", help="填好的 CSV（UTF-8、GB18030）或 XLSX")],
    target: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="好行写到这里：.parquet 或 .csv（金额为整数分）")
    ] = None,
    errors: Annotated[Path | None, typer.Option("--errors", metavar="FILE", help="逐格的错误写到这里：.csv")] = None,
    as_json: AsJson = False,
) -> None:
    """读填好的表：好行可交给 law compute，坏格逐个说明；有坏行时退出码为 1，好行照写。"""
    _, rule = _asked(policy, article)
    if errors is not None and errors.suffix != ".csv":
        raise typer.BadParameter(f"{errors}：只写 .csv", param_hint="--errors")
    makers: dict[str, Callable[[Submission], bytes]] = {
        ".csv": lambda found: _as_csv(rule, found),
        ".parquet": lambda found: _as_parquet(rule, found),
    }
    make = _maker(target, makers) if target else None
    try:
        filled = parse_submission(rule, source.read_bytes(), source.name)
    except FileNotFoundError:
        raise NotFound(f"{source}：没有这个文件", code="law.file_missing") from None
    except OSError as error:
        raise InvalidRequest(f"{source}：读不了（{error.strerror}）", code="law.file_unreadable") from None
    if target and make:
        _write(target, make(filled))
    if errors:
        _write(errors, errors_csv(filled.errors))
    _tell(rule, filled, target, as_json)
    if filled.errors:
        raise typer.Exit(1)


def add_form_commands(app: typer.Typer) -> None:
    """Add the commands to a group."""
    app.command("schema")(print_schema)
    app.command("template")(write_template)
    app.command("read")(read_submission)


def _asked(policy: str, article: str) -> tuple[Policy, Rule]:
    law = load_policy(policy)
    return law, law.rule(article)


def _maker(target: Path, makers: dict[str, Any]) -> Any:
    if target.suffix not in makers:
        raise typer.BadParameter(f"{target}：只写 {' 或 '.join(makers)}", param_hint="--output")
    return makers[target.suffix]


def _write(target: Path, content: bytes) -> None:
    """The file appears whole or not at all."""
    draft = target.with_name(f".{target.name}.draft")
    try:
        draft.write_bytes(content)
        draft.replace(target)
    except OSError as error:
        raise InvalidRequest(f"{target}：写不了（{error.strerror}）", code="law.file_unwritable") from None
    finally:
        draft.unlink(missing_ok=True)


def _table(rule: Rule, filled: Submission) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows as `law compute` takes them: facts by name, the row in the sheet, what was carried over."""
    names = [spec.name for spec in rule.facts]
    marked = [] if SOURCE_ROW in filled.carried else [SOURCE_ROW]
    rows = [
        [*(to_json(row.facts[name]) for name in names), *([row.row] if marked else []), *row.carried]
        for row in filled.rows
    ]
    return [*names, *marked, *filled.carried], rows


def _as_csv(rule: Rule, filled: Submission) -> bytes:
    columns, rows = _table(rule, filled)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if cell is None else str(cell).lower() if isinstance(cell, bool) else cell for cell in row])
    return text.getvalue().encode()


def _as_parquet(rule: Rule, filled: Submission) -> bytes:
    import pyarrow
    from pyarrow import parquet

    columns, rows = _table(rule, filled)
    kinds = {ValueKind.MONEY: pyarrow.int64(), ValueKind.INT: pyarrow.int64(), ValueKind.BOOL: pyarrow.bool_()}
    types = {spec.name: kinds.get(spec.kind, pyarrow.string()) for spec in rule.facts}
    if SOURCE_ROW not in filled.carried:
        types[SOURCE_ROW] = pyarrow.int64()
    fields = [(name, types.get(name, pyarrow.string())) for name in columns]
    cells = [dict(zip(columns, row, strict=True)) for row in rows]
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(cells, schema=pyarrow.schema(fields)), file)
    return file.getvalue()


def _tell(rule: Rule, filled: Submission, target: Path | None, as_json: bool) -> None:
    absent = [spec.name for spec in filled.layout.absent]
    if as_json:
        found: dict[str, Any] = {
            "sentence": rule.sentence, "rule": rule.key, "rows": len(filled.rows), "refused": filled.refused,
            "errors": [error.to_dict() for error in filled.errors], "absent": absent, "carried": list(filled.carried),
            "remarks": list(filled.layout.remarks), "output": str(target) if target else None,
        }  # fmt: skip
        if target is None:
            found["facts"] = [{name: to_json(value) for name, value in row.facts.items()} for row in filled.rows]
        print_json(found)
        return
    for remark in filled.layout.remarks:
        note(f"注意：{remark}")
    for name in absent:
        note(f"注意：没有列 {name}，每行都按不知道处理")
    for error in filled.errors[:SHOWN_ERRORS]:
        note(str(error))
    if len(filled.errors) > SHOWN_ERRORS:
        note(f"……另有 {len(filled.errors) - SHOWN_ERRORS} 处；用 --errors FILE.csv 或 --json 看全部")
    where = f" → {target}" if target else ""
    out.print(f"第 {rule.sentence} 句：{len(filled.rows):,} 行可用，{filled.refused:,} 行有误{where}", markup=False)
    sys.stdout.flush()
