"""What the private PostgreSQL logs: files of bounded size, of which the newest are kept; no statements, no values."""

from __future__ import annotations

import contextlib
from pathlib import Path

LOG_FOLDER = "logs"  # in its data directory, made by PostgreSQL
_FILES_KEPT = 5
_MAX_FILE_MIB = 10  # of one file
_STARTUP_LOG = "log"  # what it says before its collector runs: a few lines each start
_CONFIGURATION = "huisuan.conf"
_INCLUDE_LINE = f"include_if_exists = '{_CONFIGURATION}'"
#: a statement, or the detail of an error, would carry what people entered
_LOGGING_SETTINGS = f"""\
logging_collector = on
log_destination = 'stderr'
log_directory = '{LOG_FOLDER}'
log_filename = 'postgresql-%Y-%m-%d_%H%M%S.log'
log_file_mode = 0600
log_rotation_size = {_MAX_FILE_MIB}MB
log_rotation_age = 1d
log_min_error_statement = panic
log_error_verbosity = terse
"""


def configure_logging(data: Path) -> None:
    """Have the server of that data directory log so from its next start on."""
    path, main = data / _CONFIGURATION, data / "postgresql.conf"
    if not path.exists() or path.read_text(encoding="utf-8") != _LOGGING_SETTINGS:
        path.write_text(_LOGGING_SETTINGS, encoding="utf-8")
        path.chmod(0o644)  # PostgreSQL may run as a user of its own; the folder is closed to all others
    if _INCLUDE_LINE not in main.read_text(encoding="utf-8").splitlines():
        with main.open("a", encoding="utf-8") as file:
            file.write(f"\n{_INCLUDE_LINE}\n")
    started = data / _STARTUP_LOG
    if started.exists() and started.stat().st_size > _MAX_FILE_MIB * 2**20:  # of a version before this one
        with started.open("r+b") as file:
            file.truncate()


def remove_old_logs(data: Path) -> None:
    """Remove all but the newest files."""
    for path in _files(data)[:-_FILES_KEPT]:
        path.unlink(missing_ok=True)


def last_log_lines(data: Path, count: int) -> list[str]:
    """The last lines of what was said at the start, and of the newest file."""
    found: list[str] = []
    for path in (data / _STARTUP_LOG, *_files(data)[-1:]):
        with contextlib.suppress(FileNotFoundError):
            found += path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    return found


def _files(data: Path) -> list[Path]:
    """The files, oldest first: their names are times."""
    return sorted((data / LOG_FOLDER).glob("postgresql-*.log"))
