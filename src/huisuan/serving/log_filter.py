"""What goes into the log with a traceback: our own faults, not what somebody was refused."""

from __future__ import annotations

import logging


class RefusalsWithoutTraceback(logging.Filter):
    """Keeps a refusal (status below 500) as one line: a traceback of a 403 hides the real ones."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes, some without their traceback."""
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = record.exc_text = None
        return True
