"""Who may read what lies in the home: its owner alone, but for the way through to PostgreSQL and to the jobs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from huisuan.base.paths import home

_OTHERS = 0o077
_PASSAGE = 0o011  # others may pass through a folder, and not look into it
#: PostgreSQL's own user keeps the one; the agent opens folders of the other to the users that jobs run as
_EXCLUDED = ("pg", "agent")


def restrict_new_files() -> None:
    """What this process makes from now on is its owner's alone."""
    os.umask(_OTHERS)


def restrict_existing_files() -> list[str]:
    """Take from others what they may read or write in the home; gives what was changed, by its name within."""
    changed = []
    passage = _PASSAGE if os.geteuid() == 0 else 0  # as root PostgreSQL runs as a user of its own
    for folder, folders, names in os.walk(home()):
        here = Path(folder)
        if here == home():
            folders[:] = [name for name in folders if name not in _EXCLUDED]
        changed += [str(here.relative_to(home()))] if _restrict(here, passage if here == home() else 0) else []
        changed += [str((here / name).relative_to(home())) for name in names if _restrict(here / name, 0)]
    return changed


def _restrict(path: Path, allowed: int) -> bool:
    """Whether a file or folder was open to others and is not any more."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
        return False
    mode = stat.S_IMODE(found.st_mode)
    wanted = mode & ~_OTHERS | mode & allowed
    if wanted == mode:
        return False
    path.chmod(wanted)
    return True
