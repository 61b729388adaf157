"""What goes into the log: our own faults with a traceback, what somebody was refused in a line, and no secret."""

from __future__ import annotations

import logging
import re

#: tokens (hs_), invitations of colleagues (hsi_) and of agents (hsj_): an invitation's link holds one in its path, and
#: Django logs the path of what it refuses, be it a weak password only
_SECRET = re.compile(r"\b(hs[ij]?_)[A-Za-z0-9_-]{8,}")


class RefusalsWithoutTraceback(logging.Filter):
    """Keeps a refusal (status below 500) as one line: a traceback of a 403 hides the real ones."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes, some without their traceback."""
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = record.exc_text = None
        return True


class WithoutSecrets(logging.Filter):
    """Strikes out what is a secret of ours, wherever in a line it stands; its kind stays."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes."""
        said = record.getMessage()
        struck = _SECRET.sub(r"\1…", said)
        if struck != said:
            record.msg, record.args = struck, ()
        return True
