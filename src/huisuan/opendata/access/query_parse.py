"""What a query on released data may say: one SELECT, listed functions, named tables. Judged on DuckDB's parse. Pure.

The parse is that of the engine which will run it, so nothing is read here in one way and there in another. What is not
listed is refused: kinds of expressions and of tables as well as functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

import duckdb

_WORDS = (
    # how many, how much
    "count count_star sum avg min max median mode stddev stddev_samp stddev_pop variance var_samp var_pop quantile "
    "quantile_cont quantile_disc approx_count_distinct any_value first last arg_min arg_max min_by max_by bool_and "
    "bool_or corr covar_pop covar_samp string_agg "
    # windows
    "row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value "
    # numbers
    "+ - * / // % ^ ** abs ceil ceiling floor round trunc sign sqrt ln log log2 log10 exp power pow mod greatest least "
    # text
    "|| ~~ !~~ ~~* !~~* ~~~ like_escape not_like_escape ilike_escape not_ilike_escape lower upper length strlen trim "
    "ltrim rtrim substring substr left right replace concat concat_ws contains starts_with prefix ends_with suffix "
    "strpos instr position split_part reverse regexp_matches regexp_extract regexp_replace "
    # days
    "year month day quarter week dayofweek date_part date_trunc date_diff datediff date_add strptime strftime "
    "try_strptime make_date last_day "
    # the rest
    "coalesce nullif ifnull if"
)
FUNCTIONS = frozenset(_WORDS.split())
_EXPRESSIONS = frozenset(
    [
        "COLUMN_REF",
        "CONSTANT",
        "COMPARISON",
        "CONJUNCTION",
        "OPERATOR",
        "FUNCTION",
        "CAST",
        "CASE",
        "BETWEEN",
        "STAR",
        "SUBQUERY",
        "WINDOW",
        "TYPE",
    ]
)
_TABLES = frozenset(["BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST"])
_NODES = frozenset(["SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE"])
_MOST_PARTS = 20_000
_CATALOGUE = ("duckdb_", "sqlite_", "pragma_", "pg_", "information_schema")
_OWN_NAME = re.compile(r"\w+")  # else DuckDB may take a name for a file
LONGEST_QUERY = 4000  # characters


class QueryRefused(Exception):
    """Why a query is not run, as `(code, word)`: the word is of the query itself."""


def check_query(con: duckdb.DuckDBPyConnection, text: str, tables: Collection[str]) -> None:
    """Refuse what is not one SELECT over these tables by listed functions.

    Raises:
        QueryRefused: what it says that it may not.
    """
    if len(text) > LONGEST_QUERY:
        raise QueryRefused("too_long", str(LONGEST_QUERY))
    (parsed,) = con.execute("SELECT json_serialize_sql(?)", [text]).fetchone() or ("{}",)
    tree = json.loads(parsed)
    if tree.get("error", True):
        syntax = tree.get("error_type") == "parser"
        raise QueryRefused("syntax" if syntax else "not_a_select", str(tree.get("error_message", ""))[:200])
    if len(tree["statements"]) != 1:
        raise QueryRefused("not_one", str(len(tree["statements"])))
    parts = list(_parts(tree["statements"][0]))
    if len(parts) > _MOST_PARTS:
        raise QueryRefused("too_long", str(_MOST_PARTS))
    common = {name for part in parts for name in _common_tables(part)}
    _check_common(con, common)
    named = set(tables) | common
    for part in parts:
        _check(part, named)


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _common_tables(part: dict[str, Any]) -> list[str]:
    """The names that WITH gives."""
    named = part.get("cte_map")
    return [each["key"] for each in named["map"]] if isinstance(named, dict) else []


def _check_common(con: duckdb.DuckDBPyConnection, names: Collection[str]) -> None:
    """Refuse names of WITH that mean something of DuckDB's own wherever that WITH does not reach."""
    if not names:
        return
    rows = con.execute("SELECT lower(view_name) FROM duckdb_views() WHERE internal").fetchall()
    internal = {row[0] for row in rows}
    for name in names:
        lower = name.lower()
        if not _OWN_NAME.fullmatch(name) or lower in internal or lower.startswith(_CATALOGUE):
            raise QueryRefused("own_name", name[:60])


def _check(part: dict[str, Any], tables: Collection[str]) -> None:
    kind = str(part.get("type", ""))
    if "class" in part:
        if part["class"] not in _EXPRESSIONS:
            raise QueryRefused("not_listed", str(part["class"]))
        name = str(part.get("function_name", ""))
        if part["class"] in ("FUNCTION", "WINDOW") and (name.lower() not in FUNCTIONS or _is_qualified(part)):
            raise QueryRefused("function", name[:60])
    elif "alias" in part and "sample" in part:
        if kind not in _TABLES:
            raise QueryRefused("table_kind", kind)
        name = str(part.get("table_name", ""))
        if kind == "BASE_TABLE" and (name not in tables or _is_qualified(part) or part.get("at_clause")):
            raise QueryRefused("table", name[:60])
    elif kind.endswith("_NODE") and kind not in _NODES:
        raise QueryRefused("not_listed", kind)


def _is_qualified(part: dict[str, Any]) -> bool:
    path = (part.get("qualified_name") or {}).get("path") or []
    names = (part.get("schema"), part.get("catalog"), part.get("schema_name"), part.get("catalog_name"))
    return len(path) > 1 or any(names)
