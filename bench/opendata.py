"""Search in the list of open data beside a full scan with LIKE (and trigrams where pg_trgm is there); and its SQL.

    .venv/bin/python bench/opendata.py [--entries 100000] [--searches 100] [--rows 1000000] [--seed 1] [--json]

Entries with random titles, summaries and departments; searches of one to six characters taken out of them, of two
words, and of words that nothing has. Each answers with how many there are and the first 25 by code, and every answer
must be that of a substring search in Python. The contestants take turns, search by search; nothing that was counted
before is remembered. Then a query on a table of a million rows, beside DuckDB alone (`released_sql.py`). Exit code 1:
an answer is another, ours takes more than 100 ms at the 95th percentile, a query more than 1.5 s, or one over the limit
is not ended within 6 s.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import psutil
from measure import machine
from released_sql import ENDED_S, SQL_S, measure_sql

AIM_MS = 100.0
PAGE = 25
PLACES = (
    "合肥",
    "芜湖",
    "蚌埠",
    "淮南",
    "马鞍山",
    "淮北",
    "铜陵",
    "安庆",
    "黄山",
    "滁州",
    "阜阳",
    "宿州",
    "六安",
    "亳州",
)
THINGS = (
    "公共停车场",
    "中小学校",
    "药品零售企业",
    "行政许可",
    "空气质量监测",
    "公交线路",
    "招标公告",
    "养老机构",
    "图书馆藏",
)
KINDS = ("名录", "统计", "明细", "位置信息", "年度报告", "月度汇总")
BUREAUS = ("城乡建设局", "教育局", "市场监督管理局", "生态环境局", "交通运输局", "民政局", "文化和旅游局")
#: what else a version says, as COPY reads it
COLUMNS = (
    "number, region_id, digest, kind, access, frequency, licence, contact, listed_on, source, by, at, columns, links,"
    " ground, terms, grade, registration, attribute, reviewed_by_archive, reviewed_by_origin, opening_ground,"
    " rights_holder"
)
PLAIN = (
    "1", "340100", "0" * 64, "table", "open", "yearly", "开放许可", "信息中心", "2026-11-29", "bench", "bench",
    "2026-11-29T00:00:00Z", "[]", "{}", "", "", "一般", *[""] * 6,
)  # fmt: skip
Answer = tuple[int, list[str]]


def main() -> int:
    """Print milliseconds at the median and the 95th percentile."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    about = machine("django", "psycopg")
    with tempfile.TemporaryDirectory() as home:
        os.environ["HUISUAN_HOME"] = home
        from huisuan.serving.database import prepare_database

        prepare_database()
        texts = fill(options.entries, random.Random(options.seed))
        found = measure(texts, searches_of(texts, options.searches, random.Random(options.seed + 1)))
        sql = measure_sql(options.rows)
    if options.json:
        print(json.dumps({"machine": about, "entries": options.entries, **found, "sql": sql}, indent=2))
    else:
        print(f"{options.entries:,} entries, {options.searches} searches, {about}")
        for name, times in found["milliseconds"].items():
            words = f"median {times['median']:8.1f} ms, p95 {times['p95']:8.1f} ms ({times['ratio']:.3f} of LIKE)"
            print(f"{name:>10}: {words}, processor at p95 {times['processor']:.0f} ms, wrong {times['wrong']}")
        for name, value in sql.items():
            print(f"{name:>24}: {value:.2f}")
        print("\n".join(found["notes"]))
    ours = found["milliseconds"]["ours"]
    wrong = any(times["wrong"] for times in found["milliseconds"].values())
    slow = sql["answer_s"] > SQL_S or max(sql["over_time_s"], sql["over_memory_s"]) > ENDED_S
    return 1 if wrong or slow or ours["p95"] > AIM_MS else 0


