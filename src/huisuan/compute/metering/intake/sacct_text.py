# ruff: noqa: S608 (names of columns come from our own lists; values are quoted by `literal`)
"""The text that sacct prints, cut into the fields of jobs: the table `field`. Pure.

A file with the random delimiter of the printed command is cut wherever that stands, so that a line end in a name is
only a line end. A plain file is cut by `|`; which of its lines a name could have written is judged in free_text.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from huisuan.base.errors import InvalidRequest
from huisuan.compute.duck.source_lines import NOT_UTF_8, REPLACED, SourceLines
from huisuan.compute.duck.workbench import literal
from huisuan.compute.metering.intake.free_text import SAFE, hold_forgeable
from huisuan.compute.metering.intake.parsed_file import ParsedFile
from huisuan.compute.metering.intake.tables import WRONG_WIDTH
from huisuan.compute.sacct.export import COMMAND, DELIMITER, delimiter_of
from huisuan.compute.sacct.export import EXPORT_FIELDS as ASKED

FIELDS_READ = tuple(name for name in (*ASKED.split(","), "Restarts") if name != "Eligible")
REQUIRED = ("Start", "End", "State", "AllocTRES")
GRES = ("AllocGRES", "ReqGRES")  # what Slurm before 20.11 prints beside it: shows that cards were requested, no more
DELIMITER_NAMES = {";": "分号", "\t": "制表符", ",": "逗号"}


@dataclass(frozen=True)
class TextLayout:
    """How a file is written: its columns, what separates them, and its header as it stands there."""

    columns: list[str]
    delimiter: str
    header: str

    @property
    def is_plain(self) -> bool:
        """Cut by the `|` that anybody can write."""
        return self.delimiter == "|"

    @property
    def free(self) -> list[str]:
        """Columns that may hold what a user wrote, line ends included."""
        return [name for name in self.columns if name not in SAFE]

    def place(self, name: str) -> int:
        """A column's place, from 1."""
        return self.columns.index(name) + 1

    @property
    def job(self) -> str:
        """SQL of the job's id in the cut line `f`."""
        return f"f[{self.place('JobIDRaw' if 'JobIDRaw' in self.columns else 'JobID')}]"


def detect_layout(source: SourceLines) -> TextLayout:
    """How the file is written.

    Raises:
        InvalidRequest: it is not what sacct prints with `--parsable2`, or lacks a field without which nothing can be
            metered; the message says what it looks like, and the command that exports it rightly.
    """
    first = source.first_line
    delimiter = delimiter_of(first) or "|"
    known = {name.lower(): name for name in SAFE | set(FIELDS_READ)}
    columns = [known.get(cell.strip().lower(), cell.strip()) for cell in first.split(delimiter)]
    missing = [name for name in REQUIRED if name not in columns]
    if "JobIDRaw" not in columns and "JobID" not in columns:
        missing.insert(0, "JobIDRaw")
    twice = [name for name in FIELDS_READ if columns.count(name) > 1]
    if missing or twice:
        what = (
            f"缺少字段 {'、'.join(missing)}{_instead(columns)}"
            if missing
            else f"字段 {'、'.join(twice)} 出现了不止一次"
        )
        raise InvalidRequest(
            f"{source.name} 行 1: {_looks_like(source) or f'表头{what}'}；请用以下命令导出：\n{COMMAND}",
            code="sacct.header_unknown",
        )
    form = TextLayout(columns, delimiter, first)
    if form.is_plain and form.free not in ([], columns[-1:]):
        raise InvalidRequest(
            f"{source.name} 行 1: 列 {'、'.join(form.free)} 是用户写的文字，其中可以有换行和“|”，"
            f"写出以假乱真的行；请用以下命令导出：\n{COMMAND}",
            code="sacct.free_text_not_last",
        )
    return form


