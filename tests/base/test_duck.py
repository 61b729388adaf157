"""An engine of DuckDB is lent again, and nobody finds what another left."""

from __future__ import annotations

from pathlib import Path

import pytest

from huisuan.base.duck import lease_duck


def test_who_is_lent_an_engine_finds_it_empty_whatever_the_one_before_left_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "first"))
    for _ in range(3):
        with lease_duck({"threads": "1"}) as con, lease_duck({"threads": "1"}) as other:
            con.execute("CREATE TABLE t AS SELECT 1 AS a")
            con.execute("SET VARIABLE v = 7")
            other.execute("CREATE TABLE t AS SELECT 2 AS a")  # of its own
            assert con.execute("FROM t").fetchall() == [(1,)]
            again = con.cursor()
            again.execute("CREATE SCHEMA work.s")
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "second"))
    with lease_duck({"threads": "1"}) as con:
        (spill,) = con.execute("SELECT current_setting('temp_directory')").fetchone() or ("",)
        assert spill.startswith(str(tmp_path / "second"))
        assert con.execute("SELECT getvariable('v')").fetchall() == [(None,)]
        with pytest.raises(RuntimeError):
            raise_within(con)


def raise_within(con: object) -> None:
    """A block that fails takes its engine with it."""
    with lease_duck({"threads": "1"}) as failing:
        assert failing is not con
        raise RuntimeError