def fill(entries_wanted: int, draw: random.Random) -> dict[str, str]:
    """Entries as an import leaves them; their folded texts by code."""
    from django.db import connection

    from huisuan.opendata.models import CatalogueEntry
    from huisuan.opendata.vocabulary import fold

    entries, versions, texts = io.StringIO(), io.StringIO(), {}
    for number in range(entries_wanted):
        code = f"11340000002986000D-2-{number // 1_000_000:03}-{number % 1_000_000:06}"
        place = draw.choice(PLACES)
        title = f"{place}市{draw.choice(THINGS)}{draw.choice(KINDS)}{draw.randrange(2015, 2027)}"
        summary = "".join(draw.choices("数据按月更新含区县街道编号日期数量类型单位地址坐标来源说明", k=30))
        said = [title, summary, f"{place}市{draw.choice(BUREAUS)}", "交通运输"]
        texts[code] = "\n".join(fold(text) for text in (*said, code))
        entries.write(f"{number + 1}\t{code}\t{texts[code].replace(chr(10), chr(92) + 'n')}\n")
        versions.write("\t".join([str(number + 1), str(number + 1), *said, *PLAIN]) + "\n")
    index = next(each for each in CatalogueEntry._meta.indexes if each.name == "catalogue_is_searched_by")
    with connection.schema_editor() as editor:  # an index is built sooner than it is filled row by row
        editor.remove_index(CatalogueEntry, index)
    with connection.cursor() as cursor:
        for table, columns, lines in (
            ("opendata_catalogueentry", "id, code, searched", entries),
            ("opendata_catalogueversion", f"id, entry_id, title, summary, department, theme, {COLUMNS}", versions),
        ):
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                copy.write(lines.getvalue())
        cursor.execute("UPDATE opendata_catalogueentry SET latest_id = id")
    with connection.schema_editor() as editor:
        editor.add_index(CatalogueEntry, index)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL opendata_catalogueentry")
        cursor.execute("VACUUM ANALYZE")
    return texts


def searches_of(texts: dict[str, str], number: int, draw: random.Random) -> list[str]:
    """Words to look for: parts of texts, two parts of one text, and words that nothing has."""
    known = list(texts.values())

    def part(text: str) -> str:
        line = draw.choice(text.split("\n")[:3])
        size = draw.randint(1, 6)
        begin = draw.randrange(max(len(line) - size, 1))
        return line[begin : begin + size]

    found = []
    for turn in range(number):
        text = draw.choice(known)
        if turn % 10 == 9:
            found.append("鑫" + part(text))
        else:
            found.append(part(text) if turn % 3 else f"{part(text)} {part(text)}")
    return found


def measure(texts: dict[str, str], searches: list[str]) -> dict[str, Any]:
    """Milliseconds of each contestant, and how many of its answers are not those of Python."""
    contestants: dict[str, Callable[[str], Answer]] = {"ours": ours, "LIKE": full_scan}
    notes = []
    if with_trigrams():
        contestants["pg_trgm"] = trigrams
    else:
        notes.append("pg_trgm is not to be had with this PostgreSQL: not measured")
    times: dict[str, list[float]] = {name: [] for name in contestants}
    spent: dict[str, list[float]] = {name: [] for name in contestants}
    wrong = dict.fromkeys(contestants, 0)
    ours(searches[0])
    for search in searches:
        codes = sorted(code for code, text in texts.items() if all(word in text for word in search.lower().split()))
        for name, ask in contestants.items():
            begun, used = time.perf_counter(), processor_ms()
            answer = ask(search)
            times[name].append((time.perf_counter() - begun) * 1000)
            spent[name].append(processor_ms() - used)
            wrong[name] += answer != (len(codes), codes[:PAGE])
    figures = {
        name: {
            "median": statistics.median(each), "p95": p95(each), "wrong": wrong[name], "processor": p95(spent[name]),
            "ratio": p95(each) / p95(times["LIKE"]),
        }
        for name, each in times.items()
    }  # fmt: skip
    return {"searches": len(searches), "milliseconds": figures, "notes": notes}


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def processor_ms() -> float:
    """Processor time of this process and of the one that serves it (in steps of 10 ms)."""
    from django.db import connection

    server = psutil.Process(connection.connection.info.backend_pid).cpu_times()
    return (time.process_time() + server.user + server.system) * 1000


def ours(search: str) -> Answer:
    """The search of the platform, as if nobody had asked before."""
    from huisuan.opendata.catalogue import listed

    listed._found.cache_clear()
    found = listed.find_entries(search)
    return found.total, [row.entry.code for row in found.page(0, PAGE)]


def full_scan(search: str) -> Answer:
    """Every entry looked at."""
    from huisuan.opendata.catalogue.queries import standing_entries

    found = standing_entries()
    for word in search.lower().split():
        found = found.filter(standing_for__searched__contains=word)
    return _page(found)


def trigrams(search: str) -> Answer:
    """The same statement as `full_scan`, with the index of pg_trgm, which PostgreSQL uses by itself."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        try:
            return full_scan(search)
        finally:
            cursor.execute("SET enable_seqscan = on")


def with_trigrams() -> bool:
    """Put up the index of pg_trgm, where it is there."""
    from django.db import DatabaseError, connection, transaction

    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION pg_trgm")
            cursor.execute("CREATE INDEX bench_trgm ON opendata_catalogueentry USING gin (searched gin_trgm_ops)")
    except DatabaseError:
        return False
    return True


def _page(found: Any) -> Answer:
    return found.count(), list(found.order_by("standing_for__code").values_list("standing_for__code", flat=True)[:PAGE])


if __name__ == "__main__":
    sys.exit(main())
