"""Spark computes where one machine is too small: the rule's query in Spark's dialect, over the same Parquet file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from huisuan.law.model.errors import LawError
from huisuan.law.sql.naming import ROW

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL_MASTER = "local[*]"  # the master that is this machine, all cores
MIN_JAVA = 17
#: what exact answers rest on; where and with how much memory to run is left to Spark's own configuration
EXACT = {
    "spark.sql.ansi.enabled": "true",  # raise on overflow, never wrap
    "spark.sql.caseSensitive": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",  # old dates are not shifted, whatever wrote the file
}
QUIET = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
#: on one machine: its name need not lead back to it, and its log would drown the answer
ALONE = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={Path(__file__).with_name('spark_log.properties')}",
}
_MASTER = re.compile(r"local(\[[0-9*,]+\])?|(spark|k8s)://.+|yarn")
_PATTERN = re.compile(r"([\[\]{}*?\\])")  # what makes a path to read a pattern; a path to write is none
#: how Spark reads the columns that DuckDB calls so; the others have the same name
_SPARK = {
    "VARCHAR": "STRING", "INTEGER": "INT",
    "UTINYINT": "SMALLINT", "USMALLINT": "INT", "UINTEGER": "BIGINT", "UBIGINT": "DECIMAL(20,0)",
}  # fmt: skip


def missing_requirements() -> str:
    """What is missing on this machine to run Spark, and how to get it; empty where nothing is."""
    if find_spec("pyspark") is None:
        return "没有安装 Spark：请运行 pip install 'huisuan[spark]'，或改用 --engine duckdb"
    found = _java()
    if found is None:
        return f"没有 Java：Spark 需要 Java {MIN_JAVA} 或更新（Debian：apt-get install openjdk-17-jre-headless）"
    if found < MIN_JAVA:
        return f"Java {found} 太旧：Spark 需要 Java {MIN_JAVA} 或更新；装好后用 JAVA_HOME 指明"
    return ""


def _java() -> int | None:
    home = os.environ.get("JAVA_HOME")
    program = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if program is None:
        return None
    output = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "([0-9]+)', output)
    return int(version[1]) if version else None


class Spark:
    """A Spark session on a master (`local[2]`, `spark://host:7077`); leaving it stops the session.

    Raises:
        LawError: pyspark or Java is missing, or no such master answers.
    """

    def __init__(self, master: str = LOCAL_MASTER) -> None:
        lack = missing_requirements()
        if lack:
            raise LawError(lack, code="law.spark_missing")
        self.session = _start_session(master)

    def __enter__(self) -> Spark:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.session.stop()

    def run_query(self, query: str, source: Path, types: Mapping[str, str], answered: Path) -> None:
        """Run the query over `source`, the Parquet file's columns of these (DuckDB's) types and their `row__`.

        The answers are left as Parquet files in the folder `answered`, which must not exist, in no order.

        Raises:
            LawError: what Spark said.
        """
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
        from pyspark.sql.types import StructType

        columns = ", ".join(f"`{name}` {_SPARK.get(kind, kind)}" for name, kind in types.items())
        try:
            rows = self.session.read.schema(columns or StructType()).parquet(_PATTERN.sub(r"\\\1", _address(source)))
            rows.selectExpr("*", f"_metadata.row_index AS {ROW}").createOrReplaceTempView("source")
            self.session.sql(query).write.parquet(_address(answered))
        except (PySparkException, Py4JError) as error:
            raise LawError(f"{source}：Spark：{_first_line(error)}", code="law.spark_failed") from None


def _start_session(master: str) -> SparkSession:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    if not _MASTER.fullmatch(master):
        raise LawError(f"--master {master}：应如 local[2]、spark://主机:7077、yarn", code="law.spark_master_malformed")
    alone = ALONE if master.startswith("local") else {}
    if alone:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName("huisuan").master(master)
    for name, value in {**EXACT, **QUIET, **alone}.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise LawError(f"Spark 在 {master} 上起不来：{_first_line(error)}", code="law.spark_unavailable") from None


def _address(path: Path) -> str:
    """The path as Hadoop reads it: of this file system, whatever the cluster's default is."""
    return f"file://{path.resolve()}"


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    caused = [line for line in lines if "Exception: " in line]
    return (caused or lines or [type(error).__name__])[0].strip(": ")
