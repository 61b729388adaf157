"""What the private PostgreSQL logs is bounded, and says nothing of what people entered."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from huisuan.serving import postgres_logs
from huisuan.serving.database import private_directory


@pytest.mark.django_db
def test_the_running_server_logs_in_files_of_bounded_size_without_statements_and_values() -> None:
    with connection.cursor() as cursor:
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute("SELECT CAST('secret-of-somebody' AS integer) AS statement_of_somebody")
        cursor.execute("SELECT current_setting('log_rotation_size'), pg_current_logfile()")
        size, current = cursor.fetchone()
    assert (size, Path(current).parts[0]) == (f"{postgres_logs._MAX_FILE_MIB}MB", postgres_logs.LOG_FOLDER)
    written = "".join(path.read_text() for path in (private_directory() / postgres_logs.LOG_FOLDER).iterdir())
    assert "statement_of_somebody" not in written


def test_only_the_newest_files_are_kept_and_an_old_endless_one_is_emptied(tmp_path: Path) -> None:
    (tmp_path / "postgresql.conf").write_text("port = 5432")
    (tmp_path / "logs").mkdir()
    names = [f"postgresql-2026-01-{day:02}_000000.log" for day in range(1, 10)]
    for name in names:
        (tmp_path / "logs" / name).write_text("一行\n")
    with (tmp_path / "log").open("wb") as file:
        file.truncate(postgres_logs._MAX_FILE_MIB * 2**20 + 1)
    postgres_logs.configure_logging(tmp_path)
    postgres_logs.configure_logging(tmp_path)
    assert (tmp_path / "postgresql.conf").read_text().count("include_if_exists") == 1
    assert (tmp_path / "log").stat().st_size == 0
    postgres_logs.remove_old_logs(tmp_path)
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == names[-postgres_logs._FILES_KEPT :]
    assert postgres_logs.last_log_lines(tmp_path, 3) == ["一行"]
