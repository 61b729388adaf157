"""How accounting is exported from Slurm so that nobody's text can pass for a record. Pure.

Slurm prints a job's name raw, line ends and all: in the plain form of `sacct --parsable2` a name can hold whole lines.
So the printed command makes a delimiter of 128 random bits each time it runs. A name was written before that delimiter
existed, so it cannot hold it, and what does not hold it is no record. Why so: docs/decisions/016.

It names the states, for without them sacct shows only jobs that have an Eligible time, and one that begins in the
second in which it comes in has none. RUNNING is whatever ran within [starttime, endtime), however it ended; a job that
is suspended as the export runs is in SUSPENDED alone (Slurm 20.11 to 25.05, `_state_time_string` of its MySQL plugin).
"""

from __future__ import annotations

import re
import secrets

from huisuan.base.errors import InvalidRequest

EXPORT_FIELDS = (
    "JobIDRaw,JobID,Cluster,User,Account,Partition,State,Submit,Eligible,Start,End,ElapsedRaw,Suspended,"
    "AllocTRES,ReqTRES,NNodes,NodeList,ExitCode,JobName"
)
_STATES = "RUNNING,SUSPENDED"
#: what a delimiter made by the printed command looks like; of its own file's it is the only one
DELIMITER = re.compile(r"~[0-9a-f]{32}~")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?")


def command_for(since: str, until: str) -> str:
    """The command that exports what ran from `since` to before `until`, local times, for a shell of the cluster's.

    Raises:
        InvalidRequest: not a time as Slurm reads it.
    """
    for moment in (since, until):
        if not TIME.fullmatch(moment):
            raise InvalidRequest(
                f'"{moment}" 不是时间；应如 2024-01-01 或 2024-01-31T12:00:00', code="sacct.time_malformed"
            )
    return (
        "D=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n') && \\\n"
        f'sacct --allusers --parsable2 --duplicates --state={_STATES} --delimiter="~$D~" \\\n'
        f"  --starttime={since} --endtime={until} \\\n  --format={EXPORT_FIELDS}"
    )


COMMAND = command_for("2024-01-01", "2025-01-01")


def new_delimiter() -> str:
    """A delimiter that nobody can have known before."""
    return f"~{secrets.token_hex(16)}~"


def delimiter_of(header: str) -> str | None:
    """The random delimiter of a file by its header; None where it has none, or more than one."""
    found = set(DELIMITER.findall(header))
    return found.pop() if len(found) == 1 else None