def _instead(columns: list[str]) -> str:
    if not set(GRES) & set(columns):
        return ""
    remedy = "AllocTRES 里没有卡时，请在 slurm.conf 写明 AccountingStorageTRES=gres/gpu"
    return f"（AllocGRES、ReqGRES 不说明实际分到了哪些卡；{remedy}）"


def _looks_like(source: SourceLines) -> str:
    """What another form than ours the file has; "" if it is ours."""
    start, first = source.content[:4], source.first_line
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in start:
        return "文件像是 UTF-16 编码（Windows 另存或 PowerShell 重定向所致）；可先用 iconv -f UTF-16 -t UTF-8 转换"
    if len(set(DELIMITER.findall(first))) > 1:
        return "表头里有两种随机分隔符，文件像是拼接的"
    small = first.lower()
    if "|" in first or not any(name.lower() in small for name in ("JobID", *REQUIRED)):
        return ""
    for mark, name in DELIMITER_NAMES.items():
        if mark in first:
            return f"表头像是以{name}分隔的，应是 sacct 自己的 --parsable2 输出"
    if len(first.split()) > 1:
        return "表头像是按宽度对齐的（没有 --parsable2），长的值会被截断，不能据以计量"
    return "看不出表头用什么分隔"


def split_lines(parsed: ParsedFile, form: TextLayout, source: SourceLines, *, trust_all_lines: bool) -> None:
    """Lines into `field`: steps, blank lines and headers apart, and what is no record named in `fault`.

    `trust_all_lines`: take every line of a plain file for sacct's own, to compare stored records with it.
    """
    con = parsed.con
    WRONG_WIDTH.create(con)
    line = "rtrim(line, chr(13))" if source.content.find(b"\r") >= 0 else "line"
    _fill(con, form, "CREATE TABLE field AS", "source_lines", line)
    if form.is_plain:
        con.execute(f"""
            INSERT INTO fault SELECT line_no,
                '有 ' || width || ' 个字段，表头有 {len(form.columns)} 个；'
                    || '可能是断行，或字段里含有“|”，请重新导出这一行'
                FROM wrong_width WHERE line_no NOT IN (SELECT line_no FROM source_lines WHERE {line} = '');
        """)
        if form.free and not trust_all_lines:
            hold_forgeable(parsed, form.columns, source)
    else:
        _join_lines(parsed, form, line)
    _mark_replaced(parsed, form, source)
    con.execute("""
        INSERT INTO line_count SELECT 'lines', (SELECT count(*) FROM field)
            + (SELECT count(*) FROM wrong_width WHERE line_no IN (SELECT line_no FROM fault));
        INSERT INTO line_count SELECT 'steps', count(*) FROM field WHERE raw_sha256 IS NULL;
        DELETE FROM field WHERE raw_sha256 IS NULL OR line_no IN (SELECT line_no FROM fault);
    """)


def _fill(con: duckdb.DuckDBPyConnection, form: TextLayout, into: str, lines: str, line: str) -> None:
    """Cut `lines` into fields; those with another number of them go to `wrong_width`."""
    open_ended = form.is_plain and bool(form.free)  # the free text is last, and a | in it is its own
    right = f"len(f) {'>=' if open_ended else '='} {len(form.columns)}"
    con.execute(f"""
        {into} SELECT line_no, len(f) AS width, {right} AS fits, {form.job} AS job_id,
            {", ".join(f"{_cell(form, name, open_ended)} AS {name}_" for name in (*FIELDS_READ, *_gres(form)))},
            CASE WHEN {right} AND NOT contains({form.job}, '.') THEN sha256(line) END AS raw_sha256
        FROM (SELECT line_no, line, string_split({line}, {literal(form.delimiter)}) AS f FROM {lines})
        WHERE NOT (f[1] = {literal(form.header.split(form.delimiter)[0])} AND {line} = {literal(form.header)});
        INSERT INTO wrong_width SELECT line_no, width FROM field WHERE NOT fits;
        DELETE FROM field WHERE NOT fits;
    """)


def _gres(form: TextLayout) -> list[str]:
    return [name for name in GRES if name in form.columns]


