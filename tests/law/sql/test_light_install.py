"""`law compute` needs DuckDB and sqlglot (the extra `bulk`) and nothing else of the platform."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: what the platform brings and the extra `bulk` does not
PLATFORM = (
    "django",
    "ninja",
    "psycopg",
    "cryptography",
    "procrastinate",
    "pyarrow",
    "openpyxl",
    "altair",
    "xlsxwriter",
)
PROGRAM = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {PLATFORM!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from huisuan.law.cli.law_commands import app
app()
"""


@pytest.mark.slow
def test_a_file_is_computed_where_the_platform_is_not_installed(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("in_anhui,kind,spend,self_use\n是,enterprise,10000,0\n", encoding="utf-8")
    words = ["compute", "anhui-agi-2023", "2.2", "--on", "2024-12-31", "--input", str(source), "--output", str(target)]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert target.read_text(encoding="utf-8").splitlines() == ["status,amount_fen,reasons", 'eligible,2000,""']
