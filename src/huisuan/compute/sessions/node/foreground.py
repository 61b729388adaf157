"""Whether a program runs in a terminal of the session, in whichever window: JupyterLab and VS Code open terminals too.

Linux tells, of each process, its terminal and the group in that terminal's foreground (proc(5)). A terminal is at rest
where that group is the shell's own and nobody else is in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

SHELLS = frozenset(("sh", "bash", "dash", "zsh", "fish", "ksh", "mksh", "tcsh", "csh", "ash", "pwsh", "xonsh", "nu"))


def is_terminal_busy(uid: str) -> bool:
    """Whether a program runs in the foreground of a terminal that belongs to the job of that uid."""
    leaders: List[Tuple[Path, str, int, int]] = []
    members: Dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            head, _, rest = (folder / "stat").read_text(errors="replace").rpartition(")")
            group, session, terminal, foreground = map(int, rest.split()[2:6])
        except (OSError, ValueError):
            continue  # it ended meanwhile
        members[group] = members.get(group, 0) + 1
        if terminal and int(folder.name) == session and foreground > 0:
            leaders.append((folder, head.partition("(")[2], group, foreground))
    return any(
        (foreground != group or name not in SHELLS or members[group] > 1) and _belongs(folder, uid)
        for folder, name, group, foreground in leaders
    )


def _belongs(process: Path, uid: str) -> bool:
    try:
        return ("HUISUAN_JOB_UID=" + uid).encode() in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