def _cell(form: TextLayout, name: str, open_ended: bool) -> str:
    if name not in form.columns:
        return "CAST(NULL AS VARCHAR)"
    place = form.place(name)
    return f"array_to_string(f[{place}:], '|')" if open_ended and place == len(form.columns) else f"f[{place}]"


def _join_lines(parsed: ParsedFile, form: TextLayout, line: str) -> None:
    """Put records together that a line end in somebody's text has cut; what follows a whole one is text of its last.

    Only sacct can have written the delimiter. So the pieces of a record are the lines from one that begins it to the
    one with which it has all its fields, and nothing else can be one.
    """
    con, width = parsed.con, len(form.columns)
    rows = con.execute(f"""
        SELECT line_no, width, {line} FROM wrong_width JOIN source_lines USING (line_no) ORDER BY line_no
    """).fetchall()
    whole: list[tuple[int, str]] = []
    held: list[tuple[int, int, str]] = []  # the pieces of a record that has not all its fields yet
    lost: list[int] = []
    continued, follows = 0, form.columns[-1] in form.free
    for number, found, text in rows:
        if held and held[-1][0] != number - 1:
            lost += [part[0] for part in held]
            held = []
        if not held and found == 1:
            if text and not follows:
                lost.append(number)
            continued += follows and text != ""
            continue
        held.append((number, found, text))
        have = sum(part[1] for part in held) - len(held) + 1
        if have == width and len(held) > 1:
            whole.append((held[0][0], "\n".join(part[2] for part in held)))
            continued += len(held) - 1
        if have > width:
            lost += [part[0] for part in held]
        if have >= width:
            held = []
    lost += [part[0] for part in held]
    if continued:
        parsed.notes.append(f"{continued:,} 行是作业名等文字里的换行，归在它们前面的记录里，没有当作记录")
    if lost:
        con.executemany("INSERT INTO fault VALUES (?, ?)", [[number, _piece(width)] for number in lost])
    if whole:
        table = pa.table({"line_no": [n for n, _ in whole], "line": pa.array([t for _, t in whole], pa.large_string())})
        con.register("joined_line", table)
        _fill(con, form, "INSERT INTO field", "joined_line", "line")
        con.execute("""
            UPDATE field SET raw_sha256 = sha256(s.line) FROM source_lines s
            WHERE s.line_no = field.line_no AND raw_sha256 IS NOT NULL
                AND s.line_no IN (SELECT line_no FROM joined_line)
        """)
        con.unregister("joined_line")


def _piece(width: int) -> str:
    return f"凑不成 {width} 个字段：文件可能被截断或损坏，请重新导出"


def _mark_replaced(parsed: ParsedFile, form: TextLayout, source: SourceLines) -> None:
    """Lines that are not UTF-8: a name may hold anything, and is read with what is no text replaced; no other field."""
    if not source.replaced:
        return
    con = parsed.con
    con.register("replaced_line", pa.table({"line_no": list(source.replaced), "sha": list(source.replaced.values())}))
    read = [f"{name}_" for name in FIELDS_READ if name in form.columns and name not in form.free]
    bad = " OR ".join(f"contains({name}, {literal(REPLACED)})" for name in (*read, "job_id"))
    con.execute(f"""
        INSERT INTO fault SELECT line_no, {literal(NOT_UTF_8)} FROM field JOIN replaced_line USING (line_no)
            WHERE {bad};
        UPDATE field SET raw_sha256 = sha FROM replaced_line
            WHERE replaced_line.line_no = field.line_no AND raw_sha256 IS NOT NULL;
    """)
    ((count,),) = con.execute(
        "SELECT count(*) FROM replaced_line WHERE line_no NOT IN (SELECT line_no FROM fault)"
    ).fetchall()
    con.unregister("replaced_line")
    if count:
        parsed.notes.append(f"{count:,} 行的作业名不是合法的 UTF-8：读不出的字节以 {REPLACED} 代替，用量照计")
